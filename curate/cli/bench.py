"""The command `bench-model`: tasks of lm-eval before and after a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from curate.cli import options
from curate.cli.echo import echo, echo_json
from curate.cli.options import FOLDER

_PAIR = "KEY=VALUE"


@click.command("bench-model")
@click.argument("before")
@click.argument("after", nargs=-1)
@click.option("--tasks", required=True, metavar="TASK,...", help="Tasks of lm-eval, as ifeval,leaderboard_bbh.")
@click.option("--limit", type=float, help="Only so many prompts of each task, to try it out.")
@click.option("--include-path", type=FOLDER, help="A folder with tasks of your own, as lm-eval takes them.")
@click.option("--backend", type=click.Choice(["hf", "vllm"]), default="hf", show_default=True, help="lm-eval's model.")
@click.option(
    "--model-args", multiple=True, metavar=_PAIR, help="An argument of lm-eval's model, as dtype=float32; repeat."
)
@click.option("--option", multiple=True, metavar="NAME[=VALUE]", help="An option of lm-eval, as num_fewshot=5; repeat.")
@click.option("--measure", multiple=True, help="The measure that stands for a task that has it, as acc; repeat.")
@click.option("--out", type=FOLDER, default=Path("out/bench"), show_default=True, help="Folder for the table and logs.")
@options.as_json
def bench_model(before: str, after: tuple[str, ...], tasks: str, out: Path, as_json: bool, **params: Any) -> None:
    """Compare a model BEFORE with what became of it, AFTER, at tasks of lm-eval, with and without IFEval.

    A model is a folder, a name, or a training's folder. What was run is kept beside OUT: no model is asked twice.
    Chat models want `--option apply_chat_template`.
    """
    from curate.evaluate.bench.bench import bench, tables
    from curate.evaluate.bench.lm_eval import Settings
    from curate.report import terminal

    settings = Settings(
        backend=params["backend"],
        model_args={name: value or "" for name, value in _pairs(params["model_args"]).items()},
        limit=params["limit"],
        include_path=params["include_path"],
        options=_pairs(params["option"]),
    )
    names = [name.strip() for name in tasks.split(",") if name.strip()]
    tell = None if as_json else lambda what: echo(f"lm-eval: {what}", err=True)
    result = bench(before, after, names, out, settings=settings, measures=params["measure"], tell=tell)
    if as_json:
        return echo_json(result)
    for table in tables(result):
        terminal.console.print(table)
    for line in result["notices"]:
        terminal.console.print(line, style="yellow", soft_wrap=True)
    return echo(out / "bench.json")


def _pairs(assignments: tuple[str, ...]) -> dict[str, str | None]:
    """Split assignments; without a value it is a flag."""
    split = (text.removeprefix("--").partition("=") for text in assignments)
    return {name: value if equals else None for name, equals, value in split}


commands = (bench_model,)
