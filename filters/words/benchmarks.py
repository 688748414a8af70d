"""Texts that must stay out of training: the packaged prompts by name, and benchmarks of the user's own in files."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.address import is_address
from curate.cache import hash_once
from curate.filters.words.common import COMMON
from curate.filters.words.runs import hashes, marked_runs, runs, slices
from curate.rows import locate, tried

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

    Raise ValueError if one is not there or cannot be read.
    """
    if not by:
        raise ValueError("by must name dev, test or a file at least")
    return tuple(_one(name) for name in by)


def _one(name: str) -> Benchmark:
    if is_address(name):
        raise ValueError(f"by: {name} is in a store: fetch it, and name the file on this disk")
    packaged = Path(str(resources.files("curate.recipes") / "authored" / f"{name}.jsonl"))
    path, column = (packaged, "prompt") if name in PACKAGED else _file(name)
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"by: {name!r} is neither dev nor test nor a file of {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise ValueError(f"by: there is no file {path}{tried(path)}")
    label = name if name in PACKAGED else path.name
    return Benchmark(label, str(path.absolute()), column, hash_once(path))


def _file(name: str) -> tuple[Path, str | None]:
    """Split a path from the column behind it; the colon after a drive's letter is none."""
    path, colon, column = name.rpartition(":")
    if not colon or Path(name).suffix.lower() in SUFFIXES:
        path, column = name, ""
    return locate(path) or Path(path), column or None


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

_HITS = pl.Schema({"row": pl.UInt32, "prompt": pl.UInt32, "share": pl.Float64, "rare": pl.Float64, "words": pl.Int64})
_SLOTS = 2**20


class Index(NamedTuple):
    """The runs of benchmark texts, each with the number of its text."""

    places: pl.DataFrame  # text, place
    long: pl.DataFrame  # run of n words -> prompt
    short: pl.DataFrame  # run of SHORT words, prompt, the prompt's `size` in runs, how many prompts have it (`in`)
    rare: pl.DataFrame  # of these, enough of each prompt that whoever shares most of it has one of them
    whole: pl.DataFrame  # hash of all words -> prompt, for prompts of fewer than LEAST words
    words: pl.DataFrame  # the different words of each prompt with short runs
    slots: str  # the slots of short runs, marked: nearly all runs of other texts fail here


@lru_cache(maxsize=8)
def index(benchmarks: tuple[Benchmark, ...], n: int, share: float) -> Index:
    """Index the texts of benchmarks, once for each version of their files."""
    return indexed(pl.concat([texts(benchmark) for benchmark in benchmarks]), n, share)


def indexed(places: pl.DataFrame, n: int, share: float) -> Index:
    """Index texts, each with its place."""
    listed = _listed(_rows(places["text"]))
    short = _short(listed)
    words = _different(listed.filter(pl.col("count") >= LEAST)).rename({"row": "prompt"})
    return Index(
        places, _first(runs(listed, n)), short, _rare(short, share), _first(_whole(listed)), words, _slots(short)
    )


def _rows(text: pl.Series) -> pl.DataFrame:
    row = pl.int_range(len(text), dtype=pl.UInt32, eager=True)
    return pl.DataFrame({"row": row, "word": hashes(text)}).with_columns(pl.col("word").list.len().alias("count"))


