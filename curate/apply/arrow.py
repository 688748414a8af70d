"""Arrow: tables and record batches, and streams of these, which stay streams."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import polars as pl
import pyarrow as pa

from curate.apply import apply, edit, keep
from curate.apply.hosts import Stream, Table
from curate.texts import columns_of


def _put(table: Any, columns: list[pl.Series]) -> Any:
    for column in columns:
        at, values = table.schema.get_field_index(column.name), column.to_arrow()
        if at < 0:
            table = table.append_column(column.name, values)
            continue
        field = table.schema.field(at)
        if _alike(values.type, field.type):
            values = values.cast(field.type)
        table = table.set_column(at, field.with_type(values.type), values)
    return table


def _alike(new: pa.DataType, old: pa.DataType) -> bool:
    """Tell whether a column stays what it was, texts or turns, so that it can keep its very type."""
    return bool(pa.types.is_nested(new) and pa.types.is_nested(old)) or (_is_text(new) and _is_text(old))


def _is_text(of: pa.DataType) -> bool:
    of = of.value_type if pa.types.is_dictionary(of) else of
    return any(is_text(of) for is_text in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))


TABLE = Table(
    names=lambda table: table.schema.names,
    read=lambda table, names: pl.DataFrame(pl.from_arrow(table.select(names))),
    take=lambda table, kept: table.filter(kept.to_arrow()),
    put=_put,
    column=lambda _, column: column.to_arrow(),
)


def _each(do: Callable[[Any], Any], reader: pa.RecordBatchReader) -> pa.RecordBatchReader:
    schema = do(reader.schema.empty_table()).schema
    return pa.RecordBatchReader.from_batches(schema, map(do, reader))


def _values(expr: pl.Expr, reader: pa.RecordBatchReader) -> pa.ChunkedArray:
    columns_of(expr.meta.root_names(), reader.schema.names)
    return pa.chunked_array([apply(expr, batch) for batch in (reader.schema.empty_table(), *reader)])


def _stream(open_: Callable[[Any], pa.RecordBatchReader]) -> Stream:
    return Stream(
        keep=lambda data, expr: _each(partial(keep, expr=expr), open_(data)),
        edit=lambda data, expr: _each(partial(edit, expr=expr), open_(data)),
        apply=lambda expr, data: _values(expr, open_(data)),
    )


def _reader(data: Any) -> pa.RecordBatchReader:
    try:
        return pa.RecordBatchReader.from_stream(data)
    except pa.ArrowInvalid:
        raise TypeError(f"{type(data).__name__} holds values and no columns: make a table of it first") from None


READER = _stream(lambda reader: reader)
DATASET = _stream(lambda dataset: dataset.scanner().to_reader())
STREAM = _stream(_reader)
