"""Line charts as SVG: panels below each other over one axis.

Places along the axis are percentages and text has its own size, so that a phone shows text as large as a screen does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from curate.report.html import Html, el
from curate.report.lines.chart import Figure, Line, Panel, says, spell, ticks
from curate.report.lines.course import Place, mean, noisy, thin

_PLOT, _ROW, _FOOT = 150, 17, 40  # pixels: a panel, a line of text, the axis
_MANY = 60  # from here on single values hide the course: their mean is drawn over them
_SHOWN = 40  # up to here each value has a point


def draw(figure: Figure) -> Html:
    """Draw a figure as wide as the box it stands in; the numbers of the y axes stand to the left of that box."""
    drawn, top = panels(figure)
    return el("svg", *drawn, role="img", aria_label=says(figure), class_="lines", width="100%", height=top)


def panels(figure: Figure) -> tuple[list[object], int]:
    """Draw the panels of a figure and their axis; give the pixels they take from top to bottom too."""
    drawn: list[object] = []
    xs = [x for panel in figure.panels for line in panel.lines for x, _ in line.points]
    low, high = (min(xs), max(xs)) if xs else (0.0, 1.0)
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    top = 0
    for panel in figure.panels:
        rows = 1 + (len(panel.lines) > 1)
        drawn += [_name(panel, top), *_legend(panel, top + _ROW)]
        drawn += _panel(panel, top + _ROW * rows + 4, low, high)
        top += _ROW * rows + 4 + _PLOT + 18
    return [*drawn, *_axis(figure.x, low, high, top - 18)], top - 18 + _FOOT


def _panel(panel: Panel, top: int, low: float, high: float) -> list[object]:
    ys = [y for line in panel.lines for _, y in line.points if math.isfinite(y)]
    ys += [y for line in panel.lines for span in line.spans for y in span if math.isfinite(y)]
    ys += [*panel.include] if ys or panel.include else [0.0, 1.0]
    steps = ticks(min(ys), max(ys))

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - low) / (high - low)
        return 100 * across, top + _PLOT * (steps[-1] - y) / (steps[-1] - steps[0])

    drawn: list[object] = []
    for step in steps:
        y = _px(place(low, step)[1])
        drawn.append(el("line", x1="0", x2="100%", y1=y, y2=y, class_="base" if step == steps[0] else "grid"))
        drawn.append(el("text", spell(step), x="-8", y=y, dy="4", class_="tick end"))
    for name, value in panel.marks:
        y = _px(place(low, value)[1])
        drawn += [
            el("line", x1="0", x2="100%", y1=y, y2=y, class_="said"),
            el("text", name, x="100%", y=y, dy="-5", class_="tick end"),
        ]
    for line in panel.lines:
        placed = [(*place(x, y),) if math.isfinite(y) else None for x, y in line.points]
        spans = [(place(x, a), place(x, b)) for (x, _), (a, b) in zip(line.points, line.spans, strict=False)]
        drawn += _line(line, placed, spans, top)
    return drawn


def _line(line: Line, placed: list[Place | None], spans: list[tuple[Place, Place]], top: int) -> list[object]:
    drawn: list[object] = [
        el("line", x1=_percent(a[0]), x2=_percent(b[0]), y1=_px(a[1]), y2=_px(b[1]), class_=f"span {line.kind}")
        for a, b in spans
        if math.isfinite(a[1]) and math.isfinite(b[1])
    ]
    if len(placed) >= _MANY and noisy(placed):
        drawn += [_path(thin(placed), f"course each {line.kind}", top), _path(mean(placed), f"course {line.kind}", top)]
        return drawn
    drawn.append(_path(thin(placed), f"course {line.kind}", top))
    # A value between two gaps is on no line: it needs its point.
    alone = [
        i for i, at in enumerate(placed) if at and not any(placed[max(i - 1, 0) : i]) and not any(placed[i + 1 : i + 2])
    ]
    shown = range(len(placed)) if len(placed) <= _SHOWN else alone
    for at in (placed[i] for i in shown):
        if at:
            drawn.append(el("circle", cx=_percent(at[0]), cy=_px(at[1]), r="3", class_=f"dot {line.kind}"))
    return drawn


def _path(placed: Sequence[Place | None], kind: str, top: int) -> Html:
    """Draw a line in a box that stretches, while the line stays as thick as it is."""
    bits, pen = [], "M"
    for at in placed:
        if at:
            bits.append(f"{pen}{at[0] * 10:.1f} {at[1] - top:.1f}")
        pen = "L" if at else "M"
    path = el("path", d="".join(bits), class_=kind, vector_effect="non-scaling-stroke")
    box = {"viewBox": f"0 0 1000 {_PLOT}", "preserveAspectRatio": "none"}
    return el("svg", path, x="0", y=top, width="100%", height=_PLOT, overflow="visible", **box)


def _name(panel: Panel, top: int) -> Html:
    return el("text", panel.name, x="0", y=top + 12, class_="name")


def _legend(panel: Panel, top: int) -> list[object]:
    drawn: list[object] = []
    left = 0
    for line in panel.lines if len(panel.lines) > 1 else []:
        drawn.append(el("line", x1=left, x2=left + 16, y1=top + 8, y2=top + 8, class_=f"course {line.kind}"))
        drawn.append(el("text", line.name, x=left + 21, y=top + 12, class_="tick"))
        left += 40 + 7 * len(line.name)
    return drawn


def _axis(unit: str, low: float, high: float, top: int) -> list[object]:
    drawn: list[object] = []
    for value in ticks(low, high):
        across = 100 * (value - low) / (high - low)
        if -0.01 <= across <= 100.01 and (float(value).is_integer() or unit != "step"):
            side = "start" if across < 2 else "end" if across > 98 else "middle"
            drawn.append(el("line", x1=_percent(across), x2=_percent(across), y1=top, y2=top + 5, class_="base"))
            drawn.append(el("text", spell(value), x=_percent(across), y=top + 18, class_=f"tick {side}"))
    return [*drawn, el("text", unit, x="50%", y=top + 34, class_="tick middle")]


def _percent(value: float) -> str:
    return f"{value:.2f}%"


def _px(value: float) -> str:
    return f"{value:.1f}"
