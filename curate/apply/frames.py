"""polars' own frames and series."""

from __future__ import annotations

from functools import partial
from typing import Any

import polars as pl

from curate.apply import edit, keep, values
from curate.apply.hosts import Stream, Table
from curate.rows import literal
from curate.texts import columns_of, kind_of

POLARS = Table(
    names=lambda frame: frame.columns,
    read=lambda frame, names: frame.select(map(literal, names)),
    take=pl.DataFrame.filter,
    put=pl.DataFrame.with_columns,
    column=lambda _, column: column,
)
SERIES = Table(
    names=None,
    read=lambda series, names: series.alias(names[0]).to_frame(),
    take=pl.Series.filter,
    put=lambda series, columns: columns[0].alias(series.name),
    column=lambda _, column: column,
)

# What comes later in a query is not brought before it: it may take columns away that hold turns.
_LATER: Any = {"predicate_pushdown": False, "projection_pushdown": False, "slice_pushdown": False, "streamable": True}


def _keep(frame: pl.LazyFrame, expr: pl.Expr) -> pl.LazyFrame:
    return frame.map_batches(partial(keep, expr=expr), **_LATER) if kind_of(expr) else frame.filter(expr)


def _edit(frame: pl.LazyFrame, expr: pl.Expr) -> pl.LazyFrame:
    return frame.map_batches(partial(edit, expr=expr), **_LATER) if kind_of(expr) else frame.with_columns(expr)


def _apply(expr: pl.Expr, frame: pl.LazyFrame) -> pl.Series:
    names = columns_of(expr.meta.root_names(), frame.collect_schema().names())
    return values(POLARS, frame.select(map(literal, names)).collect(), expr)


LAZY = Stream(_keep, _edit, _apply)
