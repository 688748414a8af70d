"""From grades, a line an answer, to means of prompts: a table for readers, and arrays for the formulas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl

from curate.evaluate.statistics.means import EvaluateError


def by_prompt(grades: pl.DataFrame, keys: Sequence[str] = ("arm",)) -> pl.DataFrame:
    """Give a line a prompt: the means over its samples (and turns, and whatever is not in `keys`), first of all else.

    Args:
        grades: a line an answer, with `id`, `score`, the columns of `keys`, and, if there, `tokens`.
        keys: what to keep apart beside the prompt; `("arm", "seed")` keeps training seeds apart.

    Returns `keys`, `id`, `score` (mean), `worst` (the lowest score of a sample or turn: an unlucky answer is what users
    remember), `tokens` (mean of the graded ones), `answers` and `graded`, sorted. A score that is null or not a finite
    number is no grade; a prompt without any has a null `score`.

    >>> grades = pl.DataFrame({"arm": "a", "id": ["p", "p", "q"], "score": [3.0, 5.0, None], "tokens": [10, 30, 7]})
    >>> by_prompt(grades).rows()
    [('a', 'p', 4.0, 3.0, 20.0, 2, 2), ('a', 'q', None, None, None, 1, 0)]
    """
    missing = [name for name in [*keys, "id", "score"] if name not in grades.columns]
    if missing:
        raise EvaluateError(f"the grades have no column {', '.join(missing)}; there are {', '.join(grades.columns)}")
    score = pl.col("score").cast(pl.Float64)
    graded = score.is_finite().fill_null(False)
    tokens = pl.col("tokens") if "tokens" in grades.columns else pl.lit(None)
    return (
        grades.with_columns(score=pl.when(graded).then(score), tokens=pl.when(graded).then(tokens.cast(pl.Float64)))
        .group_by(*keys, "id")
        .agg(
            pl.col("score").mean(),
            pl.col("score").min().alias("worst"),
            pl.col("tokens").mean(),
            pl.len().alias("answers"),
            pl.col("score").count().alias("graded"),
        )
        .sort(*keys, "id")
    )


class Arm(NamedTuple):
    """The grades of an arm: an array of prompts x training seeds, the mean over the samples in each place, or nan."""

    name: str
    score: Any
    tokens: Any

    def complete(self) -> Any:
        """Give the scores of the prompts that every seed has a grade for."""
        return shared([self])[0][0]


def arms_of(grades: pl.DataFrame) -> dict[str, Arm]:
    """Spread grades out: an arm each, the rows of all arrays the same prompts, sorted by id; the columns its seeds.

    A seed without a single grade is none: a job that failed does not count. Raises EvaluateError for grades of several
    judges, which are not of one scale.
    """
    import numpy as np

    judges = grades["judge"].drop_nulls().unique().sort().to_list() if "judge" in grades.columns else []
    if len(judges) > 1:
        raise EvaluateError(f"the grades are of {len(judges)} judges ({', '.join(judges)}): give those of one")
    columns = ["arm", "seed"] if "seed" in grades.columns else ["arm"]
    table = by_prompt(grades, columns).filter(pl.col("score").is_not_null())
    rows = pl.col("id").rank("dense").cast(pl.Int64) - 1
    table = table.with_columns(rows.alias("row"))
    height = table["id"].n_unique()
    arms = {}
    for (name,), part in table.partition_by("arm", as_dict=True, maintain_order=True).items():
        seed = part["seed"].rank("dense").to_numpy().astype(int) - 1 if "seed" in part.columns else 0
        shape = (height, int(np.max(seed)) + 1)
        score, tokens = np.full(shape, np.nan), np.full(shape, np.nan)
        place = part["row"].to_numpy(), seed
        score[place], tokens[place] = part["score"].to_numpy(), part["tokens"].fill_null(float("nan")).to_numpy()
        arms[str(name)] = Arm(str(name), score, tokens)
    return arms


def shared(arms: Sequence[Arm]) -> tuple[list[Any], Any]:
    """Give the scores of the prompts that every seed of every arm has a grade for, and say of each prompt if it is one.

    Raises EvaluateError where there is none.
    """
    import numpy as np

    counted = np.logical_and.reduce([np.isfinite(arm.score).all(-1) for arm in arms])
    if not counted.any():
        names = " and ".join(f"'{arm.name}'" for arm in arms)
        raise EvaluateError(f"no prompt has a grade of each seed of {names}")
    return [arm.score[counted] for arm in arms], counted
