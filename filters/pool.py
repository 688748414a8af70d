"""What selectors take and give: a pool of rows with a Choice for it, or an array with the positions picked.

A recipe can write only the first, so at run time, where the schema of a step is read from these names, they mean that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, TypeVar

import polars as pl

from curate.filter import Choice, Ranking
from curate.rows import hash01, kind

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
        hint = "; `curate.select` gives ids to rows that have none" if column == "id" else ""
        raise ValueError(f"{who}: the rows have no column {column!r}, only {', '.join(pool.columns)}{hint}")


def require_numbers(pool: pl.DataFrame, column: str, who: str) -> None:
    """Raise ValueError if the pool has no such column, or one that holds something else than numbers."""
    require(pool, column, who)
    check_numbers(pool[column], who)


def check_numbers(column: pl.Series, who: str) -> None:
    """Raise ValueError if a column holds something else than numbers; one of nulls alone is fine."""
    if not (column.dtype.is_numeric() or column.dtype == pl.Null):
        raise ValueError(f"{who}: '{column.name}' holds {kind(column.dtype)}, where numbers are needed")


def best_first(pool: pl.DataFrame, prefer: str | None, who: str) -> pl.Expr:
    """Take the number that decides which row goes first; only the default, `score`, may be absent."""
    require(pool, "id", who)
    if prefer is None or (prefer == "score" and prefer not in pool.columns):
        return pl.lit(None, dtype=pl.Float64).alias("best")
    require_numbers(pool, prefer, who)
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


Made = TypeVar("Made")


class Each(Protocol):
    """The pieces of a pool, read anew for each thing that is done with them."""

    def __call__(self, do: Callable[[pl.DataFrame], Made]) -> Iterator[Made]:
        """Do something with each piece, and yield what it gives, in their order."""


_HELD = 1_000_000  # rows that are ranked at a time, beside those that the quotas ask for


def pick(pool: pl.DataFrame, ranking: Ranking) -> Choice:
    """Pick the first rows of each group."""
    require(pool, "id", "selector")
    [(_, choice)] = picks(lambda do: map(do, [pool]), ranking)
    return choice


def picks(each: Each, ranking: Ranking) -> Iterator[tuple[pl.DataFrame, Choice]]:
    """Pick the first rows of each group of a pool that comes in pieces, and yield each piece with its choice."""
    sizes = Counter[str]()
    for counts in each(partial(_sizes, ranking)):
        sizes.update(counts)
    quota = ranking.quotas(dict(sizes))
    groups = pl.DataFrame(
        {"group": quota.keys(), "quota": quota.values(), "size": [sizes[group] for group in quota]},
        schema={"group": pl.String, "quota": pl.Int64, "size": pl.Int64},
    )
    first = pl.Series([False]).new_from_index(0, sizes.total()).scatter(_first(each, ranking, groups), True)
    at = 0
    for rows in each(lambda rows: rows):
        kept = first[at : at + rows.height].alias("kept")
        of = rows.select("id", group=ranking.group).join(groups, on="group", how="left", maintain_order="left")
        yield rows, Choice(kept, of.select(why=pl.when(~kept).then(ranking.why)).to_series())
        at += rows.height


def _sizes(ranking: Ranking, rows: pl.DataFrame) -> dict[str, int]:
    return dict(rows.select("id", group=ranking.group).group_by("group").len().iter_rows())


def _first(each: Each, ranking: Ranking, groups: pl.DataFrame) -> pl.Series:
    """Give the places of each group's first rows."""
    most = 2 * groups["quota"].sum() + _HELD
    best: list[pl.DataFrame] = []
    at = 0
    for height, rows in each(partial(_ranked, ranking, groups)):
        best.append(rows.with_columns(pl.col("at") + at))
        at += height
        if sum(frame.height for frame in best) > most:
            best = [_best(pl.concat(best))]
    return _best(pl.concat(best))["at"] if best else pl.Series([], dtype=pl.UInt32)


def _ranked(ranking: Ranking, groups: pl.DataFrame, rows: pl.DataFrame) -> tuple[int, pl.DataFrame]:
    """Count the rows of a piece, and keep those that are first in it."""
    columns = rows.select("id", group=ranking.group, best=ranking.best, draw=ranking.draw).with_row_index("at")
    return rows.height, _best(columns.join(groups.select("group", "quota"), on="group"))


def _best(rows: pl.DataFrame) -> pl.DataFrame:
    # Without a group to fill there is nothing to sort.
    ranked = rows.filter(pl.col("quota") > 0).sort(
        "best", "draw", "id", descending=[True, False, False], nulls_last=True
    )
    return ranked.filter(pl.int_range(pl.len()).over("group") < pl.col("quota"))
