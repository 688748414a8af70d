"""Rows that say nearly the same: keep the best one, and name it in the ledger for each of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from curate.filter import Choice
from curate.filters._pool import best_first, require
from curate.rows import hash01

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLE = 500  # rows compared with all others, to measure what was found


def near_duplicates(
    pool: pl.DataFrame,
    *,
    column: str | list[str] = "prompt",
    threshold: float = 0.55,
    words: int = 2,
    prefer: str | None = "score",
    seed: int = 0,
) -> Choice:
    """Keep no two rows that share most of their runs of words.

    Two texts are as like as the share of their different runs of `words` words that both have (Jaccard), words being
    lower case without punctuation. Rows are taken best first: by the highest `prefer` (nulls and NaN last), among
    equals by the smallest id. A row is dropped if its likeness to a kept row is `threshold` or more. So each row that
    goes has a kept one it is near to, which chains of likeness (connected components) would not promise. A row
    without words is nobody's duplicate. Several columns are read as one text.

    The defaults find prompts of 8 words or more with a tenth of their words changed. For long texts, runs of 5 words and a
    threshold of 0.7 or 0.8 are usual (Lee et al. 2022, arXiv 2107.06499, section 4.2: 5-grams and 0.8), which leave
    such edits in: with a share e of the words changed, about (1-e)^n / (2 - (1-e)^n) of the runs of n words agree.
    Prompts made from one template are near-duplicates in this sense: compare the responses there.

    Candidates come from MinHash signatures, so a few pairs may be missed; `notes` has the recall against an exact
    search for the near-duplicates of 500 rows, which `seed` draws. The answer itself is the same for any seed, order
    of rows and number of threads.

    Raises ValueError if a column is not there or a number is out of its range, UserError without the extra `near`.

    >>> import polars as pl
    >>> first = "How do I keep basil alive on a dark kitchen window sill?"
    >>> second = "How do I keep basil alive on a dark kitchen window?"
    >>> near_duplicates(pl.DataFrame({"id": ["a", "b"], "prompt": [first, second], "score": [3, 8]})).why.to_list()
    ['duplicate of b, 0.91', None]
    """
    from curate.filters import _minhash

    _check(threshold, "near_duplicates")
    if words < 1:
        raise ValueError(f"near_duplicates: words must be 1 or more, not {words}")
    ranked = _ranked(pool, column, prefer, "near_duplicates")
    text = ranked["text"]
    keys = _minhash.band_keys(text, words, threshold)
    of, likeness = _minhash.survivors(text, keys, words, threshold)
    there, found = _minhash.recall(text, keys, words, threshold, _sample(ranked, seed))
    return _choice(ranked, of, likeness, _notes(there, found))


def _check(threshold: float, who: str) -> None:
    if not 0 < threshold <= 1:
        raise ValueError(f"{who}: threshold must be above 0 and at most 1, not {threshold}")


def _ranked(pool: pl.DataFrame, column: str | list[str], prefer: str | None, who: str) -> pl.DataFrame:
    """List rows with their text, best first; what decides last makes the order one of rows, not of places."""
    columns = [column] if isinstance(column, str) else column
    if not columns:
        raise ValueError(f"{who} needs a column to compare")
    for name in columns:
        require(pool, name, who)
    text = pl.concat_str(pl.col(columns).cast(pl.String), separator="\n", ignore_nulls=True)
    nothing = pl.all_horizontal(pl.col(columns).is_null())
    rows = pool.select("id", best_first(pool, prefer, who), pl.when(~nothing).then(text).alias("text"))
    return rows.with_row_index("at").sort("best", "id", "text", descending=[True, False, False], nulls_last=True)


def _sample(ranked: pl.DataFrame, seed: int) -> NDArray[np.int64]:
    """Draw the rows on which recall is measured, as places in the ranking."""
    drawn = ranked.select(hash01("id", seed, "near").alias("draw")).with_row_index("rank")
    return drawn.bottom_k(SAMPLE, by="draw")["rank"].sort().cast(pl.Int64).to_numpy()


def _notes(there: int, found: int) -> dict[str, float]:
    """Say how many near pairs an exact search of the sample finds, and which share of them was found here."""
    return {"near pairs in sample": there} | ({"recall": round(found / there, 4)} if there else {})


def _choice(
    ranked: pl.DataFrame, of: NDArray[np.int64], likeness: NDArray[np.float64], notes: dict[str, float]
) -> Choice:
    near = pl.Series("of", of)
    judged = ranked.select("at", "id").with_columns(near, pl.Series("like", likeness).round(2))
    survivor = ranked["id"].gather(near.clip(0)) if ranked.height else ranked["id"]
    said = pl.format("duplicate of {}, {}", survivor, pl.col("like").cast(pl.Decimal(10, 2)).cast(pl.String))
    why = judged.select("at", pl.when(pl.col("of") >= 0).then(said).alias("why")).sort("at")["why"]
    return Choice(why.is_null().alias("kept"), why, notes)
