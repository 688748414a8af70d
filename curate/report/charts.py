"""Charts as inline SVG.

Widths are percentages and text has its own size, so that a phone shows text as large as a screen does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from curate.report.histogram import Scale, nice
from curate.report.html import Html, el, number, plural

_PLOT = 120  # height of a histogram's bars
_TOP = 24  # room above for the name
_MARKS = 34  # room above the first panel for the names of thresholds, in two lines


class Panel(NamedTuple):
    """One histogram of several over the same axis: its name, a count a bin, and its colour's class."""

    name: str
    counts: list[int]
    kind: str


def bar(parts: Sequence[tuple[float, str]], says: str) -> Html:
    """Draw a bar of parts side by side: (share of the whole width, colour's class)."""
    drawn, start = [el("rect", width="100%", height="100%", class_="track")], 0.0
    for share, kind in parts:
        width = max(100 * share, 0.4) if share > 0 else 0  # what is there can be seen
        drawn.append(el("rect", x=_percent(min(start, 99.6)), width=_percent(width), height="100%", class_=kind))
        start += 100 * share
    return el("svg", *drawn, role="img", aria_label=says, class_="bar", width="100%", height="14")


def pair(first: float, second: float, says: str) -> Html:
    """Draw two thin bars above each other, to compare two shares."""
    drawn = [
        el("rect", y=y, width=_percent(max(100 * share, 0.4) if share else 0), height="6", class_=kind)
        for y, share, kind in (("1", first, "pool"), ("8", second, "kept"))
    ]
    return el("svg", *drawn, role="img", aria_label=says, class_="pair", width="100%", height="15")


def histogram(panels: Sequence[Panel], on: Scale, marks: Sequence[tuple[str, float]], says: str, unit: str) -> Html:
    """Draw histograms below each other over one axis, with thresholds as dashed lines through all of them."""
    height = _MARKS + len(panels) * (_TOP + _PLOT) + 38
    tops = [_MARKS + i * (_TOP + _PLOT) for i in range(len(panels))]
    bottom = height - 38
    drawn = [part for panel, top in zip(panels, tops, strict=True) for part in _bars(panel, on, top)]
    drawn += [part for i, mark in enumerate(marks) for part in _mark(mark, on, 12 + 13 * (i % 2), bottom)]
    # Names come last: what they lie over is then drawn around them.
    drawn += [part for panel, top in zip(panels, tops, strict=True) for part in _name(panel, top)]
    drawn += _axis(on, bottom, unit)
    return el("svg", *drawn, role="img", aria_label=says, class_="histogram", width="100%", height=height)


def _bars(panel: Panel, on: Scale, top: int) -> list[object]:
    floor, peak = top + _TOP + _PLOT, max(panel.counts)
    drawn: list[object] = []
    for i, count in enumerate(panel.counts):
        if count:
            tall = max(_PLOT * count / peak, 1)
            x, width = _percent(100 * (i + 0.05) / on.bins), _percent(90 / on.bins)
            drawn.append(el("rect", x=x, width=width, y=_px(floor - tall), height=_px(tall), class_=panel.kind))
    return [*drawn, el("line", x1="0", x2="100%", y1=floor, y2=floor, class_="base")]


def _name(panel: Panel, top: int) -> list[object]:
    tallest = f"tallest bar: {plural(max(panel.counts), 'row')}"
    return [
        el("text", panel.name, x="0", y=top + 14, class_="name"),
        el("text", tallest, x="100%", y=top + 14, class_="tick end"),
    ]


def _mark(mark: tuple[str, float], on: Scale, top: int, bottom: int) -> list[object]:
    name, value = mark
    if not on.low <= value <= on.high:
        return []
    x = 100 * (value - on.low) / (on.high - on.low)
    side = "end" if x > 60 else "middle" if x > 20 else "start"
    return [
        el("line", x1=_percent(x), x2=_percent(x), y1=top + 4, y2=bottom, class_="threshold"),
        el("text", f"{name} {number(value, 2)}", x=_percent(x), y=top, class_=f"tick {side}"),
    ]


def _axis(on: Scale, top: int, unit: str) -> list[object]:
    step = on.step
    while (on.high - on.low) / step > 5:
        step = nice(step * 1.01)
    first = -(-on.low // step) * step
    ticks = [first + i * step for i in range(int((on.high - first) / step + 1e-9) + 1)]
    drawn: list[object] = []
    for value in ticks:
        x = 100 * (value - on.low) / (on.high - on.low)
        side = "start" if x < 4 else "end" if x > 96 else "middle"
        drawn.append(el("line", x1=_percent(x), x2=_percent(x), y1=top, y2=top + 5, class_="base"))
        drawn.append(el("text", number(float(f"{value:.10g}"), 2), x=_percent(x), y=top + 18, class_=f"tick {side}"))
    drawn.append(el("text", unit, x="50%", y=top + 34, class_="tick middle"))
    return drawn


def _percent(value: float) -> str:
    return f"{value:.2f}%"


def _px(value: float) -> str:
    return f"{value:.1f}"
