"""The answer for a terminal: the sentences, what speaks against them, and the numbers in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curate.ablate.report.sentences import decimal, interval, signed, worth
from curate.report.words import DASH

if TYPE_CHECKING:
    from rich.console import Group

_STYLES = {"better": "green", "worse": "red", "failed": "bold red"}


def show(results: dict[str, Any]) -> Group:
    """Put results into what `rich` prints: a table of arms and differences, the sentences, the warnings."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    differences = {one["arm"]: one for one in results["differences"]}
    table = Table(title=f"grades by {results['judge'] or 'an unnamed judge'}", title_justify="left", box=None)
    heads = ("arm", "grade", "95 %", f"to {results['against']}", "95 %", "at equal length", "tokens")
    for i, name in enumerate(heads):
        table.add_column(name, justify="right" if i else "left", overflow="fold")
    for arm in results["arms"]:
        table.add_row(*map(Text, _cells(arm, differences.get(arm["arm"]))))
    lines = [Text(one["text"], style=_STYLES.get(one["verdict"], "")) for one in results["sentences"]]
    lines += [Text(worth(one)) for one in results["multipliers"]]
    warnings = [Text(f"! {one['text']}", style="yellow") for one in results["warnings"]]
    return Group(table, Text(), *lines, *([Text(), *warnings] if warnings else []))


def _cells(arm: dict[str, Any], difference: dict[str, Any] | None) -> list[str]:
    grade, tokens = arm["grade"], arm["tokens"]
    if grade is None:
        return [arm["arm"], *[DASH] * 6]
    level = difference and difference["length_controlled"]
    return [
        arm["arm"],
        decimal(grade["mean"]),
        interval(grade),
        signed(difference["mean"]) if difference else DASH,
        interval(difference),
        signed(level["mean"]) if level else DASH,
        f"{tokens['mean']:,.0f}" if tokens else DASH,
    ]
