"""The two answers of a pair: how much alike they are, and how even in length."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from curate.filter import Property, measures
from curate.filters.words.runs import overlap as overlap_of
from curate.rows import text_of


def alike(column: str = "chosen", other: str = "rejected", *, threshold: float = 0.8) -> Property:
    """Hold if two texts share most of their words: at least `threshold` of all that either has (Jaccard).

    A pair of near-identical answers teaches nothing but its few differences. Words are compared as sets, in small
    letters, without punctuation; in scripts without blanks each letter is one. A sign is part of its word (`-3`,
    `C++`), and the words with a sign have to be alike by themselves, too: `x = 3` and `x = -3` differ in all that
    counts. Two texts without any word are alike. On 168 labelled pairs of prompts (docs/filters.md) the default has no
    false hit and finds 81 % of the edits of a word in ten; 0.7 finds 98 %, 0.6 all, with one false hit in 43. Answers
    of a pair may share more and yet differ in what counts, so the default stays above these.

    Raises ValueError if the threshold is not above 0 and at most 1.

    >>> import polars as pl
    >>> pairs = pl.DataFrame({"chosen": ["Warm air rises.", "Warm air rises."], "rejected": ["warm air rises", "No."]})
    >>> pairs.select(alike()).to_series().to_list()
    [True, False]
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold is a share of the words, above 0 and at most 1, not {threshold:g}")
    return overlap(column, other) >= threshold


@measures(alike)
def overlap(column: str = "chosen", other: str = "rejected") -> pl.Expr:
    """Measure the share of the words of both texts that stand in both, or that of their words with a sign if less."""
    both = [pl.col(name) for name in (column, other)]
    # As one function, not as an expression that names each list of words three times, and would make it three times.
    return pl.map_batches(both, _shared, return_dtype=pl.Float64, is_elementwise=True)


def _shared(both: Sequence[pl.Series]) -> pl.Series:
    return overlap_of(*map(text_of, both))


def length_ratio(column: str = "chosen", other: str = "rejected", *, max: float = 2.0) -> Property:
    """Hold if the longer of two texts is at most `max` times as long as the shorter, in characters.

    Two empty texts are even; an empty one beside one that is not has no bound that it could meet.

    Raises ValueError if `max` is below 1.

    >>> import polars as pl
    >>> pairs = pl.DataFrame({"chosen": ["Because.", "Because."], "rejected": ["It does so.", "No."]})
    >>> pairs.select(length_ratio(max=2)).to_series().to_list()
    [True, False]
    """
    if max < 1:
        raise ValueError(f"max must be 1 or more, not {max:g}: it is the longer over the shorter")
    return ratio(column, other) <= max


@measures(length_ratio)
def ratio(column: str = "chosen", other: str = "rejected") -> pl.Expr:
    """Measure how many times as long as the shorter text the longer one is; infinite if one alone is empty."""
    sizes = [pl.col(name).str.len_chars().cast(pl.Float64) for name in (column, other)]
    longer, shorter = pl.max_horizontal(sizes), pl.min_horizontal(sizes)
    present = pl.col(column).is_not_null() & pl.col(other).is_not_null()
    return pl.when(present & (longer == 0)).then(1.0).when(present).then(longer / shorter)
