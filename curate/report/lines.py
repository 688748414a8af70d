"""Line charts over one axis: what they hold, drawn for a page, and as files of their own."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

from markupsafe import Markup

from curate.report.page import render, source


class Line(NamedTuple):
    """A course of values: (x, y) in order of x, where y may be NaN; `spans` are an interval for each."""

    name: str
    points: list[tuple[float, float]]
    kind: str = "one"
    spans: tuple[tuple[float, float], ...] = ()


class Panel(NamedTuple):
    """Lines over one pair of axes; the y axis holds the values in `include`; `marks` are dashed lines with names."""

    name: str
    lines: list[Line]
    include: tuple[float, ...] = ()
    marks: tuple[tuple[str, float], ...] = ()


class Figure(NamedTuple):
    """Panels over one x axis; `hint` says what one should see, `key` names the file."""

    key: str
    title: str
    hint: str
    x: str
    panels: list[Panel]
    notes: tuple[str, ...] = ()


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Give round numbers around a range, at most about + 2: the first not above low, the last not below high.

    >>> ticks(0.13, 0.97), ticks(0, 1e-5), ticks(3, 3)
    ([0.0, 0.25, 0.5, 0.75, 1.0], [0.0, 2.5e-06, 5e-06, 7.5e-06, 1e-05], [2.0, 2.5, 3.0, 3.5, 4.0])
    """
    if not high - low > 1e-12:  # nothing of a training differs by so little
        around = abs(low) / 3 or 1.0
        low, high = low - around, high + around
    power = 10.0 ** math.floor(math.log10((high - low) / about))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power * about >= (high - low) * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{i * step:.10g}") for i in range(first, last + 1)]


def spell(value: float) -> str:
    """Write a number of an axis.

    >>> spell(0.25), spell(-120.0), spell(2.5e-06), spell(12000.0), spell(0.0)
    ('0.25', '−120', '2.5e−6', '12,000', '0')
    """
    if not math.isfinite(value):
        return str(value).replace("-", "\N{MINUS SIGN}")
    size = abs(value)
    if size and not 1e-3 <= size < 1e7:
        mantissa, power = f"{value:.9e}".split("e")
        text = f"{float(mantissa):g}e{int(power)}"
    else:
        text = f"{value:,.10g}"
    return text.replace("-", "\N{MINUS SIGN}")


def label(figure: Figure) -> str:
    """Put a figure into words, for those who do not see it: each line's first and last value."""
    courses = [f"{line.name} {_course(line)}" for panel in figure.panels for line in panel.lines]
    return f"{figure.title}, by {figure.x}: {'; '.join(courses)}."


def _course(line: Line) -> str:
    ys = [y for _, y in line.points if math.isfinite(y)]
    if not ys:
        return "without a number"
    return f"from {spell(float(f'{ys[0]:.3g}'))} to {spell(float(f'{ys[-1]:.3g}'))}"


_DRAWN = 1000  # points that a line can show: a screen is not wider
Place: TypeAlias = tuple[float, float]


def thin(placed: Sequence[Place | None], most: int = _DRAWN) -> list[Place | None]:
    """Keep the lowest and the highest of each bucket where there are more points than can be seen."""
    if len(placed) <= most:
        return list(placed)
    size = math.ceil(2 * len(placed) / most)
    thinned: list[Place | None] = []
    for start in range(0, len(placed), size):
        bucket = placed[start : start + size]
        points = [at for at in bucket if at]
        ends = sorted({min(points, key=lambda at: at[1]), max(points, key=lambda at: at[1])}) if points else []
        thinned += [*ends, None] if None in bucket else ends
    return thinned


def noisy(placed: Sequence[Place | None]) -> bool:
    """Tell whether values jump up and down, so that their course is seen only in a mean; a schedule does not."""
    ys = [at[1] for at in placed if at]
    rises = [b > a for a, b in pairwise(ys) if a != b]
    turns = sum(a != b for a, b in pairwise(rises))
    return turns > len(ys) / 5


