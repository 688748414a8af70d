"""What of an arm's answers does not count in a comparison, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from curate.evaluate.statistics.crossed import Contrast, Seeds, contrast, seeds_of
from curate.evaluate.statistics.means import Comparison, EvaluateError, Lost, Mean
from curate.evaluate.statistics.tables import Arm, arms_of, shared

ELSEWHERE = "graded, but not every seed of both arms has a grade for its prompt"


class Counts:
    """Answers by arm and prompt, counted once for all comparisons."""

    def __init__(self, grades: pl.DataFrame) -> None:
        score = pl.col("score").cast(pl.Float64)
        there = score.is_finite().fill_null(False)
        ids = grades.filter(there)["id"].unique().sort()
        table = grades.select("arm", "id", graded=there, why=_why(grades))
        self.arms: list[str] = table["arm"].unique().sort().to_list()
        self._prompts = dict(table.group_by("arm").agg(pl.col("id").n_unique()).iter_rows())
        self._why: dict[str, list[tuple[str, int]]] = {name: [] for name in self.arms}
        for arm, why, count in table.filter(~pl.col("graded")).group_by("arm", "why").len().iter_rows():
            self._why[arm].append((why, count))
        graded = table.filter("graded").group_by("arm", "id").len()
        self._graded = {name: _along(ids, graded.filter(pl.col("arm") == name)) for name in self.arms}

    def lost(self, arm: str, kept: Any) -> Lost:
        """Count what does not count: `kept` says of each prompt with any grade, sorted by id, whether it does."""
        elsewhere = int(self._graded[arm][~kept].sum())
        why = [*self._why[arm], *([(ELSEWHERE, elsewhere)] if elsewhere else [])]
        why.sort(key=lambda each: (-each[1], each[0]))
        return Lost(self._prompts[arm] - int(kept.sum()), sum(count for _, count in why), tuple(why))


def _why(grades: pl.DataFrame) -> pl.Expr:
    """Say why an answer has no grade, in the judge's words, or else the generator's."""
    said = [pl.col(name).cast(pl.String) for name in ("why", "failed") if name in grades.columns]
    return pl.coalesce(*said, pl.lit("no score"))


def _along(ids: pl.Series, counted: pl.DataFrame) -> Any:
    return ids.to_frame().join(counted, on="id", how="left", maintain_order="left")["len"].fill_null(0).to_numpy()


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


_POWER = 0.8  # J. Cohen (1988), section 2.4: four in five, by convention
_EVEN = 1e-9  # means of the same scores may differ by rounding


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
    >>> [found] = compare(grades, against="a")
    >>> found.arm, found.mean, round(found.p, 3), found.about
    ('b', 2.0, 0.074, 'models')
    """
    arms, counts = arms_of(grades), Counts(grades)
    for name in [against, *counts.arms]:
        if name not in arms:
            known = ", ".join(counts.arms)
            raise EvaluateError(f"there is no grade of arm '{name}' among {len(grades)} answers (arms: {known})")
    others = [arms[name] for name in sorted(arms) if name != against]
    seeds = seeds_of([arm.complete() for arm in arms.values()])
    strict = 1 - (1 - level) / max(len(others), 1)
    found = [_compare(arm, arms[against], seeds, counts, strict, level) for arm in others]
    corrected = iter(holm([one.p for one in found if one.p is not None]))
    return [one if one.p is None else one._replace(p_holm=(p := next(corrected)), shown=p < 1 - level) for one in found]


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
    found, highest = [0.0] * len(p), 0.0
    for rank, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        highest = max(highest, min(1.0, (len(p) - rank) * p[i]))
        found[i] = highest
    return found


def _compare(arm: Arm, other: Arm, all_seeds: Seeds | None, counts: Counts, strict: float, level: float) -> Comparison:
    cells, kept = shared([arm, other])
    whole = contrast(cells, [1, -1], all_seeds)
    found = whole.interval(len(cells[0]), level)
    apart = cells[0].mean(-1) - cells[1].mean(-1)
    seeds = [cell.shape[-1] for cell in cells]
    return Comparison(
        arm.name,
        other.name,
        *found[:3],
        p=None if found.n == 1 else float(whole.p()),
        p_holm=None,
        shown=False,
        about="data" if all_seeds else "models",
        prompts=found.n,
        seeds=min(seeds),
        seed_sd=_seed_sd(cells),
        length_controlled=at_equal_length(cells, [arm.tokens[kept], other.tokens[kept]], level, all_seeds),
        win=int((apart > _EVEN).sum()),
        tie=int((abs(apart) <= _EVEN).sum()),
        lose=int((apart < -_EVEN).sum()),
        smallest=None if found.n == 1 else _smallest(whole, strict),
        lost={name: counts.lost(name, kept) for name in (arm.name, other.name)},
    )


def _seed_sd(cells: Sequence[Any]) -> float | None:
    found = seeds_of(cells)
    return found and float(max(found.variance, 0.0)) ** 0.5


def _smallest(found: Contrast, strict: float) -> float:
    """Give the difference that would be shown four times of five, were all others compared less likely still."""
    return float(found.half(strict) + found.half(2 * _POWER - 1))
