"""Near-duplicates by quantised vectors: the kept row nearest to each row, exactly or through an inverted file.

A product of two quantised vectors is a whole number below 2**24, which float32 holds, so neither the library nor the
number of threads can change one: what faiss returns needs no second scoring. The cells of the inverted file are
means quantised again, for the same reason; faiss' own k-means differs from machine to machine. Rows are looked up in
their cells by whoever holds these, and who is kept is settled in one place.
"""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from curate.engine import Local, current
from curate.errors import UserError
from curate.models.embeddings.quantised import SQUARE, quantise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EXACT = 20_000  # rows up to which every pair is looked at: a few seconds
PROBES = 8  # cells searched for each row; SemDeDup's rule (arXiv 2303.09540), the row's own cell alone, loses a third
SHARD = 50_000  # rows that make a shard of cells worth its messages
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

    count = max(1, round(4 * math.sqrt(len(vectors))))
    sample = vectors[order[: count * _EACH]].astype(np.float32)
    centres = sample[:count]
    for _ in range(_ROUNDS):
        centres = _means(sample, _closest(centres, sample, 1)[:, 0], centres)
    return Cells(centres, _closest(centres, vectors, min(probes, count)))


def _closest(centres: NDArray[np.float32], rows: NDArray[Any], k: int) -> NDArray[np.int64]:
    """Find the k centres nearest to each row, so many rows in a piece of work."""
    import numpy as np

    pieces = (rows[first : first + 65_536] for first in range(0, len(rows), 65_536))
    return np.concatenate(list(current().map(partial(_closest_here, centres=centres, k=k), pieces)))


