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
    from curate.train.launch import wait_asleep

    wait_asleep()
    if params["gold"] and (answers or params["pairwise"]):
        raise click.UsageError("--gold is judged by itself, without ANSWERS")
    if params["pairwise"] and len(answers) != 2:
        raise click.UsageError(f"--pairwise takes two files of answers, not {len(answers)}")
    if not answers and not params["gold"]:
        raise click.UsageError("name files of answers, or --gold FILE")
    grader = named_judge(judges, name)
    claim(params["out"], "judge", ["comparisons.jsonl" if params["gold"] or params["pairwise"] else "grades.jsonl"])
    stages = Cache(params["out"] / ".stages")
    if params["gold"]:
        _gold(grader, stages, params)
    elif params["pairwise"]:
        _pairwise(answers, grader, stages, params)
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
    agreed = None if other is None else agree(grades, other)
    if params["as_json"]:
        _print({"arms": arms, "differences": differences, "agreement": agreed, "grades": str(file)})
        return _refuse_none(grades, "score")
    for table in (tables.grades_table(arms), tables.shares_table(arms), tables.differences_table(differences)):
        if table:
            terminal.console.print(table)
    lines = [*tables.turns_lines(arms), *(line for one in arms for line in tables.why_lines(one["arm"], one["why"]))]
    _end([*lines, *_agreement(agreed, params), str(file)])
    return _refuse_none(grades, "score")


def _refuse_none(rows: pl.DataFrame, column: str) -> None:
    """Raise GradesError, with the most frequent reasons, where not one row has what was asked for."""
    from curate.evaluate.grades import GradesError
    from curate.run.quarantine import frequent

    if rows.height and rows[column].null_count() == rows.height:
        raise GradesError(f"None of {rows.height:,} has a {column}: {frequent(rows['why'])}")


def _pairwise(files: Sequence[str], judge: Judge, stages: Cache, params: dict[str, Any]) -> None:
    from curate.evaluate.grades import GradesError, read_answers

    both = read_answers(files).partition_by("arm", maintain_order=True)
    if len(both) != 2:
        names = ", ".join(part["arm"][0] for part in both)
        raise GradesError(f"two are compared, and these files hold the answers of {len(both)}: {names}")
    _side_by_side(both[0], both[1], (both[0]["arm"][0], both[1]["arm"][0]), judge, stages, params)


def _gold(judge: Judge, stages: Cache, params: dict[str, Any]) -> None:
    from curate.evaluate.grades.agreement import NAMES, as_comparisons, read_gold, sides

    gold = read_gold(params["gold"])
    _side_by_side(*sides(gold), NAMES, judge, stages, params, as_comparisons(gold))


def _side_by_side(
    a: pl.DataFrame,
    b: pl.DataFrame,
    names: tuple[str, str],
    judge: Judge,
    stages: Cache,
    params: dict[str, Any],
    gold: pl.DataFrame | None = None,
) -> None:
    from curate.evaluate.grades import agree, pairwise, read_comparisons, tables
    from curate.evaluate.grades.side_by_side import pairings_of
    from curate.evaluate.grades.summary import beside
    from curate.report import terminal

    prompts, other = _prompts(params), _other(params, read_comparisons)
    if _costs(judge, pairings_of(a, b, prompts), stages, params):
        return
    with terminal.progress_of_answers() as tell:
        comparisons = pairwise(a, b, judge, stages, names=names, prompts=prompts, tell=tell)
    file = _write(comparisons, params, "comparisons.jsonl")
    summed = beside(comparisons)
    on_gold = None if gold is None else agree(comparisons, gold)
    agreed = None if other is None else agree(comparisons, other)
    if params["as_json"]:
        _print({**summed, "gold": on_gold, "agreement": agreed, "comparisons": str(file)})
        return _refuse_none(comparisons, "verdict")
    terminal.console.print(tables.beside_table(summed, gold=on_gold is not None))
    lines = [tables.beside_line(summed), *tables.why_lines("no verdict", summed["why"])]
    lines += [tables.agreement_line("gold", on_gold)] if on_gold else []
    _end([*lines, *_agreement(agreed, params), str(file)])
    return _refuse_none(comparisons, "verdict")


def _costs(judge: Judge, asked: Sequence[Case] | Sequence[Pairing], stages: Cache, params: dict[str, Any]) -> bool:
    """Say what it will cost; tell whether that was all that was wanted."""
    from curate.evaluate.grades import tables
    from curate.evaluate.grades.side_by_side import cost_of
    from curate.evaluate.grades.singly import set_up

    set_up(judge, stages)
    cost = cost_of(judge, asked)
    if params["dry_run"] and params["as_json"]:
        _print(cost)
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


def _agreement(agreed: Agreement | None, params: dict[str, Any]) -> list[str]:
    from curate.evaluate.grades import tables

    return [tables.agreement_line(str(params["agree"]), agreed)] if agreed else []


def _end(lines: Sequence[str]) -> None:
    from curate.report import terminal

    terminal.console.print("\n".join(lines), soft_wrap=True)


def _print(data: Any) -> None:
    echo_json(_plain(data))


def _plain(data: Any) -> Any:
    """Write named tuples as objects, which json writes as lists."""
    if hasattr(data, "_asdict"):
        return _plain(data._asdict())
    if isinstance(data, dict):
        return {key: _plain(value) for key, value in data.items()}
    return [_plain(value) for value in data] if isinstance(data, list | tuple) else data


commands = (judge,)
