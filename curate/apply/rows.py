"""Plain Python: lists of texts or of dicts, iterators of them, and columns as lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, compress, islice
from typing import Any

import polars as pl

from curate.apply import edits, holds, values
from curate.apply.hosts import Stream, Table, find

_AT_ONCE = 1000  # rows of an iterator that are judged together

TEXTS = Table(
    names=None,
    read=lambda texts, names: pl.DataFrame({names[0]: pl.Series(texts, dtype=pl.String)}),
    take=lambda texts, kept: list(compress(texts, kept)),
    put=lambda _, columns: columns[0].to_list(),
    column=lambda _, column: column.to_list(),
)
COLUMNS = Table(
    names=list,
    read=lambda columns, names: pl.DataFrame({name: columns[name] for name in names}, strict=False),
    take=lambda columns, kept: {name: list(compress(column, kept)) for name, column in columns.items()},
    put=lambda columns, new: {**columns, **{column.name: column.to_list() for column in new}},
    column=lambda _, column: column.to_list(),
)


def _names(rows: Iterable[Mapping[str, Any] | None]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(row or () for row in rows)))


def _read(rows: list[Mapping[str, Any]], names: list[str]) -> pl.DataFrame:
    return pl.DataFrame({name: [row.get(name) for row in rows] for name in names}, strict=False)


def _put(rows: list[Mapping[str, Any]], columns: list[pl.Series]) -> list[dict[str, Any]]:
    new = zip(*(column.to_list() for column in columns), strict=True)
    names = [column.name for column in columns]
    return [_updated(row, dict(zip(names, some, strict=True))) for row, some in zip(rows, new, strict=True)]


def _updated(row: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Give a row new values; a key that it did not have comes only with one."""
    return {**row, **{k: like(row.get(k), v) for k, v in new.items() if k in row or v is not None}}


def like(old: Any, new: Any) -> Any:
    """Leave out of a new value the keys without a value that the old one did not have: polars gives all turns all keys.

    >>> like([{"role": "user"}], [{"role": "user", "name": None}])
    [{'role': 'user'}]
    """
    if isinstance(new, dict):
        of = old if isinstance(old, Mapping) else {}
        return {k: like(of.get(k), v) for k, v in new.items() if k in of or v is not None}
    if isinstance(new, list) and old is not None:
        return list(map(like, old, new))
    return new


ROWS = Table(
    names=_names,
    read=_read,
    take=lambda rows, kept: list(compress(rows, kept)),
    put=_put,
    column=lambda _, column: column.to_list(),
)


def _pieces(items: Iterator[Any]) -> Iterator[tuple[Table, list[Any]]]:
    known: dict[str, None] = {}  # a row may lack a key that others before it had
    rows = ROWS._replace(names=lambda _: list(known))
    while some := list(islice(items, _AT_ONCE)):
        if find(some) is TEXTS:
            yield TEXTS, some
        else:
            known |= dict.fromkeys(_names(some))
            yield rows, some


def _keep(items: Iterator[Any], expr: pl.Expr) -> Iterator[Any]:
    for host, some in _pieces(items):
        yield from host.take(some, holds(host, some, expr))


def _edit(items: Iterator[Any], expr: pl.Expr) -> Iterator[Any]:
    for host, some in _pieces(items):
        yield from host.put(some, edits(host, some, expr))


def _apply(expr: pl.Expr, items: Iterator[Any]) -> Iterator[Any]:
    for host, some in _pieces(items):
        yield from values(host, some, expr).to_list()


ITERATOR = Stream(_keep, _edit, _apply)