def mean(placed: Sequence[Place | None]) -> list[Place | None]:
    """Take each point's mean with its neighbours: a twentieth of all, half to either side.

    At the start, where most happens, the window is as narrow as what lies before; at the end it keeps its left half.
    """
    half = max(len(placed) // 40, 1)
    smooth: list[Place | None] = []
    for i, at in enumerate(placed):
        around = [near[1] for near in placed[max(i - half, 0) : i + min(half, i) + 1] if near]
        smooth.append((at[0], sum(around) / len(around)) if at else None)
    return thin(smooth)


_PLOT, _ROW, _FOOT = 150, 17, 40  # pixels: a panel, a line of text, the axis
_WIDE, _LEFT, _TOP = 760, 60, 58  # pixels of a file: its width, the room for the y axis' numbers, and for the title
_MANY = 60  # from here on single values hide the course: their mean is drawn over them
_POINTS = 40  # up to here each value has a point


def draw(figure: Figure) -> Markup:
    """Draw a figure as wide as the box it stands in; the numbers of the y axes stand to the left of that box."""
    return render("lines.svg", file=None, **_chart(figure))


def file(figure: Figure) -> str:
    """Draw a figure as an SVG file of its own, with its title."""
    chart = _chart(figure)
    box = {"width": _WIDE, "left": _LEFT, "top": _TOP, "height": _TOP + chart["height"] + 8}
    text = {"title": figure.title, "hint": figure.hint, "style": _file_style()}
    return str(render("lines.svg", file=box | text, **chart))


def _chart(figure: Figure) -> dict[str, Any]:
    """Give the places of a figure's panels and of their axis, from top to bottom."""
    xs = [x for panel in figure.panels for line in panel.lines for x, _ in line.points]
    low, high = (min(xs), max(xs)) if xs else (0.0, 1.0)
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    top, panels = 0, []
    for panel in figure.panels:
        plot = top + _ROW * (1 + (len(panel.lines) > 1)) + 4
        panels.append({"name": panel.name, "y": top + 12, "legend": _legend(panel), **_panel(panel, plot, low, high)})
        top = plot + _PLOT + 18
    axis = [
        {"x": across, "name": spell(value), "side": "start" if across < 2 else "end" if across > 98 else "middle"}
        for value in ticks(low, high)
        for across in [100 * (value - low) / (high - low)]
        if -0.01 <= across <= 100.01 and (float(value).is_integer() or figure.x != "step")
    ]
    bottom = top - 18
    return {
        **{"label": label(figure), "unit": figure.x, "height": bottom + _FOOT, "bottom": bottom, "plot": _PLOT},
        **{"panels": panels, "axis": axis},
    }


def _legend(panel: Panel) -> list[tuple[Line, int]]:
    """Place the names of several lines one after another."""
    names, left = [], 0
    for line in panel.lines if len(panel.lines) > 1 else []:
        names.append((line, left))
        left += 40 + 7 * len(line.name)
    return names


def _panel(panel: Panel, top: int, low: float, high: float) -> dict[str, Any]:
    ys = [y for line in panel.lines for _, y in line.points if math.isfinite(y)]
    ys += [y for line in panel.lines for span in line.spans for y in span if math.isfinite(y)]
    ys += [*panel.include] if ys or panel.include else [0.0, 1.0]
    steps = ticks(min(ys), max(ys))

    def place(x: float, y: float) -> Place:
        return 100 * (x - low) / (high - low), top + _PLOT * (steps[-1] - y) / (steps[-1] - steps[0])

    def line_of(line: Line) -> dict[str, Any]:
        placed = [place(x, y) if math.isfinite(y) else None for x, y in line.points]
        spans = [(place(x, a), place(x, b)) for (x, _), (a, b) in zip(line.points, line.spans, strict=False)]
        ends = [(a, b) for a, b in spans if math.isfinite(a[1]) and math.isfinite(b[1])]
        return {"kind": line.kind, "spans": ends, "dots": _dots(placed), "paths": _paths(placed, top)}

    return {
        "top": top,
        "steps": [(place(low, step)[1], spell(step)) for step in steps],
        "marks": [(place(low, value)[1], name) for name, value in panel.marks],
        "lines": [line_of(line) for line in panel.lines],
    }


def _jumps(placed: Sequence[Place | None]) -> bool:
    return len(placed) >= _MANY and noisy(placed)


def _paths(placed: Sequence[Place | None], top: int) -> list[tuple[str, str]]:
    """Give a line's path, and before it that of its single values where it is their mean."""
    if _jumps(placed):
        return [("course each", _path(thin(placed), top)), ("course", _path(mean(placed), top))]
    return [("course", _path(thin(placed), top))]


def _path(placed: Sequence[Place | None], top: int) -> str:
    """Put a path into the box of 1000 units that stretches, while the line stays as thick as it is."""
    bits, pen = [], "M"
    for at in placed:
        if at:
            bits.append(f"{pen}{at[0] * 10:.1f} {at[1] - top:.1f}")
        pen = "L" if at else "M"
    return "".join(bits)


def _dots(placed: Sequence[Place | None]) -> list[Place]:
    """Choose the values that have a point: all where they are few, and those between two gaps, which no line joins."""
    if _jumps(placed):
        return []
    few = len(placed) <= _POINTS
    return [
        at
        for i, at in enumerate(placed)
        if at and (few or not (any(placed[max(i - 1, 0) : i]) or any(placed[i + 1 : i + 2])))
    ]


def _file_style() -> str:
    """Write out the pages' colours: a file stands alone, and not all that show it know variables."""
    light, dark = source("style.css").split("prefers-color-scheme: dark", 1)
    rules = source("lines.css", "file.css")

    def plain(colours: str) -> str:
        values = dict(re.findall(r"--([\w-]+): (#\w+)", colours))
        return re.sub(r"var\(--([\w-]+)\)", lambda name: values[name[1]], rules)

    darker = [rule for rule in plain(dark).replace("\n  ", " ").splitlines() if "#" in rule]
    return f"{plain(light)}@media (prefers-color-scheme: dark) {{\n{chr(10).join(darker)}\n}}\n"
