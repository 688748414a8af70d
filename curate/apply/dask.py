"""Dask: each partition is a pandas frame; nothing is done before it is asked for."""

from __future__ import annotations

from functools import partial
from typing import Any

import polars as pl

from curate.apply import apply, edit, keep
from curate.apply.hosts import Stream
from curate.apply.pandas import column, put, read
from curate.rows import without_categories
from curate.texts import KINDS, columns_of, kind_of


def _keep(frame: Any, expr: pl.Expr) -> Any:
    return frame.map_partitions(partial(keep, expr=expr), meta=frame._meta)


def _edit(frame: Any, expr: pl.Expr) -> Any:
    name, meta = expr.meta.output_name(), frame._meta
    if name not in KINDS:
        new = put(meta, [_empty(frame, expr).alias(name)])
        meta = meta if new[name].dtype == "category" else new  # which stays one
    return frame.map_partitions(partial(edit, expr=expr), meta=meta)


def _apply(expr: pl.Expr, frame: Any) -> Any:
    return frame.map_partitions(partial(apply, expr), meta=column(_empty(frame, expr), frame._meta.index))


def _empty(frame: Any, expr: pl.Expr) -> pl.Series:
    """Make a column of no values of the type that an expression gives."""
    names = list(dict.fromkeys(expr.meta.root_names()))
    columns_of(names, list(frame.columns))
    kind = kind_of(expr)
    rows = without_categories(read(frame._meta, [name for name in names if name != kind]))
    values = rows.with_columns(pl.Series(kind, [], pl.String) if kind else []).select(expr).to_series().clear()
    if kind and values.dtype == pl.String:
        return pl.Series(values.name, [], pl.List(pl.String))
    return values.cast(pl.Float64) if kind and values.dtype.is_numeric() else values


FRAME = Stream(_keep, _edit, _apply)
