"""What a chart is made of: lines in panels over one axis, round numbers for the axes, and all of it in words."""

from __future__ import annotations

import math
from typing import NamedTuple


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
