"""The command `cache`: what is kept so that it need not be made again, and how to let go of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from curate.cli.echo import echo, echo_json, size_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curate.cache import Item

_STAGES = ".stages"


@click.command()
@click.argument("folders", nargs=-1, metavar="[FOLDER]...", type=click.Path(path_type=Path))
@click.option("--prune", "days", type=click.FloatRange(0), metavar="DAYS", help="Remove what was not used so long.")
@click.option("--json", "as_json", is_flag=True, help="Print data instead of a table.")
def cache(folders: tuple[Path, ...], days: float | None, as_json: bool) -> None:
    """Show what is kept and its size, and remove what is old.

    FOLDER is a folder of outputs, or the cache folder of one, such as out/.stages. By default these are out/.stages and
    the cache of this user, which holds vectors and converted models. All of it can be made again, except for answers of
    models, which are never removed here.
    """
    from curate import cache as library

    places = [_place(folder) for folder in folders] or [Path("out") / _STAGES, library.home()]
    entries = {str(place): library.items(place) for place in places}
    removed = {str(place): library.prune(place, days) for place in places} if days is not None else {}
    if as_json:
        return echo_json({"kept": _data(entries), "removed": _data(removed)})
    for place, things in entries.items():
        _show(place, [one for one in things if one not in removed.get(place, [])])
    for place, things in removed.items():
        echo(f"Removed from {place}: {len(things):,}, {size_of(sum(one.bytes for one in things))}.")
    return None


def _place(folder: Path) -> Path:
    """Find the cache folder that a person means: this one, the one in it, or the one beside it."""
    for place in (folder / _STAGES, folder.parent / _STAGES):
        if folder.name != _STAGES and place.is_dir():
            return place
    if not folder.is_dir():
        raise click.UsageError(f"There is no folder {folder}.")
    return folder


def _data(things: dict[str, list[Item]]) -> dict[str, list[dict[str, object]]]:
    return {place: [one._asdict() | {"folder": str(one.folder)} for one in each] for place, each in things.items()}


def _show(place: str, things: Sequence[Item]) -> None:
    from rich.table import Table

    from curate.report import terminal

    table = Table("kind", "entries", "size", "last used", title=place, title_justify="left")
    for kind in sorted({one.kind for one in things}):
        of_kind = [one for one in things if one.kind == kind]
        ago = (time.time() - max(one.used for one in of_kind)) / 86_400
        used = "today" if ago < 1 else f"{ago:,.0f} days ago"
        table.add_row(kind, f"{len(of_kind):,}", size_of(sum(one.bytes for one in of_kind)), used)
    if things:
        terminal.console.print(table)
    else:
        echo(f"{place}: nothing is kept.")


commands = (cache,)
