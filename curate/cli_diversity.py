"""The command `diversity`: how a finished set compares with random draws from its pool."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--column", default="prompt", show_default=True, help="The column whose texts are compared.")
@click.option("--model", default="all-MiniLM-L6-v2", show_default=True, help="Embedding model: a name or a folder.")
@click.option("--draws", type=click.IntRange(1), default=5, show_default=True, help="Random draws to set beside.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the draws.")
@click.option("--json", "as_json", is_flag=True, help="Print data instead of tables.")
def diversity(out: Path, column: str, model: str, draws: int, seed: int, as_json: bool) -> None:
    """Measure how diverse the set of OUT is, beside random draws of the same size from its pool."""
    from curate import screen
    from curate.diversity.folder import of_folder

    with screen.progress() as tell:
        found = of_folder(out, column=column, model=model, draws=draws, seed=seed, tell=tell)
    if as_json:
        click.echo(json.dumps(_plain(found), indent=1, ensure_ascii=False))
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    from rich.table import Table

    from curate.screen import console

    of = f" of {found['pool']:,}" if found["pool"] else ""
    title = f"Diversity of {found['column']}: {found['rows']:,}{of} rows, {found['model']}"
    table = Table("measure", title=title, title_justify="left")
    for name in ("set", "random, least", "greatest", "the set is") if found["pool"] else ("set",):
        table.add_column(name, justify="right")
    for row in found["metrics"]:
        beside = [_number(row["low"]), _number(row["high"]), row["band"]] if found["pool"] else []
        table.add_row(row["metric"], _number(row["value"]), *beside)
    console.print(table)
    if found["cut"]:
        console.print(f"Of {found['cut']:,} texts the model reads only the beginning.", style="yellow")
    if found["note"]:
        console.print(found["note"], style="yellow", soft_wrap=True)


def _number(value: float) -> str:
    if math.isnan(value):
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def _plain(value: Any) -> Any:
    """Replace what JSON has no word for by null."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
