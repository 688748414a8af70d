"""The noise of selectors: one number a row from (seed, id), so that the same row has the same luck in any pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from curate.rows import hash01

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Draw(NamedTuple):
    """A number in (0, 1) for each row, and its place in the order of these: 0 for the largest, ties by id."""

    number: NDArray[np.float64]
    rank: NDArray[np.int64]


def draw(ids: pl.Series, seed: int, who: str) -> Draw:
    """Draw for each id; raise ValueError if one is null or occurs twice."""
    import numpy as np

    texts = ids.cast(pl.String).alias("id")
    if texts.null_count():
        raise ValueError(f"{who}: every row needs an id, and one has none")
    u = texts.to_frame().select(hash01("id", seed, "temperature")).to_series().to_numpy()
    number = np.maximum(u, 2.0**-54)  # 0 has no logarithm
    order = np.argsort(-number, kind="stable")
    drawn = number[order]
    if (drawn[1:] == drawn[:-1]).any():  # the same id twice, or once in a very long while the same hash
        order = _by_id_too(number, texts, who)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return Draw(number, rank)


def _by_id_too(number: Any, texts: pl.Series, who: str) -> Any:
    if twice := texts.filter(texts.is_duplicated()).head(1).to_list():
        raise ValueError(f"{who}: id {twice[0]!r} occurs twice; ids say which row is which, so each must be its own")
    rows = pl.DataFrame({"number": number, "id": texts}).with_row_index("at")
    return rows.sort("number", "id", descending=[True, False])["at"].to_numpy()
