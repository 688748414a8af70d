"""Arms beside each other: the difference, what of it is shown, and what does not count in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Literal, NamedTuple

import polars as pl

from curate.evaluate.statistics.crossed import Seeds, contrast, seeds_of
from curate.evaluate.statistics.means import EvaluateError, Mean
from curate.evaluate.statistics.tables import Arm, arms_of, shared

ELSEWHERE = "graded, but not every seed of both arms has a grade for its prompt"
_POWER = 0.8  # J. Cohen (1988), section 2.4: four in five, by convention
_EVEN = 1e-9  # means of the same scores may differ by rounding


class Lost(NamedTuple):
    """What of an arm does not count: prompts, answers, and why, as (reason, answers), the commonest first."""

    prompts: int
    answers: int
    why: tuple[tuple[str, int], ...]


class Comparison(NamedTuple):
    """An arm beside another one, on the prompts that both have grades for with each of their training seeds.

    `mean` is the grade of `arm` less that of `against`, `low` and `high` its interval, `p` its two-sided p-value,
    `p_holm` the same corrected for all comparisons made together (Holm), and `shown` whether that is below 1 - level.
    `about` says what the interval is about: "data" where arms with several training seeds tell how much those vary,
    else "models": these trained models alone, since how much a second training would differ is not known. `seeds` is
    the lower of the two arms' numbers of seeds, `seed_sd` their standard deviation beyond what prompts and samples
    explain.
    `smallest` is the difference that data like these would show four times of five, in this many comparisons.
    `win`, `tie` and `lose` count prompts. `lost` has an entry for `arm` and for `against`.
    """

    arm: str
    against: str
    mean: float
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    shown: bool
    about: Literal["data", "models"]
    prompts: int
    seeds: int
    seed_sd: float | None
    length_controlled: Mean | None
    win: int
    tie: int
    lose: int
    smallest: float | None
    lost: dict[str, Lost]


def compare(grades: pl.DataFrame, against: str, level: float = 0.95) -> list[Comparison]:
    """Compare every other arm with `against`, in the order of their names.

    Args:
        grades: a line an answer, with `arm`, `id`, `score` (null: no grade), and, if there, `seed`, `tokens`, `why`,
            `failed`, `judge`.
        against: the arm to compare with.
        level: of the intervals, each for itself; `shown` is for all together (Holm).

    A prompt counts where each seed of both arms has a grade for it. An arm with one seed, beside others with several,
    is taken to vary between trainings as those do. Raises EvaluateError where `against` is not there, an arm has no
    grade at all, two arms share no prompt, or the grades are of several judges.

    >>> grades = pl.DataFrame({"arm": list("aaabbb"), "id": list("pqrpqr"), "score": [3.0, 2, 4, 5, 5, 5]})
    >>> [b] = compare(grades, against="a")
    >>> b.arm, b.mean, round(b.p, 3), b.about
    ('b', 2.0, 0.074, 'models')
    """
    names = grades["arm"].unique().sort().to_list()
    return compare_pairs(grades, [(name, against) for name in names if name != against], level)


def compare_pairs(grades: pl.DataFrame, pairs: Sequence[tuple[str, str]], level: float = 0.95) -> list[Comparison]:
    """Compare the two arms of each pair; the pairs are one family, over which `shown` is corrected (Holm).

    Args:
        grades: as `compare` takes them; how much training seeds vary is learnt from all arms in them.
        pairs: an arm and the one that it is compared with.
        level: of the intervals, each for itself.

    Raises EvaluateError as `compare` does.

    >>> grades = pl.DataFrame({"arm": list("aabbcc"), "id": list("pq") * 3, "score": [3.0, 2, 4, 5, 5, 6]})
    >>> [(one.arm, one.against, one.mean) for one in compare_pairs(grades, [("b", "a"), ("c", "b")])]
    [('b', 'a', 2.0), ('c', 'b', 1.0)]
    """
    arms, names = arms_of(grades), grades["arm"].unique().sort().to_list()
    for name in dict.fromkeys([*(name for pair in pairs for name in reversed(pair)), *names]):
        if name not in arms:
            raise EvaluateError(
                f"there is no grade of arm '{name}' among {len(grades)} answers (arms: {', '.join(names)})"
            )
    seeds = seeds_of([arm.complete() for arm in arms.values()])
    strict = 1 - (1 - level) / max(len(pairs), 1)
    all_ = [_compare(arms[arm], arms[against], seeds, grades, strict, level) for arm, against in pairs]
    corrected = iter(holm([one.p for one in all_ if one.p is not None]))
    return [one if one.p is None else one._replace(p_holm=(p := next(corrected)), shown=p < 1 - level) for one in all_]


def grade_of(grades: pl.DataFrame, arm: str, level: float = 0.95) -> Mean:
    """Give the mean grade of an arm: over its samples, seeds and prompts; the interval clustered by prompt and seed.

    `n` is the number of prompts that every seed has a grade for. Raises EvaluateError where there is none.

    >>> grade_of(pl.DataFrame({"arm": "a", "id": ["p", "p", "q"], "score": [3.0, 5.0, 2.0]}), "a").mean
    3.0
    """
    arms = arms_of(grades.filter(pl.col("arm") == arm))
    if arm not in arms:
        raise EvaluateError(f"there is no grade of arm '{arm}'")
    [cell], _ = shared([arms[arm]])
    return contrast([cell], [1]).interval(len(cell), level)


def holm(p: Sequence[float]) -> list[float]:
    """Correct p-values for their number, so that any claim at all is wrong at most as often as a single one may be.

    S. Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6,
    65-70: the smallest times their number, the next times one less, and so on, never falling, at most 1.

    >>> [round(x, 3) for x in holm([0.01, 0.04, 0.03, 0.005])]
    [0.03, 0.06, 0.06, 0.02]
    """
    order = sorted(range(len(p)), key=lambda i: p[i])
    raised = accumulate((min(1.0, (len(p) - rank) * p[i]) for rank, i in enumerate(order)), max)
    corrected = dict(zip(order, raised, strict=True))
    return [corrected[i] for i in range(len(p))]


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
    >>> equal = at_equal_length([grades + np.log(long), grades + np.log(short)], [long, short])
    >>> abs(equal.mean) < 1e-9, equal.n
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


def _compare(
    arm: Arm, other: Arm, seeds: Seeds | None, grades: pl.DataFrame, strict: float, level: float
) -> Comparison:
    cells, counted = shared([arm, other])
    difference = contrast(cells, [1, -1], seeds)
    interval = difference.interval(len(cells[0]), level)
    single = interval.n == 1
    apart = cells[0].mean(-1) - cells[1].mean(-1)
    own = seeds_of(cells)
    return Comparison(
        arm.name,
        other.name,
        *interval[:3],
        p=None if single else float(difference.p()),
        p_holm=None,
        shown=False,
        about="data" if seeds else "models",
        prompts=interval.n,
        seeds=min(cell.shape[-1] for cell in cells),
        seed_sd=own and float(max(own.variance, 0.0)) ** 0.5,
        length_controlled=at_equal_length(cells, [arm.tokens[counted], other.tokens[counted]], level, seeds),
        win=int((apart > _EVEN).sum()),
        tie=int((abs(apart) <= _EVEN).sum()),
        lose=int((apart < -_EVEN).sum()),
        # What would be shown four times of five, were all others compared less likely still.
        smallest=None if single else float(difference.half(strict) + difference.half(2 * _POWER - 1)),
        lost={name: _lost(grades, name, counted) for name in (arm.name, other.name)},
    )


def _lost(grades: pl.DataFrame, arm: str, counted: Any) -> Lost:
    """Count the answers of an arm that do not count; `counted` marks the prompts that do, of all with a grade."""
    graded = pl.col("score").cast(pl.Float64).is_finite().fill_null(False)
    ids = grades.filter(graded)["id"].unique().sort().filter(pl.Series(counted)).to_list()
    rows = grades.filter(pl.col("arm") == arm)
    # The judge's words, or else the generator's.
    words = [pl.col(name).cast(pl.String) for name in ("why", "failed") if name in grades.columns]
    why = pl.when(graded).then(pl.lit(ELSEWHERE)).otherwise(pl.coalesce(*words, pl.lit("no score")))
    reasons = rows.filter(~(graded & pl.col("id").is_in(ids))).select(why=why)["why"]
    counts = sorted(Counter(reasons).items(), key=lambda each: (-each[1], each[0]))
    return Lost(rows["id"].n_unique() - len(ids), len(reasons), tuple(counts))
