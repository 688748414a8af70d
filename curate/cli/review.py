"""The command `review`: a person decides about rows of a finished folder, in the terminal or on a page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from curate.cli.echo import echo
from curate.cli.options import PATH

if TYPE_CHECKING:
    from curate.run.inputs import Rows

_KEYS = {"a": "accept", "r": "reject", "s": "skip"}
_WORDS = {"accept": "accepted", "reject": "rejected", "skip": "skipped"}


@click.command()
@click.argument("out", type=PATH)
@click.option("-n", "--rows", type=click.IntRange(1), default=20, show_default=True, help="How many, at most.")
@click.option("--dropped", metavar="STEP", help="Rows that this step dropped, in place of near misses.")
@click.option("--kept", is_flag=True, help="Rows of the set, drawn by their ids.")
@click.option("--accept", type=PATH, metavar="FILE", help="Accept all rows of a list, as `curate view` exports one.")
@click.option("--reject", type=PATH, metavar="FILE", help="Reject all rows of such a list.")
@click.option("--to", type=PATH, help="File of decisions, added to.  [default: NAME.review.jsonl beside OUT]")
@click.option("--by", metavar="NAME", help="Who decides.  [default: the user of this machine; a page asks]")
@click.option("--page", type=PATH, metavar="FILE", help="Write a page for a browser, and ask nothing here.")
def review(
    out: Path,
    rows: int,
    dropped: str | None,
    kept: bool,
    accept: Path | None,
    reject: Path | None,
    to: Path | None,
    by: str | None,
    page: Path | None,
) -> None:
    """Decide by hand about rows of OUT: those that failed one step only, and that by the least.

    One row after the other is shown with the evidence marked, and accepted, rejected or skipped by a key. Each decision
    goes at once into a file that a recipe reads as `overrides`; rows that are decided already are left out. With
    --accept or --reject nothing is asked: that is decided about each row of a file with ids.
    """
    from curate.folders import put_alone
    from curate.report.words import plural
    from curate.run import review
    from curate.run.folder import as_written

    if sum(map(bool, (dropped, kept, accept, reject))) > 1:
        raise click.UsageError(
            "--dropped, --kept, --accept and --reject each choose rows in a way of their own: give one of them"
        )
    file = to or review.decisions_file(out)
    if selection := accept or reject:
        decision = "accept" if accept else "reject"
        with as_written(out):
            count = review.decide_about(out, file, selection, decision, by or _user())
        echo(f"{plural(count, 'row')} {_WORDS[decision]}.")
        return _end(file)
    if not page and not _on_terminal():
        raise click.UsageError("here is no terminal that could ask: --page FILE writes a page for a browser")
    with as_written(out):
        result = review.undecided(out, rows, review.decided(file), dropped=dropped, kept=kept)
        text = review.page(out, result, by or "") if page else ""
    if not result.rows:
        return echo("No such row is left to decide about; --dropped STEP and --kept show others.")
    if page:
        put_alone(page, text, by="review", option="--page")
        return echo(f"{page}  {plural(len(result.rows), 'row')} to decide about; it saves the file of decisions")
    past = _walk(result, file, by or _user())
    counts = ", ".join(f"{past.count(key)} {word}" for key, word in _WORDS.items())
    echo(f"{counts}; {len(result.rows) - len(past)} of {len(result.rows)} not looked at.")
    return _end(file)


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container a user may have no name
        return ""


def _walk(rows: Rows, file: Path, by: str) -> list[str]:
    """Show one row after the other, and write down what is decided; return the decisions in their order."""
    from curate.report import terminal
    from curate.run.review import decide, take_back

    past: list[tuple[str, str]] = []  # each decision, and its line in the file
    note = ""
    while len(past) < len(rows.rows):
        row = rows.rows[len(past)]
        click.clear()
        terminal.show_rows([row], rows.notes)
        echo(f"{len(past) + 1} of {len(rows.rows)}   a accept   r reject   s skip   u undo   n note   q quit")
        if note:
            echo(f"note: {note}")
        key = _key()
        if key in _KEYS:
            line = decide(file, row["id"], _KEYS[key], by, note) if key != "s" else ""
            past.append((_KEYS[key], line))
            note = ""
        elif key == "u" and past:
            if line := past.pop()[1]:
                take_back(file, line)
        elif key == "n":
            note = click.prompt("note", default="", show_default=False)
        elif key == "q":
            break
    return [decision for decision, _ in past]


def _key() -> str:
    try:
        return click.getchar().lower() or "q"
    except (EOFError, KeyboardInterrupt):  # what was decided is written
        return "q"


def _end(file: Path) -> None:
    from curate.run.review import decided

    if decisions := decided(file):
        echo(f"The file holds {len(decisions.accepted)} accepted, {len(decisions.rejected)} rejected. In the recipe:")
        echo(f"overrides: {file}")


commands = (review,)
