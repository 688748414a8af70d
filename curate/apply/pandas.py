"""pandas: the index and every type stay."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa

from curate.apply.hosts import Table
from curate.apply.rows import like
from curate.apply.rows import read as plain


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
        return plain(column.to_list())


def column(values: pl.Series, index: pd.Index[Any], old: pd.Series[Any] | None = None) -> pd.Series[Any]:
    """Make a column of values with an index; of the type of the column that they replace, if they are what it held."""
    same = old is not None and _alike(values, old)
    if values.dtype.is_nested():
        listed = values.to_list() if old is None else list(map(like, old, values.to_list()))
        return pd.Series(listed, index, dtype=old.dtype if same and old is not None else object, name=values.name)
    series = values.to_pandas().set_axis(index)
    if same and old is not None:
        # A category that is not among the old ones would become null.
        return series.astype("category" if isinstance(old.dtype, pd.CategoricalDtype) else old.dtype)
    if values.dtype == pl.Boolean:  # pandas' own has no room for nulls
        return series.astype("boolean")
    return series.infer_objects() if values.dtype == pl.String else series


def _alike(values: pl.Series, old: pd.Series[Any]) -> bool:
    """Tell whether values fit the type of a column: numbers are not cut to whole ones, nor whole ones wrapped."""
    text = values.dtype == pl.String
    if old.dtype == object:
        return text or values.dtype.is_nested()
    if (
        values.null_count()
        and getattr(old.dtype, "kind", "O") in "biu"
        and not pd.api.types.is_extension_array_dtype(old)
    ):
        return False  # numpy has no null among whole numbers
    before = _as_polars(old.iloc[:0]).dtype
    return before == values.dtype or (text and before in (pl.Categorical, pl.Enum))


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
