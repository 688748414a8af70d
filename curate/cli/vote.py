"""The command `vote`: a page for blind votes, and what the votes say."""

from __future__ import annotations

from pathlib import Path

import click

from curate.cli import options
from curate.cli.echo import echo, echo_json
from curate.cli.options import PATH


@click.group()
def vote() -> None:
    """Let people choose between models without knowing which is which."""


@vote.command("make")
@click.argument("answers", nargs=-1, required=True, metavar="[NAME=]ANSWERS...")
@click.option(
    "--out", type=PATH, default=Path("vote.html"), show_default=True, help="The page; its key goes beside it."
)
@click.option("--question", default="Which answer is better?", show_default=True, help="What is asked.")
@click.option("--n", type=click.IntRange(1), default=50, show_default=True, help="Comparisons at most.")
@click.option("--seed", type=int, default=0, show_default=True, help="Draws prompts, samples, order and sides.")
def make_(answers: tuple[str, ...], out: Path, question: str, n: int, seed: int) -> None:
    """Write the page of a blind vote on ANSWERS, files that `curate answer` wrote, of two models or more.

    The page is one file that works without a network: send it to the voters. VOTE.key.json says which answer is whose:
    do not send it.
    """
    from curate.evaluate.vote import make
    from curate.evaluate.vote.make import key_file
    from curate.evaluate.vote.show import summary

    echo(summary(make(answers, out, question=question, n=n, seed=seed)))
    echo(f"{out}  for the voters\n{key_file(out)}  stays with you")


@vote.command("read")
@click.argument("key", type=PATH)
@click.argument("results", type=PATH, nargs=-1, required=True)
@click.option("--grades", type=PATH, metavar="COMPARISONS", help="A judge's comparisons.jsonl, to compare with.")
@options.as_json
def read_(key: Path, results: tuple[Path, ...], grades: Path | None, as_json: bool) -> None:
    """Count votes: KEY is VOTE.key.json, RESULTS what the voters' pages saved, a file a voter."""
    from curate.evaluate.vote import read
    from curate.evaluate.vote.show import tables
    from curate.report import terminal

    counts = read(key, results, grades)
    if as_json:
        return echo_json(counts)
    for table in tables(counts):
        terminal.console.print(table)
    for line in counts["notices"]:
        terminal.console.print(line, style="yellow", soft_wrap=True)
    return None


commands = (vote,)
