"""The commands `answer` and `choose`: what a trained model says, and which of its epochs says it best."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from curate.cli import options
from curate.cli.echo import echo, echo_json, echo_lines
from curate.cli.options import FOLDER, PATH

if TYPE_CHECKING:
    import polars as pl

_OPTIONS = (
    click.option(
        "--prompts",
        type=PATH,
        metavar="FILE_OR_OUT",
        help="An output folder (its dev prompts), or a file.  [default: dev prompts of the set trained on]",
    ),
    click.option(
        "--backend", type=click.Choice(["vllm", "transformers"]), help="[default: vllm where it is installed]"
    ),
    click.option("--engine", multiple=True, metavar="KEY=VALUE", help="An argument of the engine; repeat."),
    click.option("--sampling", multiple=True, metavar="KEY=VALUE", help="The engine's setting, over LIMA's; repeat."),
    click.option("--samples", type=click.IntRange(1), default=1, show_default=True, help="Answers a prompt."),
    click.option("--limit", type=click.IntRange(1), help="Take only the first prompts."),
    click.option("--seed", type=int, default=0, show_default=True, help="Seed of the answers."),
    click.option("--json", "as_json", is_flag=True, help="Print data instead of a summary."),
)
# Of 8 answers of a SmolLM2 trained on 64 rows one ended within 600 tokens with LIMA's 1.2, five within 500 with 1.05.
_PENALTY = (
    "The repetition penalty counts the prompt's tokens too, the one that ends a turn among them: a lower one lets "
    "answers end, as --sampling repetition_penalty=1.05"
)


def _options(command: Callable[..., None]) -> Callable[..., None]:
    return reduce(lambda inner, option: option(inner), reversed(_OPTIONS), command)


@click.command()
@click.argument("model", metavar="MODEL_OR_TRAIN_OUT")
@click.option("--checkpoints", is_flag=True, help="Answer with every checkpoint of the training folder.")
@click.option("--dialogues", type=PATH, metavar="FILE", help="User's turns; each is said after the model's last.")
@click.option("--out", type=FOLDER, help="Folder for answers.jsonl.")
@_options
def answer(model: str, checkpoints: bool, dialogues: Path | None, out: Path | None, **params: Any) -> None:
    """Answer prompts with a model, a training's last model, or each of its checkpoints.

    Decoding is LIMA's (temperature 0.7, top_p 0.9, repetition penalty 1.2, at most 2,048 tokens) unless set. What was
    answered is kept: the same command asks nothing twice. Answers go into TRAIN_OUT, or out/answers/MODEL.

    --dialogues takes lines of `turns`, the user's side of a dialogue; the model answers them one after the other, each
    with its own earlier answers before it. Prompts are then asked only where --prompts names them.
    """
    import polars as pl

    from curate.evaluate.answers import answers
    from curate.evaluate.trained import is_training, open_training
    from curate.folders import claim
    from curate.report import terminal

    trained = Path(model) if checkpoints or is_training(Path(model)) else None
    folder = out or trained or Path("out") / "answers" / Path(model).name
    rows = _rows(dialogues, trained, params)
    claim(folder, "answer", ["answers.jsonl"])
    settings = _settings(params)
    with terminal.progress_of_answers() as tell:
        each = open_training(trained).checkpoints() if trained and checkpoints else [None]
        parts = [
            answers(model, part, checkpoint=checkpoint, journal=folder / ".stages" / "answers", tell=tell, **settings)
            for checkpoint in each
            for part in rows
        ]
    file = _write(pl.concat(parts), folder)
    if params["as_json"]:
        echo_lines(file.read_text(encoding="utf-8"))
    else:
        for part in parts:
            echo(_summary(part))
        if "repetition_penalty" not in settings["sampling"] and any(_endless(part) for part in parts):
            echo(_PENALTY)
        echo(file)
    _refuse_none(pl.concat(parts))


def _refuse_none(answers: pl.DataFrame) -> None:
    """Raise AnswerError, with the most frequent reasons, where there is not one answer."""
    from curate.evaluate.answers import AnswerError
    from curate.run.quarantine import frequent

    reasons = answers["failed"]
    if len(reasons) and not reasons.null_count():
        raise AnswerError(f"All {len(reasons):,} answers failed: {frequent(reasons)}")


@click.command()
@click.argument("train_out", type=PATH)
@options.judges
@click.option("--judge", metavar="NAME", help="Which judge of the file; without one, `rules` or `my_module:my_score`.")
@click.option("--epochs", default="5-10", show_default=True, metavar="FIRST-LAST", help="The epochs to choose from.")
@click.option("--merge", "merged", is_flag=True, help="Write TRAIN_OUT/chosen, a whole model of a chosen adapter.")
@_options
def choose(train_out: Path, judges: Path | None, judge: str | None, epochs: str, merged: bool, **params: Any) -> None:
    """Choose among the epochs of a training by a judge's grades of their answers to dev prompts.

    Perplexity does not follow the quality of answers (LIMA), so checkpoints are asked and graded. TRAIN_OUT gets
    choice.json, grades.jsonl, and the grades beside the held-out loss in its plots and page.
    """
    from curate.evaluate.epochs import choose as library
    from curate.recipe.load import named_judge
    from curate.report import terminal

    first, last = _epochs(epochs)
    grader = named_judge(judges, judge)
    prompts = _prompts(params["prompts"], train_out)
    with terminal.progress_of_answers() as tell:
        settings = _settings(params) | {"limit": params["limit"], "merged": merged, "tell": tell}
        choice = library(train_out, prompts, grader, first_epoch=first, last_epoch=last, **settings)
    if params["as_json"]:
        return echo_json(choice)
    return _show(choice, train_out)


commands = (answer, choose)


def _prompts(named: Path | None, trained: Path | None) -> Path:
    """Take the prompts that were named, or those held out of the set that was trained on, or of the one before it."""
    from curate.evaluate.prompts import held_out
    from curate.evaluate.trained import open_training

    if named:
        return named
    if trained is None:
        raise click.UsageError("name the prompts: --prompts FILE_OR_OUT")
    training = last = open_training(trained)
    while not held_out(training.data) and training.before:
        training = training.before
    return held_out(training.data) or last.data


def _rows(dialogues: Path | None, trained: Path | None, params: dict[str, Any]) -> list[pl.DataFrame]:
    """Read what is asked: prompts, dialogues, or both."""
    from curate.evaluate.prompts import read_dialogues, read_prompts

    rows = []
    if params["prompts"] or not dialogues:
        rows.append(read_prompts(_prompts(params["prompts"], trained), params["limit"]))
    if dialogues:
        rows.append(read_dialogues(dialogues, params["limit"]))
    return rows


def _settings(params: dict[str, Any]) -> dict[str, Any]:
    of_engine = {name: options.settings(name, params[name]) for name in ("engine", "sampling")}
    return {name: params[name] for name in ("backend", "samples", "seed")} | of_engine


def _epochs(text: str) -> tuple[float, float]:
    first, dash, last = text.partition("-")
    try:
        return float(first), float(last if dash else first)
    except ValueError:
        raise click.UsageError(f"--epochs takes FIRST-LAST, such as 5-10, not {text!r}") from None


def _write(answers: pl.DataFrame, folder: Path) -> Path:
    from curate.evaluate.grades.files import with_lean_turns
    from curate.folders import put_text

    lines = (json.dumps(with_lean_turns(row), ensure_ascii=False) for row in answers.iter_rows(named=True))
    return put_text(folder, "answer", "answers.jsonl", "".join(f"{line}\n" for line in lines))


def _summary(answers: pl.DataFrame) -> str:
    ended = answers.filter(answers["finish_reason"] == "stop").height
    cut, failed = answers.filter(answers["finish_reason"] == "length").height, answers["failed"].drop_nulls()
    parts = [
        f"{answers.height:,} answers: {ended:,} ended their turn, {cut:,} ran into the limit",
        f"{answers['tokens'].sum() / (ended + cut):.0f} tokens on average" if ended + cut else "",
        f"{len(failed):,} failed: {failed[0]}" if len(failed) else "",
    ]
    name = answers["checkpoint"][0]
    head = f"{name}, epoch {answers['epoch'][0]:g}: " if name else ""
    return head + "; ".join(filter(None, parts))


def _endless(answers: pl.DataFrame) -> bool:
    """Tell whether more than a few answers ran into the limit."""
    return answers.filter(answers["finish_reason"] == "length").height > answers.height / 4


def _show(choice: dict[str, Any], folder: Path) -> None:
    from rich.table import Table

    from curate.report import terminal

    table = Table("checkpoint", "epoch", "grade", "95 % interval", "prompts", "tokens", "cut", title="Grades")
    for row in choice["grades"]:
        ends = [row["low"], row["high"]]
        span = "–" if None in ends else " to ".join(f"{end:.2f}" for end in ends)
        cells = [row["checkpoint"], f"{row['epoch']:g}", f"{row['grade']:.2f}", span, str(row["prompts"])]
        bold = "bold" if row["checkpoint"] == choice["chosen"] else None
        table.add_row(*cells, f"{row['tokens'] or 0:.0f}", str(row["cut"]), style=bold)
    terminal.console.print(table)
    ungraded = sum(row["failed"] + row["ungraded"] for row in choice["grades"])
    lines = [
        f"{choice['said']}.",
        f"{ungraded:,} answers have no grade; grades.jsonl says why." if ungraded else "",
        f"model: {choice['model'] or 'not merged; --merge writes it into ' + str(folder / 'chosen')}",
        *(str(folder / name) for name in ("choice.json", "plots/evaluation.svg", "training.html")),
    ]
    terminal.console.print("\n".join(filter(None, lines)), soft_wrap=True)
