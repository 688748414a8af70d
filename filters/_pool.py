"""What selectors share: the columns of a pool they look at."""

from __future__ import annotations

import polars as pl


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
