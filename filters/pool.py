"""What selectors take and give: a pool of rows with a Choice for it, or an array with the positions picked.

A recipe can write only the first, so at run time, where the schema of a step is read from these names, they mean that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import polars as pl

from curate.filter import Choice
from curate.rows import hash01

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any] | list[list[float]]
    Ids: TypeAlias = pl.Series | list[str] | list[int] | NDArray[Any]
    Values: TypeAlias = pl.Series | list[Any] | NDArray[Any]
    Named: TypeAlias = str | Values
    Pool: TypeAlias = pl.DataFrame | Array
    Positions: TypeAlias = NDArray[np.int64]
    Selected: TypeAlias = Any  # a Choice for a frame, Positions for an array
else:
    # The name of a column; a choice among the rows.
    Array, Ids, Values, Positions, Named, Pool, Selected = Any, Any, Any, Any, str, pl.DataFrame, Choice


def require(pool: pl.DataFrame, column: str, who: str) -> None:
    """Raise ValueError if the pool has no such column, naming those it has."""
    if column not in pool.columns:
        raise ValueError(f"{who}: the rows have no column {column!r}, only {', '.join(pool.columns)}")


def best_first(pool: pl.DataFrame, prefer: str | None, who: str) -> pl.Expr:
    """Take the number that decides which row goes first; only the default, `score`, may be absent."""
    if prefer is None or (prefer == "score" and prefer not in pool.columns):
        return pl.lit(None, dtype=pl.Float64).alias("best")
    require(pool, prefer, who)
    return pl.col(prefer).fill_nan(None).alias("best")


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
