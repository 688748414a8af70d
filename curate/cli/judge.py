"""The command `judge`: grades of answers, one by one or side by side, and how far graders agree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from curate.cli import options
from curate.cli.echo import echo, echo_json
from curate.cli.options import FOLDER, PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl
    from rich.table import Table

    from curate.cache import Cache
    from curate.evaluate.grades import Agreement
    from curate.models.judges import Case, Judge, Pairing


@click.command()
@click.argument("answers", nargs=-1, metavar="ANSWERS...")
@options.judges
@click.option("--judge", "name", metavar="NAME", help="One of the file; without a file, `rules` or `module:function`.")
@click.option("--pairwise", is_flag=True, help="Compare two files of answers, each pair in both orders.")
@click.option("--gold", type=PATH, metavar="FILE", help="Measure the judge on pairs of which the better one is known.")
@click.option("--agree", type=PATH, metavar="FILE", help="Grades or comparisons of another grader, to agree with.")
@click.option("--prompts", type=PATH, metavar="FILE_OR_OUT", help="What stood before answers that do not say it.")
@click.option(
    "--out",
    type=FOLDER,
    default=Path("out/judged"),
    show_default=True,
    help="Folder for grades, and what the judge said.",
)
@click.option("--dry-run", is_flag=True, help="Only say what it would cost.")
@options.as_json
def judge(answers: tuple[str, ...], judges: Path | None, name: str | None, **params: Any) -> None:
    """Grade ANSWERS by a judge, or compare those of two models.

    ANSWERS are files that `curate answer` writes, or lines of `prompt` and `response`; NAME=FILE says whose they are.
    Dialogues are graded turn by turn. OUT gets grades.jsonl or comparisons.jsonl. What a judge was asked is kept there:
    the same command asks nothing twice. What cannot be graded is counted, with the reason why.
    """
    from curate.cache import Cache
    from curate.folders import claim
    from curate.recipe.load import named_judge

    if params["gold"] and (answers or params["pairwise"]):
        raise click.UsageError("--gold is judged by itself, without ANSWERS")
    if params["pairwise"] and len(answers) != 2:
        raise click.UsageError(f"--pairwise takes two files of answers, not {len(answers)}")
    if not answers and not params["gold"]:
        raise click.UsageError("name files of answers, or --gold FILE")
    grader = named_judge(judges, name)
    claim(params["out"], "judge", ["comparisons.jsonl" if params["gold"] or params["pairwise"] else "grades.jsonl"])
    stages = Cache(params["out"] / ".stages")
    if params["gold"] or params["pairwise"]:
        _compare(answers, grader, stages, params)
    elif grader.compare:
        raise click.UsageError(f"{grader.name} compares two answers and grades none: --pairwise A B, or --gold FILE")
    else:
        _grade(answers, grader, stages, params)


def _grade(files: Sequence[str], judge: Judge, stages: Cache, params: dict[str, Any]) -> None:
    import polars as pl

    from curate.evaluate import statistics
    from curate.evaluate.grades import agree, grade, read_answers, read_grades, tables
    from curate.evaluate.grades.singly import cases_of
    from curate.evaluate.grades.summary import summary
    from curate.report import terminal

    answers, prompts, other = read_answers(files), _prompts(params), _other(params, read_grades)
    if _costs(judge, cases_of(answers, prompts), stages, params):
        return
    with terminal.progress_of_answers() as tell:
        grades = grade(answers, prompts, judge, stages, tell=tell)
    file = _write(grades, params, "grades.jsonl")
    arms = summary(grades, list(judge.describe().get("values", ())))
    graded = list(dict.fromkeys(one["arm"] for one in arms if one["grade"]))
    differences = statistics.compare(grades.filter(pl.col("arm").is_in(graded)), graded[0]) if len(graded) > 1 else []
    agreement = None if other is None else agree(grades, other)
    if params["as_json"]:
        echo_json(_plain({"arms": arms, "differences": differences, "agreement": agreement, "grades": str(file)}))
    else:
        parts = [tables.grades_table(arms), tables.shares_table(arms), tables.differences_table(differences)]
        lines = [
            *tables.turns_lines(arms),
            *(line for one in arms for line in tables.why_lines(one["arm"], one["why"])),
        ]
        _show(parts, [*lines, *_agreement(str(params["agree"]), agreement), str(file)])
    _refuse_none(grades, "score")


def _compare(files: Sequence[str], judge: Judge, stages: Cache, params: dict[str, Any]) -> None:
    from curate.evaluate.grades import GradesError, agree, pairwise, read_answers, read_comparisons, tables
    from curate.evaluate.grades.agreement import NAMES, as_comparisons, read_gold, sides
    from curate.evaluate.grades.side_by_side import pairings_of
    from curate.evaluate.grades.summary import beside
    from curate.report import terminal

    gold = read_gold(params["gold"]) if params["gold"] else None
    arms = read_answers(files).partition_by("arm", maintain_order=True) if gold is None else list(sides(gold))
    names = [arm["arm"][0] for arm in arms] if gold is None else list(NAMES)
    if len(arms) != 2:
        raise GradesError(
            f"two are compared, and these files hold the answers of {len(arms)}: {', '.join(map(str, names))}"
        )
    prompts, other = _prompts(params), _other(params, read_comparisons)
    if _costs(judge, pairings_of(arms[0], arms[1], prompts), stages, params):
        return
    with terminal.progress_of_answers() as tell:
        rows = pairwise(arms[0], arms[1], judge, stages, names=(names[0], names[1]), prompts=prompts, tell=tell)
    file = _write(rows, params, "comparisons.jsonl")
    result = beside(rows)
    on_gold = None if gold is None else agree(rows, as_comparisons(gold))
    agreement = None if other is None else agree(rows, other)
    if params["as_json"]:
        echo_json(_plain({**result, "gold": on_gold, "agreement": agreement, "comparisons": str(file)}))
    else:
        lines = [tables.beside_line(result), *tables.why_lines("no verdict", result["why"])]
        lines += [*_agreement("gold", on_gold), *_agreement(str(params["agree"]), agreement), str(file)]
        _show([tables.beside_table(result, gold=on_gold is not None)], lines)
    _refuse_none(rows, "verdict")


def _refuse_none(rows: pl.DataFrame, column: str) -> None:
    """Raise GradesError, with the most frequent reasons, where not one row has what was asked for."""
    from curate.evaluate.grades import GradesError
    from curate.run.quarantine import frequent

    if rows.height and rows[column].null_count() == rows.height:
        raise GradesError(f"None of {rows.height:,} has a {column}: {frequent(rows['why'])}")


def _costs(judge: Judge, questions: Sequence[Case] | Sequence[Pairing], stages: Cache, params: dict[str, Any]) -> bool:
    """Say what it will cost; tell whether that is all."""
    from curate.evaluate.grades import tables
    from curate.evaluate.grades.side_by_side import cost_of
    from curate.evaluate.grades.singly import set_up

    set_up(judge, stages)
    cost = cost_of(judge, questions)
    if params["dry_run"] and params["as_json"]:
        echo_json(_plain(cost))
    else:
        echo(tables.cost_line(cost), err=not params["dry_run"])
    return bool(params["dry_run"])


def _prompts(params: dict[str, Any]) -> pl.DataFrame | None:
    from curate.evaluate.prompts import read_prompts

    return read_prompts(params["prompts"]) if params["prompts"] else None


def _write(rows: pl.DataFrame, params: dict[str, Any], name: str) -> Path:
    from curate.evaluate.grades import write_lines
    from curate.folders import put

    put(params["out"], "judge", name, lambda to: write_lines(rows, to))
    return Path(params["out"]) / name


def _other(params: dict[str, Any], read: Callable[[Path], pl.DataFrame]) -> pl.DataFrame | None:
    """Read what another grader said, before anything is asked or written: it may stand where the own file will."""
    return read(params["agree"]) if params["agree"] else None


def _agreement(name: str, agreement: Agreement | None) -> list[str]:
    from curate.evaluate.grades import tables

    return [tables.agreement_line(name, agreement)] if agreement else []


def _show(tables: Sequence[Table | None], lines: Sequence[str]) -> None:
    from curate.report import terminal

    for table in tables:
        if table:
            terminal.console.print(table)
    terminal.console.print("\n".join(lines), soft_wrap=True)


def _plain(data: Any) -> Any:
    """Write named tuples as objects, which json writes as lists."""
    if hasattr(data, "_asdict"):
        return _plain(data._asdict())
    if isinstance(data, dict):
        return {key: _plain(value) for key, value in data.items()}
    return [_plain(value) for value in data] if isinstance(data, list | tuple) else data


commands = (judge,)
