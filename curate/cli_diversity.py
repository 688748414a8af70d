"""The command `diversity`: how a finished set compares with random draws from its pool."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from curate.echo import echo_json


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
    from curate import screen
    from curate.diversity.folder import of_folder
    from curate.work import as_written

    with as_written(out), screen.progress() as tell:
        found = of_folder(out, column=column, model=model, draws=draws, seed=seed, with_ladder=ladder, tell=tell)
    if as_json:
        echo_json(found)
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    from curate import screen

    of = f" of {found['pool']:,}" if found["pool"] else ""
    screen.show_diversity(found["metrics"], f"{found['column']}: {found['rows']:,}{of} rows, {found['model']}")
    if found["ladder"]:
        screen.show_ladder(found["ladder"])
    if found["cut"]:
        screen.console.print(f"Of {found['cut']:,} texts the model reads only the beginning.", style="yellow")
    if found["note"]:
        screen.console.print(found["note"], style="yellow", soft_wrap=True)
