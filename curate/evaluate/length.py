"""The difference of two arms at equal length of their answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from curate.evaluate.contract import Mean
from curate.evaluate.crossed import Seeds, contrast


def at_equal_length(
    cells: Sequence[Any], tokens: Sequence[Any], level: float = 0.95, seeds: Seeds | None = None
) -> Mean | None:
    """Estimate the difference of two arms where their answers are equally long; None where that cannot be known.

    Args:
        cells: grades of the first and the second arm, (prompts, seeds), the same prompts in both.
        tokens: mean lengths of their answers, likewise.
        level: of the interval.
        seeds: how much seeds vary in all arms that are compared; by default in these two.

    Over the prompts, the difference of the grades is regressed on the difference of the logarithms of the lengths; the
    number is the line's value at zero, and its interval that of the intercept, plus the training seeds' part. It is the
    idea of Y. Dubois et al. (2024), Length-Controlled AlpacaEval, arXiv 2404.04475 (set the term of length to zero), in
    the form that grades on a scale have: a straight line in place of a logistic one, on the logarithm since a judge who
    likes length sees "twice as long", not "100 tokens more".

    It is not the grade without the judge's liking for length: where longer answers are better because more is in them,
    it takes that away as well. And where hardly a prompt has answers of equal length, it is read off the line beyond
    what was seen, and its interval is as wide as that deserves.

    None for fewer than three prompts, where a length is not known, or where all differences of length are the same.

    >>> import numpy as np
    >>> short, long = np.array([[10.0], [20.0], [10.0], [30.0]]), np.array([[20.0], [20.0], [80.0], [31.0]])
    >>> grades = np.array([[3.0], [3.1], [2.8], [3.0]])
    >>> found = at_equal_length([grades + np.log(long), grades + np.log(short)], [long, short])
    >>> abs(found.mean) < 1e-9, found.n
    (True, 4)
    """
    import numpy as np

    logs = [np.log(np.maximum(each, 1.0)) for each in tokens]
    longer = logs[0].mean(-1) - logs[1].mean(-1)
    better = cells[0].mean(-1) - cells[1].mean(-1)
    n, spread = len(longer), longer - longer.mean()
    squares = (spread**2).sum()
    if n < 3 or not np.isfinite(squares) or squares <= 1e-12 * n:
        return None
    slope = (spread * better).sum() / squares
    rest = better - better.mean() - slope * spread
    # The variance of an intercept: of the mean, and of the slope as far as it was carried.
    variance = (rest**2).sum() / (n - 2) * (1 / n + longer.mean() ** 2 / squares)
    level_cells = [cell - slope * each for cell, each in zip(cells, logs, strict=True)]
    return contrast(level_cells, [1, -1], seeds, (variance, n - 2)).interval(n, level)
