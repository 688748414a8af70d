"""Intervals for arms that were trained with several seeds: every prompt is answered by the model of every seed.

The grade of prompt p by the model of seed s is mean + prompt_p + seed_s + what only these two have together, the noise
of the samples among it. Prompts and seeds are both drawn from many that could have been, so both belong in an interval
that is to hold for the data of an arm. Its variance is

    V = V(prompts) + max(0, V(seeds) - V(both)).

V(prompts) is the variance between the means of prompts, over their number; V(seeds) that between the means of seeds,
over theirs; V(both), the residual mean square over the number of places, is what prompts and samples alone have put
into V(seeds). These are the variances of two-way clustering (A. C. Cameron, J. B. Gelbach and D. L. Miller 2011, Robust
inference with multiway clustering, Journal of Business and Economic Statistics 29, 238-249) where each prompt meets
each seed. The interval is Student's, with the degrees of freedom of F. E. Satterthwaite (1946, An approximate
distribution of estimates of variance components, Biometrics Bulletin 2, 110-114): three seeds do not become three
hundred for being asked three hundred prompts.

Arms may differ in how much their seeds vary (a model that was not trained does not vary at all), so each has its own
V(seeds), though one of all arms together would give narrower intervals. `python -m benchmarks.statistics` measures what
they cover.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any, NamedTuple

from curate.evaluate.contract import Mean
from curate.evaluate.students import quantile, special


class Contrast(NamedTuple):
    """A sum of arms' means, each times its weight, with its variance and degrees of freedom (numbers, or arrays)."""

    mean: Any
    variance: Any
    df: Any

    def half(self, level: float) -> Any:
        """Give half the width of the interval."""
        return quantile(self.df, level) * self.variance**0.5

    def interval(self, prompts: int, level: float) -> Mean:
        """Give the sum with its interval; of a single prompt itself alone."""
        middle = float(self.mean)
        if prompts == 1:
            return Mean(middle, None, None, 1)
        half = float(self.half(level))
        return Mean(middle, middle - half, middle + half, prompts)

    def p(self) -> Any:
        """Give the two-sided p-value of the sum being zero; 1 or 0 where nothing varies."""
        import numpy as np

        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(self.mean == 0, 0.0, -np.abs(self.mean) / np.sqrt(self.variance))
        return 2 * special().stdtr(self.df, t)


def contrast(cells: Sequence[Any], weights: Sequence[Any], of_prompts: tuple[Any, int] | None = None) -> Contrast:
    """Add up the means of arms, each times its weight.

    Args:
        cells: an array an arm, (…, prompts, seeds): the same prompts in all, seeds of its own in each.
        weights: a number an arm, or an array of (…, 1), for many contrasts at once.
        of_prompts: variance and degrees of freedom of the prompts' part, where it is not that between their means.

    With one seed in each arm the interval is about prompts only, that is, about these very models. Beside arms with
    several seeds one with a single seed is taken to vary as they do on average. Of one prompt the variance is nan.

    >>> import numpy as np
    >>> a, b = np.array([[4.0, 5.0], [3.0, 5.0], [5.0, 6.0]]), np.array([[3.0], [4.0], [3.0]])
    >>> found = contrast([a, b], [1, -1])
    >>> round(float(found.mean), 3), round(float(found.half(0.95)), 2)
    (1.333, 7.08)
    """
    import numpy as np

    values = sum(w * cell.mean(-1) for w, cell in zip(weights, cells, strict=True))
    n = values.shape[-1]
    if n == 1:
        return Contrast(values.mean(-1), np.nan, np.nan)
    variance, df = of_prompts or (values.var(-1, ddof=1) / n, n - 1)
    seeds, square = _of_seeds(cells, weights)
    whole = variance + seeds
    with np.errstate(divide="ignore", invalid="ignore"):
        both = whole**2 / (variance**2 / df + np.where(seeds > 0, square, 0.0))
    return Contrast(values.mean(-1), whole, np.where(seeds > 0, both, df))


def seed_sd(cells: Sequence[Any]) -> float | None:
    """Estimate the standard deviation between training seeds beyond what prompts and samples explain, of all arms.

    None where no arm has two seeds, or there is but one prompt.

    >>> import numpy as np
    >>> seed_sd([np.array([[1.0, 3.0], [2.0, 4.0]])]), seed_sd([np.array([[1.0], [2.0]])])
    (1.4142135623730951, None)
    """
    found = [between - noise for between, noise in map(_mean_squares, _several(cells)) if len(cells[0]) > 1]
    return sqrt(max(0.0, float(sum(found)) / len(found))) if found else None


def _several(cells: Sequence[Any]) -> list[Any]:
    return [cell for cell in cells if cell.shape[-1] > 1]


def _of_seeds(cells: Sequence[Any], weights: Sequence[Any]) -> tuple[Any, Any]:
    """Give the seeds' part of the variance, and the sum of squares over degrees of freedom that Satterthwaite takes."""
    import numpy as np

    squared = [w[..., 0] ** 2 if np.ndim(w) else w**2 for w in weights]
    single = sum(w for w, cell in zip(squared, cells, strict=True) if cell.shape[-1] == 1)
    several = len(_several(cells))
    between: Any = 0.0
    noise: Any = 0.0
    square: Any = 0.0
    for w, cell in zip(squared, cells, strict=True):
        if (seeds := cell.shape[-1]) > 1:
            times = w / seeds + single / several
            ours, both = _mean_squares(cell)
            between, noise = between + times * ours, noise + times * both
            square = square + (times * ours) ** 2 / (seeds - 1)
    return np.maximum(between - noise, 0.0), square


def _mean_squares(cell: Any) -> tuple[Any, Any]:
    """Give the variance between the means of seeds, and the part of it that comes from prompts and samples alone."""
    n, seeds = cell.shape[-2:]
    of_seed = cell.mean(-2, keepdims=True)
    rest = cell - of_seed - cell.mean(-1, keepdims=True) + of_seed.mean(-1, keepdims=True)
    return of_seed[..., 0, :].var(-1, ddof=1), (rest**2).sum((-2, -1)) / ((n - 1) * (seeds - 1)) / n
