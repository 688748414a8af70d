"""Grades for the answers of a step, and the choice of a pair among them."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import polars as pl

from curate.models.judges.judge import Case, Grade, Judge
from curate.pairs.samples import REPEATED, asked
from curate.rows import hash01
from curate.turns import question, without_thoughts

Rejected: TypeAlias = Literal["worst", "random"]

_GRADES = {"score": pl.Float64(), "fault": pl.String(), "failed": pl.Boolean(), "again": pl.Boolean()}


def graded(rows: pl.DataFrame, samples: pl.DataFrame, judge: Judge, *, column: str, seed: int) -> pl.DataFrame:
    """Have every usable answer graded: one `judge.grade` for all, and a text that a row has twice only once.

    Adds `score`, null where there is no grade and then there is a fault; the parts it was made of as `grade_PART`; and
    `draw`, a number in [0, 1) that is the answer's own, to settle what is equal.
    """
    samples = _drawn(rows, samples, seed).sort("row", "draw")
    usable, rest = samples.filter(pl.col("fault").is_null()), samples.filter(pl.col("fault").is_not_null())
    once = usable.select(pl.struct("row", "text").is_first_distinct()).to_series()
    unique, twice = usable.filter(once), usable.filter(~once).with_columns(fault=pl.lit(REPEATED))
    grades = _judged(rows, unique, judge, column)
    scores = pl.DataFrame([_figures(grade) for grade in grades], schema=_GRADES, orient="row")
    result = unique.drop("fault", "failed", "again").hstack(scores).hstack(_parts(grades))
    return pl.concat([result, twice, rest], how="diagonal").sort("row", "key")


def _drawn(rows: pl.DataFrame, samples: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Give each answer its own number, from the row's id and what the answer is for, never from its place."""
    ids = rows["id"].cast(pl.String).gather(samples["row"])
    named = samples.with_columns(draw=ids + "\x1f" + samples["key"])
    return named.with_columns(hash01("draw", seed, "pairs"))


def _judged(rows: pl.DataFrame, samples: pl.DataFrame, judge: Judge, column: str) -> list[Grade]:
    of_row = asked(rows, column).to_dicts()
    cases = [
        Case(one["id"], without_thoughts(question(one, column)), text, tools=one.get("tools"))
        for one, text in ((of_row[row], text) for row, text in samples.select("row", "text").iter_rows())
    ]
    grades = judge.grade(cases) if cases else []
    if len(grades) != len(cases):
        raise ValueError(f"the judge gave {len(grades):,} grades for {len(cases):,} answers")
    return grades


def _figures(grade: Grade) -> tuple[float | None, str | None, bool, bool]:
    """Read a grade; a score that is no number (or infinite, which nothing can be compared with) is none."""
    if grade.score is not None and math.isfinite(grade.score):
        return float(grade.score), None, False, False
    why = grade.why or ("the score is no number" if grade.score is not None else "the judge did not say why")
    return None, f"no grade: {why}", True, grade.again


def _parts(grades: list[Grade]) -> list[pl.Series]:
    names = sorted({name for grade in grades for name in grade.parts})
    return [pl.Series(f"grade_{name}", [grade.parts.get(name) for grade in grades], dtype=pl.Float64) for name in names]


