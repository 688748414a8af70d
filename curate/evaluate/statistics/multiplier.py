"""How many rows of other data give the same grade, read off a measured curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import polars as pl

from curate.evaluate.statistics.crossed import contrast, seeds_of
from curate.evaluate.statistics.means import EvaluateError
from curate.evaluate.statistics.tables import arms_of, shared

_STEPS = 200  # between neighbouring sizes


class Multiplier(NamedTuple):
    """How many rows of the curve's data give the grade of an arm; `low` and `high` are None where the curve ends.

    "about" `rows`; "at most" the smallest size measured, where that is as good already; "at least" the largest one,
    where that is not yet as good.
    """

    label: Literal["at least", "about", "at most"]
    rows: float
    low: float | None
    high: float | None
    prompts: int
    seeds: int


def multiplier(grades: pl.DataFrame, arm: str, sizes: Mapping[str, int], level: float = 0.95) -> Multiplier:
    """Find how many rows the arms of a curve (the random draws) need for the grade of `arm`.

    Args:
        grades: a line an answer, as `compare` takes it, with `arm` and the arms of the curve.
        arm: whose grade is to be reached.
        sizes: rows of each arm of the curve, by its name; at least two different ones.
        level: of the interval.

    The curve runs straight between its grades over the logarithm of the rows, made to never fall (isotonic regression:
    more of the same data does no harm); the answer is where it first reaches the grade. It is never carried beyond the
    sizes measured.

    The interval holds every size whose grade on the curve, as measured, cannot be told from the arm's: the difference
    of the two is a contrast of the arms' means, with its own interval over prompts and seeds (E. C. Fieller 1954, Some
    problems in interval estimation, Journal of the Royal Statistical Society B 16, 175-185, for the ratio of means). So
    it covers what those intervals cover. Resampling three seeds does not: three draws of three vary too little.

    Raises EvaluateError for fewer than two sizes, an arm without grades, or one that is on the curve itself.
    """
    named = sorted(sizes, key=lambda name: (sizes[name], name))
    rows = [sizes[name] for name in named]
    if len(set(rows)) < max(len(rows), 2) or arm in sizes:
        raise EvaluateError(f"a multiplier of '{arm}' needs a curve of other arms with two or more sizes, not {sizes}")
    arms = arms_of(grades.filter(pl.col("arm").is_in([arm, *named])))
    missing = [name for name in [arm, *named] if name not in arms]
    if missing:
        raise EvaluateError(f"there is no grade of arm '{missing[0]}'")
    cells, _ = shared([arms[name] for name in [arm, *named]])
    if len(cells[0]) < 2:
        raise EvaluateError(f"a multiplier needs two prompts that '{arm}' and all of the curve have grades for")
    return read_off(cells[0], cells[1:], rows, level)


def read_off(arm: Any, curve: Sequence[Any], rows: Sequence[int], level: float = 0.95) -> Multiplier:
    """Do it for arrays of grades, (prompts, seeds) each; `rows` rise.

    >>> import numpy as np
    >>> curve = [np.array([[2.0], [4.0]]), np.array([[3.0], [5.0]])]
    >>> found = read_off(np.array([[2.5], [4.5]]), curve, [100, 400])
    >>> found.label, round(found.rows)
    ('about', 200)
    """
    label, middle = _point(float(arm.mean()), [float(cell.mean()) for cell in curve], rows)
    at, apart, half = _along(arm, curve, rows, level)
    open_sizes = [*at[abs(apart) <= half], middle]
    return Multiplier(
        label,
        middle,
        float(min(open_sizes)) if apart[0] > half[0] else None,
        float(max(open_sizes)) if apart[-1] < -half[-1] else None,
        prompts=len(arm),
        seeds=min(cell.shape[-1] for cell in [arm, *curve]),
    )


def _point(grade: float, curve: Sequence[float], rows: Sequence[int]) -> tuple[Any, float]:
    """Find the fewest rows at which the curve reaches the grade."""
    import numpy as np
    from scipy.optimize import isotonic_regression

    rising = isotonic_regression(curve).x
    if grade <= rising[0]:
        return "at most", float(rows[0])
    if grade > rising[-1]:
        return "at least", float(rows[-1])
    i = int(np.searchsorted(rising, grade))
    share = (grade - rising[i - 1]) / (rising[i] - rising[i - 1])
    return "about", float(rows[i - 1] * (rows[i] / rows[i - 1]) ** share)


def _along(arm: Any, curve: Sequence[Any], rows: Sequence[int], level: float) -> tuple[Any, Any, Any]:
    """Give, for sizes along the curve, how far the arm is above it, and half the width of that interval."""
    import numpy as np

    share = np.linspace(0, 1, _STEPS + 1)[:, None]
    at, apart, half = [], [], []
    seeds = seeds_of([arm, *curve])
    for i in range(len(rows) - 1):
        above = contrast([arm, curve[i], curve[i + 1]], [1, share - 1, -share], seeds)
        at.append(rows[i] * (rows[i + 1] / rows[i]) ** share[:, 0])
        apart.append(above.mean)
        half.append(above.half(level))
    return np.concatenate(at), np.concatenate(apart), np.concatenate(half)
