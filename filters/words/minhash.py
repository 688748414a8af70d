"""Near-duplicates by shared runs of words: MinHash signatures, their bands for candidates, exact Jaccard as judge.

The Jaccard similarity of two texts is the share of their different runs of words that both have (Broder 1997, "On the
resemblance and containment of documents"). Candidates are rows whose signatures agree in one whole band (Leskovec,
Rajaraman, Ullman, "Mining of Massive Datasets", section 3.4); each is then compared exactly.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from curate.errors import UserError
from curate.filters.words.runs import TURN, hashed, runs, slices, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Shingles: TypeAlias = frozenset[int]

_SLOTS = 128  # at most so many hashes a signature
_MISSED = 0.005  # of the pairs just at the threshold, by the formula
_SEED = 42  # of the hash functions: fixed, so that a recipe's seed does not move what is near what


def bands(threshold: float) -> tuple[int, int]:
    """Find how many bands of how many hashes miss no more than `_MISSED` of the pairs at the threshold.

    A pair of similarity s agrees in a band of r hashes with probability s^r, in one of b bands with 1 - (1 - s^r)^b.
    The longest bands that fit make the fewest candidates.

    >>> bands(0.8), bands(0.5)
    ((18, 6), (40, 3))
    """
    near = min(threshold, 0.999)
    tried = [(math.ceil(math.log(_MISSED) / math.log1p(-(near**r))), r) for r in range(1, 33) if near**r > 1e-9]
    return max((band for band in tried if math.prod(band) <= _SLOTS), key=lambda band: band[1], default=(_SLOTS, 1))


def shingles(text: pl.Series, n: int) -> pl.DataFrame:
    """List the different runs of n words of each text as (row, run) in the order of rows; a shorter text is one run."""
    listed = hashed(words(text)).with_columns(pl.len().over("row").alias("count"))
    short = [runs(listed.filter(pl.col("count") == k), k) for k in range(1, n)]
    return pl.concat([*short, runs(listed, n)]).unique().sort("row")


def sets(text: pl.Series, n: int) -> list[Shingles]:
    """Make the set of shingles of each text; nulls and texts without words have empty ones."""
    result: list[Shingles] = [frozenset()] * len(text)
    for first, part in slices(text):
        for row, run in shingles(part, n).group_by("row").agg("run").iter_rows():
            result[first + row] = frozenset(run)
    return result


def band_keys(text: pl.Series, n: int, threshold: float) -> NDArray[np.uint64]:
    """Make the key of each band of each text's signature: (rows, bands), 0 where a text has no words."""
    _require_rensa()
    import numpy as np

    count, length = bands(threshold)
    keys = np.zeros((len(text), count), dtype=np.uint64)
    for first, part in slices(text):
        listed = shingles(part, n)
        sizes = np.bincount(listed["row"].to_numpy(), minlength=len(part))
        signed = _signatures(listed["run"].to_numpy(), sizes[sizes > 0], count * length)
        banded = signed.reshape(-1, count, length).astype(np.uint64)
        key = np.ones(banded.shape[:2], dtype=np.uint64)
        for slot in range(length):
            key = key * np.uint64(TURN) + banded[:, :, slot]
        keys[first : first + len(part)][sizes > 0] = key
    return keys


def _require_rensa() -> None:
    if not find_spec("rensa"):
        raise UserError("near_duplicates needs the package rensa: pip install 'curate-lm[near]'")


def _signatures(run: NDArray[np.uint64], sizes: NDArray[np.int64], slots: int) -> NDArray[np.uint32]:
    import numpy as np
    from rensa import RMinHash

    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.uint64)
    matrix: Any = RMinHash.digest_matrix_from_flat_token_hashes(run, offsets, slots, _SEED)
    return np.array(matrix.to_rows(), dtype=np.uint32).reshape(-1, slots)


def survivors(
    text: pl.Series, keys: NDArray[np.uint64], n: int, threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Go through texts, best first, and drop those near a kept one: the kept row most like each, and how like it is.

    A row that stays has -1. Only kept rows are candidates, so buckets stay small where many rows are alike.
    """
    import numpy as np

    of, similarity = np.full(len(text), -1, dtype=np.int64), np.zeros(len(text))
    shared = _shared(keys)
    at = np.flatnonzero(shared.any(axis=1))
    shingled = sets(text.gather(at), n)
    buckets: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, row in enumerate(at.tolist()):
        band = np.flatnonzero(shared[row])
        mine = [buckets[key] for key in zip(band.tolist(), keys[row, band].tolist(), strict=True)]
        near, best = _nearest(shingled, i, {j for bucket in mine for j in bucket}, threshold)
        if near < 0:
            for bucket in mine:
                bucket.append(i)
        else:
            of[row], similarity[row] = at[near], best
    return of, similarity


def _shared(keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Tell which keys another row has in the same band; all others lead to nobody."""
    import numpy as np

    shared = np.zeros(keys.shape, dtype=np.bool_)
    for band in range(keys.shape[1]):
        shared[:, band] = pl.Series(keys[:, band]).is_duplicated().to_numpy()
    shared &= keys != 0
    return shared


def _nearest(shingled: list[Shingles], i: int, others: Iterable[int], threshold: float) -> tuple[int, float]:
    """Find the candidate most like row i, the earliest among equals; -1 if none reaches the threshold."""
    mine, size = shingled[i], len(shingled[i])
    near, best = -1, threshold
    for j in others:
        other = shingled[j]
        if min(size, len(other)) < best * max(size, len(other)):
            continue  # even if the smaller set lies within the larger one
        both = len(mine & other)
        similarity = both / (size + len(other) - both)
        if similarity > best or (similarity == best and (near < 0 or j < near)):
            near, best = j, similarity
    return near, best


def recall(
    text: pl.Series, keys: NDArray[np.uint64], n: int, threshold: float, sample: NDArray[np.int64]
) -> tuple[int, int]:
    """Compare the rows of a sample with all rows, exactly: how many near pairs there are, and how many share a band."""
    own = shingles(text.gather(sample), n).rename({"row": "of"})
    size = own.group_by("of").len("own")
    total, banded = 0, 0
    for first, part in slices(text, 1_000_000):
        listed = shingles(part, n).with_columns(pl.len().over("row").alias("size"))
        both = listed.join(own, on="run").group_by("of", "row", "size").len("both").join(size, on="of")
        similarity = pl.col("both") / (pl.col("own") + pl.col("size") - pl.col("both"))
        near = both.filter(similarity >= threshold).select(pl.col("row") + first, "of")
        row, other = near["row"].to_numpy(), sample[near["of"].to_numpy()]
        pairs = row != other
        total += int(pairs.sum())
        banded += int((keys[row[pairs]] == keys[other[pairs]]).any(axis=1).sum())
    return total, banded
