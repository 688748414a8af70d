"""The answer for a terminal: the sentences, what speaks against them, and the numbers in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curate.ablate.report.numbers import said
from curate.ablate.report.sentences import shown, signed
from curate.ablate.report.strips import interval
from curate.report.words import DASH

if TYPE_CHECKING:
    from rich.console import Group

_STYLES = {"better": "green", "worse": "red", "failed": "bold red"}


def show(results: dict[str, Any]) -> Group:
    """Put results into what `rich` prints: a table of arms and differences, the sentences, the warnings."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    found = {one["arm"]: one for one in results["differences"]}
    made = Table(title=f"grades by {results['judge'] or 'an unnamed judge'}", title_justify="left", box=None)
    heads = ("arm", "grade", "95 %", f"to {results['against']}", "95 %", "at equal length", "tokens")
    for i, name in enumerate(heads):
        made.add_column(name, justify="right" if i else "left", overflow="fold")
    for arm in results["arms"]:
        made.add_row(*(Text(cell) for cell in _cells(arm, found.get(arm["arm"]))))
    told = [Text(one["text"], style=_STYLES.get(one["verdict"], "")) for one in results["sentences"]]
    worth = [Text(said(one)) for one in results["multipliers"]]
    warned = [Text(f"! {one['text']}", style="yellow") for one in results["warnings"]]
    return Group(made, Text(), *told, *worth, *([Text(), *warned] if warned else []))


def _cells(arm: dict[str, Any], found: dict[str, Any] | None) -> list[str]:
    grade, tokens = arm["grade"], arm["tokens"]
    if grade is None:
        return [arm["arm"], *[DASH] * 6]
    level = found and found["length_controlled"]
    return [
        arm["arm"],
        shown(grade["mean"]),
        interval(grade),
        signed(found["mean"]) if found else DASH,
        interval(found),
        signed(level["mean"]) if level else DASH,
        f"{tokens['mean']:,.0f}" if tokens else DASH,
    ]
