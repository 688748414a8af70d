"""The command `view`: the rows of a finished folder in a viewer of tables and maps."""

from __future__ import annotations

import shlex
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import click

from curate.cli.echo import echo
from curate.cli.options import PATH


@click.command()
@click.argument("out", type=PATH)
@click.argument("more", metavar="[-- OPTION...]", nargs=-1, type=click.UNPROCESSED)
@click.option("-n", "--rows", type=click.IntRange(1), default=20_000, show_default=True, help="How many, at most.")
@click.option("--file-only", is_flag=True, help="Write the file of rows, and start nothing.")
def view(out: Path, more: tuple[str, ...], rows: int, file_only: bool) -> None:
    """Look at the rows of OUT, kept and dropped, in the viewer embedding-atlas: map, search, sliders, table.

    They are written into OUT/view.parquet: what the ledger says of each, its texts, its place on a map of prompts. The
    viewer runs on this machine alone, until it is stopped. What stands after -- is for the viewer.
    """
    from curate.report import terminal
    from curate.run import view

    with terminal.progress() as tell:
        result = view.write(out, rows, tell)
    for note in result.notes:
        echo(f"{note}.", err=True, fg="yellow")
    echo(f"{result.file}  {result.rows:,} rows")
    if file_only:
        return
    command = view.command(result, more)
    echo(shlex.join(command))
    with suppress(KeyboardInterrupt):  # which is how it is stopped
        sys.exit(subprocess.run(command).returncode)  # noqa: S603  found on PATH by its name, no shell


commands = (view,)
