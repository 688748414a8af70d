"""pandas: the index and every type stay."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa

from curate.apply.hosts import Table
from curate.apply.rows import like


def names(frame: pd.DataFrame) -> list[str]:
    """List the columns that a filter can name."""
    return [name for name in frame.columns if isinstance(name, str)]


def read(frame: pd.DataFrame, names: list[str]) -> pl.DataFrame:
    """Take some columns as polars."""
    return pl.DataFrame([_as_polars(frame[name]).alias(name) for name in names])


def _as_polars(column: pd.Series[Any]) -> pl.Series:
    try:
        return pl.from_pandas(column)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # values of several types in one column
        return pl.Series(column.to_list(), strict=False)


def column(values: pl.Series, index: pd.Index[Any], old: pd.Series[Any] | None = None) -> pd.Series[Any]:
    """Make a column of values with an index, of the type of the column that they replace."""
    if values.dtype.is_nested():
        listed = values.to_list() if old is None else list(map(like, old, values.to_list()))
        return pd.Series(listed, index, dtype=object if old is None else old.dtype, name=values.name)
    series = values.to_pandas().set_axis(index)
    if values.dtype == pl.Boolean:  # pandas' own has no room for nulls
        return series.astype("boolean")
    if old is None:
        return series.infer_objects() if values.dtype == pl.String else series
    # A category that is not among the old ones would become null.
    return series.astype("category" if isinstance(old.dtype, pd.CategoricalDtype) else old.dtype)


def put(frame: pd.DataFrame, columns: list[pl.Series]) -> pd.DataFrame:
    """Replace columns, or add them."""
    return frame.assign(**{c.name: column(c, frame.index, frame.get(c.name)) for c in columns})


FRAME = Table(
    names=names,
    read=read,
    take=lambda frame, kept: frame[kept.to_numpy()],
    put=put,
    column=lambda frame, values: column(values, frame.index),
)
SERIES = Table(
    names=None,
    read=lambda series, names: _as_polars(series).alias(names[0]).to_frame(),
    take=lambda series, kept: series[kept.to_numpy()],
    put=lambda series, columns: column(columns[0], series.index, series).rename(series.name),
    column=lambda series, values: column(values, series.index),
)
