"""The row-wise pass: one pure function from a batch and its steps to the rows kept and every verdict.

Every cheap step judges every row, whatever the other steps said, so that "which filter alone removed this" is set
algebra on the ledger. A costly step sees only the rows that the steps before it left.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import polars as pl

from curate.recipe.step import Step, edits, measures, scores, spans, verdict
from curate.run.ledger import EVIDENCE, evidence

NO_VALUE = "no value to judge"


class Passed(NamedTuple):
    """What a pass yields: all rows with edits applied and their ledger, both in the batch's order."""

    rows: pl.DataFrame
    ledger: pl.DataFrame

    @property
    def kept(self) -> pl.DataFrame:
        """Take the rows that every step left."""
        return self.rows.filter(self.ledger["kept"])


def row_pass(rows: pl.DataFrame, steps: Sequence[Step]) -> Passed:
    """Apply row-wise steps to a batch, which has `id`, `source`, `domain` and the columns that the steps name.

    The ledger has these three, a Boolean column a step (its label), a Float64 column `label.column` where the filter
    measures something, `dropped_by` (the first step that failed), `detail` (evidence for every step that failed: the
    numbers it measured, and for the first the text it rests on) and `kept`. Null where a step was not asked.
    """
    ledger = rows.select("id", "source", "domain").with_row_index("_row")
    labels: list[str] = []
    details: list[pl.DataFrame] = []
    for family, group in groupby(steps, key=_family):
        together = list(group)
        if family == "edit":
            for step in together:
                rows = rows.with_columns(edits(step))
        elif family == "score":
            rows = rows.with_columns(s for step in together for s in scores(step))
            ledger = ledger.hstack(rows.select(step.label for step in together))
        else:
            left = _left(ledger, labels)
            asked = rows if family == "cheap" else rows.filter(left)
            place = ledger["_row"] if family == "cheap" else ledger["_row"].filter(left)
            left = left if family == "cheap" else left.filter(left)
            values = _values(asked, _questions(together), place)
            for step in together:
                passed = values[step.label].fill_null(False)
                details.append(_evidence(asked, values, step, ~passed, left & ~passed))
                left &= passed
            answers = values.with_columns(pl.col(step.label).fill_null(False) for step in together)
            ledger = ledger.join(answers, on="_row", how="left", maintain_order="left")
            labels += [step.label for step in together]
    ledger = _close(ledger, labels, details)
    return Passed(rows, ledger)


def _family(step: Step) -> str:
    """Group neighbours that can be asked at once: judging steps share one parallel query."""
    if not step.judges:
        return step.verb
    return "costly" if step.costly else "cheap"


def _left(ledger: pl.DataFrame, labels: list[str]) -> pl.Series:
    """Find the rows that all verdicts so far leave."""
    everywhere = pl.col("_row").is_not_null()
    passed = [pl.col(label).fill_null(True) for label in labels]
    return ledger.select(pl.all_horizontal(everywhere, *passed)).to_series()


def _questions(steps: list[Step]) -> list[pl.Expr]:
    return [e for step in steps for e in (verdict(step).alias(step.label), *measures(step))]


def _values(rows: pl.DataFrame, exprs: list[pl.Expr], place: pl.Series) -> pl.DataFrame:
    """Evaluate expressions over rows beside the place of each; the rows may have columns of any name."""
    names = [expr.meta.output_name() for expr in exprs]
    return rows.with_columns(exprs)[names].insert_column(0, place)


def _evidence(
    asked: pl.DataFrame, values: pl.DataFrame, step: Step, failed: pl.Series, first: pl.Series
) -> pl.DataFrame:
    """Gather why rows fail a step: the numbers it measured, and where it is the first to drop, the text.

    Looking for the text costs more than the verdict, so it is done only where it answers why the row is out.
    """
    numbers = [pl.col(c).cast(pl.String) for c in values.columns if c.startswith(f"{step.label}.")]
    nothing = pl.when(pl.col(step.label).is_null()).then(pl.lit(NO_VALUE))
    reason = pl.concat_str([nothing, *numbers], separator=" ", ignore_nulls=True).replace("", None)
    reasons = values.filter(failed).select("_row", reason.alias("_reason"))
    span = None
    if step.has_spans and first.any():
        texts = _values(asked.filter(first), spans(step), values["_row"].filter(first))
        reasons = reasons.join(texts, on="_row", how="left", maintain_order="left")
        span = pl.concat_str(pl.exclude("_row", "_reason"), separator=" ", ignore_nulls=True).replace("", None)
    return reasons.select("_row", detail=evidence(step.label, pl.col("_reason"), span))


def _close(ledger: pl.DataFrame, labels: list[str], evidence: list[pl.DataFrame]) -> pl.DataFrame:
    """Say of every row whether it is kept, and if not by which step first and why by each."""
    failed = [pl.when(~pl.col(label)).then(pl.lit(label)) for label in labels]
    ledger = ledger.with_columns(dropped_by=pl.coalesce([*failed, pl.lit(None, dtype=pl.String)]))
    if evidence:
        details = pl.concat(evidence).group_by("_row", maintain_order=True).agg("detail")
        ledger = ledger.join(details, on="_row", how="left", maintain_order="left")
    else:
        ledger = ledger.with_columns(detail=pl.lit(None, dtype=EVIDENCE))
    return ledger.with_columns(kept=pl.col("dropped_by").is_null()).drop("_row")
