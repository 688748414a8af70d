"""Intervals as strips of a table: a row's mean and interval over an axis that all rows share.

Such a table is a figure and its data at once, and keeps both readable on a phone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from curate.ablate.report.sentences import shown
from curate.report.html import DASH, Html, el
from curate.report.lines import spell, ticks

_HIGH, _MIDDLE = 24, 12  # pixels: a strip, and where its dot stands


class Axis(NamedTuple):
    """An axis from its first to its last tick; `zero` is the place that rows are compared with, if there is one."""

    ticks: list[float]
    zero: float | None = None

    def place(self, value: float) -> float:
        """Give a value's place in per cent of the width, with room for a number at both ends."""
        return 5 + 90 * (value - self.ticks[0]) / (self.ticks[-1] - self.ticks[0])


def axis(found: Iterable[dict[str, Any] | None], zero: float | None = None) -> Axis:
    """Find an axis that holds all means and intervals, and `zero`.

    >>> axis([{"mean": 0.4, "low": -0.1, "high": 0.9}, None], zero=0.0).ticks
    [-0.25, 0.0, 0.25, 0.5, 0.75, 1.0]
    """
    values = [one[key] for one in found if one for key in ("mean", "low", "high") if one[key] is not None]
    values += [] if zero is None else [zero]
    return Axis(ticks(min(values), max(values)) if values else [0.0, 1.0], zero)


def strip(found: dict[str, Any], on: Axis, kind: str, second: dict[str, Any] | None = None) -> Html:
    """Draw a mean with its interval; `second` is drawn thin below it, such as the number at equal length."""
    drawn = [_upright(value, on, "base" if value == on.zero else "grid") for value in on.ticks]
    if on.zero is not None and on.zero not in on.ticks:
        drawn.append(_upright(on.zero, on, "base"))
    drawn += _interval(found, on, _MIDDLE if second is None else 8, kind, "4.5")
    if second:
        drawn += _interval(second, on, 18, "three", "3")
    says = f"{shown(found['mean'])}{_ends(found)}"
    return el("svg", *drawn, role="img", aria_label=says, class_="strip", width="100%", height=_HIGH)


def ruler(on: Axis) -> Html:
    """Draw the axis with its numbers, for the foot of the table."""
    drawn: list[object] = []
    every = 2 if len(on.ticks) > 5 else 1  # a narrow column has room for five numbers
    for i, value in enumerate(on.ticks):
        at = _percent(on.place(value))
        drawn.append(el("line", x1=at, x2=at, y1="0", y2="4", class_="base"))
        if (i - _first(on)) % every == 0:
            drawn.append(el("text", spell(value), x=at, y="17", class_="tick middle"))
    return el("svg", *drawn, aria_hidden="true", class_="strip", width="100%", height=_HIGH)


def interval(found: dict[str, Any] | None) -> str:
    """Write an interval for a cell."""
    if not found or found["low"] is None:
        return DASH
    return f"{shown(found['low'])} to {shown(found['high'])}"


def _first(on: Axis) -> int:
    return on.ticks.index(on.zero) if on.zero in on.ticks else 0


def _upright(value: float, on: Axis, kind: str) -> Html:
    at = _percent(on.place(value))
    return el("line", x1=at, x2=at, y1="0", y2=_HIGH, class_=kind)


def _interval(found: dict[str, Any], on: Axis, y: int, kind: str, r: str) -> list[Html]:
    dot = el("circle", cx=_percent(on.place(found["mean"])), cy=y, r=r, class_=f"dot {kind}")
    if found["low"] is None:
        return [dot]
    ends = {"x1": _percent(on.place(found["low"])), "x2": _percent(on.place(found["high"]))}
    return [el("line", **ends, y1=y, y2=y, class_=f"reach {kind}"), dot]


def _ends(found: dict[str, Any]) -> str:
    return "" if found["low"] is None else f", {interval(found)}"


def _percent(value: float) -> str:
    return f"{value:.2f}%"
