"""Texts as sequences of words, and as sets of runs of words, each by its hash.

What a word is says `curate.filters.compiled.words`, for every filter that counts or compares words.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import polars as pl

from curate.filters.compiled import step
from curate.filters.compiled import words as reference

TURN = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio, odd: products with it keep all 64 bits


def count(text: pl.Expr) -> pl.Expr:
    """Count the words of a text.

    >>> pl.select(count(pl.lit("Don't stop: 我们吃饭。"))).item()
    6
    """
    return step("count_words", text, reference.count, pl.UInt64).cast(pl.UInt32)


def hashes(text: pl.Series) -> pl.Series:
    """List the hashes of the words of each text, of 64 bits, the lowest of which says whether a sign is in the word."""
    listed = step("list_words", pl.col("text"), reference.hashes, pl.List(pl.UInt64))
    return pl.DataFrame({"text": plain(text)}).select(listed).to_series()


def marked_runs(text: pl.Series, slots: str) -> pl.Series:
    """List for each text the number of its words, then the place and the hash of each run of three in a marked slot."""
    listed = step(
        "list_runs", pl.col("text"), partial(reference.marked_runs, slots=slots), pl.List(pl.UInt64), options=slots
    )
    return pl.DataFrame({"text": plain(text)}).select(listed).to_series()


def plain(text: pl.Series) -> pl.Series:
    """Put texts in NFC and small letters, as far as the steps for words do not do so themselves."""
    even = step("is_even", pl.col("text"), reference.is_even, pl.Boolean)
    rows = pl.DataFrame({"text": text}).select(~even).to_series().arg_true()
    return text.clone().scatter(rows, text.gather(rows).str.normalize("NFC").str.to_lowercase()) if len(rows) else text


def folded(text: pl.Series) -> pl.Series:
    """Put texts in NFC and small letters, with one blank for each white space, and none at their ends."""
    return plain(text).to_frame().select(step("fold", pl.first(), reference.fold)).to_series()


def words(text: pl.Series) -> pl.DataFrame:
    """List the words of texts in their order as (row, word), each by its hash; texts without words have no lines."""
    listed = pl.DataFrame({"row": pl.int_range(len(text), dtype=pl.UInt32, eager=True), "word": hashes(text)})
    return listed.explode("word").drop_nulls("word")


def overlap(one: pl.Series, other: pl.Series) -> pl.Series:
    """Measure the share of their different words that two texts both have, or of their words with a sign if less."""
    first, second = plain(one), plain(other)
    texts = pl.select(text=pl.concat_str(first.str.len_bytes().cast(pl.String), pl.lit(":"), first, second))
    numbers = step("compare_words", pl.col("text"), reference.compared, pl.List(pl.UInt64))
    counted = texts.select(numbers.alias("n")).select(pl.col("n").list.get(i).alias(f"{i}") for i in range(4))
    either = {"0": pl.col("1"), "2": pl.col("3")}
    shares = [pl.when(all_ > 0).then(pl.col(both) / all_).when(all_ == 0).then(1.0) for both, all_ in either.items()]
    return counted.select(pl.min_horizontal(shares)).to_series()


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
