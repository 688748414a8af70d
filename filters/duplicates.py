"""Rows that say the same: keep the best one, and name it in the ledger for each of the others."""

from __future__ import annotations

import polars as pl

from curate.filter import Choice
from curate.filters._pool import best_first, require


def exact_duplicates(
    pool: pl.DataFrame,
    *,
    column: str | list[str] = "prompt",
    prefer: str | None = "score",
    seed: int = 0,
) -> Choice:
    """Keep one row of each group whose text is the same.

    Texts are compared after Unicode NFC, in lower case, and with each run of white space as one blank, since
    a prompt typed in other capitals or with another line break is the same prompt. Several columns are
    compared together: rows are duplicates if all of them agree, a null agreeing with a null. A row with
    nothing but nulls there is nobody's duplicate.

    The row with the highest `prefer` stays (nulls and NaN last), among equals the one with the smallest id.
    With `prefer` None, or the default and no score column, the id alone decides. Nothing is drawn: `seed` is
    there because every selector has one.

    Raises ValueError if a column is not there.

    >>> import polars as pl
    >>> pool = pl.DataFrame({"id": ["a", "b"], "prompt": ["Why?", " why? "], "score": [3, 8]})
    >>> exact_duplicates(pool).why.to_list()
    ['duplicate of b', None]
    """
    columns = [column] if isinstance(column, str) else column
    if not columns:
        raise ValueError("exact_duplicates needs a column to compare")
    for name in columns:
        require(pool, name, "exact_duplicates")
    keys = [_folded(pool, name) for name in columns]
    rows = pool.select(
        "id",
        best_first(pool, prefer, "exact_duplicates"),
        pl.struct(keys).alias("key"),
        pl.all_horizontal(pl.col(columns).is_null()).alias("nothing"),
    ).with_row_index("at")
    # Rows with one id are one and the same row, so which of them comes first shows nowhere.
    ranked = rows.sort("best", "id", descending=[True, False], nulls_last=True)
    judged = ranked.with_columns(
        pl.when("nothing").then("id").otherwise(pl.col("id").first().over("key")).alias("of"),
        (pl.col("nothing") | (pl.col("at") == pl.col("at").first().over("key"))).alias("kept"),
    ).sort("at")
    why = pl.when(~pl.col("kept")).then(pl.format("duplicate of {}", "of"))
    return Choice(judged["kept"], judged.select(why.alias("why")).to_series())


def _folded(pool: pl.DataFrame, name: str) -> pl.Expr:
    if pool.schema[name] != pl.String:
        return pl.col(name)
    # Lower case last: NFC of a capital and of its small letter need not have the same number of characters.
    text = pl.col(name).str.normalize("NFC").str.to_lowercase()
    return text.str.replace_all(r"\s+", " ").str.strip_chars()
