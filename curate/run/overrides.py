"""Decisions of people, put into the verdicts of steps: they stand in the ledger, and the verdicts say so."""

from __future__ import annotations

import polars as pl

from curate.recipe.overrides import Overrides
from curate.run import ledger as ledgers
from curate.run.ledger import OVERRIDES


def overrule(ledger: pl.DataFrame, overrides: Overrides) -> pl.DataFrame:
    """Put decisions into the ledger of a first pass over rows.

    A row that was accepted passes each step that it would fail; its evidence stays. One that was rejected fails
    `overrides`, which stands behind the steps. That column is null for a row that nothing was decided about.
    """
    if not overrides:
        return ledger
    ledger = accept(ledger, overrides)
    rejected = pl.col("id").is_in(list(overrides.rejected))
    accepted = pl.col("id").is_in(list(overrides.accepted))
    words = pl.col("id").replace_strict(
        {**overrides.accepted, **overrides.rejected}, default=None, return_dtype=pl.String
    )
    reason = pl.concat_list(ledgers.evidence(OVERRIDES, words))
    return ledger.with_columns(
        pl.when(rejected).then(False).when(accepted).then(True).alias(OVERRIDES),
        dropped_by=pl.coalesce("dropped_by", pl.when(rejected).then(pl.lit(OVERRIDES))),
        detail=pl.when(words.is_null())
        .then("detail")
        .otherwise(pl.concat_list(pl.col("detail").fill_null([]), reason)),
        kept=pl.col("kept") & ~rejected,
    )


def accept(ledger: pl.DataFrame, overrides: Overrides) -> pl.DataFrame:
    """Let rows that were accepted pass the steps of a ledger which they fail."""
    if not overrides.accepted:
        return ledger
    accepted = pl.col("id").is_in(list(overrides.accepted))
    verdicts = ledgers.verdicts(ledger)
    return ledger.with_columns(
        *(pl.when(accepted & ~pl.col(name)).then(True).otherwise(name).alias(name) for name in verdicts),
        dropped_by=pl.when(~accepted).then("dropped_by"),
        kept=pl.col("kept") | accepted,
    )


def decided(overrides: Overrides) -> dict[str, list[list[tuple[str, str]]]]:
    """Say what a stage rests on, where anything was decided."""
    return {OVERRIDES: [sorted(overrides.accepted.items()), sorted(overrides.rejected.items())]} if overrides else {}
