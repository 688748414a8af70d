"""Intervals for arms that were trained with several seeds: every prompt is answered by the model of every seed.

The grade of prompt p by the model of seed s is mean + prompt_p + seed_s + what only these two have together, the noise
of the samples among it. Prompts and seeds are both drawn from many that could have been, so both belong in an interval
that is to hold for the data of an arm. Half its width is

    sqrt(t²(df of prompts) · V(prompts) + t²(df of seeds) · V(seeds)).

V(prompts) is the variance between the means of prompts, over their number. V(seeds) is that between the means of seeds,
less the part that prompts and samples alone put into it (the residual mean square over the number of prompts), over the
number of seeds, at least zero; for a difference, the sum over its arms. These are the variances of two-way clustering
(A. C. Cameron, J. B. Gelbach and D. L. Miller 2011, Robust inference with multiway clustering, Journal of Business and
Economic Statistics 29, 238-249) where each prompt meets each seed.

Two or three seeds are few. So V(seeds) is the larger of two estimates: that of the arms at hand, and that of all arms
compared. Arms need not vary alike (a model that was not trained does not vary), so the average of all may be too small;
and two arms with two seeds each look all alike now and then. The degrees of freedom are those of the sum over all arms
(F. E. Satterthwaite 1946, An approximate distribution of estimates of variance components, Biometrics Bulletin 2,
110-114). Each part of the interval has a t of its own, since three seeds do not become three hundred for being asked
three hundred prompts; that such an interval covers at least as often as it says, where the parts are estimated without
bias, was shown by S. K. Banerjee (1960, Approximate confidence interval for linear functions of means of k populations
when the population variances are not equal, Sankhya 22, 357-358): the chance that a squared normal variable stays below
x is concave in x.

What this covers is measured by `python -m benchmarks.statistics`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from curate.evaluate.statistics.means import Mean, special

_ROUNDING = 1e-12  # what is smaller, set against what it was computed from, is nothing


class Seeds(NamedTuple):
    """How much training seeds vary beyond what prompts and samples explain: variance and degrees of freedom."""

    variance: Any  # may come out below zero
    df: Any


class Contrast(NamedTuple):
    """A sum of arms' means, each times its weight, and the two parts of its variance (numbers, or arrays of them)."""

    mean: Any
    of_prompts: Any
    df_prompts: int
    of_seeds: Any
    df_seeds: Any

    def half(self, level: float) -> Any:
        """Give half the width of the interval."""
        return self._at((1 - level) / 2) ** 0.5

    def interval(self, prompts: int, level: float) -> Mean:
        """Give the sum with its interval; of a single prompt itself alone."""
        middle = float(self.mean)
        if prompts == 1:
            return Mean(middle, None, None, 1)
        half = float(self.half(level))
        return Mean(middle, middle - half, middle + half, prompts)

    def p(self) -> Any:
        """Give the two-sided p-value of the sum being zero: 1 less the level of the interval that ends there.

        Where nothing varies t says nothing, and the sign test stands in for it: n prompts that all say the same are a
        chance of 2 to the power of 1 - n, and 1 where they say zero.
        """
        import numpy as np

        # By halves on the scale of log10(p), where small ones keep their digits.
        low, high = np.full(np.shape(self.mean), -300.0), np.zeros(np.shape(self.mean))
        for _ in range(50):
            middle = (low + high) / 2
            beyond = self._at(10**middle / 2) < np.square(self.mean)
            low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
        return np.where(low == -300.0, 2.0**-self.df_prompts, 10**high)[()]

    def _at(self, tail: Any) -> Any:
        """Give the square of half the width that leaves this probability on either side."""
        import numpy as np

        def part(df: Any, variance: Any) -> Any:
            with np.errstate(over="ignore", invalid="ignore"):
                return np.where(variance == 0, 0.0, special().stdtrit(df, tail) ** 2 * variance)

        return part(self.df_prompts, self.of_prompts) + part(self.df_seeds, self.of_seeds)


