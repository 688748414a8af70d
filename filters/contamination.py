"""Which benchmark text is nearest in meaning to each text, and how near."""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import polars as pl

from curate.cache import contents_of
from curate.filter import Property, costly, explains, measures
from curate.filters.words import benchmarks as _benchmarks
from curate.filters.words import benchmarks as _overlap
from curate.filters.words.benchmarks import Benchmark, texts
from curate.filters.words.runs import words as words_of
from curate.models.embeddings.quantised import SQUARE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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
            found = products[np.arange(len(rows)), best].astype(np.float64) / SQUARE
            nearer = found > like[here]
            of[here] = np.where(nearer, best + start, of[here])
            like[here] = np.maximum(found, like[here])
    return like, of, places


def contaminated(column: str = "prompt", *, by: list[str], n: int = 13, share: float = 0.5) -> Property:
    """Hold where a text shares too many words with one that a model is tested with.

    Words are lower case without punctuation. A text is contaminated if it shares with one benchmark text

    - a run of `n` words: 13, as in GPT-3 (Brown et al. 2020, arXiv 2005.14165, appendix C);
    - or, since most prompts are short and an edited one has no such run, at least `share` of the runs of three words
      of the shorter of the two. One word changed costs three runs, so a prompt with a tenth of its words changed keeps
      some 70 % of them. Texts under 8 words, GPT-3's smallest n, have too few runs for that and
    - count only if all their words are the same.

    `by` names the packaged prompts, `dev` and `test`, or files: .jsonl, .json, .csv, .tsv, .parquet or .txt (a text a
    line), in which the text is in `prompt`, `question`, `instruction` or the like, or in the column named behind a
    colon (`mmlu.csv:stem`). Relative paths start at the working folder, else at the data folder.

    Raises ValueError for a file that is not there or has no such column, or a number out of its range.

    >>> import polars as pl
    >>> asked = "Is it odd to eat alone in a fancy restaurant on my birthday?"
    >>> pool = pl.DataFrame({"prompt": [asked, "Is it odd to eat alone?"]})
    >>> pool.select(contaminated(by=["test"])).to_series().to_list()
    [True, False]
    """
    if n < _overlap.LEAST:
        raise ValueError(f"n must be {_overlap.LEAST} words or more, not {n}: shorter runs are shared by chance")
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, not {share}")
    ask = partial(_ask, benchmarks=_found(by), n=n, share=share)
    return pl.col(column).map_batches(ask, return_dtype=pl.Boolean, is_elementwise=True)


@explains(contaminated)
def contaminated_span(column: str = "prompt", *, by: list[str], n: int = 13, share: float = 0.5) -> pl.Expr:
    """Show which benchmark text a row shares how much with, and the longest run of words it does."""
    show = partial(_show, benchmarks=_found(by), n=n, share=share)
    return pl.col(column).map_batches(show, return_dtype=pl.String, is_elementwise=True)


def _found(by: list[str]) -> tuple[_benchmarks.Benchmark, ...]:
    """Find the benchmarks, and read them: what is wrong with one must be said before the run."""
    found = _benchmarks.find(by)
    for benchmark in found:
        _benchmarks.texts(benchmark)
    return found


def _ask(text: pl.Series, benchmarks: tuple[_benchmarks.Benchmark, ...], n: int, share: float) -> pl.Series:
    found = _overlap.hits(text, _overlap.index(benchmarks, n, share), n, share)
    rows = pl.int_range(len(text), dtype=pl.UInt32, eager=True)
    return pl.select(pl.when(text.is_not_null()).then(rows.is_in(found["row"].implode()))).to_series().alias(text.name)


def _show(text: pl.Series, benchmarks: tuple[_benchmarks.Benchmark, ...], n: int, share: float) -> pl.Series:
    known = _overlap.index(benchmarks, n, share)
    shown: list[str | None] = [None] * len(text)
    for row, prompt, part, length in _overlap.hits(text, known, n, share).iter_rows():
        asked, place = known.places.row(prompt)
        how = "" if length != _overlap.SHORT else f" ({part:.0%})"
        shown[row] = f"{place}{how}: {_shared(text[row], asked, length)}"
    return pl.Series(text.name, shown, dtype=pl.String)


