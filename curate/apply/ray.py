"""Ray Data: each block is an Arrow table, wherever it is."""

from __future__ import annotations

from functools import partial
from typing import Any, NoReturn

import polars as pl

from curate.apply import edit, keep
from curate.apply.hosts import Stream


def _apply(expr: pl.Expr, data: Any) -> NoReturn:
    raise TypeError(
        "a Ray data set has no columns apart from its rows: curate.edit(data, filter.alias('name')) writes the values "
        "of a filter beside them"
    )


DATASET = Stream(
    keep=lambda data, expr: data.map_batches(partial(keep, expr=expr), batch_format="pyarrow"),
    edit=lambda data, expr: data.map_batches(partial(edit, expr=expr), batch_format="pyarrow"),
    apply=_apply,
)
