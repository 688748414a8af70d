"""Filters and edits for `DataFrame.mapInArrow`, of a classic session and of Spark Connect.

Spark does not count what it drops: `reason` adds a column that says it, to be counted, written or dropped as you like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import polars as pl
import pyarrow as pa

from curate.hosts import Properties, Rule, columns, edited, edits, reasons, rules

Batches: TypeAlias = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def keep(properties: Properties) -> Batches:
    """Keep the rows for which every property holds: `frame.mapInArrow(keep({…}), frame.schema)`.

    Args:
        properties: by name, the parameters of a filter or an expression.

    Raises HostError for what is no property of a row.

    >>> batch = pa.RecordBatch.from_pydict({"text": ["short", "long enough", None]})
    >>> [kept] = keep({"length": {"column": "text", "min": 6}})([batch])
    >>> kept.to_pydict()
    {'text': ['long enough']}
    """
    return _each(_kept, rules("keep", properties))


def drop(properties: Properties) -> Batches:
    """Drop the rows for which a property holds, and those that cannot be judged; else as `keep`."""
    return _each(_kept, rules("drop", properties))


def edit(filters: Properties) -> Batches:
    """Edit texts where they stand: `frame.mapInArrow(edit({…}), frame.schema)`.

    Args:
        filters: by name, the parameters of an edit or an expression under the name of the column that it replaces.

    Raises HostError for what is no edit.

    >>> batch = pa.RecordBatch.from_pydict({"text": ["<code>now</code>"]})
    >>> [result] = edit({"html_to_markdown": {"column": "text"}})([batch])
    >>> result.to_pydict()
    {'text': ['`now`']}
    """
    return _each(_edited, edits(filters))


def reason(verb: str, properties: Properties) -> Batches:
    """Add the column `dropped_by`: the first property that a row fails, null where it stays.

    The schema to give is `StructType([*frame.schema]).add("dropped_by", "string")`, of a copy, as Spark adds in place.

    Args:
        verb: keep or drop.
        properties: by name, the parameters of a filter or an expression.

    Raises HostError for what is no property of a row.

    >>> batch = pa.RecordBatch.from_pydict({"text": ["short", "long enough", None]})
    >>> [judged] = reason("keep", {"length": {"column": "text", "min": 6}})([batch])
    >>> judged.column("dropped_by").to_pylist()
    ['length', None, 'length: no value to judge']
    """
    return _each(_judged, rules(verb, properties))


class _each:  # noqa: N801 - used like a function; a class only so that it pickles with its expressions
    """Do something to each batch of an iterator."""

    def __init__(self, do: Callable[[pa.RecordBatch, Any], pa.RecordBatch], by: Any) -> None:
        self.do = do
        self.by = by

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return (self.do(batch, self.by) for batch in batches)


def _rows(batch: pa.RecordBatch, exprs: Iterable[pl.Expr]) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(batch.select(columns(exprs, batch.schema.names))))


def _reasons(batch: pa.RecordBatch, by: list[Rule]) -> pa.Array:
    return pa.array(reasons(by, _rows(batch, [rule.passes for rule in by])), pa.string())


def _kept(batch: pa.RecordBatch, by: list[Rule]) -> pa.RecordBatch:
    return batch.filter(_reasons(batch, by).is_null())


def _judged(batch: pa.RecordBatch, by: list[Rule]) -> pa.RecordBatch:
    return batch.append_column("dropped_by", _reasons(batch, by))


def _edited(batch: pa.RecordBatch, by: list[pl.Expr]) -> pa.RecordBatch:
    for column in edited(by, _rows(batch, by)):
        i = batch.schema.get_field_index(column.name)
        batch = batch.set_column(i, batch.schema.field(i), column.to_arrow().cast(batch.schema.field(i).type))
    return batch
