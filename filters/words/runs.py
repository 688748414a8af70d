"""Texts as sequences of words, and as sets of runs of words, each by its hash."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
import polars_hash as plh

# Scripts that put no blanks between words: there each letter counts as a word.
UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
WORD = rf"{UNSPACED}|[[\p{{L}}\p{{M}}\p{{N}}]--{UNSPACED}]+"
TURN = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio, odd: products with it keep all 64 bits


def words(text: pl.Series) -> pl.DataFrame:
    """List the words of texts in their order as (row, word): lower case, nothing but letters and figures.

    Apostrophes within a word vanish (`don't` is `dont`), any other mark ends it. Texts without words, and nulls,
    have no lines.

    >>> words(pl.Series(["Don't  stop!", None]))["word"].to_list()
    ['dont', 'stop']
    """
    plain = text.str.normalize("NFC").str.to_lowercase().str.replace_all(r"['’]", "")
    listed = pl.DataFrame({"row": pl.int_range(len(text), dtype=pl.UInt32, eager=True), "word": plain})
    return listed.with_columns(pl.col("word").str.extract_all(WORD)).explode("word").drop_nulls("word")


def hashed(listed: pl.DataFrame) -> pl.DataFrame:
    """Replace words by their 64-bit hashes (xxh3), the same on every machine; the lowest bit is that of a sign."""
    word: Any = plh.col("word")
    return listed.with_columns(word.nchash.xxh3_64() // 2 * 2)


def runs(listed: pl.DataFrame, n: int) -> pl.DataFrame:
    """Hash every run of n words in a row to one number, from lines of (row, word hash) as (row, run).

    Rows with fewer than n words have none. A run's hash is a sum of its words' hashes, each times a power of one
    odd number by its place in the run, modulo 2**64.
    """
    run: pl.Expr = pl.lit(0, dtype=pl.UInt64)
    for ahead in range(n):
        run = run * pl.lit(TURN, dtype=pl.UInt64) + pl.col("word").shift(-ahead)
    whole = pl.col("row").shift(1 - n) == pl.col("row")
    return listed.select("row", run.alias("run"), whole.alias("whole")).filter("whole").drop("whole")


def slices(text: pl.Series, size: int = 8_000_000) -> Iterator[tuple[int, pl.Series]]:
    """Cut texts into slices of about `size` bytes, each with its first row: the words of all never stand in memory."""
    rows = max(1, int(size // (text.str.len_bytes().mean() or 1)))  # type: ignore[operator]
    for first in range(0, len(text), rows):
        yield first, text.slice(first, rows)
