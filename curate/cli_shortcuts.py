"""The command `shortcuts`: what simple rules alone would get right of a preference set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from curate.echo import echo_json

if TYPE_CHECKING:
    import polars as pl

    from curate.shortcuts import Shortcuts

_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("pairs", metavar="FILE_OR_OUT", type=_FILE)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed that draws the prompts learnt rules are tried on."
)
@click.option("--html", type=_FILE, help="Write a page with figures and some pairs to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print data instead of tables.")
def shortcuts(pairs: Path, seed: int, html: Path | None, as_json: bool) -> None:
    """Tell what one-line rules and words alone would get right of a preference set.

    FILE_OR_OUT is an output folder, or a file of pairs: parquet, JSON lines (packed or not) or CSV, with chosen and
    rejected as texts, lists of messages or transcripts.
    """
    from curate import shortcuts as library
    from curate.ownership import put_alone
    from curate.shortcuts.reading import read

    rows, bad = read(pairs)
    found = library.shortcuts(rows, seed=seed)
    if html:
        put_alone(html, _page(rows, found, pairs), by="shortcuts", option="--html")
    if as_json:
        echo_json({**found, "unread": len(bad)})
        return
    from curate import screen

    screen.show_shortcuts(found)
    if bad:
        said = f"{len(bad):,} records could not be read; the first: {bad[0].where}: {bad[0].error}"
        screen.console.print(said, style="yellow", soft_wrap=True)
    if html:
        screen.console.print(str(html), soft_wrap=True)


def _page(rows: pl.DataFrame, found: Shortcuts, of: Path) -> str:
    """Write the page: the same sections as in a run's report."""
    from curate.report.html import el
    from curate.report.page import page
    from curate.report.pairs import pairs
    from curate.report.shortcuts import shortcuts
    from curate.rows import with_ids

    # As manifest.json has it: a tuple becomes a list.
    manifest = json.loads(json.dumps({"shortcuts": found}))
    name = of.resolve().name
    head = el("header", el("p", "curate shortcuts", class_="kicker"), el("h1", name))
    sections = [
        ("shortcuts", "Shortcuts", shortcuts(manifest)),
        ("pairs", "Pairs", pairs(rows if "id" in rows.columns else with_ids(rows), manifest)),
    ]
    there = [(anchor, title, part) for anchor, title, part in sections if part is not None]
    return page(f"{name}: shortcuts", head, there, "This page loads nothing from anywhere.")