def best_and_other(
    samples: pl.DataFrame, *, rejected: Rejected, min_gap: float, max_length_ratio: float | None = None
) -> pl.DataFrame:
    """Pick the best-graded answer of a row and, below it, the worst or any other (by its draw): keys, or why not.

    What is rejected is graded lower by `min_gap` at least, and never the same.
    """
    usable = _best_first(samples)
    best = pl.col("row").is_first_distinct()
    size = pl.col("text").str.len_chars().cast(pl.Float64)
    top = usable.filter(best).select("row", chosen="key", top="score", top_size=size)
    others = usable.filter(~best).join(top, on="row", how="left").with_columns(gap=pl.col("top") - pl.col("score"))
    ratio = pl.max_horizontal("top_size", size) / pl.min_horizontal("top_size", size)
    apart = (pl.col("gap") > 0) & (pl.col("gap") >= min_gap)
    fit = apart if max_length_ratio is None else apart & (ratio <= max_length_ratio)
    order = pl.col("draw") if rejected == "random" else pl.col("score")
    other = others.filter(fit).sort("row", order, "draw").group_by("row").agg(rejected=pl.col("key").first())
    near = others.group_by("row").agg(gap=pl.col("gap").max(), apart=apart.any())
    rows = _by_row(samples, unfit(samples), top.select("row", "chosen"), other, near)
    return rows.select("row", "chosen", "rejected", why=_why(min_gap, max_length_ratio))


def _best_first(samples: pl.DataFrame) -> pl.DataFrame:
    """Sort the usable answers of each row by their grade, equals by their draw."""
    usable = samples.filter(pl.col("fault").is_null())
    return usable.sort("row", "score", "draw", descending=[False, True, False])


def _by_row(samples: pl.DataFrame, *parts: pl.DataFrame) -> pl.DataFrame:
    """Put what is known of each row side by side."""
    rows = samples.select(pl.col("row").unique())
    for part in parts:
        rows = rows.join(part, on="row", how="left")
    return rows


def best_only(samples: pl.DataFrame, min_score: float | None) -> pl.DataFrame:
    """Pick the best-graded answer of a row, if it is good enough; beside it how many had a grade, and their mean."""
    usable = _best_first(samples)
    key, score = pl.col("key").first(), pl.col("score")
    best = usable.group_by("row").agg(best=key, top=score.first(), mean_grade=score.mean(), graded=pl.len())
    rows = _by_row(samples, unfit(samples), best)
    low = pl.lit(False) if min_score is None else pl.col("top") < min_score
    why = (
        pl.when(pl.col("best").is_null()).then(pl.format("no answer: {}", "unfit"))
        .when(low).then(pl.format(f"the best grade is {{}}, below {min_score}", pl.col("top").round(3)))
    )  # fmt: skip
    return rows.select("row", "best", "mean_grade", pl.col("graded").fill_null(0), why=why)


def _why(min_gap: float, max_length_ratio: float | None) -> pl.Expr:
    start = pl.when(pl.col("chosen").is_null()).then(pl.lit("no answer")).otherwise(pl.lit("only one answer"))
    near = pl.format(f"the grades are {{}} apart at most, below {min_gap:g}", pl.col("gap").round(3))
    return (
        pl.when(pl.col("rejected").is_not_null()).then(None)
        .when(pl.col("gap").is_null()).then(pl.format("{} to compare: {}", start, "unfit"))
        .when(pl.col("gap") == 0).then(pl.lit("a tie: all answers have the same grade"))
        .when(~pl.col("apart")).then(near)
        .otherwise(pl.lit(f"no answer far enough below the best is within {max_length_ratio} times its length"))
    )  # fmt: skip


def check_bounds(min_gap: float, max_length_ratio: float | None) -> None:
    """Raise ValueError for bounds that nothing, or anything, would meet."""
    if min_gap < 0:
        raise ValueError(f"min_gap must be 0 or more, not {min_gap:g}")
    if max_length_ratio is not None and max_length_ratio < 1:
        raise ValueError(
            f"max_length_ratio must be 1 or more, not {max_length_ratio:g}: it is the longer over the shorter"
        )


def unfit(samples: pl.DataFrame) -> pl.DataFrame:
    """Say of each row what is wrong with its answers, and with how many."""
    counted = samples.filter(pl.col("fault").is_not_null()).group_by("row", "fault").len().sort("row", "len", "fault")
    text = pl.when(pl.col("len") > 1).then(pl.format("{} × {}", "len", "fault")).otherwise("fault")
    return counted.group_by("row", maintain_order=True).agg(unfit=text.str.join(", "))
