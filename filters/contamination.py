"""Texts that a model is tested with: by the words that a row shares with one, and by their meaning."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import polars as pl

from curate.cache import contents_of
from curate.filter import Property, costly, explains, measures
from curate.filters.compiled.words import words as words_of
from curate.filters.words.benchmarks import LEAST, SHORT, Benchmark, find, hits, index, texts
from curate.models.embeddings.quantised import SQUARE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def contaminated(column: str = "user_turns", *, by: list[str], n: int = 13, share: float = 0.5) -> Property:
    """Hold where a text shares too many words with one that a model is tested with.

    By default every turn of the user is looked at (on a frame of your own name a column: "prompt"). Words are lower
    case without punctuation, and a sign is part of its word (`+4`, `-4`, `C++`); in scripts without blanks each letter
    is one. A text is contaminated if it shares with one benchmark text

    - a run of `n` words: 13, as in GPT-3 (Brown et al. 2020, arXiv 2005.14165, appendix C);
    - or, since most prompts are short and an edited one has no such run, at least `share` of the runs of three words
      of the shorter of the two, and (1 + `share`) / 2 of its words, as where words are changed here and there: not an
      opening alone ("What are the pros and cons of"). One word changed costs three runs, so a prompt with a tenth of
      its words changed keeps some 70 % of them. Rare words count more than the form of a question: of the words beyond
      some 700 common English ones at most one may be missing, or a tenth of all words, or 1 - `share` of the rare ones
      ("What is the difference between" any two things is no copy). Texts under 8 words, GPT-3's smallest n, have too
      few runs for that and count only if all their words are the same.

    The ledger's detail says which: "13 words on end", "all words", or both shares. Measured: the 150 packaged prompts
    are all found, and with a tenth of their words changed 2,978 of 2,980 in 20 draws. Of 1,786 titles of real questions
    10 hit one of 1,500 others, by reading 4 of them the same question; without rare words it was 33, of which 23 were
    the form "What is the difference between". False positives: one word of two changed ("How do I get rid of" mice for
    ants) is an edit to the rule and another question to a reader, as are two prompts of one template ("can you write a
    prime checker in" Python or C); a form in another language, whose words are all rare.

    `by` names the packaged prompts, `dev` and `test`, or files: .jsonl, .json, .csv, .tsv, .parquet or .txt (a text a
    line), in which the text is in `prompt`, `question`, `instruction` or the like, or in the column named behind a
    colon (`mmlu.csv:stem`). Relative paths are looked for as all paths of a recipe are.

    Raises ValueError for a file that is not there or has no such column, or a number out of its range.

    >>> import polars as pl
    >>> asked = "Is it odd to eat alone in a fancy restaurant on my birthday?"
    >>> pool = pl.DataFrame({"prompt": [asked, "Is it odd to eat alone?"]})
    >>> pool.select(contaminated("prompt", by=["test"])).to_series().to_list()
    [True, False]
    """
    if n < LEAST:
        raise ValueError(f"n must be {LEAST} words or more, not {n}: shorter runs are shared by chance")
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, not {share}")
    ask = partial(_ask, benchmarks=_read(by), n=n, share=share)
    return pl.col(column).map_batches(ask, return_dtype=pl.Boolean, is_elementwise=True)


@explains(contaminated)
def contaminated_span(column: str = "user_turns", *, by: list[str], n: int = 13, share: float = 0.5) -> pl.Expr:
    """Show which benchmark text a row shares how much with, and the longest run of words it does."""
    show = partial(_show, benchmarks=_read(by), n=n, share=share)
    return pl.col(column).map_batches(show, return_dtype=pl.String, is_elementwise=True)


def _read(by: list[str]) -> tuple[Benchmark, ...]:
    """Find the benchmarks, and read them: what is wrong with one must be said before the run."""
    benchmarks = find(by)
    for benchmark in benchmarks:
        texts(benchmark)
    return benchmarks


def _ask(text: pl.Series, benchmarks: tuple[Benchmark, ...], n: int, share: float) -> pl.Series:
    shared = hits(text, index(benchmarks, n, share), n, share)["row"]
    rows = pl.int_range(len(text), dtype=pl.UInt32, eager=True)
    return _beside_nulls(text, rows.is_in(shared.implode()))


def _show(text: pl.Series, benchmarks: tuple[Benchmark, ...], n: int, share: float) -> pl.Series:
    indexed = index(benchmarks, n, share)
    spans: list[str | None] = [None] * len(text)
    for row, prompt, part, rare, length in hits(text, indexed, n, share).iter_rows():
        benchmark, place = indexed.places.row(prompt)
        how = {1: "all words", SHORT: f"{part:.0%} of the runs, {rare:.0%} of the rare words"}
        rule = how.get(length, f"{length} words on end")
        spans[row] = f"{place} ({rule}): {_shared(text[row], benchmark, length)}"
    return pl.Series(text.name, spans, dtype=pl.String)


def _beside_nulls(text: pl.Series, values: pl.Series) -> pl.Series:
    """Give the values where there is a text, else null."""
    return pl.select(pl.when(text.is_not_null()).then(values)).to_series().alias(text.name)


def _shared(text: str, benchmark: str, length: int, most: int = 120) -> str:
    """Cut out of a text the longest stretch that runs of so many words in it cover which the other has, too."""
    text = normalize("NFC", text)
    words = words_of(text)
    own = [word.text.lower() for word in words]
    other = [word.text.lower() for word in words_of(normalize("NFC", benchmark))]
    runs = {tuple(other[i : i + length]) for i in range(len(other) - length + 1)}
    best, start, end = (0, 0), 0, -1
    for i in range(len(own) - length + 1):
        if tuple(own[i : i + length]) in runs:
            start, end = (start if i <= end else i), i + length
            best = max(best, (start, end), key=lambda stretch: stretch[1] - stretch[0])
    span = " ".join(text[words[best[0]].start : words[best[1] - 1].end].split()) if best[1] else ""
    return span if len(span) <= most else f"{span[: most - 1]}…"


_ROWS, _PROMPTS = 4096, 16_384  # products made at a time


@lru_cache(maxsize=4)
def _embedded(benchmarks: tuple[Benchmark, ...], model: str, weights: str) -> tuple[pl.DataFrame, Any]:
    import numpy as np

    from curate.models.embeddings import embed

    places = pl.concat([texts(benchmark) for benchmark in benchmarks])
    return places, embed(places["text"], model=model).astype(np.float32)


def nearest(
    text: pl.Series, benchmarks: tuple[Benchmark, ...], model: str, weights: str
) -> tuple[NDArray[np.float64], NDArray[np.int64], pl.DataFrame]:
    """Find for each text the largest cosine with a benchmark text, that one's number, and the list of (text, place).

    `weights` tells models of one name apart.
    """
    import numpy as np

    from curate.models.embeddings import embed

    places, table = _embedded(benchmarks, model, weights)
    like, of = np.full(len(text), -1.0), np.zeros(len(text), dtype=np.int64)
    own = embed(text, model=model)
    for first in range(0, len(own), _ROWS):
        rows = own[first : first + _ROWS].astype(np.float32)
        here = slice(first, first + len(rows))
        for start in range(0, len(table), _PROMPTS):
            products = rows @ table[start : start + _PROMPTS].T
            best = products.argmax(axis=1)
            cosines = products[np.arange(len(rows)), best].astype(np.float64) / SQUARE
            nearer = cosines > like[here]
            of[here] = np.where(nearer, best + start, of[here])
            like[here] = np.maximum(cosines, like[here])
    return like, of, places


@costly
def semantically_contaminated(
    column: str = "user_turns", *, by: list[str], threshold: float = 0.75, model: str = "all-MiniLM-L6-v2"
) -> Property:
    """Hold where a text means nearly the same as one that a model is tested with: a cosine of `threshold` or more.

    It finds prompts put in other words, which share no run of words; `contaminated` finds those that stand inside a
    longer text, of which the vector is about something else. At the default, prompts of the packaged sets with a tenth
    of their words replaced by any others were found in 95 % of cases, and no title of 3,286 real questions was. On 168
    labelled pairs (docs/filters.md) it has a precision of .98 and a recall of .64; at 0.7 .95 and .74, at 0.8 1 and
    .56. It is below the one of `semantic_duplicates`, as a test question in training costs more than a row. Other
    models need other thresholds. `by` is as in `contaminated`; the vectors are those of `curate.models.embeddings`.

    Raises ValueError for a file that is not there or has no such column, or a number out of its range.

    >>> semantically_contaminated("prompt", by=["test"])  # doctest: +SKIP
    >>> semantically_contaminated("prompt", by=["tset"])
    Traceback (most recent call last):
    ValueError: by: 'tset' is neither dev nor test nor a file of .jsonl, .ndjson, .json, .csv, .tsv, .txt, .parquet
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must be above 0 and at most 1, not {threshold}")
    return semantically_contaminated_cosine(column, by=by, model=model) >= threshold


@measures(semantically_contaminated)
def semantically_contaminated_cosine(
    column: str = "user_turns", *, by: list[str], model: str = "all-MiniLM-L6-v2"
) -> pl.Expr:
    """Measure the cosine with the nearest benchmark text."""
    measure = partial(_measure, benchmarks=_read(by), model=model, weights=_weights(model))
    return pl.col(column).map_batches(measure, return_dtype=pl.Float64, is_elementwise=True)


@explains(semantically_contaminated)
def semantically_contaminated_span(
    column: str = "user_turns", *, by: list[str], model: str = "all-MiniLM-L6-v2"
) -> pl.Expr:
    """Show the nearest benchmark text and where it stands."""
    show = partial(_show_nearest, benchmarks=_read(by), model=model, weights=_weights(model))
    return pl.col(column).map_batches(show, return_dtype=pl.String, is_elementwise=True)


def _weights(model: str) -> str:
    """Name what the folder of a model holds: another model may come to stand in it."""
    return "".join(content for _, content in contents_of(model))


def _measure(text: pl.Series, benchmarks: tuple[Benchmark, ...], model: str, weights: str) -> pl.Series:
    like, _, _ = nearest(text, benchmarks, model, weights)
    return _beside_nulls(text, pl.Series(like))


def _show_nearest(text: pl.Series, benchmarks: tuple[Benchmark, ...], model: str, weights: str) -> pl.Series:
    _, of, places = nearest(text, benchmarks, model, weights)
    span = pl.format("{}: {}", "place", pl.col("text").str.replace_all(r"\s+", " ").str.slice(0, 120))
    return _beside_nulls(text, places.select(span).to_series().gather(of))
