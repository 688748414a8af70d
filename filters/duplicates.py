"""Rows that say the same: keep the best one, and name it in the ledger for each of the others."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from curate.filter import Choice, reads, within
from curate.filters.pool import best_first, require
from curate.filters.words.jaccard import survivors
from curate.filters.words.runs import folded
from curate.rows import hash01
from curate.texts import with_texts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def _alike(pool: pl.DataFrame, *, column: str | list[str] = "prompt", **_: object) -> pl.Series:
    """Give rows whose texts are the same one number; those with nothing but nulls have one each."""
    keys = _keys(pool, column)
    nothing = keys.select(pl.all_horizontal(pl.all().is_null())).to_series()
    return pool["id"].hash().zip_with(nothing, keys.hash_rows())


@within(_alike)
@reads("column", "prefer")
def exact_duplicates(
    pool: pl.DataFrame, *, column: str | list[str] = "prompt", prefer: str | None = "score", seed: int = 0
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
    keys = _keys(pool, column)
    # A number for each text, so that texts are moved nowhere.
    key = keys.with_row_index("key").select(pl.col("key").first().over(keys.columns)).to_series()
    nothing = keys.select(pl.all_horizontal(pl.all().is_null()).alias("nothing")).to_series()
    rows = pool.select("id", best_first(pool, prefer, "exact_duplicates"), nothing, key).with_row_index("at")
    # Rows with one id are one and the same row, so which of them comes first shows nowhere.
    ranked = rows.sort("best", "id", descending=[True, False], nulls_last=True)
    first = pl.when("nothing").then("at").otherwise(pl.col("at").first().over("key"))
    judged = ranked.with_columns(first.alias("of")).sort("at")
    kept = judged.select((pl.col("at") == pl.col("of")).alias("kept")).to_series()
    why = pl.format("duplicate of {}", pl.col("id").gather("of"))
    return Choice(kept, judged.select(pl.when(~kept).then(why).alias("why")).to_series())


def _keys(pool: pl.DataFrame, column: str | list[str]) -> pl.DataFrame:
    """Give the texts of rows as they are compared, a column each."""
    columns = [column] if isinstance(column, str) else column
    if not columns:
        raise ValueError("exact_duplicates needs a column to compare")
    pool = with_texts(pool, columns)
    for name in columns:
        require(pool, name, "exact_duplicates")
    texts = [folded(pool[name]) if pool[name].dtype == pl.String else pool[name] for name in columns]
    return pl.DataFrame([text.alias(f"key {i}") for i, text in enumerate(texts)])


@reads("column", "prefer")
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

    The similarity of two texts is the share of their different runs of `words` words that both have (Jaccard); words
    are lower case without punctuation. The words with a sign have to be as similar by themselves: questions about C and
    C++ are two, and so are `x = 3` and `x = -3`. Rows are taken best first: by the highest `prefer` (nulls and NaN
    last), among equals by the smallest id. A row is dropped if its similarity to a kept row is `threshold` or more. So
    each row that goes has a kept one it is near to, which chains of similar rows (connected components) would not
    promise. A row without words is nobody's duplicate. Several columns are read as one text.

    On 168 pairs of prompts labelled by hand (docs/filters.md), the default is the least threshold without a false hit:

        threshold    0.4   0.5   0.55   0.6   0.7
        precision    .89   .98   1      1     1
        recall       1     1     .93    .88   .36    of the edits; it finds no paraphrase

    The defaults find prompts of 8 words or more with a tenth of their words changed: 99 % of those planted among 3,286
    titles of real questions, of which 9 went with them. For long texts, runs of 5 words and a threshold of 0.8 are
    usual (Lee et al. 2022, arXiv 2107.06499, section 4.2), which leave such edits in: with a share e of the words
    changed, about (1-e)^n / (2 - (1-e)^n) of the runs of n words agree.
    Prompts made from one template are near-duplicates in this sense: compare the responses there.

    The search is exact. A pool of more than 64 MiB of text is worked on in pieces, which wait in the folder for
    temporary files (`TMPDIR`), about 130 bytes for a prompt. Nothing is drawn: `seed` is there because every selector
    has one.

    Raises ValueError if a column is not there or a number is out of its range.

    >>> import polars as pl
    >>> first = "How do I keep basil alive on a dark kitchen window sill?"
    >>> second = "How do I keep basil alive on a dark kitchen window?"
    >>> near_duplicates(pl.DataFrame({"id": ["a", "b"], "prompt": [first, second], "score": [3, 8]})).why.to_list()
    ['duplicate of b, 0.91', None]
    """
    _check(threshold, "near_duplicates")
    if words < 1:
        raise ValueError(f"near_duplicates: words must be 1 or more, not {words}")
    ranked = _ranked(pool, column, prefer, "near_duplicates")
    return _choice(ranked, survivors(ranked["text"], words, threshold))


SAMPLE = 500  # rows compared with all others, to measure what was found


