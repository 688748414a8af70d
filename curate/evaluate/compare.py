"""Arms beside each other on the same prompts: paired differences, corrected for how many are made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from curate.evaluate.contract import Comparison, EvaluateError, Mean
from curate.evaluate.crossed import Contrast, Seeds, contrast, seeds_of
from curate.evaluate.length import at_equal_length
from curate.evaluate.lost import Counts
from curate.evaluate.tables import Arm, arms_of, shared

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
