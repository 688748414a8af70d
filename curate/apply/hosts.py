"""Hosts: the libraries that hold rows, each by the names of its types, so that none is imported to find it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple, TypeAlias

import polars as pl


class Table(NamedTuple):
    """How rows that are all in memory are read and written."""

    names: Callable[[Any], list[str]] | None  # of its columns; None: texts alone, without a column's name
    read: Callable[[Any, list[str]], pl.DataFrame]  # some of its columns
    take: Callable[[Any, pl.Series], Any]  # the rows where a Boolean without nulls is true
    put: Callable[[Any, list[pl.Series]], Any]  # columns in the place of those of their names, or behind all others
    column: Callable[[Any, pl.Series], Any]  # values as a column of the library's own


class Stream(NamedTuple):
    """How a verb is done on rows that are lazy, or come in pieces."""

    keep: Callable[[Any, pl.Expr], Any]
    edit: Callable[[Any, pl.Expr], Any]
    apply: Callable[[pl.Expr, Any], Any]
    whole: Table | None = None  # where they can be looked at as a whole, too


Host: TypeAlias = Table | Stream

# The types of a package, and where each host is: the module of this package, and its name there.
_HOMES = {
    "polars.DataFrame": "frames:POLARS",
    "polars.LazyFrame": "frames:LAZY",
    "polars.Series": "frames:SERIES",
    "pandas.DataFrame": "pandas:FRAME",
    "pandas.Series": "pandas:SERIES",
    "pyarrow.Table": "arrow:TABLE",
    "pyarrow.RecordBatch": "arrow:TABLE",
    "pyarrow.RecordBatchReader": "arrow:READER",
    "pyarrow.Dataset": "arrow:DATASET",
    "datasets.Dataset": "datasets:DATASET",
    "datasets.IterableDataset": "datasets:ITERABLE",
    "datasets.DatasetDict": "datasets:SPLITS",
    "datasets.IterableDatasetDict": "datasets:SPLITS",
    "dask.DataFrame": "dask:FRAME",
    "ray.Dataset": "ray:DATASET",
}


def find(data: Any) -> Host:
    """Find the host of some rows; raise TypeError for a type that is none we know."""
    names = (f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(data).__mro__)
    home = next((_HOMES[name] for name in names if name in _HOMES), None) or _home(data)
    if home is None:
        raise TypeError(
            f"cannot apply a filter to {type(data).__name__}: give a text, a list of texts or of dicts, or an iterator "
            "of them; a mapping of columns to lists; a polars, pandas or Dask frame; an Arrow table, or what can be "
            "read as one, as a DuckDB relation; or a data set of Hugging Face or Ray"
        )
    module, _, name = home.partition(":")
    host: Host = getattr(import_module(f"curate.apply.{module}"), name)
    return host


def _home(data: Any) -> str | None:
    if isinstance(data, list | tuple):
        first = next((item for item in data if item is not None), "")
        return "rows:ROWS" if isinstance(first, Mapping) else "rows:TEXTS" if isinstance(first, str) else None
    if isinstance(data, Mapping):
        return "rows:COLUMNS"
    if isinstance(data, Iterator):
        return "rows:ITERATOR"
    return "arrow:STREAM" if hasattr(data, "__arrow_c_stream__") else None
