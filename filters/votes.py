"""Votes of rows, brought to one scale."""

from __future__ import annotations

import polars as pl

from curate.filter import Scores, reads
from curate.filters.pool import require, require_numbers


@reads("column", "by")
def votes(pool: pl.DataFrame, *, column: str = "score", by: str = "domain") -> Scores:
    """Score rows by where their votes stand within their domain: from 0, the fewest, to 1, the most.

    Ten votes are many on a small site and few on a large one, so what is compared is the share of the domain's rows
    with fewer votes, those with as many counting half: (rank - 1/2) / n with the mean rank of ties, the plotting
    position of Hazen (1914; Hyndman and Fan 1996, type 5). The mean of every domain is 1/2, and a domain of one row
    gives it just that: a row alone says nothing about its votes. `top`, `farthest` by `quality`, and `prefer` of a
    `sample` over several domains then treat domains alike, which raw votes do not.

    Known limits: votes grow with the age of a row, too; and a domain of mostly bad rows has its best one near 1 all the
    same, so a bound on the raw votes (`keep: {at_least: …}`) before this step still has a meaning.

    Args:
        pool: the rows that are compared.
        column: the votes, or any other number of which more is better; a null or NaN has no score.
        by: the domain; rows without one form one of their own.

    Raises ValueError if a column is not there or holds no numbers.

    >>> import polars as pl
    >>> pool = pl.DataFrame({"domain": ["tea", "tea", "ai", "ai", "ai"], "score": [10, 3, 200, 10, None]})
    >>> votes(pool).value.to_list()
    [0.75, 0.25, 0.75, 0.25, None]
    """
    require_numbers(pool, column, "votes")
    require(pool, by, "votes")
    number = pl.col(column).cast(pl.Float64).fill_nan(None)
    rank, count = (of.over(by) for of in (number.rank("average"), number.count()))
    value = ((rank - 0.5) / count).alias("value")
    why = pl.when(number.is_null()).then(pl.lit(f"no number in {column}")).alias("why")
    table = pool.select(value, why)
    return Scores(table["value"], table["why"])