def _listed(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.explode("word").drop_nulls("word")


def _different(listed: pl.DataFrame) -> pl.DataFrame:
    """List the different words of each text, how many it has, and which are rare and how many of these it has."""
    different = (
        listed.select("row", "word").unique().with_columns(rare=~pl.col("word").is_in(_common_words().implode()))
    )
    return different.with_columns(of=pl.len().over("row"), of_rare=pl.col("rare").sum().over("row"))


@lru_cache(maxsize=1)
def _common_words() -> pl.Series:
    return hashes(pl.Series(sorted(COMMON))).list.first()


def _short(listed: pl.DataFrame) -> pl.DataFrame:
    """List the different short runs of the texts long enough for a share of them to tell something."""
    different = runs(listed.filter(pl.col("count") >= LEAST), SHORT).unique().rename({"row": "prompt"})
    return different.with_columns(pl.len().over("prompt").alias("size"), pl.len().over("run").alias("in"))


def _slots(short: pl.DataFrame) -> str:
    slots = bytearray(b"0" * _SLOTS)
    for slot in (short["run"] // 2**32 % _SLOTS).unique():
        slots[slot] = ord("1")
    return slots.decode()


def _whole(listed: pl.DataFrame) -> pl.DataFrame:
    short = listed.filter(pl.col("count") < LEAST)
    return pl.concat([runs(short.filter(pl.col("count") == k), k) for k in short["count"].unique().to_list() or [1]])


def _first(listed: pl.DataFrame) -> pl.DataFrame:
    return listed.group_by("run").agg(pl.col("row").min().alias("prompt"))


def _rare(short: pl.DataFrame, share: float) -> pl.DataFrame:
    """Keep the rarest runs of each prompt, one more than may be missing where a `share` of all is found."""
    rank = pl.struct("in", "run").rank("ordinal").over("prompt")
    return short.filter(rank <= pl.col("size") - (share * pl.col("size")).ceil() + 1).select("run", "prompt")


def hits(text: pl.Series, index: Index, n: int, share: float) -> pl.DataFrame:
    """Find the rows that share too much with a benchmark text: (row, prompt, share, rare, words), one line a row."""
    parts = [pl.DataFrame(schema=_HITS)]
    for first, part in slices(text):
        in_part = _hits(part, index, n, share)
        parts.append(in_part.with_columns(pl.col("row") + first))
    return pl.concat(parts)


def _hits(text: pl.Series, index: Index, n: int, share: float) -> pl.DataFrame:
    marked = marked_runs(text, index.slots)
    counts = marked.list.first()
    common = _common(marked, index)
    long = runs(_of(text, _unbroken(common, n)), n)
    whole = _whole(_of(text, (counts < LEAST).arg_true()))
    together = [
        long.join(index.long, on="run").select("row", "prompt", share=1.0, rare=1.0, words=n),
        whole.join(index.whole, on="run").select("row", "prompt", share=1.0, rare=1.0, words=1),
        _throughout(_most(common, index, share), text, index, share).with_columns(words=SHORT),
    ]
    listed = pl.concat([frame.cast(_HITS) for frame in together])
    return listed.sort("row", "words", "share", "prompt", descending=[False, True, True, False]).unique(
        "row", keep="first", maintain_order=True
    )


def _of(text: pl.Series, rows: pl.Series) -> pl.DataFrame:
    """List the words of some rows."""
    some = text.gather(rows) if len(rows) else text.clear()  # gather copies a long text even to take none
    return _listed(_rows(some).with_columns(rows.cast(pl.UInt32).alias("row")))


def _common(marked: pl.Series, index: Index) -> pl.DataFrame:
    """List the short runs of rows that a benchmark text has, too, in their order: (row, count, at, run, in)."""
    row = pl.int_range(len(marked), dtype=pl.UInt32, eager=True)
    rows = pl.DataFrame({"row": row, "both": marked, "count": marked.list.first()})
    rows = rows.filter(pl.col("count") >= LEAST, pl.col("both").list.len() > 1)
    both = pl.col("both").list
    lines = rows.select("row", "count", at=both.slice(1).list.gather_every(2), run=both.gather_every(2, 2))
    listed = lines.explode("at", "run")
    return listed.join(index.short.select("run", "in").unique(), on="run", maintain_order="left")


def _unbroken(common: pl.DataFrame, n: int) -> pl.Series:
    """List the rows with n words on end of which each short run is common: the only ones that can share a run of n."""
    ahead = n - SHORT
    on_end = (pl.col("at").shift(-ahead) == pl.col("at") + ahead) & (pl.col("row").shift(-ahead) == pl.col("row"))
    return common.filter(on_end)["row"].unique()


def _most(common: pl.DataFrame, index: Index, share: float) -> pl.DataFrame:
    """Find pairs that share most short runs of the one with fewer of them, among pairs that share a rare one."""
    own = common.unique(["row", "run"]).sort("row", "in", "run")
    own = own.with_columns(
        pl.col("count") - SHORT + 1, rank=pl.int_range(pl.len()).over("row"), all=pl.len().over("row")
    )
    of_prompt = own.join(index.rare, on="run").select("row", "prompt")
    # The runs of a row that no benchmark text has are rarer than these.
    rare = pl.col("rank") <= pl.col("all") - (share * pl.col("count")).ceil()
    of_row = own.filter(rare).join(index.short, on="run").select("row", "prompt")
    pairs = pl.concat([of_prompt, of_row]).unique()
    both = pairs.join(index.short, on="prompt").join(own, on=["row", "run"])
    smaller = pl.min_horizontal("size", "count").first().alias("smaller")
    counted = both.group_by("row", "prompt").agg(pl.len().alias("both"), smaller)
    shared = (pl.col("both") / pl.col("smaller")).alias("share")
    return counted.filter(pl.col("both") >= share * pl.col("smaller")).select("row", "prompt", shared)


def _throughout(pairs: pl.DataFrame, text: pl.Series, index: Index, share: float) -> pl.DataFrame:
    """Leave out pairs whose words differ on end, not here and there, and pairs that share the form of a question only.

    A copy in which words are changed apart loses three runs with each, so with half of the runs it has five in six of
    the words, or three in four where the changed ones count as two (a hyphen). What only opens alike ("What are the
    pros and cons of") has fewer. And of the words that a question is about, the rare ones, a copy keeps its share: all
    but one of them, or but one in ten of all words if that is more.
    """
    own = _different(_of(text, pairs["row"].unique()))
    both = pairs.join(own, on="row").join(index.words, on=["prompt", "word"], suffix="_prompt")
    of, larger = pl.min_horizontal("of", "of_prompt"), pl.max_horizontal("of", "of_prompt")
    # Of two that are nearly as long the one with more of them counts, else the shorter one: it may stand in the other.
    of_rare = (
        pl.when(of >= 0.75 * larger)
        .then(pl.max_horizontal("of_rare", "of_rare_prompt"))
        .otherwise(pl.when(pl.col("of") <= pl.col("of_prompt")).then("of_rare").otherwise("of_rare_prompt"))
    )
    rare = pl.col("rare").sum().cast(pl.Int64)
    counted = both.group_by("row", "prompt").agg(
        pl.len().alias("words"), of.first().alias("of"), of_rare.first().cast(pl.Int64).alias("of_rare"), rare
    )
    lost = pl.max_horizontal(
        pl.lit(1), (pl.col("of") / 10).round(mode="half_away_from_zero"), (1 - share) * pl.col("of_rare")
    )
    kept = pl.when(pl.col("of_rare") > 0).then(pl.col("rare") / pl.col("of_rare")).otherwise(1.0).alias("rare")
    alike = counted.filter(
        pl.col("words") >= (1 + share) / 2 * pl.col("of") - 1e-9, pl.col("of_rare") - pl.col("rare") <= lost + 1e-9
    ).select("row", "prompt", kept)
    return pairs.join(alike, on=["row", "prompt"])
