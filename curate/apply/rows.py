"""Plain Python: lists of texts or of dicts, iterators of them, and columns as lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, compress, islice
from typing import Any

import polars as pl

from curate.apply import edits, holds, values
from curate.apply.hosts import Stream, Table, find
from curate.texts import FIELDS

_AT_ONCE = 1000  # rows of an iterator that are judged together


def _texts(items: Sequence[Any]) -> pl.Series:
    try:
        return pl.Series(items, dtype=pl.String if items else pl.Null)
    except TypeError:
        number, odd = next((i, x) for i, x in enumerate(items, 1) if not (x is None or isinstance(x, str)))
        raise TypeError(f"item {number} of the list is of type {type(odd).__name__}, and the first is a text") from None


TEXTS = Table(
    names=None,
    read=lambda texts, names: pl.DataFrame({name: _texts(texts) for name in names}),
    take=lambda texts, kept: list(compress(texts, kept)),
    put=lambda _, columns: columns[0].to_list(),
    column=lambda _, column: column.to_list(),
)
COLUMNS = Table(
    names=list,
    read=lambda columns, names: pl.DataFrame({name: read(columns[name]) for name in names}),
    take=lambda columns, kept: {name: list(compress(column, kept)) for name, column in columns.items()},
    put=lambda columns, new: {**columns, **{c.name: _column(columns.get(c.name), c.to_list()) for c in new}},
    column=lambda _, column: column.to_list(),
)


def _column(old: Iterable[Any] | None, new: list[Any]) -> list[Any]:
    return new if old is None else [like(*pair) for pair in zip(old, new, strict=True)]


def _names(rows: Iterable[Mapping[str, Any] | None]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(row or () for row in rows)))


def _read(rows: list[Mapping[str, Any]], names: list[str]) -> pl.DataFrame:
    return pl.DataFrame({name: read([(row or {}).get(name) for row in rows]) for name in names})


def read(values: Iterable[Any]) -> pl.Series:
    """Make a column of plain values; parts of a turn, as a text and an image, are no text, so they are not read."""
    return pl.Series([list(map(_in_text, v)) if isinstance(v, list) else v for v in values], strict=False)


def _in_text(turn: Any) -> Any:
    if not isinstance(turn, Mapping) or "role" not in turn:
        return turn
    parts = [name for name in FIELDS if isinstance(turn.get(name), list | Mapping)]
    return {**turn, **dict.fromkeys(parts)} if parts else turn


def _put(rows: list[Mapping[str, Any]], columns: list[pl.Series]) -> list[dict[str, Any]]:
    new = {column.name: column.to_list() for column in columns}
    values = [{name: some[i] for name, some in new.items()} for i in range(len(rows))]
    return [row if row is None else _updated(row, some) for row, some in zip(rows, values, strict=True)]


def _updated(row: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Give a row new values; a key that it did not have comes only with one."""
    return {**row, **{k: like(row.get(k), v) for k, v in new.items() if k in row or v is not None}}


def like(old: Any, new: Any) -> Any:
    """Take back what polars does to values of one column: all objects get all keys, values of several types one type.

    >>> like([{"role": "user"}], [{"role": "user", "name": None}])
    [{'role': 'user'}]
    >>> like([{"content": "a", "args": {"n": 1}}], [{"content": "b", "args": {"n": "1"}}])
    [{'content': 'b', 'args': {'n': 1}}]
    """
    if isinstance(new, dict):
        of = old if isinstance(old, Mapping) else {}
        return {k: _field(of.get(k), v) for k, v in new.items() if k in of or v is not None}
    if isinstance(new, list):
        before = iter(old if isinstance(old, Iterable) else ())
        return [like(next(before, None), value) for value in new]
    return new


def _field(old: Any, new: Any) -> Any:
    is_text = old is None or isinstance(old, str)
    same = isinstance(old, int | float) and old == new
    unread = new is None and isinstance(old, list | Mapping)
    return old if same or unread or (isinstance(new, str) and not is_text) else like(old, new)


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
