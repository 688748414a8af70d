"""The row-wise pass: one pure function from a batch and its steps to the rows kept and every verdict.

Every cheap step judges every row, whatever the other steps said, so that "which filter alone removed this" is set
algebra on the ledger. A costly step sees only the rows that the steps before it left, and so does one that judges by
the score of a costly step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import polars as pl

from curate.recipe.step import Step, expressions
from curate.rows import kind, literal
from curate.run.ledger import EVIDENCE, evidence
from curate.run.step_error import columns_of, taken
from curate.run.turns import answers, edit, score, spans_of, unseen
from curate.texts import turn_of

NO_VALUE = "no value to judge"


class Passed(NamedTuple):
    """What a pass yields: all rows with edits applied and their ledger, both in the batch's order.

    `unseen` counts by step the rows with turns like the one that it looks at, which it does not look at; `unjudged`
    those with a value of which it cannot say anything, as of a text where it looks for a number; `unscored` by score
    those that have what it reads, and no number.
    """

    rows: pl.DataFrame
    ledger: pl.DataFrame
    unseen: dict[str, int]
    unjudged: dict[str, int]
    unscored: dict[str, int]

    @property
    def kept(self) -> pl.DataFrame:
        """Take the rows that every step left."""
        return self.rows.filter(self.ledger["kept"])


def row_pass(rows: pl.DataFrame, steps: Sequence[Step]) -> Passed:
    """Apply row-wise steps to a batch, which has `id`, `source`, `domain` and the columns that the steps name.

    The ledger has these three, a Boolean column a step (its label) or a Float64 one a score, a Float64 column
    `label.column` where the filter measures something (of several turns the worst, or the least and the greatest),
    `dropped_by` (the first step that failed), `detail` (evidence for every step that failed: the turn, the numbers it
    measured, and for the first the text it rests on) and `kept`. Null where a step was not asked.
    """
    ledger = rows.select("id", "source", "domain").with_row_index("_row")
    labels: list[str] = []
    more: dict[str, int] = {}
    unjudged: dict[str, int] = {}
    unscored: dict[str, int] = {}
    details: list[pl.DataFrame] = []
    for family, group in _families(steps):
        together = list(group)
        if family == "edit":
            more |= _unseen(rows, together)
            for step in together:
                rows = edit(rows, step)
        elif family == "score":
            left = _left(ledger, labels)
            _refuse_taken(rows, together)
            rows = score(rows, [step for step in together if not step.costly])
            for step in together:  # one after the other: each has a model in memory
                rows = _score_left(rows, left, step) if step.costly else rows
            ledger = ledger.hstack(rows.select(step.label for step in together))
            unscored |= _unscored(rows.filter(left), together)
        else:
            left = _left(ledger, labels)
            asked = rows if family == "cheap" else rows.filter(left)
            place = ledger["_row"] if family == "cheap" else ledger["_row"].filter(left)
            left = left if family == "cheap" else left.filter(left)
            more |= _unseen(asked, together)
            values, why = answers(asked, together)
            unjudged |= _unjudged(asked, values, together)
            values = values.insert_column(0, place)
            for step in together:
                passed = values[step.label].fill_null(False)
                details.append(_evidence(asked, values, why, step, ~passed, left & ~passed))
                left &= passed
            verdicts = values.with_columns(pl.col(step.label).fill_null(False) for step in together)
            ledger = ledger.join(verdicts, on="_row", how="left", maintain_order="left")
            labels += [step.label for step in together]
    ledger = _close(ledger, labels, details)
    return Passed(rows, ledger, more, unjudged, unscored)


def _unseen(rows: pl.DataFrame, steps: Sequence[Step]) -> dict[str, int]:
    """Count by step the rows that hold texts which it leaves unseen."""
    counts = {step.label: int(which.sum()) for step in steps if (which := unseen(rows, step)) is not None}
    return {label: count for label, count in counts.items() if count}


def _unjudged(rows: pl.DataFrame, values: pl.DataFrame, steps: Sequence[Step]) -> dict[str, int]:
    """Count by step, and by what its column holds, the values on which it has no verdict."""
    counts: dict[str, int] = {}
    for step in steps:
        columns = [name for name in columns_of(step) if name in rows.columns]
        if values[step.label].null_count() and columns:
            has_value = pl.all_horizontal(pl.col(literal(name)).is_not_null() for name in columns)
            held = ", ".join(f"'{name}' holds {kind(rows.schema[name])}" for name in columns)
            count = int((values[step.label].is_null() & rows.select(has_value).to_series()).sum())
            counts |= {f"{step.label}: {held}": count} if count else {}
    return counts


def _refuse_taken(rows: pl.DataFrame, steps: Sequence[Step]) -> None:
    """Raise ValueError for a score in whose column the rows have something of their own."""
    for step in steps:
        if step.label in rows.columns:
            raise ValueError(taken(step.label))


def _unscored(rows: pl.DataFrame, steps: Sequence[Step]) -> dict[str, int]:
    """Count by score the rows that have what it reads, and no number."""
    counts = {}
    for step in steps:
        there = [pl.col(literal(name)).is_not_null() for name in columns_of(step) if name in rows.columns]
        counts[step.label] = rows.select(pl.all_horizontal(pl.col(literal(step.label)).is_null(), *there)).sum().item()
    return {label: count for label, count in counts.items() if count}


def _families(steps: Sequence[Step]) -> Iterator[tuple[str, Iterator[Step]]]:
    """Group neighbours that can be asked at once: judging steps share one parallel query."""
    scores = {step.label for step in steps if step.verb == "score" and step.costly}

    def family(step: Step) -> str:
        if not step.judges:
            return step.verb
        read = (name for expr in expressions(step) for name in expr.meta.root_names()) if scores else ()
        return "costly" if step.costly or scores.intersection(read) else "cheap"

    return groupby(steps, key=family)


def _score_left(rows: pl.DataFrame, left: pl.Series, step: Step) -> pl.DataFrame:
    """Add the column of a costly score step, null where an earlier step has dropped the row."""
    values = pl.repeat(None, rows.height, dtype=pl.Float64, eager=True)
    values = values.scatter(left.arg_true(), score(rows.filter(left), [step])[step.label])
    return rows.with_columns(values.alias(step.label))


def _left(ledger: pl.DataFrame, labels: list[str]) -> pl.Series:
    """Find the rows that all verdicts so far leave."""
    everywhere = pl.col("_row").is_not_null()
    passed = [pl.col(label).fill_null(True) for label in labels]
    return ledger.select(pl.all_horizontal(everywhere, *passed)).to_series()


def _evidence(
    asked: pl.DataFrame, values: pl.DataFrame, why: pl.DataFrame, step: Step, failed: pl.Series, first: pl.Series
) -> pl.DataFrame:
    """Gather why rows fail a step: the turn, the numbers measured, and where it is the first to drop, the text.

    Looking for the text costs more than the verdict, so it is done only where it answers why the row is out.
    """
    label = step.label
    of_turns = f"{label} at" in why.columns
    # Of a single text the least and the greatest are one number.
    names = [c for c in values.columns if c.startswith(f"{label}.") and not c.endswith(".greatest")]
    numbers = [f"{label} reason"] if of_turns else [pl.col(c).cast(pl.String) for c in names]
    nothing = pl.when(pl.col(label).is_null()).then(pl.lit(NO_VALUE))
    reason = pl.concat_str([nothing, *numbers], separator=" ", ignore_nulls=True).replace("", None)
    turn = pl.when(f"{label} more").then(turn_of(pl.col(f"{label} at"))) if of_turns else pl.lit(None, dtype=pl.Int32)
    beside = values.hstack(why).filter(failed) if of_turns else values.filter(failed)
    reasons = beside.select("_row", reason.alias("_reason"), turn.alias("_turn"))
    span = None
    if step.has_spans and first.any():
        at = why[f"{label} at"].filter(first) if of_turns else None
        shown = spans_of(asked.filter(first), step, at).insert_column(0, values["_row"].filter(first))
        reasons = reasons.join(shown, on="_row", how="left", maintain_order="left")
        span = pl.concat_str(pl.exclude("_row", "_reason", "_turn"), separator=" ", ignore_nulls=True).replace("", None)
    return reasons.select("_row", detail=evidence(label, pl.col("_reason"), span, pl.col("_turn")))


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
