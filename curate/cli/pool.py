"""The commands `diversity` and `shortcuts`: measures of a set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from curate.cli import options
from curate.cli.echo import echo_json
from curate.cli.options import PATH


@click.command()
@click.argument("out", type=PATH)
@click.option("--column", default="prompt", show_default=True, help="The column whose texts are compared.")
@click.option("--model", default="all-MiniLM-L6-v2", show_default=True, help="Embedding model: a name or a folder.")
@click.option("--vectors", help="A column that holds vectors, measured as they are; no model is asked.")
@click.option("--draws", type=click.IntRange(1), default=5, show_default=True, help="Random draws to set beside.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the draws.")
@click.option("--ladder", is_flag=True, help="Choose as many rows at each temperature too: the curve of `farthest`.")
@options.as_json
def diversity(
    out: Path, column: str, model: str, vectors: str | None, draws: int, seed: int, ladder: bool, as_json: bool
) -> None:
    """Measure how diverse the set of OUT is, beside random draws of the same size from its pool."""
    from curate.report import terminal
    from curate.report.diversity.folder import of_folder
    from curate.run.folder import as_written

    with as_written(out), terminal.progress() as tell:
        how: dict[str, Any] = {"draws": draws, "seed": seed, "with_ladder": ladder, "tell": tell}
        result = of_folder(out, column=column, model=model, vectors=vectors, **how)
    if as_json:
        return echo_json(result)
    of = f" of {result['pool']:,}" if result["pool"] else ""
    terminal.show_diversity(
        result["metrics"], f"{result['column']}: {result['rows']:,}{of} rows, {result['model'] or 'its vectors'}"
    )
    if result["ladder"]:
        terminal.show_ladder(result["ladder"])
    if result["cut"]:
        terminal.console.print(f"Of {result['cut']:,} texts the model reads only the beginning.", style="yellow")
    if result["note"]:
        terminal.console.print(result["note"], style="yellow", soft_wrap=True)
    return None


@click.command()
@click.argument("pairs", metavar="FILE_OR_OUT", type=PATH)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed that draws the prompts learnt rules are tried on."
)
@click.option("--html", type=PATH, help="Write a page with figures and some pairs to this file.")
@options.as_json
def shortcuts(pairs: Path, seed: int, html: Path | None, as_json: bool) -> None:
    """Tell what one-line rules and words alone would get right of a preference set.

    FILE_OR_OUT is an output folder, or a file of pairs: parquet, JSON lines (packed or not) or CSV, with chosen and
    rejected as texts, lists of messages or transcripts.
    """
    from curate.folders import put_alone
    from curate.pairs import shortcuts as library
    from curate.pairs.shortcuts.analysis import read

    rows, bad = read(pairs)
    result = library.shortcuts(rows, seed=seed)
    if html:
        from curate.report import shortcuts_page

        put_alone(html, shortcuts_page(pairs.resolve().name, rows, result), by="shortcuts", option="--html")
    if as_json:
        echo_json({**result, "unread": len(bad)})
        return
    from curate.report import terminal

    terminal.show_shortcuts(result)
    if bad:
        first = f"{bad[0].where}: {bad[0].error}"
        terminal.console.print(
            f"{len(bad):,} records could not be read; the first: {first}", style="yellow", soft_wrap=True
        )
    if html:
        terminal.console.print(str(html), soft_wrap=True)


commands = (diversity, shortcuts)
