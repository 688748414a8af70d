"""Near-duplicates by quantised vectors: the kept row nearest to each row, exactly or through an inverted file.

A product of two quantised vectors is a whole number below 2**24, which float32 holds, so neither the library nor the
number of threads can change one: what faiss returns needs no second scoring. The cells of the inverted file are
means quantised again, for the same reason; faiss' own k-means differs from machine to machine.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from curate.errors import UserError
from curate.models.embeddings.quantised import SQUARE, quantise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EXACT = 20_000  # rows up to which every pair is looked at: a few seconds
PROBES = 8  # cells searched for each row; SemDeDup's rule (arXiv 2303.09540), the row's own cell alone, loses a third
_BLOCK = 2048  # rows compared among themselves, outside of the index
_ROUNDS = 4  # of k-means
_EACH = 24  # rows drawn for each cell


class Cells(NamedTuple):
    """The nearest cells of each row, nearest first: (rows, probes)."""

    centres: NDArray[np.float32]
    nearest: NDArray[np.int64]


def _faiss() -> Any:
    try:
        import faiss
        import faiss.contrib.ivf_tools
    except ImportError:
        raise UserError("semantic_duplicates needs faiss for so many rows: pip install 'curate-lm[near]'") from None
    return faiss


def cells(vectors: NDArray[np.int16], order: NDArray[np.int64], probes: int = PROBES) -> Cells:
    """Cut the space into about 4 * sqrt(n) cells by k-means on the rows that come first in a drawn order."""
    import numpy as np

    faiss = _faiss()
    count = max(1, round(4 * math.sqrt(len(vectors))))
    sample = vectors[order[: count * _EACH]].astype(np.float32)
    centres = sample[:count]
    for _ in range(_ROUNDS):
        centres = _means(sample, _closest(faiss, centres, sample, 1)[:, 0], centres)
    nearest = np.empty((len(vectors), min(probes, count)), dtype=np.int64)
    for first in range(0, len(vectors), 65_536):
        part = vectors[first : first + 65_536].astype(np.float32)
        nearest[first : first + len(part)] = _closest(faiss, centres, part, nearest.shape[1])
    return Cells(centres, nearest)


def _closest(faiss: Any, centres: NDArray[np.float32], rows: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    index = faiss.IndexFlatIP(centres.shape[1])
    index.add(centres)
    cells: NDArray[np.int64] = index.search(rows, k)[1]
    return cells


def _means(rows: NDArray[np.float32], cell: NDArray[np.int64], before: NDArray[np.float32]) -> NDArray[np.float32]:
    """Move each centre to the mean of its rows; sums of whole numbers are exact, so no order of them matters."""
    import numpy as np

    sums = np.zeros(before.shape)
    np.add.at(sums, cell, rows)
    moved = quantise(sums).astype(np.float32)
    return np.where(moved.any(axis=1, keepdims=True), moved, before)


class _Kept:
    """The kept rows so far, in one table (`nearest` None) or in cells."""

    def __init__(self, vectors: NDArray[np.int16], cells: Cells | None) -> None:
        import numpy as np

        self.cells, self.rows = cells, np.empty(0, dtype=np.int64)
        if cells is None:
            self.table = np.empty(vectors.shape, dtype=np.float32)
            return
        faiss = _faiss()
        self.tools = faiss.contrib.ivf_tools
        d = vectors.shape[1]
        self.quantizer = faiss.IndexFlatIP(d)
        self.quantizer.add(cells.centres)
        self.index = faiss.IndexIVFFlat(self.quantizer, d, len(cells.centres), faiss.METRIC_INNER_PRODUCT)
        self.index.is_trained = True
        self.index.nprobe = cells.nearest.shape[1]

    def nearest(self, at: NDArray[np.int64], block: NDArray[np.float32]) -> tuple[Any, Any]:
        """Find for each row of a block the kept row with the largest product, -1 where there is none."""
        import numpy as np

        if not len(self.rows):
            return np.full(len(at), -1, dtype=np.int64), np.zeros(len(at), dtype=np.float32)
        if self.cells is None:
            products = block @ self.table[: len(self.rows)].T
            best = products.argmax(axis=1)
            return self.rows[best], products[np.arange(len(at)), best]
        probed = self.cells.nearest[at]
        coarse = np.zeros(probed.shape, dtype=np.float32)
        like, of = self.tools.search_preassigned(self.index, block, 1, probed, coarse)
        return of[:, 0], like[:, 0]

    def add(self, at: NDArray[np.int64], block: NDArray[np.float32]) -> None:
        import numpy as np

        if self.cells is None:
            self.table[len(self.rows) : len(self.rows) + len(at)] = block
        elif len(at):
            self.tools.add_preassigned(self.index, block, self.cells.nearest[at, 0].copy(), at)
        self.rows = np.concatenate([self.rows, at])


def survivors(
    vectors: NDArray[np.int16], threshold: float, cells: Cells | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Go through rows, best first, and drop those near a kept one: the kept row nearest to each, and their cosine.

    A row that stays has -1. Only kept rows are searched, so a large family of like rows costs no more than others.
    """
    import numpy as np

    of, product = np.full(len(vectors), -1, dtype=np.int64), np.zeros(len(vectors), dtype=np.float32)
    index, least = _Kept(vectors, cells), math.ceil(threshold * SQUARE)
    for first in range(0, len(vectors), _BLOCK):
        block = vectors[first : first + _BLOCK].astype(np.float32)
        at = np.arange(first, first + len(block))
        outside, like = index.nearest(at, block)
        outside[like < least] = -1
        _among(block @ block.T, least, outside, like, first)
        of[at], product[at] = outside, like
        stays = outside < 0
        index.add(at[stays], block[stays])
    return of, np.where(of >= 0, product.astype(np.float64) / SQUARE, 0.0)


def _among(products: Any, least: int, of: Any, like: Any, first: int) -> None:
    """Compare the rows of a block with the kept ones before them in the block; changes `of` and `like`."""
    import numpy as np

    earlier = np.tril(products >= least, -1)
    for i in np.flatnonzero(earlier.any(axis=1)).tolist():
        near = np.flatnonzero(earlier[i] & (of[: len(products)] < 0))
        if len(near):
            best = near[products[i, near].argmax()]
            if of[i] < 0 or products[i, best] > like[i]:
                of[i], like[i] = first + best, products[i, best]


def recall(
    vectors: NDArray[np.int16], threshold: float, cells: Cells | None, sample: NDArray[np.int64]
) -> tuple[int, int]:
    """Compare the rows of a sample with all rows: how many near pairs there are, and how many the cells would show."""
    import numpy as np

    total, seen, least = 0, 0, math.ceil(threshold * SQUARE)
    mine = vectors[sample].astype(np.float32)
    for first in range(0, len(vectors), 16_384):
        part = vectors[first : first + 16_384].astype(np.float32)
        row, other = np.nonzero(mine @ part.T >= least)
        later, earlier = sample[row], other + first
        later, earlier = np.maximum(later, earlier)[later != earlier], np.minimum(later, earlier)[later != earlier]
        total += len(later)
        if cells is None:
            seen += len(later)
        else:
            # The later row looks for the earlier one, in its own nearest cells or in its own block.
            probed = (cells.nearest[later] == cells.nearest[earlier, :1]).any(axis=1)
            seen += int((probed | (later // _BLOCK == earlier // _BLOCK)).sum())
    return total, seen
