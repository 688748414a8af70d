"""What of an arm's answers does not count in a comparison, and why."""

from __future__ import annotations

from typing import Any

import polars as pl

from curate.evaluate.contract import Lost

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