def _closest_here(rows: NDArray[Any], centres: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    import numpy as np

    index = _faiss().IndexFlatIP(centres.shape[1])
    index.add(centres)
    cells: NDArray[np.int64] = index.search(rows.astype(np.float32), k)[1]
    return cells


def _means(rows: NDArray[np.float32], cell: NDArray[np.int64], before: NDArray[np.float32]) -> NDArray[np.float32]:
    """Move each centre to the mean of its rows; sums of whole numbers are exact, so no order of them matters."""
    import numpy as np

    sums = np.zeros(before.shape)
    np.add.at(sums, cell, rows)
    moved = quantise(sums).astype(np.float32)
    return np.where(moved.any(axis=1, keepdims=True), moved, before)


class _Shard(NamedTuple):
    """The rows of some cells: their numbers in order, their vectors, the cell of each (None: they are in none)."""

    rows: NDArray[np.int64]
    vectors: NDArray[np.int16]
    cell: NDArray[np.int64] | None
    cells: range


class _Kept:
    """The kept rows of a shard, in one table or in cells; each call names the rows that are kept by then."""

    def __init__(self, shard: _Shard) -> None:
        import numpy as np

        self.shard, self.looked_at = shard, 0
        self.rows = np.empty(0, dtype=np.int64)
        d = shard.vectors.shape[1]
        if shard.cell is None:
            self.table = np.empty(shard.vectors.shape, dtype=np.float32)
            return
        faiss = _faiss()
        self.tools = faiss.contrib.ivf_tools
        # Every call names the cells of its rows, so the quantizer only has to be there.
        self.quantizer = faiss.IndexFlatIP(d)
        self.quantizer.add(np.zeros((len(shard.cells), d), dtype=np.float32))
        self.index = faiss.IndexIVFFlat(self.quantizer, d, len(shard.cells), faiss.METRIC_INNER_PRODUCT)
        self.index.is_trained = True

    def nearest(
        self, block: NDArray[np.int16], probes: NDArray[np.int64] | None, kept: NDArray[np.bool_]
    ) -> tuple[Any, Any, Any]:
        """Find for each row of a block the kept row with the largest product, -1 where there is none.

        `kept` tells of each row before the block whether it is kept, `probes` the cells of each row of the block to be
        searched. The third of the results is the place of that row's cell among them: of equal products the first goes.
        """
        import numpy as np

        self._add(kept)
        at, rows = np.arange(len(block)), block.astype(np.float32)
        if not len(self.rows):
            return np.full(len(at), -1, dtype=np.int64), np.zeros(len(at), dtype=np.float32), np.zeros(len(at))
        if probes is None:
            products = rows @ self.table[: len(self.rows)].T
            best = products.argmax(axis=1)
            return self.rows[best], products[at, best], np.zeros(len(at))
        cells = self.shard.cells
        own = np.where((probes >= cells.start) & (probes < cells.stop), probes - cells.start, -1)
        self.index.nprobe = probes.shape[1]
        like, of = self.tools.search_preassigned(self.index, rows, 1, own, np.zeros(own.shape, dtype=np.float32))
        assert self.shard.cell is not None
        cell = self.shard.cell[np.searchsorted(self.shard.rows, of[:, 0])]
        return of[:, 0], like[:, 0], (probes == cell[:, None]).argmax(axis=1)

    def _add(self, kept: NDArray[np.bool_]) -> None:
        """Add the rows of this shard that are kept and not yet here."""
        import numpy as np

        first, last = np.searchsorted(self.shard.rows, [self.looked_at, len(kept)])
        self.looked_at = len(kept)
        new = np.arange(first, last)[kept[self.shard.rows[first:last]]]
        rows, vectors = self.shard.rows[new], self.shard.vectors[new].astype(np.float32)
        if self.shard.cell is None:
            self.table[len(self.rows) : len(self.rows) + len(rows)] = vectors
        elif len(rows):
            self.tools.add_preassigned(self.index, vectors, self.shard.cell[new] - self.shard.cells.start, rows)
        self.rows = np.concatenate([self.rows, rows])


def _shards(vectors: NDArray[np.int16], cells: Cells | None) -> list[_Shard]:
    """Share the cells out, so that each shard has about as many rows."""
    import numpy as np

    own, number = (None, 0) if cells is None else (cells.nearest[:, 0], len(cells.centres))
    count = min(current().workers, len(vectors) // SHARD)
    if own is None or count < 2:
        return [_Shard(np.arange(len(vectors)), vectors, own, range(number))]
    ends = np.cumsum(np.bincount(own, minlength=number))
    cuts = [0, *np.searchsorted(ends, np.arange(1, count) * len(own) / count).tolist(), len(ends)]
    ranges = [range(a, b) for a, b in pairwise(cuts) if a < b]
    rows = [np.flatnonzero((own >= some.start) & (own < some.stop)) for some in ranges]
    # By value, once: the engine keeps them for a shard that is lost.
    return [_Shard(at, vectors[at], own[at], some) for at, some in zip(rows, ranges, strict=True)]


def survivors(
    vectors: NDArray[np.int16], threshold: float, cells: Cells | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Go through rows, best first, and drop those near a kept one: the kept row nearest to each, and their cosine.

    A row that stays has -1. Only kept rows are searched, so a large family of like rows costs no more than others.
    """
    import numpy as np

    of, product = np.full(len(vectors), -1, dtype=np.int64), np.zeros(len(vectors), dtype=np.float32)
    least = math.ceil(threshold * SQUARE)
    engine = Local() if cells is None else current()  # few rows are not worth sending
    with engine.hire(_Kept, _shards(vectors, cells)) as crew:
        for first in range(0, len(vectors), _BLOCK):
            here = slice(first, first + _BLOCK)
            probes = None if cells is None else cells.nearest[here]
            outside, like = _best(crew.each("nearest", vectors[here], probes, of[:first] < 0))
            outside[like < least] = -1
            block = vectors[here].astype(np.float32)
            _among(block @ block.T, least, outside, like, first)
            of[here], product[here] = outside, like
    return of, np.where(of >= 0, product.astype(np.float64) / SQUARE, 0.0)


def _best(results: list[tuple[Any, Any, Any]]) -> tuple[Any, Any]:
    """Take of what the shards found the largest product, of equal ones that in the cell searched first."""
    import numpy as np

    of, like, place = (np.stack(column) for column in zip(*results, strict=True))
    best = np.lexsort((place, -like, of < 0), axis=0)[0]
    at = np.arange(of.shape[1])
    return of[best, at], like[best, at]


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
