"""Histograms: one scale for several groups of numbers, and what a page shows of them.

Widths are percentages and text has its own size, so that a phone shows text as large as a screen does.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import polars as pl

from curate.report.words import number, plural

_FAR, _NEAR = 1e300, 1e-300  # between them floats have all their digits
_FINEST = 1e-9  # the width of a bin, as a share of the largest number
_ROWS = 100_000  # that are put into bins together
BINS = 40  # about as many bars as a phone's width can tell apart
_PLOT = 120  # pixels: the height of a histogram's bars,
_TOP = 24  # the room above for its name,
_MARKS = 34  # the room above the first for the names of thresholds, in two lines,
_FOOT = 38  # and the axis
Group: TypeAlias = tuple[str, str, pl.Series]  # its colour's class, its name, its numbers


class Scale(NamedTuple):
    """Bins of one width: from `low`, `bins` of them, each `step` wide; the outermost hold what is beyond."""

    low: float
    step: float
    bins: int

    @property
    def high(self) -> float:
        """Give the upper end of the last bin."""
        return self.low + self.step * self.bins


def scale(groups: Sequence[pl.Series], include: Sequence[float] = ()) -> Scale | None:
    """Choose round bins for the bulk of every group and the thresholds near it, if there are numbers.

    One group's far tail must not press the others into a corner: the axis ends where 98 % of each lie.

    >>> scale([pl.Series([0, 10, 50, 390])])
    Scale(low=0.0, step=10.0, bins=40)
    """
    groups = [_clip(numbers) for numbers in map(finite, groups) if numbers.len()]
    if not groups:
        return None
    low = min(_quantile(numbers, 0.01) for numbers in groups)
    high = max(_quantile(numbers, 0.98) for numbers in groups)
    # A threshold far from all that was measured (max: 1000000) would leave nothing to see; nor is NaN anywhere near.
    marks = [mark for mark in include if low - (high - low) <= mark <= high + (high - low)]
    low, high = min([low, *marks]), max([high, *marks])
    if low == high:  # nearly all are one number: then the others are what there is to see
        low, high = min(_quantile(n, 0) for n in groups), max(_quantile(n, 1) for n in groups)
    whole = all((numbers == numbers.round()).all() for numbers in groups)
    # Bins that floats can tell apart: at 1e19 the next number is 2,048 away.
    step = nice(max(high / BINS - low / BINS, _FINEST * max(abs(low), abs(high))))
    step = max(step, 1.0) if whole else step
    first = math.floor(low / step)
    count = math.floor(high / step) - first + 1
    return Scale(_plain(first * step), _plain(step), count)


def counts(numbers: pl.Series, on: Scale) -> list[int]:
    """Count the numbers in each bin; those outside count in the outermost ones.

    >>> counts(pl.Series([-5.0, 0.0, 9.9, 10.0, 99.0, None]), Scale(0, 10, 3))
    [3, 1, 1]
    """
    # The small slack keeps 0.3, which lies a rounding below 3 * 0.1, in its own bin.
    each = Counter[int]()
    for some in finite(numbers).to_frame("").iter_slices(_ROWS):
        bins = ((_clip(some[""]).cast(pl.Float64) - on.low) / on.step + 1e-9).floor().clip(0, on.bins - 1)
        each.update(dict(bins.cast(pl.Int64).value_counts().iter_rows()))
    return [each[i] for i in range(on.bins)]


def nice(rough: float) -> float:
    """Find the next round number (1, 2, 2.5 or 5 times a power of ten) that is not below.

    >>> nice(37), nice(0.003), nice(0.21), nice(100), nice(0)
    (50.0, 0.005, 0.25, 100.0, 1.0)
    """
    if rough <= 0:
        return 1.0
    rough = max(rough, _NEAR)
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(_plain(m * power) for m in (1, 2, 2.5, 5, 10) if m * power >= rough * (1 - 1e-9))


def summary(numbers: pl.Series) -> tuple[float, float, float, float, float] | None:
    """Give the smallest, the quartiles and the largest of some numbers; None without any."""
    numbers = finite(numbers)
    if not numbers.len():
        return None
    low, first, middle, third, high = (_quantile(numbers, q) for q in (0, 0.25, 0.5, 0.75, 1))
    return low, first, middle, third, high


def finite(numbers: pl.Series) -> pl.Series:
    """Leave out what is no number: null, NaN, infinity."""
    numbers = numbers.drop_nulls()
    # A copy only where it differs: there may be as many numbers as rows in the pool.
    return numbers if numbers.is_finite().all() else numbers.filter(numbers.is_finite())


def _clip(numbers: pl.Series) -> pl.Series:
    """Bring numbers at the end of what a float holds, where widths overflow, to the end of an axis that is drawn."""
    return numbers.clip(-_FAR, _FAR) if numbers.dtype.is_float() else numbers.cast(pl.Float64)


def _quantile(numbers: pl.Series, q: float) -> float:
    return float(numbers.quantile(q, "nearest") or 0)


def _plain(value: float) -> float:
    """Take off what binary fractions leave behind: 0.30000000000000004."""
    return float(f"{value:.12g}")


def figure(
    name: str, groups: Sequence[Group], thresholds: Iterable[tuple[str, float]], unit: str
) -> dict[str, Any] | None:
    """Give a histogram of each group over one axis, and the same in words; None without numbers."""
    groups = [(kind, group, finite(numbers)) for kind, group, numbers in groups]
    marks = sorted(thresholds, key=lambda mark: mark[1])
    on = scale([numbers for *_, numbers in groups], [value for _, value in marks])
    if on is None:
        return None
    notes = [_spread(group, numbers) for _, group, numbers in groups]
    chart = histogram(groups, on, marks, f"Histogram of {name}. {' '.join(notes)}", unit)
    if beyond := sum(int(((numbers < on.low) | (numbers >= on.high)).sum()) for *_, numbers in groups):
        notes.append(f"The outermost bars hold {plural(beyond, 'row')} from beyond the axis.")
    return {"title": name, "notes": notes, "chart": chart, "on": on}


def _spread(name: str, numbers: pl.Series) -> str:
    values = summary(numbers)
    if values is None:
        return f"{name}: none."
    low, first, middle, third, high = (number(value, 2) for value in values)
    rows = plural(numbers.len(), "row")
    return f"{name}: {rows}, {low} to {high}, median {middle}, middle half {first} to {third}."


def histogram(
    groups: Sequence[Group], on: Scale, marks: Sequence[tuple[str, float]], label: str, unit: str
) -> dict[str, Any]:
    """Give the places of histograms below each other over one axis, with thresholds as lines through all of them."""
    each = [(kind, name, counts(numbers, on)) for kind, name, numbers in groups if finite(numbers).len()]
    panels = [_panel(*group, _MARKS + i * (_TOP + _PLOT)) for i, group in enumerate(each)]
    bottom = _MARKS + len(panels) * (_TOP + _PLOT)
    lines = [
        {"name": f"{name} {number(value, 2)}", "y": 12 + 13 * (i % 2), **_place(value, on, 20, 60)}
        for i, (name, value) in enumerate(marks)
        if on.low <= value <= on.high
    ]
    ticks = [{"name": number(float(f"{value:.10g}"), 2), **_place(value, on, 4, 96)} for value in _ticks(on)]
    return {
        **{"label": label, "unit": unit, "height": bottom + _FOOT, "bottom": bottom},
        **{"panels": panels, "marks": lines, "ticks": ticks},
    }


def _panel(kind: str, name: str, bins: list[int], top: int) -> dict[str, Any]:
    floor, peak = top + _TOP + _PLOT, max(bins)
    bars = [
        {"x": 100 * (i + 0.05) / len(bins), "width": 90 / len(bins), "height": max(_PLOT * count / peak, 1)}
        for i, count in enumerate(bins)
        if count
    ]
    return {"kind": kind, "name": name, "peak": plural(peak, "row"), "y": top + 14, "floor": floor, "bars": bars}


def _place(value: float, on: Scale, start: float, end: float) -> dict[str, Any]:
    """Give a value's place, and to which side of it its name is written."""
    x = 100 * (value - on.low) / (on.high - on.low)
    return {"x": x, "side": "start" if x < start else "end" if x > end else "middle"}


def _ticks(on: Scale) -> list[float]:
    step = on.step
    while (on.high - on.low) / step > 5:
        step = nice(step * 1.01)
    first = -(-on.low // step) * step
    return [first + i * step for i in range(int((on.high - first) / step + 1e-9) + 1)]
