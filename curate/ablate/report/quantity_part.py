"""The part of the page about quantity: grade against rows on a log axis, as LIMA's figure 6 has it."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

from curate.ablate.report.numbers import said
from curate.ablate.report.sentences import shown
from curate.ablate.report.strips import interval
from curate.report.html import Html, el, join, number, table
from curate.report.lines import spell, ticks

_PLOT, _HEAD, _FOOT = 220, 22, 42  # pixels: the plot, its name above, the axis below
_APART = 9  # per cent of the width that a number on the axis needs
_KINDS = ("one", "two", "three")


class _Place(NamedTuple):
    """Where values stand: rows in per cent of the width, by their logarithm, grades in pixels."""

    rows: tuple[float, float]
    grades: list[float]

    def x(self, rows: float) -> float:
        low, high = map(math.log, self.rows)
        return 50.0 if high == low else 4 + 92 * (math.log(rows) - low) / (high - low)

    def y(self, grade: float) -> float:
        low, high = self.grades[0], self.grades[-1]
        return _HEAD + _PLOT * (high - grade) / (high - low)


def lines(results: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Collect the arms of each curve in order of their rows; one arm alone is no line."""
    found: dict[str, list[dict[str, Any]]] = {}
    for arm in results["arms"]:
        if arm["curve"] and arm["x"] and arm["grade"]:
            found.setdefault(arm["curve"], []).append(arm)
    return {name: sorted(arms, key=lambda a: a["x"]) for name, arms in found.items() if len(arms) > 1}


def quantity(results: dict[str, Any]) -> Html | None:
    """Show how the grade goes with the number of rows, and what another choice is worth in rows."""
    found = lines(results)
    if not found:
        return None
    note = "Rows on a logarithmic axis: each step to the right costs as many times the rows. Bars are 95 % intervals."
    names = [el("span", el("i", class_=kind), f" {name}") for name, kind in zip(found, _KINDS * 9, strict=False)]
    figure = el(
        "figure",
        el("figcaption", el("b", "Mean grade by rows"), el("p", *names, class_="legend")),
        el("div", _draw(found), class_="plot"),
    )
    heads = [("arm", "arm"), ("rows", "n"), ("grade", "n"), ("95 % interval", "n")]
    rows: list[list[object]] = [
        [arm["arm"], number(arm["x"]), shown(arm["grade"]["mean"]), interval(arm["grade"])]
        for arms in found.values()
        for arm in arms
    ]
    data = table("The numbers of the figure.", heads, rows)
    return join([el("h2", "Quantity"), el("p", note, class_="note"), figure, data, _multipliers(results)])


def _draw(found: dict[str, list[dict[str, Any]]]) -> Html:
    arms = [arm for line in found.values() for arm in line]
    values = [arm["grade"][key] for arm in arms for key in ("mean", "low", "high") if arm["grade"][key] is not None]
    sizes = sorted({arm["x"] for arm in arms})
    on = _Place((sizes[0], sizes[-1]), ticks(min(values), max(values)))
    drawn: list[object] = [el("text", "mean grade", x="0", y="12", class_="name")]
    for value in on.grades:
        y = f"{on.y(value):.1f}"
        drawn.append(el("line", x1="0", x2="100%", y1=y, y2=y, class_="base" if value == on.grades[0] else "grid"))
        drawn.append(el("text", spell(value), x="-8", y=y, dy="4", class_="tick end"))
    for line, kind in zip(found.values(), _KINDS * 9, strict=False):
        drawn += _line(line, on, kind)
    drawn += _axis(sizes, on)
    says = "; ".join(f"{arm['arm']}: {number(arm['x'])} rows, grade {shown(arm['grade']['mean'])}" for arm in arms)
    height = _HEAD + _PLOT + _FOOT
    return el("svg", *drawn, role="img", aria_label=says, class_="lines", width="100%", height=height)


def _line(line: list[dict[str, Any]], on: _Place, kind: str) -> list[object]:
    at = [(f"{on.x(arm['x']):.2f}%", arm["grade"]) for arm in line]
    drawn: list[object] = []
    for (x1, a), (x2, b) in pairwise(at):
        ends = {"y1": f"{on.y(a['mean']):.1f}", "y2": f"{on.y(b['mean']):.1f}"}
        drawn.append(el("line", x1=x1, x2=x2, **ends, class_=f"reach {kind}"))
    for x, grade in at:
        if grade["low"] is not None:
            ends = {"y1": f"{on.y(grade['low']):.1f}", "y2": f"{on.y(grade['high']):.1f}"}
            drawn.append(el("line", x1=x, x2=x, **ends, class_=f"span {kind}"))
        drawn.append(el("circle", cx=x, cy=f"{on.y(grade['mean']):.1f}", r="4", class_=f"dot {kind}"))
    return drawn


def _axis(sizes: list[int], on: _Place) -> list[object]:
    """Name the sizes themselves, but those that would lie over each other."""
    top, last = _HEAD + _PLOT, -math.inf
    drawn: list[object] = []
    for size in sizes:
        x = on.x(size)
        drawn.append(el("line", x1=f"{x:.2f}%", x2=f"{x:.2f}%", y1=top, y2=top + 5, class_="base"))
        if x - last >= _APART:
            drawn.append(el("text", number(size), x=f"{x:.2f}%", y=top + 18, class_="tick middle"))
            last = x
    return [*drawn, el("text", "rows", x="50%", y=top + 36, class_="tick middle")]


def _multipliers(results: dict[str, Any]) -> Html | None:
    """Say how many rows the random arm needs for another arm's grade; read off the line, never beyond it."""
    if not results["multipliers"]:
        return None
    lines_ = (el("li", said(one)) for one in results["multipliers"])
    return join([el("h3", "What the choice is worth in rows"), el("ul", *lines_)])
