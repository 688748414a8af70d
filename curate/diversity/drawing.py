"""Draws from a pool, by a hash of each row's id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from curate.rows import hash01

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def order(n: int, ids: Any, seed: int, use: str) -> NDArray[np.int64]:
    """Shuffle n rows by a hash of (seed, id), so that their order does not matter; their places are ids if none are."""
    import numpy as np

    named = pl.Series("id", np.arange(n) if ids is None else ids, strict=False).cast(pl.String)
    if len(named) != n:
        raise ValueError(f"there are {len(named)} ids for {n} vectors")
    drawn = named.to_frame().select(hash01("id", seed, use).alias("draw"), "id").with_row_index("at")
    return drawn.sort("draw", "id")["at"].to_numpy().astype(np.int64)
