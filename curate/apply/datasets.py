"""Hugging Face data sets: a batch is an Arrow table, features stay, and what was computed comes from the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import polars as pl
import pyarrow as pa
from datasets import Features

from curate.apply import apply, batched, edit, holds, keep, values
from curate.apply.arrow import TABLE
from curate.apply.forks import check
from curate.apply.hosts import Stream, Table, find

_WHOLE = TABLE._replace(
    names=lambda data: data.column_names,
    read=lambda data, names: pl.DataFrame(pl.from_arrow(data.select_columns(names).with_format("arrow")[:])),
    take=lambda data, kept: data.select(kept.arg_true().to_list()),
)


def _keep(data: Any, expr: pl.Expr) -> Any:
    return data.filter(_holds, batched=True, fn_kwargs=_settings(expr))


def _holds(batch: Any, expr: pl.Expr, rests_on: str) -> list[bool]:
    check()
    host = find(batch)
    assert isinstance(host, Table)
    return holds(host, batch, expr).to_list()


def _edit(data: Any, expr: pl.Expr) -> Any:
    if data.features is None:
        return data.map(batched(expr, expr.meta.output_name()), batched=True)
    return data.map(_edit_table, batched=True, fn_kwargs=_settings(expr), features=_features(data.features, expr))


def _settings(expr: pl.Expr) -> dict[str, Any]:
    """Tell a function what its result rests on, so that the cache hits for a reason."""
    return {"expr": expr, "rests_on": batched(expr).rests_on}


def _edit_table(table: pa.Table, expr: pl.Expr, rests_on: str) -> pa.Table:
    return edit(table, expr)


def _features(old: Features, expr: pl.Expr) -> Features:
    before = old.arrow_schema
    after = edit(before.empty_table(), expr).schema
    types = {name: before.field(name).type for name in before.names}
    changed = pa.schema(_plain(field) for field in after if types.get(field.name) != field.type)
    return Features({**old, **Features.from_arrow_schema(changed)})


def _plain(field: pa.Field) -> pa.Field:
    return field.with_type(pa.string()) if pa.types.is_large_string(field.type) else field


def _in_arrow(verb: Callable[[Any, pl.Expr], Any]) -> Callable[[Any, pl.Expr], Any]:
    """Have a verb see a data set in Arrow, and give the result the format that the data set has."""

    def do(data: Any, expr: pl.Expr) -> Any:
        own = data.format
        columns = None if own["columns"] == data.column_names else own["columns"]
        result = verb(data.with_format("arrow"), expr)
        return result.with_format(own["type"], columns, own["output_all_columns"], **own["format_kwargs"])

    return do


def _batches(stream: Any) -> Any:
    """Have a stream give its batches in Arrow; without features each batch would have types of its own there."""
    return stream.with_format("arrow" if stream.features else None)


def _format(stream: Any) -> Any:
    return stream._formatting and stream._formatting.format_type


def _keep_stream(stream: Any, expr: pl.Expr) -> Any:
    # It gives plain rows, which datasets makes faster of its own batches than of Arrow's.
    return _keep(stream.with_format(None), expr).with_format(_format(stream))


def _edit_stream(stream: Any, expr: pl.Expr) -> Any:
    return _edit(_batches(stream), expr).with_format(_format(stream))


def _apply(expr: pl.Expr, stream: Any) -> Iterator[Any]:
    for batch in _batches(stream).iter(1000):
        values = apply(expr, batch)
        yield from values if isinstance(values, list) else values.to_pylist()


def _each_split(verb: Callable[..., Any]) -> Callable[..., Any]:
    return lambda splits, expr: type(splits)({name: verb(data, expr) for name, data in splits.items()})


DATASET = Stream(
    _in_arrow(_keep), _in_arrow(_edit), lambda expr, data: values(_WHOLE, data, expr).to_list(), whole=_WHOLE
)
ITERABLE = Stream(_keep_stream, _edit_stream, _apply)
SPLITS = Stream(
    _each_split(keep),
    _each_split(edit),
    lambda expr, splits: {name: apply(expr, data) for name, data in splits.items()},
)
