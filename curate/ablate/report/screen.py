"""The answer for a terminal: the sentences, what speaks against them, and the numbers in two tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from curate.ablate.report.sentences import decimal, family, interval, signed, worth
from curate.report.words import DASH

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table

_STYLES = {"better": "green", "worse": "red", "failed": "bold red"}


def show(results: dict[str, Any]) -> Group:
    """Put results into what `rich` prints: tables of arms and differences, the sentences, the warnings."""
    from rich.console import Group
    from rich.text import Text

    arms = _table(f"grades by {results['judge'] or 'an unnamed judge'}", ("arm", "grade", "95 %", "tokens"))
    for arm in results["arms"]:
        arms.add_row(*map(Text, _arm(arm)))
    heads = ("arm", "compared with", "difference", "95 %", "at equal length")
    differences = _table("differences, paired by prompt", heads, left=2)
    for one in results["differences"]:
        level = one["length_controlled"]
        cells = signed(one["mean"]), interval(one), signed(level["mean"]) if level else DASH
        differences.add_row(*map(Text, (one["arm"], one["against"], *cells)))
    asked = family(results)
    lines = [Text(one["text"], style=_STYLES.get(one["verdict"], "")) for one in results["sentences"]]
    lines += [Text(worth(one)) for one in results["multipliers"]]
    warnings = [Text(f"! {one['text']}", style="yellow") for one in results["warnings"]]
    parts: list[RenderableType] = [arms]
    if results["differences"]:
        parts += [Text(), differences]
    parts.append(Text())
    parts += [*([Text(f"{asked}.")] if asked else []), *lines]
    return Group(*parts, *([Text(), *warnings] if warnings else []))


def _table(title: str, heads: Sequence[str], left: int = 1) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None)
    for i, name in enumerate(heads):
        table.add_column(name, justify="right" if i >= left else "left", overflow="fold")
    return table


def _arm(arm: dict[str, Any]) -> list[str]:
    grade, tokens = arm["grade"], arm["tokens"]
    if grade is None:
        return [arm["arm"], *[DASH] * 3]
    return [arm["arm"], decimal(grade["mean"]), interval(grade), f"{tokens['mean']:,.0f}" if tokens else DASH]