@reads(("vectors", "column"), "prefer")
def semantic_duplicates(
    pool: pl.DataFrame,
    *,
    column: str | list[str] = "prompt",
    threshold: float = 0.85,
    vectors: str | None = None,
    model: str = "all-MiniLM-L6-v2",
    prefer: str | None = "score",
    seed: int = 0,
) -> Choice:
    """Keep no two rows whose texts mean nearly the same: whose vectors have a cosine of `threshold` or more.

    The vectors are those of `model`, embedded once ever (another threshold embeds nothing again), or those of the
    column `vectors`. Rows are taken best first, by the highest `prefer` (nulls and NaN last), among equals by the
    smallest id, and dropped if a kept row is that near: not by cells, as SemDeDup does (arXiv 2303.09540), which
    misses what lies across a border, nor by connected components, which chain. A null is nobody's duplicate.

    On 168 pairs of prompts labelled by hand (docs/filters.md), edits and paraphrases against related questions:

        threshold    0.6   0.7   0.75   0.8   0.85   0.9
        precision    .87   .95   .98    1     1      1
        recall       .88   .74   .64    .56   .48    .40

    A pool about one subject is denser: of 11 titles of real questions between 0.8 and 0.85 some 3 asked the same by
    reading, so that the default is the higher one: what is dropped here is lost.
    At the default, of prompts with a tenth of their words replaced by any others 81 to 84 % go (MiniLM), and 26 of
    3,286 titles of real questions; at 0.8 it is 88 to 91 %, and 79.

    Up to 20,000 rows every pair is compared. Beyond that the search looks into the 8 nearest of some 4 * sqrt(n) cells
    (faiss); `notes` has the recall of pairs against an exact search for 500 rows, which `seed` draws. The answer
    is the same for any seed, order of rows and number of threads, given the same vectors.

    Raises ValueError if a column is not there or a number is out of its range, UserError without the extra `near`.

    >>> import polars as pl
    >>> pool = pl.DataFrame({"id": ["a", "b", "c"], "v": [[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]})
    >>> semantic_duplicates(pool, vectors="v").why.to_list()
    [None, 'duplicate of a, 0.99', None]
    """
    from curate.filters.vectors import neighbours
    from curate.filters.vectors.pool import vectors_of

    who = "semantic_duplicates"
    _check(threshold, who)
    if vectors is not None:
        require(pool, vectors, who)
    ranked = _ranked(pool, column if vectors is None else None, prefer, who)
    rows = ranked if vectors is None else pool[ranked["at"]]
    table = vectors_of(rows, "text", vectors, model, who)
    cells = None if len(table) <= neighbours.EXACT else neighbours.cells(table, _drawn(ranked, 0))
    of, similarity = neighbours.survivors(table, threshold, cells)
    total, hits = neighbours.recall(table, threshold, cells, _drawn(ranked, seed)[:SAMPLE])
    notes = {"near pairs in sample": float(total)} | ({"recall": round(hits / total, 4)} if total else {})
    near = pl.DataFrame({"of": of, "similarity": similarity}).with_row_index("row").filter(pl.col("of") >= 0)
    return _choice(ranked, near, notes)


def _check(threshold: float, who: str) -> None:
    if not 0 < threshold <= 1:
        raise ValueError(f"{who}: threshold must be above 0 and at most 1, not {threshold}")


def _ranked(pool: pl.DataFrame, column: str | list[str] | None, prefer: str | None, who: str) -> pl.DataFrame:
    """List rows with their text, best first; rows with one id are one and the same row."""
    pool = with_texts(pool, column)
    rows = pool.select("id", best_first(pool, prefer, who), _text(pool, column, who)).with_row_index("at")
    return rows.sort("best", "id", descending=[True, False], nulls_last=True)


def _text(pool: pl.DataFrame, column: str | list[str] | None, who: str) -> pl.Expr:
    """Read several columns as one text, null if all of them are; None needs no text."""
    if column is None:
        return pl.lit(None, dtype=pl.String).alias("text")
    columns = [column] if isinstance(column, str) else column
    if not columns:
        raise ValueError(f"{who} needs a column to compare")
    for name in columns:
        require(pool, name, who)
    joined = pl.concat_str(pl.col(columns).cast(pl.String), separator="\n", ignore_nulls=True)
    return pl.when(~pl.all_horizontal(pl.col(columns).is_null())).then(joined).alias("text")


def _drawn(ranked: pl.DataFrame, seed: int) -> NDArray[np.int64]:
    """Give the rows in a drawn order, as places in the ranking."""
    drawn = ranked.select(hash01("id", seed, "near").alias("draw"), "id").with_row_index("rank")
    return drawn.sort("draw", "id")["rank"].cast(pl.Int64).to_numpy()


def _choice(ranked: pl.DataFrame, near: pl.DataFrame, notes: Mapping[str, float] = MappingProxyType({})) -> Choice:
    """Name the survivor of each row that goes: (row, of, similarity) as places in the ranking."""
    written = pl.col("similarity").round(2).cast(pl.Decimal(10, 2)).cast(pl.String)
    at = ranked["at"].gather(near["row"])
    message = near.select(at, pl.format("duplicate of {}, {}", ranked["id"].gather(near["of"]), written).alias("why"))
    every = pl.int_range(ranked.height, dtype=pl.UInt32, eager=True).alias("at").to_frame()
    why = every.join(message, on="at", how="left", maintain_order="left")["why"]
    return Choice(why.is_null().alias("kept"), why, notes)
