"""From answers and a choice among them to what a step gives back: columns, reasons, ledger, notes."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from curate.pairs._samples import AGAIN, EMPTY, WITHHELD
from curate.pairs.contract import Made

SIDES = ("chosen", "rejected")
SAME = "the two answers are the same"
_SHOWN = ("generator", "finish", "prompt_tokens", "tokens", "score")


def pairs(rows: pl.DataFrame, samples: pl.DataFrame, picks: pl.DataFrame) -> Made:
    """Put together the pairs that were picked among the samples of the rows.

    `picks` has `row`, the keys of its `chosen` and `rejected` sample (null where there is none), and `why` there is no
    pair. The samples have a `score` if they were graded.
    """
    graded = ["score"] if "score" in samples.columns else []
    wide = beside(rows, samples, picks)
    same = pl.when(pl.col("chosen_text") == pl.col("rejected_text")).then(pl.lit(SAME))
    wide = wide.with_columns(why=pl.coalesce("why", same))
    wide = wide.with_columns(pl.when(pl.col("why").is_null()).then(f"{side}_text").alias(side) for side in SIDES)
    gap = [(pl.col("chosen_score") - pl.col("rejected_score")).alias("gap") for _ in graded]
    return made(
        samples,
        columns=wide.select(*SIDES, *(f"{side}_{name}" for side in SIDES for name in ["generator", *graded])),
        why=wide["why"],
        ledger=wide.select(*(f"{side}_{name}" for side in SIDES for name in _shown(samples)), *gap),
        notes=asked(samples) | measured(wide.with_columns(gap)),
    )


def answers(rows: pl.DataFrame, samples: pl.DataFrame, picks: pl.DataFrame) -> Made:
    """Put together the answers that were picked, one a row.

    `picks` has `row`, the key of its `best` sample (null where there is none) and `why` there is none; what else it has
    are figures for the ledger. The samples have a `score` if they were graded, and it becomes the row's.
    """
    graded = ["score"] if "score" in samples.columns else []
    wide = _numbered(rows.height).join(picks, on="row", how="left")
    wide = wide.join(samples, left_on=["row", "best"], right_on=["row", "key"], how="left").sort("row")
    wide = wide.with_columns(response=pl.when(pl.col("why").is_null()).then("text"))
    figures = [name for name in picks.columns if name not in ("row", "best", "why")]
    there = wide.filter(pl.col("why").is_null())
    notes: dict[str, float] = {"rows answered": float(there.height)}
    if there.height:
        notes |= {name.replace("_", " "): round(float(there[name].mean()), 3) for name in [*graded, *figures]}  # type: ignore[arg-type]
    return made(
        samples,
        columns=wide.select("response", *graded),
        why=wide["why"],
        ledger=wide.select(*_shown(samples), *figures),
        notes=asked(samples) | notes,
    )


def _shown(samples: pl.DataFrame) -> list[str]:
    """Name what the ledger has of a picked answer: what there is of it, and the parts of its grade."""
    return [name for name in samples.columns if name in _SHOWN or name.startswith("grade_")]


def without_system(rows: pl.DataFrame, made: Made) -> Made:
    """Take the system prompt away that the rows came with."""
    if "system" not in rows.columns:
        return made
    return made._replace(columns=made.columns.with_columns(system=pl.lit(None, pl.String)))


def beside(rows: pl.DataFrame, samples: pl.DataFrame, picks: pl.DataFrame) -> pl.DataFrame:
    """Put what is known of the two picked samples beside each other, a line for each of the rows, in their order."""
    wide = _numbered(rows.height).join(picks, on="row", how="left")
    for side in SIDES:
        sided = samples.rename({name: f"{side}_{name}" for name in samples.columns if name != "row"})
        wide = wide.join(sided, left_on=["row", side], right_on=["row", f"{side}_key"], how="left")
    return wide.sort("row")


def _numbered(height: int) -> pl.DataFrame:
    return pl.DataFrame({"row": range(height)}, schema={"row": pl.Int64})


def made(
    samples: pl.DataFrame, *, columns: pl.DataFrame, why: pl.Series, ledger: pl.DataFrame, notes: Mapping[str, float]
) -> Made:
    """Say which rows failed, and which should be asked about again: all that lack an answer another try may give.

    A dropped row that lacks an answer counts as failed, though the answers it has might have been no good either.
    """
    lacking = samples.group_by("row").agg(pl.col("failed").any(), pl.col("again").any())
    rows = (
        _numbered(len(why))
        .join(lacking, on="row", how="left")
        .sort("row")
        .with_columns(pl.col("failed", "again").fill_null(False))
    )
    return Made(columns, why.alias("why"), ledger, rows["again"], rows["failed"] & why.is_not_null(), notes)


def asked(samples: pl.DataFrame) -> dict[str, float]:
    """Count what was asked and what became of it; a fault that no answer has is left out."""
    counted = {
        "answers": samples["finish"].is_not_null(),
        "failed": samples["failed"] & samples["finish"].is_null(),
        "without a grade": samples["failed"] & samples["finish"].is_not_null(),
        "cut off": samples["finish"] == "length",
        "withheld": samples["fault"] == WITHHELD,
        "empty": samples["fault"] == EMPTY,
        "same text": samples["fault"] == AGAIN,
    }
    notes = {name: float(of.sum()) for name, of in counted.items()}
    tokens = {"prompt tokens": float(samples["prompt_tokens"].sum()), "tokens": float(samples["tokens"].sum())}
    return {name: count for name, count in notes.items() if count or name == "answers"} | tokens


def measured(wide: pl.DataFrame, sizes: tuple[str, str] | None = None) -> dict[str, float]:
    """Measure pairs: how many, how often the chosen answer is the longer, by how much, how far apart in score.

    The ratio of their lengths is chosen over rejected, in the geometric mean: 1 is even. `sizes` name the columns with
    the lengths, if they are no texts' own.
    """
    there = wide.filter(pl.col("why").is_null())
    sized = [pl.col(name) for name in sizes] if sizes else [pl.col(side).str.len_chars() for side in SIDES]
    figures = {"chosen longer": (sized[0] > sized[1]).mean(), "length ratio": (sized[0] / sized[1]).log().mean().exp()}
    figures |= {"mean gap": pl.col("gap").mean()} if "gap" in there.columns else {}
    found = there.select(value.round(3).alias(name) for name, value in figures.items()).row(0, named=True)
    return {"pairs": float(there.height), **(found if there.height else {})}
