"""Texts that must stay out of training: the packaged prompts by name, and benchmarks of the user's own in files."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.cache import hash_once
from curate.filters.words.runs import hashed, runs, slices, words

PACKAGED = ("dev", "test")
SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".parquet")
# Where benchmarks keep what they ask, looked for in this order.
COLUMNS = ("prompt", "question", "instruction", "problem", "query", "input", "text", "turns")


class Benchmark(NamedTuple):
    """One file: the name it goes by in the evidence, its path, the column of its texts, and the hash of its content."""

    name: str
    path: str
    column: str | None
    sha256: str


def find(by: list[str]) -> tuple[Benchmark, ...]:
    """Find what `by` names: `dev`, `test`, or a file, with `:column` behind it where the usual names do not fit.

    A relative path starts at the working folder or, if it is not there, at the data folder. Raise ValueError if one is
    not there or cannot be read.
    """
    if not by:
        raise ValueError("by must name dev, test or a file at least")
    return tuple(_one(name) for name in by)


def _one(name: str) -> Benchmark:
    packaged = Path(str(resources.files("curate.recipes") / "authored" / f"{name}.jsonl"))
    path, column = (packaged, "prompt") if name in PACKAGED else _file(name)
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"by: {name!r} is neither dev nor test nor a file of {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise ValueError(f"by: there is no file {path}")
    label = name if name in PACKAGED else path.name
    return Benchmark(label, str(path.absolute()), column, hash_once(path))


def _file(name: str) -> tuple[Path, str | None]:
    """Split a path from the column behind it; the colon after a drive's letter is none."""
    path, colon, column = name.rpartition(":")
    if not colon or Path(name).suffix.lower() in SUFFIXES:
        path, column = name, ""
    relative = Path(path)
    in_data = Path(os.environ.get("CURATE_DATA", "data")) / relative
    return (relative if relative.is_file() or not in_data.is_file() else in_data), column or None


@lru_cache(maxsize=32)
def texts(benchmark: Benchmark) -> pl.DataFrame:
    """Read the texts of a benchmark as (text, place), the place being its line or row, without the empty ones.

    Raises ValueError for what is not readable: a benchmark half read would let the other half pass.
    """
    path = Path(benchmark.path)
    try:
        lines = list(_texts(path, benchmark))
    except (UnicodeDecodeError, csv.Error, pl.exceptions.PolarsError, OSError) as error:
        raise ValueError(f"by: {path.name} cannot be read: {error}") from None
    table = pl.DataFrame(lines, schema={"text": pl.String, "place": pl.String}, orient="row")
    table = table.filter(pl.col("text").str.strip_chars() != "")
    if table.is_empty():
        raise ValueError(f"by: {path.name} has no text to compare with")
    return table


def _texts(path: Path, benchmark: Benchmark) -> Iterator[tuple[str | None, str]]:
    reader = _READERS.get(path.suffix.lower(), _jsonl)
    column = benchmark.column
    for place, record in reader(path):
        column = column or _column(record, path)
        if column not in record:
            raise ValueError(f"by: {path.name}, {place}: there is no {column!r}, only {', '.join(map(str, record))}")
        yield _text(record[column]), f"{benchmark.name} {place}"


def _column(record: dict[str, Any], path: Path) -> str:
    for name in COLUMNS:
        if name in record:
            return name
    raise ValueError(
        f"by: {path.name} has none of {', '.join(COLUMNS)}, only {', '.join(map(str, record))}: "
        f"name the column of its texts, as in {path.name}:{next(iter(record), 'column')}"
    )


def _text(value: Any) -> str | None:
    """Take a text, or several as one: some benchmarks ask in turns."""
    if isinstance(value, list):
        return "\n".join(_text(part) or "" for part in value)
    if isinstance(value, dict):
        return _text(value.get("content"))
    return value if isinstance(value, str) else None


def _jsonl(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with path.open(encoding="utf-8-sig", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield f"line {number}", _record(line, path, f"line {number}")


def _record(line: str, path: Path, place: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"by: {path.name}, {place}: no JSON ({error.msg})") from None
    return record if isinstance(record, dict) else {"text": record}


def _json(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        listed = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise ValueError(f"by: {path.name}, line {error.lineno}: no JSON ({error.msg})") from None
    if not isinstance(listed, list):
        raise ValueError(f"by: {path.name} is no list of records")
    for number, record in enumerate(listed, 1):
        yield f"record {number}", record if isinstance(record, dict) else {"text": record}


def _csv(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
        for row in rows:
            yield f"line {rows.line_num}", row


def _txt(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with path.open(encoding="utf-8-sig", newline="\n") as lines:
        yield from ((f"line {number}", {"text": line}) for number, line in enumerate(lines, 1))


def _parquet(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, row in enumerate(pl.read_parquet(path).iter_rows(named=True), 1):
        yield f"row {number}", row


_READERS = {".csv": _csv, ".tsv": _csv, ".txt": _txt, ".parquet": _parquet, ".json": _json}


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


def _first(listed: pl.DataFrame) -> pl.DataFrame:
    return listed.group_by("run").agg(pl.col("row").min().alias("prompt"))


def _rare(short: pl.DataFrame, share: float) -> pl.DataFrame:
    """Keep the rarest runs of each text, one more than may be missing where a `share` of all is found."""
    rank = pl.struct("in", "run").rank("ordinal").over("row")
    return short.filter(rank <= pl.col("size") - (share * pl.col("size")).ceil() + 1)


def hits(text: pl.Series, index: Index, n: int, share: float) -> pl.DataFrame:
    """Find the rows that share too much with a benchmark text: (row, prompt, share, words), one line a row."""
    parts = [pl.DataFrame(schema=_HITS)]
    for first, part in slices(text):
        in_part = _hits(_listed(part), index, n, share)
        parts.append(in_part.with_columns(pl.col("row") + first))
    return pl.concat(parts)


def _hits(listed: pl.DataFrame, index: Index, n: int, share: float) -> pl.DataFrame:
    long = runs(listed, n).join(index.long, on="run").select("row", "prompt", share=1.0, words=n)
    whole = _whole(listed).join(index.whole, on="run").select("row", "prompt", share=1.0, words=1)
    most = _most(_short(listed), index, share).with_columns(words=SHORT)
    together = pl.concat([frame.cast(_HITS) for frame in (long, whole, most)])
    return together.sort("row", "words", "share", "prompt", descending=[False, True, True, False]).unique(
        "row", keep="first", maintain_order=True
    )


def _most(own: pl.DataFrame, index: Index, share: float) -> pl.DataFrame:
    """Find pairs that share most short runs of the one with fewer of them, among pairs that share a rare one."""
    counts = index.short.select("run", "in").unique()
    seen = own.join(counts, on="run", how="left").with_columns(pl.col("in").fill_null(0))
    common = seen.filter(pl.col("in") > 0)
    of_prompt = common.join(index.rare, on="run").select("row", "prompt")
    of_row = _rare(seen, share).filter(pl.col("in") > 0).join(index.short, on="run").select("row", "prompt")
    pairs = pl.concat([of_prompt, of_row]).unique()
    both = pairs.join(index.short, on="prompt").join(common, on=["row", "run"], suffix=" of row")
    counted = both.group_by("row", "prompt").agg(
        pl.len().alias("both"), pl.min_horizontal("size", "size of row").first().alias("smaller")
    )
    shared = (pl.col("both") / pl.col("smaller")).alias("share")
    return counted.filter(pl.col("both") >= share * pl.col("smaller")).select("row", "prompt", shared)
