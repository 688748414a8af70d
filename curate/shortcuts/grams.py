"""Words and pairs of words that stand in texts, as a sparse matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Scripts that put no blanks between words: there each letter counts as a word.
_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
# Letters with what an apostrophe joins to them. No figures, marks or emoji: these have rules of their own.
_WORD = rf"{_UNSPACED}|[[\p{{L}}\p{{M}}]--{_UNSPACED}]+(?:'\p{{L}}+)*"


def grams(texts: pl.Series, *, seen: int = 3, most: int = 50_000) -> tuple[Any, list[str]]:
    """Say of every text which words and pairs of neighbouring words stand in it, whatever their capitals.

    Returns a matrix (texts, columns) of ones, and the columns' names: those that stand in at least `seen` texts, at
    most `most`, the most frequent first; their order does not depend on that of the texts.

    Raises:
        ImportError: when numpy or scipy is not installed.

    >>> matrix, names = grams(pl.Series(["It's late.", "It’s so late", "late, it's"]), seen=2)
    >>> names, matrix.toarray().astype(int).tolist()
    (["it's", 'late'], [[1, 1], [1, 1], [1, 1]])
    """
    import numpy as np
    from scipy.sparse import csr_array

    row, word, words = _listed(texts)
    # A pair is its first word, counted from 1, times the number of words, plus its second: above all single words.
    follows = row[1:] == row[:-1]
    both = (word[:-1][follows] + 1) * len(words) + word[1:][follows]
    keys, column = np.unique(np.concatenate([word, both]), return_inverse=True)
    rows = np.concatenate([row, row[:-1][follows]])
    there = csr_array((np.ones(len(rows)), (rows, column)), shape=(len(texts), len(keys)))
    there.sum_duplicates()
    there.data[:] = 1
    counts = np.bincount(there.indices, minlength=len(keys))
    enough = np.flatnonzero(counts >= seen)
    kept = enough[np.argsort(-counts[enough], kind="stable")[:most]]
    return there[:, kept], [_name(int(key), words) for key in keys[kept]]


def _listed(texts: pl.Series) -> tuple[NDArray[np.int64], NDArray[np.int64], list[str]]:
    """List the words of all texts in their order: the number of its text, its own number, and the words by number."""
    plain = texts.str.to_lowercase().str.replace_all("’", "'").str.extract_all(_WORD)
    listed = pl.DataFrame({"row": pl.int_range(len(texts), eager=True), "word": plain}).explode("word").drop_nulls()
    words = listed["word"].unique().sort()
    numbers = listed["word"].cast(pl.Enum(words)).to_physical().cast(pl.Int64)
    return listed["row"].to_numpy(), numbers.to_numpy(), words.to_list()


def _name(key: int, words: list[str]) -> str:
    first, second = divmod(key, len(words))
    return f"{words[first - 1]} {words[second]}" if first else words[second]
