"""Rows: the standard columns, what a reader yields, and the identity of a row."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import polars as pl
import polars_hash as plh

from curate.errors import UserError

TURNS = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))

# The standard columns a reader may fill (DESIGN: rows). Whatever else a reader yields is kept beside them.
STANDARD: dict[str, pl.DataType] = {
    "domain": pl.String(),
    "prompt": pl.String(),
    "response": pl.String(),
    "chosen": pl.String(),
    "rejected": pl.String(),
    "history": TURNS,
    "system": pl.String(),
    "score": pl.Float64(),
    "license": pl.String(),
    "url": pl.String(),
}


class Bad(NamedTuple):
    """One record that could not be read: where it stood, what was wrong, its raw text (cut), its size in bytes."""

    file: str
    where: str
    error: str
    raw: str
    size: int


class Batch(NamedTuple):
    """Rows read, and the records beside them that could not be.

    `notes` are figures about the source as a whole, for the screen and the manifest; one batch of a part has them.
    """

    rows: pl.DataFrame
    bad: Sequence[Bad] = ()
    notes: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True)
class Part:
    """One piece of a source that is read, cached and resumed by itself: a site, a file, a package.

    `files` are all the files its bytes depend on; `read(batch_rows)` yields batches of at most that many rows.
    """

    name: str
    files: tuple[Path, ...]
    read: Callable[[int], Iterator[Batch]] = field(compare=False)


class SourceError(UserError):
    """Say in one sentence why a source cannot be read at all, and what would be right."""


class SourceMissing(SourceError):
    """Say that a source is not there; a source marked `optional: true` then hands on its share."""


def hash_file(path: Path) -> str:
    """Hash a file's content (sha256, 32 hex digits)."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def data_folder() -> Path:
    """Name the folder where relative paths of recipes start: $CURATE_DATA, or data/."""
    return Path(os.environ.get("CURATE_DATA", "data"))


def with_ids(rows: pl.DataFrame) -> pl.DataFrame:
    """Put the content hash of every row in front as `id` (32 hex digits, xxh3-128 over its columns by name).

    Column order, batches and engine do not matter; a null is the same as an absent column.

    >>> import polars as pl
    >>> a = with_ids(pl.DataFrame({"prompt": ["p"], "response": ["r"]}))
    >>> b = with_ids(pl.DataFrame({"response": ["r"], "prompt": ["p"], "url": [None]}))
    >>> a["id"].item() == b["id"].item(), len(a["id"].item())
    (True, 32)
    """
    names = sorted(set(rows.columns) - {"id"})
    # Each value is hashed where it lies and only the short digests are joined: the text is never copied.
    digests = [pl.format("{}={}\n", pl.lit(n), _digest(n, rows.schema[n])).fill_null("") for n in names]
    keys = rows.select(pl.concat_str(digests).alias("key") if digests else pl.lit("").alias("key"))
    hashes = keys.select(plh.col("key").nchash.xxh3_128()).to_series()
    ids = pl.Series("id", [f"{h:032x}" for h in hashes], dtype=pl.String)
    return rows.drop("id", strict=False).insert_column(0, ids)


def _digest(name: str, dtype: pl.DataType) -> pl.Expr:
    """Hash one column; what is not text is hashed as its JSON."""
    text = plh.col(name) if dtype == pl.String else plh.col(name).pipe(_as_json, dtype)
    digest = _hashes(text).xxh3_128().cast(pl.String)
    return pl.when(pl.col(name).is_not_null()).then(digest)


def _hashes(text: Any) -> Any:
    """Reach the namespace that polars-hash gives every expression, which no type stub knows."""
    return text.nchash


def _as_json(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    nested = dtype.is_nested() or dtype == pl.Null
    return pl.struct(column).struct.json_encode() if nested else column.cast(pl.String)


def hash01(column: str, seed: int, use: str) -> pl.Expr:
    """Draw a number in [0, 1) for each row from (seed, its text in `column`, use): the only randomness there is.

    >>> import polars as pl
    >>> frame = pl.DataFrame({"id": ["a", "b"]})
    >>> frame.select(hash01("id", seed=0, use="order").round(3)).to_series().to_list()
    [0.683, 0.114]
    """
    text = pl.format("{}\x1f{}\x1f{}", pl.lit(seed), pl.lit(use), pl.col(column))
    drawn: pl.Expr = _hashes(text).xxh3_64()
    # The upper 53 bits: all that a double holds, so the largest hash stays below 1.
    return ((drawn // 2**11).cast(pl.Float64) / 2.0**53).alias(column)
