"""How far two graders agree, how often the order of the answers decides, and which answer is selected how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from math import sqrt

from curate.evaluate.statistics.means import Mean, special

TIE = "tie"


def selection(k: float, n: int, level: float = 0.95) -> Mean:
    """Give the share of `k` in `n` independent choices with its interval, by the score method.

    E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference, Journal of the American
    Statistical Association 22, 209-212. `k` may hold halves (a tie is half a choice for each): their spread is smaller
    than the formula takes it for, so that the interval is then wider than need be, never narrower.

    Raises ValueError where `k` is not between 0 and `n`, or `n` is 0.

    >>> share, low, high, n = selection(50, 100)
    >>> share, round(low, 3), round(high, 3)
    (0.5, 0.404, 0.596)
    """
    if not 0 <= k <= n or not n:
        raise ValueError(f"a share needs 0 <= k <= n and n > 0, not k = {k} and n = {n}")
    z, share = float(special().ndtri((1 + level) / 2)), k / n
    middle, reach = share + z**2 / (2 * n), z * sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    whole = 1 + z**2 / n
    # The ends are 0 and 1 there; rounding would miss them.
    low = 0.0 if k == 0 else (middle - reach) / whole
    high = 1.0 if k == n else (middle + reach) / whole
    return Mean(share, low, high, n)


def agreement(a: Sequence[str | None], b: Sequence[str | None], level: float = 0.95) -> Mean:
    """Give the tie-discounted accuracy of two graders: 1 where they agree, 1/2 where exactly one says "tie", else 0.

    C. Zhou et al. (2023), LIMA, arXiv 2305.11206, section 4.1. The interval is Wilson's. Where either gave no verdict
    (None) the pair does not count: `n` is the number that does.

    Raises ValueError for different lengths, or where no pair counts.

    >>> agreement(["a", "b", "tie", "a"], ["a", "a", "b", None]).mean
    0.5
    """
    both = _both(a, b)
    return selection(sum(1.0 if x == y else 0.5 * (TIE in (x, y)) for x, y in both), len(both), level)


def kappa(a: Sequence[Hashable], b: Sequence[Hashable]) -> float | None:
    """Give the agreement of two graders beyond chance, by any labels; None where chance alone agrees always.

    J. Cohen (1960), A coefficient of agreement for nominal scales, Educational and Psychological Measurement 20, 37-46.
    Pairs with a None do not count. Raises ValueError for different lengths, or where no pair counts.

    >>> kappa(["a", "a", "b", "b"], ["a", "a", "b", "a"])
    0.5
    """
    both = _both(a, b)
    first, second = Counter(x for x, _ in both), Counter(y for _, y in both)
    seen = sum(x == y for x, y in both) / len(both)
    chance = sum(count * second[label] for label, count in first.items()) / len(both) ** 2
    return None if chance == 1 else (seen - chance) / (1 - chance)


def flip_rate(first: Sequence[str | None], second: Sequence[str | None], level: float = 0.95) -> Mean:
    """Give the share of comparisons where the verdict changed with the order of the two answers, with its interval.

    Both verdicts are in terms of the same answer ("a" is answer a in either order). Those with a None do not count.
    Raises ValueError for different lengths, or where none counts.

    >>> flip_rate(["a", "a", "tie", "b"], ["a", "b", "tie", "b"]).mean
    0.25
    """
    both = _both(first, second)
    return selection(sum(x != y for x, y in both), len(both), level)


def _both(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[Hashable, Hashable]]:
    both = [(x, y) for x, y in zip(a, b, strict=True) if x is not None and y is not None]
    if not both:
        raise ValueError("no pair of verdicts: one of the two is always missing")
    return both