def contrast(
    cells: Sequence[Any],
    weights: Sequence[Any],
    seeds: Seeds | None = None,
    of_prompts: tuple[Any, int] | None = None,
) -> Contrast:
    """Add up the means of arms, each times its weight.

    Args:
        cells: an array an arm, (…, prompts, seeds): the same prompts in all, seeds of its own in each.
        weights: a number an arm, or an array of (…, 1), for many contrasts at once.
        seeds: how much seeds vary in all arms that are compared; by default in these.
        of_prompts: variance and degrees of freedom of the prompts' part, where it is not that between their means.

    With one seed in each arm the interval is about prompts only, that is, about these very models. Beside arms with
    several seeds one with a single seed is taken to vary as all do on average. Of one prompt the variance is nan.

    >>> import numpy as np
    >>> a, b = np.array([[4.0, 5.0], [3.0, 5.0], [5.0, 6.0]]), np.array([[3.0], [4.0], [3.0]])
    >>> found = contrast([a, b], [1, -1])
    >>> round(float(found.mean), 3), round(float(found.half(0.95)), 2)
    (1.333, 14.55)
    """
    import numpy as np

    values = sum(w * cell.mean(-1) for w, cell in zip(weights, cells, strict=True))
    n = values.shape[-1]
    if n == 1:
        return Contrast(values.mean(-1), np.nan, 1, 0.0, 1)
    variance, df = of_prompts or (values.var(-1, ddof=1) / n, n - 1)
    variance = np.where(variance <= _ROUNDING**2 * (values**2).mean(-1), 0.0, variance)[()]
    shared = seeds or seeds_of(cells)
    if shared is None:
        return Contrast(values.mean(-1), variance, df, 0.0, 1)
    return Contrast(values.mean(-1), variance, df, _of_seeds(cells, weights, shared), shared.df)


def seeds_of(cells: Sequence[Any]) -> Seeds | None:
    """Estimate how much training seeds vary, on average over arms; None where none has two seeds and two prompts.

    >>> import numpy as np
    >>> seeds_of([np.array([[1.0, 3.0], [2.0, 4.0]]), np.array([[1.0], [2.0]])])
    Seeds(variance=np.float64(2.0), df=np.float64(1.0))
    """
    import numpy as np

    several = [cell for cell in cells if min(cell.shape[-2:]) > 1]
    if not several:
        return None
    between, noise = (np.stack(each) for each in zip(*map(_mean_squares, several), strict=True))
    of_each = np.array([cell.shape[-1] - 1.0 for cell in several]).reshape(-1, *[1] * (between.ndim - 1))
    with np.errstate(invalid="ignore"):
        df = between.sum(0) ** 2 / (between**2 / of_each).sum(0)
    beyond = (between - noise).mean(0)
    beyond = np.where(abs(beyond) <= _ROUNDING * between.mean(0), 0.0, beyond)[()]
    return Seeds(beyond, np.where(between.sum(0) > 0, df, of_each.sum(0))[()])


def _of_seeds(cells: Sequence[Any], weights: Sequence[Any], shared: Seeds) -> Any:
    """Give the seeds' part of the variance: what these arms say, or what all say where that is more."""
    import numpy as np

    shares = [(w[..., 0] if np.ndim(w) else w) ** 2 / cell.shape[-1] for w, cell in zip(weights, cells, strict=True)]
    own = [(seeds_of([cell]) or shared).variance for cell in cells]
    ours, theirs = sum(s * v for s, v in zip(shares, own, strict=True)), sum(shares) * shared.variance
    return np.maximum(np.maximum(ours, theirs), 0.0)


def _mean_squares(cell: Any) -> tuple[Any, Any]:
    """Give the variance between the means of seeds, and the part of it that prompts and samples alone put there."""
    n, seeds = cell.shape[-2:]
    of_seed = cell.mean(-2, keepdims=True)
    rest = cell - of_seed - cell.mean(-1, keepdims=True) + of_seed.mean(-1, keepdims=True)
    return of_seed[..., 0, :].var(-1, ddof=1), (rest**2).sum((-2, -1)) / ((n - 1) * (seeds - 1)) / n
