"""Three more ways to choose by vectors: rows that cover the others, rows of every cell, rows apart from the kept."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from curate.filters.pool import Draw
from curate.filters.sampling import quotas
from curate.filters.vectors import cells as _cells
from curate.filters.vectors.cells import in_ranges
from curate.filters.vectors.pool import within_quotas
from curate.models.embeddings.quantised import SQUARE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CHUNK = 2048  # rows compared with the kept before they are compared among themselves


def facility_location(
    vectors: Any, draw: Draw, weights: Any, chosen: Any, n: int, neighbours: int
) -> NDArray[np.int64]:
    """Pick n rows, each the one that most raises the sum of every row's largest cosine to a pick among its nearest."""
    import numpy as np

    from curate.filters.vectors import kernels_graph as kernels

    order = np.argsort(draw.rank)
    rows = vectors[order]
    near = _cells.graph(rows, neighbours)
    covered = np.zeros(len(rows), dtype=np.int32)
    if len(chosen):
        covered = np.maximum(covered, _cells.nearest(rows, chosen, 1).products[:, 0])
    transposed = kernels.transposed(near.ids, near.products, len(rows))
    picked: NDArray[np.int64] = order[kernels.cover(n, *transposed, covered, weights[order])]
    return picked


def per_cell(
    vectors: Any, draw: Draw, weights: Any, n: int, cells: int, temperature: float, seed: int
) -> NDArray[np.int64]:
    """Pick from each cell of k-means a share of n that grows with its size to the power t / (1 + t), best first."""
    import numpy as np

    order = np.argsort(draw.rank)
    rows = vectors[order]
    centres = _cells.means(rows, cells)
    cell = np.full(len(rows), -1, dtype=np.int64)
    if len(centres):
        cell = _cells.nearest(rows, centres, 1).ids[:, 0].astype(np.int64)
        cell[~rows.any(axis=1)] = -1  # no direction, no cell: such rows only fill up
    names, counts = np.unique(cell[cell >= 0], return_counts=True)
    # quotas takes the root 1 / T: inf, all alike, at temperature 0; 1, as the pool has them, at inf.
    root = math.inf if temperature == 0 else 1 + 1 / temperature
    sizes = dict(zip(map(str, names.tolist()), counts.tolist(), strict=True))
    room = np.zeros(len(centres) + 1, dtype=np.int64)
    room[names] = list(quotas(sizes, n, domain_temperature=root, seed=seed).values())
    room[-1] = n - room.sum()
    best = np.argsort(-weights[order], kind="stable")
    return order[within_quotas(best, np.where(cell < 0, len(centres), cell), room)]


def below_threshold(vectors: Any, order: Any, threshold: float, n: int) -> NDArray[np.int64]:
    """Go through rows in an order and pick each whose cosine to all picks before is below a threshold, up to n."""
    import numpy as np

    from curate.filters.vectors import kernels_graph as kernels

    least = math.ceil(threshold * SQUARE)
    chosen = np.empty((n, vectors.shape[1]), dtype=np.int16)
    picks = np.empty(0, dtype=np.int64)
    for first in range(0, len(order), _CHUNK):
        rows = order[first : first + _CHUNK]
        block, near = vectors[rows], np.zeros(len(rows), dtype=bool)
        in_ranges(kernels.near_any, len(rows), 256, block, chosen, len(picks), least, near)
        kernels.keep_apart(block, near, chosen, len(picks), least)
        picks = np.concatenate([picks, rows[~near]])[:n]
        if len(picks) == n:
            break
    return picks