def _shared(text: str, asked: str, length: int) -> str:
    """Cut out of a text the longest stretch that runs of so many words in it cover which the other has, too."""
    own, other = (words_of(pl.Series([each]))["word"].to_list() for each in (text, asked))
    runs = {tuple(other[i : i + length]) for i in range(len(other) - length + 1)}
    best, start, end = (0, 0), 0, -1
    for i in range(len(own) - length + 1):
        if tuple(own[i : i + length]) in runs:
            start, end = (start if i <= end else i), i + length
            best = max(best, (start, end), key=lambda stretch: stretch[1] - stretch[0])
    return _as_written(text, own[slice(*best)])


def _as_written(text: str, words: list[str], most: int = 120) -> str:
    """Find words in a text as they stand there, with their marks and capitals."""
    pattern = r"[\W_]*".join("['’]?".join(map(re.escape, word)) for word in words)
    found = re.search(pattern, normalize("NFC", text), re.IGNORECASE)
    span = " ".join((found[0] if found else " ".join(words)).split())
    return span if len(span) <= most else f"{span[: most - 1]}…"


@costly
def semantically_contaminated(
    column: str = "prompt", *, by: list[str], threshold: float = 0.75, model: str = "all-MiniLM-L6-v2"
) -> Property:
    """Hold where a text means nearly the same as one that a model is tested with: a cosine of `threshold` or more.

    It finds prompts put in other words, which share no run of words; `contaminated` finds those that stand inside a
    longer text, of which the vector is about something else. At the default, prompts of the packaged sets with a tenth
    of their words replaced by any others were found in 95 % of cases, and no title of 3,286 real questions was. Other
    models need other thresholds. `by` is as in `contaminated`; the vectors are those of `curate.models.embeddings`.

    Raises ValueError for a file that is not there or has no such column, or a number out of its range.

    >>> semantically_contaminated("prompt", by=["tset"])
    Traceback (most recent call last):
    ValueError: by: 'tset' is neither dev nor test nor a file of .jsonl, .ndjson, .json, .csv, .tsv, .txt, .parquet
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must be above 0 and at most 1, not {threshold}")
    return semantically_contaminated_cosine(column, by=by, model=model) >= threshold


@measures(semantically_contaminated)
def semantically_contaminated_cosine(
    column: str = "prompt", *, by: list[str], model: str = "all-MiniLM-L6-v2"
) -> pl.Expr:
    """Measure the cosine with the nearest benchmark text."""
    measure = partial(_measure, benchmarks=_found(by), model=model, weights=_weights(model))
    return pl.col(column).map_batches(measure, return_dtype=pl.Float64, is_elementwise=True)


@explains(semantically_contaminated)
def semantically_contaminated_span(
    column: str = "prompt", *, by: list[str], model: str = "all-MiniLM-L6-v2"
) -> pl.Expr:
    """Show the nearest benchmark text and where it stands."""
    show = partial(_show_nearest, benchmarks=_found(by), model=model, weights=_weights(model))
    return pl.col(column).map_batches(show, return_dtype=pl.String, is_elementwise=True)


def _weights(model: str) -> str:
    """Name what the folder of a model holds: another model may come to stand in it."""
    return "".join(content for _, content in contents_of(model))


def _measure(text: pl.Series, benchmarks: tuple[_benchmarks.Benchmark, ...], model: str, weights: str) -> pl.Series:
    like, _, _ = nearest(text, benchmarks, model, weights)
    return pl.select(pl.when(text.is_not_null()).then(pl.Series(like))).to_series().alias(text.name)


def _show_nearest(
    text: pl.Series, benchmarks: tuple[_benchmarks.Benchmark, ...], model: str, weights: str
) -> pl.Series:
    _, of, places = nearest(text, benchmarks, model, weights)
    shown = pl.format("{}: {}", "place", pl.col("text").str.replace_all(r"\s+", " ").str.slice(0, 120))
    said = places.select(shown).to_series().gather(of)
    return pl.select(pl.when(text.is_not_null()).then(said)).to_series().alias(text.name)
