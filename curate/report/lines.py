"""Line charts over one axis: what they hold, drawn for a page, and as files of their own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from curate.report.html import Html, el

__all__ = ["STYLE", "Figure", "Line", "Panel", "draw", "file", "spell", "ticks"]


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
        shown = f"{float(mantissa):g}e{int(power)}"
    else:
        shown = f"{value:,.10g}"
    return shown.replace("-", "\N{MINUS SIGN}")


def says(figure: Figure) -> str:
    """Put a figure into words, for those who do not see it: each line's first and last value."""
    told = [f"{line.name} {_course(line)}" for panel in figure.panels for line in panel.lines]
    return f"{figure.title}, by {figure.x}: {'; '.join(told)}."


def _course(line: Line) -> str:
    there = [y for _, y in line.points if math.isfinite(y)]
    if not there:
        return "without a number"
    return f"from {spell(float(f'{there[0]:.3g}'))} to {spell(float(f'{there[-1]:.3g}'))}"


_DRAWN = 1000  # points that a line can show: a screen is not wider
Place: TypeAlias = tuple[float, float]


def thin(placed: Sequence[Place | None], most: int = _DRAWN) -> list[Place | None]:
    """Keep the lowest and the highest of each bucket where there are more points than can be seen."""
    if len(placed) <= most:
        return list(placed)
    size = math.ceil(2 * len(placed) / most)
    kept: list[Place | None] = []
    for start in range(0, len(placed), size):
        bucket = placed[start : start + size]
        there = [at for at in bucket if at]
        ends = sorted({min(there, key=lambda at: at[1]), max(there, key=lambda at: at[1])}) if there else []
        kept += [*ends, None] if None in bucket else ends
    return kept


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


_WIDE, _LEFT, _TOP = 760, 60, 58  # pixels: the file, the room for the y axis' numbers, the title's

STYLE = """
svg .grid { stroke: var(--line) }
svg .course { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round }
svg .each { stroke-width: 1; opacity: .35 }
svg .span { stroke-width: 1.5; opacity: .55 }
svg .dot { stroke: none }
.one { stroke: var(--kept) } svg .dot.one { fill: var(--kept) }
.two { stroke: var(--gone) } svg .dot.two { fill: var(--gone) }
.three { stroke: var(--pool) } svg .dot.three { fill: var(--pool) }
svg .said { stroke: var(--soft); stroke-dasharray: 5 3 }
.facts dd { white-space: nowrap; font-size: 1.3rem }
.plot { padding: 0 .6rem 0 3.75rem }
"""
# A file stands alone: plain colours where nothing is known of the reader's, and the dark ones where it is.
_LIGHT = {"page": "#fbfbf9", "ink": "#1b1f24", "soft": "#58616b", "line": "#dcdfe2"}
_LIGHT |= {"kept": "#0f766e", "gone": "#d07a4b", "pool": "#7c8895"}
_DARK = {"page": "#14171a", "ink": "#e7e9eb", "soft": "#a3acb5", "line": "#333a41"}
_DARK |= {"kept": "#4db6ac", "gone": "#b86b45", "pool": "#7d8996"}
_FILE_STYLE = """
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; fill: var(--soft);
  paint-order: stroke; stroke: var(--page); stroke-width: 4px }
svg .name { fill: var(--ink); font-weight: 600 }
svg .title { font-size: 16px }
svg .page { fill: var(--page) }
svg .base { stroke: var(--soft) }
.middle { text-anchor: middle } .end { text-anchor: end }
"""


def file(figure: Figure) -> str:
    """Draw a figure as an SVG file of its own, with its title."""
    drawn, tall = panels(figure)
    inner = el("svg", *drawn, x=_LEFT, y=_TOP, width=_WIDE - _LEFT - 24, height=tall, overflow="visible")
    parts = [
        el("title", says(figure)),
        el("style", Html(_file_style())),
        el("rect", width="100%", height="100%", class_="page"),
        el("text", figure.title, x="16", y="26", class_="name title"),
        el("text", figure.hint, x="16", y="45"),
        inner,
    ]
    height = _TOP + tall + 8
    attributes = {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {_WIDE} {height}"}
    return el("svg", *parts, role="img", width=_WIDE, height=height, **attributes) + "\n"


def _file_style() -> str:
    def plain(colours: dict[str, str]) -> str:
        style = STYLE[: STYLE.index(".facts")] + _FILE_STYLE
        for name, colour in colours.items():
            style = style.replace(f"var(--{name})", colour)
        return style

    dark = [rule for rule in plain(_DARK).replace("\n  ", " ").splitlines() if "#" in rule]
    return f"{plain(_LIGHT)}@media (prefers-color-scheme: dark) {{\n{chr(10).join(dark)}\n}}\n"
