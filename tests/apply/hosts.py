"""Every host: how rows get into it, and out again. Each is the real library."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest


class Case(NamedTuple):
    """A host: rows put into it, and taken out of what a verb gives."""

    put: Callable[[pl.DataFrame], Any]
    get: Callable[[Any], pl.DataFrame]
    kind: type | None = None  # of what a verb gives, where it is another than what it was given


def arrow(table: Any) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(table))


def datasets() -> Any:
    return pytest.importorskip("datasets", reason="the hf extra is not installed")


def hf(rows: pl.DataFrame) -> Any:
    return datasets().Dataset(rows.to_arrow())


def ray() -> Any:
    # Its processes listen to this machine alone.
    os.environ |= {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    data = pytest.importorskip("ray.data", reason="the ray extra is not installed")
    started = pytest.importorskip("ray")
    if not started.is_initialized():
        started.init("local", num_cpus=1, include_dashboard=False, object_store_memory=100 * 2**20, log_to_driver=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # settings of its own that it has given up
            context = data.DataContext.get_current()
        context.enable_progress_bars = False
        context.execution_options.preserve_order = True
    return data


def duckdb(rows: pl.DataFrame) -> Any:
    table = rows.to_arrow()
    return pytest.importorskip("duckdb").from_arrow(table)


def stream(rows: pl.DataFrame) -> Any:
    """Give the rows in batches of three."""
    table = rows.to_arrow()
    return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=3))


def frame_of(items: Any) -> pl.DataFrame:
    return pl.DataFrame(list(items), infer_schema_length=None)


def dask(rows: pl.DataFrame) -> Any:
    frames = pytest.importorskip("dask.dataframe")
    # Else Dask itself makes texts of lists.
    with pytest.importorskip("dask").config.set({"dataframe.convert-string": False}):
        return frames.from_pandas(rows.to_pandas(), npartitions=2).persist(scheduler="synchronous")


HOSTS: dict[str, Case] = {
    "polars": Case(lambda rows: rows, lambda rows: rows),
    "lazy": Case(pl.DataFrame.lazy, lambda rows: rows.collect()),
    "streaming": Case(pl.DataFrame.lazy, lambda rows: rows.collect(engine="streaming")),
    "pandas": Case(pl.DataFrame.to_pandas, pl.from_pandas),
    "pandas of arrow": Case(lambda rows: rows.to_pandas(use_pyarrow_extension_array=True), pl.from_pandas),
    "arrow": Case(pl.DataFrame.to_arrow, arrow),
    "batch": Case(lambda rows: rows.to_arrow().combine_chunks().to_batches()[0], arrow),
    "reader": Case(stream, lambda reader: arrow(reader.read_all())),
    "pyarrow data set": Case(
        lambda rows: pyarrow.dataset.dataset(rows.to_arrow()),
        lambda reader: arrow(reader.read_all()),
        pa.RecordBatchReader,
    ),
    "duckdb": Case(duckdb, lambda reader: arrow(reader.read_all()), pa.RecordBatchReader),
    "hf": Case(hf, lambda data: arrow(data.with_format("arrow")[:])),
    "hf splits": Case(
        lambda rows: datasets().DatasetDict(a=hf(rows[:2]), b=hf(rows[2:])),
        lambda splits: pl.concat(arrow(data.with_format("arrow")[:]) for data in splits.values()),
    ),
    "hf stream": Case(lambda rows: hf(rows).to_iterable_dataset(), frame_of),
    "dask": Case(dask, lambda frame: pl.from_pandas(frame.compute(scheduler="synchronous"))),
    "ray": Case(
        lambda rows: ray().from_arrow(rows.to_arrow()).limit(rows.height), lambda data: pl.from_pandas(data.to_pandas())
    ),
    "dicts": Case(pl.DataFrame.to_dicts, frame_of),
    "generator": Case(lambda rows: (row for row in rows.to_dicts()), frame_of),
    "columns": Case(lambda rows: rows.to_dict(as_series=False), lambda data: pl.DataFrame(data, strict=False)),
}
SLOW = {"ray", "dask"}
# Those that hold a whole pool in memory.
WHOLE = ["polars", "pandas", "pandas of arrow", "arrow", "batch", "hf", "dicts", "columns"]


def params(names: Iterable[str] = HOSTS) -> list[Any]:
    return [pytest.param(name, marks=pytest.mark.slow if name in SLOW else (), id=name) for name in names]


def listed(values: Any) -> list[Any]:
    """List the values that `apply` gives, nulls as None."""
    if isinstance(values, dict):
        return [value for some in values.values() for value in some]
    if hasattr(values, "compute"):
        values = values.compute(scheduler="synchronous")
    some = values.to_pylist() if hasattr(values, "to_pylist") else list(values)
    return [None if v is None or str(v) in ("<NA>", "nan") else v for v in some]
