"""What the command prints without a table: every line of it passes here, with what would act on a terminal shown."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import click

from curate.errors import as_json as to_json
from curate.errors import escape_json, visible
from curate.models.settings import mask


def echo(message: object = "", *, err: bool = False, fg: str | None = None) -> None:
    """Print a line to standard output, or to standard error."""
    click.secho(visible(message), err=err, fg=fg)


def stop(message: str, code: int = 2, *, as_json: bool = False) -> NoReturn:
    """Say on standard error what went wrong, without any secret, and end with this exit code."""
    if as_json:
        click.echo(to_json({"error": mask(message), "exit_code": code}), err=True)
    else:
        echo(mask(message), err=True, fg="red")
    sys.exit(code)


def echo_json(data: Any) -> None:
    """Print data as JSON."""
    click.echo(to_json(data))


def echo_lines(lines: str) -> None:
    """Print JSON lines as they stand in a file."""
    click.echo(escape_json(lines), nl=False)


def size_of(count: float) -> str:
    """Write a number of bytes as a person reads it.

    >>> size_of(0), size_of(2048), size_of(3 * 2**30)
    ('0 B', '2.0 KB', '3.0 GB')
    """
    units = ["B", "KB", "MB", "GB", "TB"]
    while count >= 1024 and len(units) > 1:
        count, units = count / 1024, units[1:]
    return f"{count:.1f} {units[0]}" if units[0] != "B" else f"{count:.0f} B"
