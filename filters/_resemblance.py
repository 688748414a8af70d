"""Which benchmark text is nearest in meaning to each text, and how near."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import polars as pl

from curate.filters._benchmarks import Benchmark, texts
from curate.lattice import SQUARE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ROWS, _PROMPTS = 4096, 16_384  # products made at a time


@lru_cache(maxsize=4)
def _embedded(benchmarks: tuple[Benchmark, ...], model: str, weights: str) -> tuple[pl.DataFrame, Any]:
    import numpy as np

    from curate.embeddings import embed

    places = pl.concat([texts(benchmark) for benchmark in benchmarks])
    return places, embed(places["text"], model=model).astype(np.float32)


def nearest(
    text: pl.Series, benchmarks: tuple[Benchmark, ...], model: str, weights: str
) -> tuple[NDArray[np.float64], NDArray[np.int64], pl.DataFrame]:
    """Find for each text the largest cosine with a benchmark text, that one's number, and the list of (text, place).

    `weights` tells models of one name apart.
    """
    import numpy as np

    from curate.embeddings import embed

    places, table = _embedded(benchmarks, model, weights)
    like, of = np.full(len(text), -1.0), np.zeros(len(text), dtype=np.int64)
    own = embed(text, model=model)
    for first in range(0, len(own), _ROWS):
        rows = own[first : first + _ROWS].astype(np.float32)
        here = slice(first, first + len(rows))
        for start in range(0, len(table), _PROMPTS):
            products = rows @ table[start : start + _PROMPTS].T
            best = products.argmax(axis=1)
            found = products[np.arange(len(rows)), best].astype(np.float64) / SQUARE
            nearer = found > like[here]
            of[here] = np.where(nearer, best + start, of[here])
            like[here] = np.maximum(found, like[here])
    return like, of, places
