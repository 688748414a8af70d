"""Counts for histograms: one scale for several groups of numbers, and how many of each fall into each bin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

_FAR, _NEAR = 1e300, 1e-300  # between them floats have all their digits
_FINEST = 1e-9  # the width of a bin, as a share of the largest number
BINS = 40  # about as many bars as a phone's width can tell apart


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
    groups = [_drawn(numbers) for numbers in map(finite, groups) if numbers.len()]
    if not groups:
        return None
    low = min(_quantile(numbers, 0.01) for numbers in groups)
    high = max(_quantile(numbers, 0.98) for numbers in groups)
    wanted = [mark for mark in include if math.isfinite(mark)]
    # A threshold far from all that was measured (max: 1000000) would leave nothing to see.
    wanted = [mark for mark in wanted if low - (high - low) <= mark <= high + (high - low)]
    low, high = min([low, *wanted]), max([high, *wanted])
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
    bins = (
        ((_drawn(finite(numbers)).cast(pl.Float64) - on.low) / on.step + 1e-9)
        .floor()
        .clip(0, on.bins - 1)
        .cast(pl.Int64)
    )
    found = dict(bins.value_counts().rows())
    return [int(found.get(i, 0)) for i in range(on.bins)]


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
    return numbers.filter(numbers.is_finite()) if numbers.dtype.is_float() else numbers


def _drawn(numbers: pl.Series) -> pl.Series:
    """Bring numbers at the end of what a float holds, where widths overflow, to the end of an axis that is drawn."""
    return numbers.clip(-_FAR, _FAR) if numbers.dtype.is_float() else numbers.cast(pl.Float64)


def _quantile(numbers: pl.Series, q: float) -> float:
    return float(numbers.quantile(q, "nearest") or 0)


def _plain(value: float) -> float:
    """Take off what binary fractions leave behind: 0.30000000000000004."""
    return float(f"{value:.12g}")
