"""polars' own frames and series."""

from __future__ import annotations

from functools import partial
from typing import Any

import polars as pl

from curate.apply import edit, keep, values
from curate.apply.hosts import Stream, Table
from curate.rows import literal
from curate.texts import columns_of, kind_of


def _like(new: pl.Series, old: pl.Series) -> pl.Series:
    """Give new texts the categories' type of the old ones."""
    return new.cast(old.dtype) if new.dtype == pl.String and old.dtype == pl.Categorical else new


def _put(frame: pl.DataFrame, columns: list[pl.Series]) -> pl.DataFrame:
    return frame.with_columns(_like(new, frame[new.name]) if new.name in frame.columns else new for new in columns)


POLARS = Table(
    names=lambda frame: frame.columns,
    read=lambda frame, names: frame.select(map(literal, names)),
    take=pl.DataFrame.filter,
    put=_put,
    column=lambda _, column: column,
)
SERIES = Table(
    names=None,
    read=lambda series, names: series.alias(names[0]).to_frame(),
    take=pl.Series.filter,
    put=lambda series, columns: _like(columns[0], series).alias(series.name),
    column=lambda _, column: column,
)

# What comes later in a query is not brought before it: it may take columns away that hold turns.
_LATER: Any = {"predicate_pushdown": False, "projection_pushdown": False, "slice_pushdown": False, "streamable": True}


def _keep(frame: pl.LazyFrame, expr: pl.Expr) -> pl.LazyFrame:
    return frame.map_batches(partial(keep, expr=expr), **_LATER) if _by_frames(frame, expr) else frame.filter(expr)


def _edit(frame: pl.LazyFrame, expr: pl.Expr) -> pl.LazyFrame:
    if not _by_frames(frame, expr):
        return frame.with_columns(expr)
    schema = edit(frame.collect_schema().to_frame(), expr).schema
    return frame.map_batches(partial(edit, expr=expr), schema=schema, **_LATER)


def _by_frames(frame: pl.LazyFrame, expr: pl.Expr) -> bool:
    """Tell whether an expression is asked as of a frame in memory: of turns, of categories, of what has no type."""
    schema = frame.collect_schema()
    names = columns_of(expr.meta.root_names(), schema.names())
    return kind_of(expr) is not None or any(schema[n] in (pl.Categorical, pl.Enum, pl.Null) for n in names)


def _apply(expr: pl.Expr, frame: pl.LazyFrame) -> pl.Series:
    names = columns_of(expr.meta.root_names(), frame.collect_schema().names())
    return values(POLARS, frame.select(map(literal, names)).collect(), expr)


LAZY = Stream(_keep, _edit, _apply)
