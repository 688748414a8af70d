"""Words and pairs of words that stand in texts, as a sparse matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from curate.pairs.shortcuts.result import Words
from curate.pairs.shortcuts.scoring import FOLDS, share

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
    matrix = csr_array((np.ones(len(rows)), (rows, column)), shape=(len(texts), len(keys)))
    matrix.sum_duplicates()
    matrix.data[:] = 1
    counts = np.bincount(matrix.indices, minlength=len(keys))
    enough = np.flatnonzero(counts >= seen)
    columns = enough[np.argsort(-counts[enough], kind="stable")[:most]]
    return matrix[:, columns], [_name(int(key), words) for key in keys[columns]]


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


# More pairs than this make an interval of less than a point no smaller that matters, and more text costs memory.
_MOST_PAIRS = 20_000
_MOST_BYTES = 50_000_000
_FEWEST = 20
_SHOWN = 15
_EVEN = 1.1  # the longer answer has at most so many times the characters of the shorter
_FEWEST_EVEN = 30


def words(frame: pl.DataFrame) -> Words | str:
    """Learn from words which answer is the chosen one, and try it on prompts that were not learnt from.

    `frame` has `chosen`, `rejected`, `draw` (a number in [0, 1) for each pair's prompt) and `fold`, in an order that is
    always the same. The features are the words and pairs of words that stand in one answer and not in the other, +1 and
    -1, at unit length; the model is a logistic regression without intercept (L2, C = 1), which is the same for a pair
    and its mirror image. Returns why not, in words, where there is too little to learn from or scikit-learn is missing.

    Pairs of one fold are right or wrong together, which makes the interval a little too narrow: with the sides drawn at
    random it held one half in 27 of 30 draws of 200 pairs that differ in style throughout.
    """
    if frame.height < _FEWEST or frame["fold"].n_unique() < FOLDS:
        return f"a linear model on words needs at least {_FEWEST} pairs of at least {FOLDS} prompts"
    frame = _some(frame)
    try:
        import sklearn  # noqa: F401

        matrix, names = grams(pl.concat([frame["chosen"], frame["rejected"]]))
    except ImportError:
        return "the linear model on words needs the package scikit-learn: pip install 'curate-lm[shortcuts]'"
    if not names:
        return "no word stands in three answers, so there is nothing for a linear model on words to learn from"
    # Which side a text is on plays no part in what words there are, so all folds may share them.
    return _fit(frame, matrix[: frame.height] - matrix[frame.height :], names)


def _some(frame: pl.DataFrame) -> pl.DataFrame:
    """Take as many pairs as are enough, whole prompts in the order of their draw."""
    size = pl.sum_horizontal(pl.col("chosen", "rejected").str.len_bytes().cast(pl.Int64))
    drawn = frame.sort("draw", maintain_order=True).with_columns(_bytes=size.cum_sum(), _pairs=pl.int_range(pl.len()))
    return drawn.filter((pl.col("_bytes") <= _MOST_BYTES) & (pl.col("_pairs") < _MOST_PAIRS)).drop("_bytes", "_pairs")


def _fit(frame: pl.DataFrame, features: Any, names: list[str]) -> Words:
    from sklearn.preprocessing import normalize
    from threadpoolctl import threadpool_limits

    features = normalize(features)
    # On vectors as short as these, threads only wait for each other: five times slower on two cores.
    with threadpool_limits(limits=1):
        right = _tried(features, frame["fold"].to_numpy())
        weights = _learnt(features)
    order = weights.argsort(kind="stable")
    even = frame.select(_even()).to_series().to_numpy()
    return {
        **share(float(right.sum()), len(right)),
        "alike": share(float(right[even].sum()), int(even.sum())) if even.sum() >= _FEWEST_EVEN else None,
        "chosen": [(names[i], round(float(weights[i]), 3)) for i in order[::-1][:_SHOWN] if weights[i] > 0],
        "rejected": [(names[i], round(float(weights[i]), 3)) for i in order[:_SHOWN] if weights[i] < 0],
    }


def _tried(features: Any, fold: NDArray[np.int64]) -> NDArray[np.float64]:
    """Say of every pair whether the model that was learnt from the other folds gets it right (one half for a tie)."""
    import numpy as np

    right = np.full(len(fold), 0.5)
    for one in np.unique(fold):
        out = fold == one
        scores = features[out] @ _learnt(features[~out])
        right[out] = (scores > 0) + 0.5 * (scores == 0)
    return right


def _learnt(features: Any) -> NDArray[np.float64]:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    # Every second pair is turned round, for the solver asks for two classes; its loss stays the same.
    sign = np.where(np.arange(features.shape[0]) % 2, 1.0, -1.0)
    model = LogisticRegression(C=1.0, fit_intercept=False, max_iter=1000)
    weights: NDArray[np.float64] = model.fit(features.multiply(sign[:, None]).tocsr(), sign).coef_[0]
    return weights


def _even() -> pl.Expr:
    lengths = [pl.col(side).str.len_chars() for side in ("chosen", "rejected")]
    return pl.max_horizontal(lengths) <= _EVEN * pl.min_horizontal(lengths)
