"""Measures of a set of n vectors of d dimensions, alone or against the pool it was chosen from.

Vectors are floats of any length, or quantised to int16 (`curate.models.embeddings.quantised`), where similarities are
exact. The distance of two is 1 - cosine, from 0 to 2. Zero vectors stand for rows without text: they have no direction
and are left out. No one number says it all: what a greedy choice of outliers wins in Vendi score it loses in facility
location.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from curate.models.embeddings.quantised import SQUARE, quantise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BLOCK = 2**24  # products held at a time: 64 MB


def vendi(vectors: Any) -> float:
    """Count how many different rows the set is worth: from 1, all alike, to n, all at right angles.

    The exponential of the Shannon entropy of the eigenvalues of K / n, with K the cosines of all pairs (Friedman and
    Dieng, The Vendi Score, TMLR 2023, definition 3.1). They are those of the d x d matrix X'X / n, which is used here:
    O(n d^2) instead of O(n^3). The value is at most the smaller of n and d.

    >>> round(vendi([[1, 0, 0], [0, 1, 0], [0, 0, 1]]), 3), round(vendi([[1, 2], [2, 4]]), 3)
    (3.0, 1.0)
    """
    import numpy as np

    rows = directed(vectors)
    gram = np.zeros((rows.shape[1], rows.shape[1]))
    for start in range(0, len(rows), 16_384):
        block = rows[start : start + 16_384].astype(np.float64)
        gram += block.T @ block
    if not len(rows):
        return 0.0
    shares = np.linalg.eigvalsh(gram / np.trace(gram))
    shares = shares[shares > 1e-12]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def mean_pairwise_distance(vectors: Any) -> float:
    """Average the distance over all pairs, exactly, from the sum of the vectors: O(n d). NaN for fewer than two.

    |sum of x|^2 is n plus twice the sum of the cosines of the pairs.

    >>> mean_pairwise_distance([[1, 0], [0, 1], [-1, 0]])
    1.3333333333333333
    """
    import numpy as np

    rows = directed(vectors)
    n = len(rows)
    if n < 2:
        return float("nan")
    total = rows.sum(axis=0, dtype=np.int64).astype(np.float64)
    own = sum(float(np.square(rows[i : i + 16_384].astype(np.float64)).sum()) for i in range(0, n, 16_384))
    return float(1 - (total @ total - own) / SQUARE / (n * (n - 1)))


def nearest_neighbour_distance(vectors: Any) -> float:
    """Average each row's distance to the row nearest to it. NaN for fewer than two.

    >>> nearest_neighbour_distance([[1, 0], [1, 0], [0, 1]])
    0.3333333333333333
    """
    return neighbours(vectors, ())[0]


def pairs_above(vectors: Any, thresholds: Sequence[float] = (0.9, 0.95)) -> dict[float, int]:
    """Count the pairs whose cosine is above each threshold: near-duplicates left in the set.

    >>> pairs_above([[1, 0], [1, 0], [3, 1], [0, 1]], [0.9, 0.95])
    {0.9: 3, 0.95: 1}
    """
    return neighbours(vectors, thresholds)[1]


def neighbours(vectors: Any, thresholds: Sequence[float]) -> tuple[float, dict[float, int]]:
    """Compare all rows with all, once, for both: the mean distance to the nearest, and the pairs above thresholds."""
    import numpy as np

    rows = directed(vectors)
    counts, distances = dict.fromkeys(thresholds, 0), 0.0
    if len(rows) < 2:
        return float("nan"), counts
    for start, cosines in _cosines(rows, rows):
        here = np.arange(len(cosines))
        cosines[here, start + here] = -2.0  # a row is no neighbour of its own
        distances += float((1 - cosines.max(axis=1)).sum(dtype=np.float64))
        for threshold in thresholds:
            counts[threshold] += int((cosines > threshold).sum())
    return distances / len(rows), {threshold: count // 2 for threshold, count in counts.items()}


def codebook(pool: Any, cells: int = 100, ids: Any = None) -> NDArray[np.int16]:
    """Find the centres of at most `cells` clusters of the pool, by k-means on directions, for `cluster_entropy`.

    It learns from 64 rows a cell, drawn by a hash of their ids (their places where none are given), so it is the same
    for any order of the rows. Find it once and use it for all sets that are compared. The first centres are drawn in
    proportion to the squared distance to those before (k-means++, Arthur and Vassilvitskii 2007), which is `farthest`
    at temperature 1: centres drawn evenly would all lie where the pool is dense.

    >>> codebook([[1, 0], [1, 0], [0, 1], [0, 1]], cells=2).tolist() in ([[4080, 0], [0, 4080]], [[0, 4080], [4080, 0]])
    True
    """
    import numpy as np

    from curate.filters.diversity import farthest
    from curate.filters.vectors.cells import means
    from curate.report.diversity.comparison import order

    rows = quantise(pool)
    shuffled = order(len(rows), ids, 0, "codebook")
    shuffled = shuffled[rows[shuffled].any(axis=1)][: cells * 64]
    sample = rows[shuffled]
    names = shuffled if ids is None else np.asarray(ids)[shuffled]
    picked = farthest(sample, names, n=min(cells, len(sample)), temperature=1)
    _, first = np.unique(sample[picked], axis=0, return_index=True)  # a kind is picked again when no other is left
    starts = picked[np.sort(first)]
    return means(np.concatenate([sample[starts], np.delete(sample, starts, axis=0)]), len(starts))


def cluster_entropy(vectors: Any, codebook: Any) -> float:
    """Measure how evenly the set fills the cells of a codebook: Shannon entropy in nats, from 0 to ln(cells).

    A row counts for the centre nearest to it; of equally near ones, for the first.

    >>> round(cluster_entropy([[2, 1], [1, 2], [1, 3]], codebook=[[1, 0], [0, 1]]), 3)
    0.637
    """
    import numpy as np

    rows, centres = directed(vectors), quantise(codebook)
    counts = np.zeros(len(centres), dtype=np.int64)
    for _, cosines in _cosines(rows, centres):
        counts += np.bincount(cosines.argmax(axis=1), minlength=len(centres))
    share = counts[counts > 0] / max(len(rows), 1)
    return float(-(share * np.log(share)).sum()) + 0.0


def coverage_radius(pool: Any, chosen: Any, quantile: float = 1.0) -> float:
    """Say how far a row of the pool is from the chosen row nearest to it: at worst, or at a quantile of the pool.

    The worst is what k-center minimises (Gonzalez 1985); 0.99 leaves the outliers out.

    >>> coverage_radius([[1, 0], [0, 1], [-1, 0]], chosen=[[1, 0]])
    2.0
    """
    import numpy as np

    similarity = nearest(pool, chosen)
    return float(1 - np.quantile(similarity, 1 - quantile)) if len(similarity) else float("nan")


def facility_location(pool: Any, chosen: Any) -> float:
    """Average over the pool the cosine to the chosen row nearest to it: how well the set stands for the pool.

    The facility-location function over n, with cosines (Wei, Iyer and Bilmes, ICML 2015, section 3).

    >>> facility_location([[1, 0], [0, 1]], chosen=[[1, 0]])
    0.5
    """
    import numpy as np

    similarity = nearest(pool, chosen)
    return float(similarity.mean(dtype=np.float64)) if len(similarity) else float("nan")


def nearest(pool: Any, chosen: Any) -> NDArray[np.float32]:
    """Find for each row of the pool the largest cosine to a chosen row, (n,); blocks of the pool at a time."""
    import numpy as np

    rows, others = directed(pool), directed(chosen)
    if not len(others):
        return np.zeros(0, dtype=np.float32)
    largest = [cosines.max(axis=1) for _, cosines in _cosines(rows, others)]
    return np.concatenate([np.zeros(0, dtype=np.float32), *largest])


def directed(vectors: Any) -> NDArray[np.int16]:
    """Quantise vectors, those without a direction left out."""
    rows = quantise(vectors)
    nonzero = rows.any(axis=1)
    return rows if nonzero.all() else rows[nonzero]


def _cosines(rows: NDArray[np.int16], others: NDArray[np.int16]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield blocks of cosines of rows with all others, and where the block begins."""
    import numpy as np

    across = others.astype(np.float32).T
    step = max(1, _BLOCK // max(1, len(others)))
    for start in range(0, len(rows), step):
        # Whole numbers below 2**24, so float32 products are exact; rounding makes a vector's own a little above 1.
        products = rows[start : start + step].astype(np.float32) @ across
        yield start, np.minimum(products / np.float32(SQUARE), np.float32(1))
