"""The command `diversity`: how a finished set compares with random draws from its pool."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from curate.cli.echo import echo_json

if TYPE_CHECKING:
    pass


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--column", default="prompt", show_default=True, help="The column whose texts are compared.")
@click.option("--model", default="all-MiniLM-L6-v2", show_default=True, help="Embedding model: a name or a folder.")
@click.option("--draws", type=click.IntRange(1), default=5, show_default=True, help="Random draws to set beside.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the draws.")
@click.option("--ladder", is_flag=True, help="Choose as many rows at each temperature too: the curve of `farthest`.")
@click.option("--json", "as_json", is_flag=True, help="Print data instead of tables.")
def diversity(out: Path, column: str, model: str, draws: int, seed: int, ladder: bool, as_json: bool) -> None:
    """Measure how diverse the set of OUT is, beside random draws of the same size from its pool."""
    from curate.report import terminal
    from curate.report.diversity.folder import of_folder
    from curate.run.work import as_written

    with as_written(out), terminal.progress() as tell:
        found = of_folder(out, column=column, model=model, draws=draws, seed=seed, with_ladder=ladder, tell=tell)
    if as_json:
        echo_json(found)
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    from curate.report import terminal

    of = f" of {found['pool']:,}" if found["pool"] else ""
    terminal.show_diversity(found["metrics"], f"{found['column']}: {found['rows']:,}{of} rows, {found['model']}")
    if found["ladder"]:
        terminal.show_ladder(found["ladder"])
    if found["cut"]:
        terminal.console.print(f"Of {found['cut']:,} texts the model reads only the beginning.", style="yellow")
    if found["note"]:
        terminal.console.print(found["note"], style="yellow", soft_wrap=True)


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
    from curate.folders import put_alone
    from curate.pairs import shortcuts as library
    from curate.pairs.shortcuts.finding import read

    rows, bad = read(pairs)
    found = library.shortcuts(rows, seed=seed)
    if html:
        from curate.report import shortcuts_page

        put_alone(html, shortcuts_page(pairs.resolve().name, rows, found), by="shortcuts", option="--html")
    if as_json:
        echo_json({**found, "unread": len(bad)})
        return
    from curate.report import terminal

    terminal.show_shortcuts(found)
    if bad:
        said = f"{len(bad):,} records could not be read; the first: {bad[0].where}: {bad[0].error}"
        terminal.console.print(said, style="yellow", soft_wrap=True)
    if html:
        terminal.console.print(str(html), soft_wrap=True)
