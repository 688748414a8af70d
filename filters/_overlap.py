"""What texts share with those of benchmarks: a long run of words, most of their short runs, or every word."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import polars as pl

from curate.filters._benchmarks import Benchmark, texts
from curate.filters._words import hashed, runs, slices, words

SHORT = 3  # words of the runs whose share counts
LEAST = 8  # words below which only the whole text counts: the smallest n of GPT-3 (arXiv 2005.14165, appendix C)

_HITS = pl.Schema({"row": pl.UInt32, "prompt": pl.UInt32, "share": pl.Float64, "words": pl.Int64})


class Index(NamedTuple):
    """The runs of benchmark texts, each with the number of its text."""

    places: pl.DataFrame  # text, place
    long: pl.DataFrame  # run of n words -> prompt
    short: pl.DataFrame  # run of SHORT words, prompt, the prompt's `size` in runs, how many prompts have it (`in`)
    rare: pl.DataFrame  # of these, enough of each prompt that whoever shares most of it has one of them
    whole: pl.DataFrame  # hash of all words -> prompt, for prompts of fewer than LEAST words


@lru_cache(maxsize=8)
def index(benchmarks: tuple[Benchmark, ...], n: int, share: float) -> Index:
    """Index the texts of benchmarks, once for each version of their files."""
    places = pl.concat([texts(benchmark) for benchmark in benchmarks])
    listed = _listed(places["text"])
    short = _short(listed)
    short = short.with_columns(pl.len().over("run").alias("in"))
    return Index(
        places,
        _first(runs(listed, n)),
        short.rename({"row": "prompt"}),
        _rare(short, share).select("run", pl.col("row").alias("prompt")),
        _first(_whole(listed)),
    )


def _listed(text: pl.Series) -> pl.DataFrame:
    return hashed(words(text)).with_columns(pl.len().over("row").alias("count"))


def _short(listed: pl.DataFrame) -> pl.DataFrame:
    """List the different short runs of the texts long enough for a share of them to tell something."""
    different = runs(listed.filter(pl.col("count") >= LEAST), SHORT).unique()
    return different.with_columns(pl.len().over("row").alias("size"))


def _whole(listed: pl.DataFrame) -> pl.DataFrame:
    short = listed.filter(pl.col("count") < LEAST)
    return pl.concat([runs(short.filter(pl.col("count") == k), k) for k in range(1, LEAST)])


def _first(found: pl.DataFrame) -> pl.DataFrame:
    return found.group_by("run").agg(pl.col("row").min().alias("prompt"))


def _rare(short: pl.DataFrame, share: float) -> pl.DataFrame:
    """Keep the rarest runs of each text, one more than may be missing where a `share` of all is found."""
    rank = pl.struct("in", "run").rank("ordinal").over("row")
    return short.filter(rank <= pl.col("size") - (share * pl.col("size")).ceil() + 1)


def hits(text: pl.Series, known: Index, n: int, share: float) -> pl.DataFrame:
    """Find the rows that share too much with a benchmark text: (row, prompt, share, words), one line a row."""
    found = [pl.DataFrame(schema=_HITS)]
    for first, part in slices(text):
        in_part = _hits(_listed(part), known, n, share)
        found.append(in_part.with_columns(pl.col("row") + first))
    return pl.concat(found)


def _hits(listed: pl.DataFrame, known: Index, n: int, share: float) -> pl.DataFrame:
    long = runs(listed, n).join(known.long, on="run").select("row", "prompt", share=1.0, words=n)
    whole = _whole(listed).join(known.whole, on="run").select("row", "prompt", share=1.0, words=1)
    most = _most(_short(listed), known, share).with_columns(words=SHORT)
    together = pl.concat([frame.cast(_HITS) for frame in (long, whole, most)])
    return together.sort("row", "words", "share", "prompt", descending=[False, True, True, False]).unique(
        "row", keep="first", maintain_order=True
    )


def _most(own: pl.DataFrame, known: Index, share: float) -> pl.DataFrame:
    """Find pairs that share most short runs of the one with fewer of them, among pairs that share a rare one."""
    counts = known.short.select("run", "in").unique()
    seen = own.join(counts, on="run", how="left").with_columns(pl.col("in").fill_null(0))
    there = seen.filter(pl.col("in") > 0)
    of_prompt = there.join(known.rare, on="run").select("row", "prompt")
    of_row = _rare(seen, share).filter(pl.col("in") > 0).join(known.short, on="run").select("row", "prompt")
    pairs = pl.concat([of_prompt, of_row]).unique()
    both = pairs.join(known.short, on="prompt").join(there, on=["row", "run"], suffix=" of row")
    counted = both.group_by("row", "prompt").agg(
        pl.len().alias("both"), pl.min_horizontal("size", "size of row").first().alias("smaller")
    )
    shared = (pl.col("both") / pl.col("smaller")).alias("share")
    return counted.filter(pl.col("both") >= share * pl.col("smaller")).select("row", "prompt", shared)
