"""Run a compiled loop over ranges of rows, side by side: it lets go of the interpreter's lock."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from curate.models.embeddings.quantised import quantise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def threads() -> int:
    """Say how many threads to use: as many as polars does, so POLARS_MAX_THREADS limits both."""
    return pl.thread_pool_size()


def in_ranges(kernel: Callable[..., Any], count: int, size: int, *arguments: Any) -> list[Any]:
    """Call kernel(first, last, *arguments) for ranges of `size` that cover `count`; give the results in their order."""
    firsts = range(0, count, size)
    if threads() == 1 or len(firsts) < 2:
        return [kernel(first, min(first + size, count), *arguments) for first in firsts]
    with ThreadPoolExecutor(threads()) as pool:
        return list(pool.map(lambda first: kernel(first, min(first + size, count), *arguments), firsts))


EXACT = 30_000  # rows up to which each is compared with all: some seconds
PROBES = 8  # cells searched for each row beyond that
_BLOCK = 512  # rows that others are compared with at a time: they fit in cache
_ROUNDS = 8  # of k-means
_EACH = 64  # rows for each cell that k-means learns from


class Neighbours(NamedTuple):
    """The nearest of each row, nearest first, and the products with them: two tables (rows, k)."""

    ids: NDArray[np.int32]
    products: NDArray[np.int32]


def nearest(rows: Any, others: Any, k: int) -> Neighbours:
    """Find the k nearest of `others` for each row, comparing all with all; ties go to the smaller number."""
    import numpy as np

    starts = np.minimum(np.arange(0, len(others) + _BLOCK, _BLOCK), len(others))
    probes = np.tile(np.arange(len(starts) - 1, dtype=np.int32), (len(rows), 1))
    return _search(rows, others, starts, probes, np.arange(len(others), dtype=np.int32), min(k, len(others)))


def _search(rows: Any, others: Any, starts: Any, probes: Any, names: Any, k: int) -> Neighbours:
    import numpy as np

    from curate.filters.vectors import kernels_graph as kernels

    ids = np.full((len(rows), k), np.iinfo(np.int32).max, dtype=np.int32)
    products = np.full((len(rows), k), np.iinfo(np.int32).min, dtype=np.int32)
    in_ranges(
        kernels.nearest, len(rows) if k else 0, 512, fixed(rows), fixed(others), starts, probes, names, ids, products
    )
    return Neighbours(ids, products)


def fixed(table: Any) -> Any:
    """Give a read-only view: one type for all arrays, so one compiled kernel."""
    import numpy as np

    view = np.ascontiguousarray(table).view()
    view.flags.writeable = False
    return view


def means(rows: Any, count: int) -> NDArray[np.int16]:
    """Find `count` centres by k-means on directions (spherical, Lloyd), from the rows that come first.

    A centre is quantised in every round, so none depends on how sums are split.
    """
    import numpy as np

    from curate.filters.vectors import kernels_graph as kernels

    sample = rows[: count * _EACH]
    sample = np.ascontiguousarray(sample[sample.any(axis=1)])
    centres = sample[:count]
    for _ in range(_ROUNDS if len(centres) else 0):
        cell = nearest(sample, centres, 1).ids[:, 0]
        sums = np.zeros(centres.shape, dtype=np.int64)
        kernels.sums(fixed(sample), cell, sums)
        moved = quantise(sums)
        moved = np.where(moved.any(axis=1, keepdims=True), moved, centres)
        if (moved == centres).all():
            break
        centres = moved
    return centres


def graph(rows: Any, k: int) -> Neighbours:
    """Find the k nearest rows of each, itself among them: exactly, or for many rows in the cells around it."""
    import numpy as np

    if len(rows) <= EXACT:
        return nearest(rows, rows, k)
    probes = nearest(rows, means(rows, round(2 * math.sqrt(len(rows)))), PROBES).ids
    order = np.argsort(probes[:, 0], kind="stable")
    starts = np.searchsorted(probes[order, 0], np.arange(probes.max() + 2))
    # Rows of a cell one after another: what they are compared with stays in cache.
    by_cell = _search(rows[order], rows[order], starts, probes[order], order.astype(np.int32), k)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return Neighbours(by_cell.ids[back], by_cell.products[back])
