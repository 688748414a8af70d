"""Rows: the standard columns, what a reader yields, and the identity of a row."""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import polars as pl
import polars_hash as plh

from curate import sides
from curate.errors import UserError
from curate.turns import TURNS

_NEAR = 0.85  # how near the name of a file is to one that may be meant (difflib's ratio)
_AT_ONCE = 64  # columns hashed in one query

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

    `notes` are figures about the part so far, for the screen and the manifest; of each, the last one counts. `share` is
    how much of the part is read with this batch, from 0 to 1, where its reader knows.
    """

    rows: pl.DataFrame
    bad: Sequence[Bad] = ()
    notes: Mapping[str, float] = MappingProxyType({})
    share: float | None = None


class Origin(NamedTuple):
    """One file in a store: its address, its size in bytes, and the store's own mark of its content."""

    address: str
    size: int
    mark: str


def _whole(size: int) -> list[Part]:
    """Cut nothing."""
    return []


@dataclass(frozen=True)
class Part:
    """One piece of a source that is read, cached and resumed by itself: a site, a file, a package.

    `files` and `origins` are all the files its bytes depend on, on this disk and in stores; `read(batch_rows)` yields
    batches of at most that many rows. `split(size)` cuts the part into pieces of some `size` bytes, which together give
    its rows and its bad records as it does, in its order; it gives none where the part cannot be cut.
    """

    name: str
    files: tuple[Path, ...]
    read: Callable[[int], Iterator[Batch]] = field(compare=False)
    split: Callable[[int], list[Part]] = field(compare=False, default=_whole)
    origins: tuple[Origin, ...] = ()


class SourceError(UserError):
    """Say in one sentence why a source cannot be read at all, and what would be right."""


class SourceMissing(SourceError):
    """Say that a source is not there; a source marked `optional: true` then hands on its share."""


def hash_file(path: Path) -> str:
    """Hash a file's content (sha256, 32 hex digits)."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def data_folder() -> Path:
    """Name the folder of data: $CURATE_DATA, or data/."""
    return Path(os.environ.get("CURATE_DATA", "data"))


# Of the whole process, as the working folder and $CURATE_DATA are: a run looks for files in many threads.
_recipe_folder: Path | None = None


@contextmanager
def beside(folder: Path | None) -> Iterator[None]:
    """Have relative paths start at the folder of a recipe first, for as long as this lasts."""
    before = _recipe_folder
    stand_beside(folder)
    try:
        yield
    finally:
        stand_beside(before)


def stand_beside(folder: Path | None) -> None:
    """Have relative paths start at the folder of a recipe first, in all of this process."""
    global _recipe_folder
    _recipe_folder = folder


def recipe_folder() -> Path | None:
    """Name the folder of the recipe that is read or run."""
    return _recipe_folder


def places(path: str | Path) -> list[Path]:
    """List where a path is looked for: beside the recipe, in the working folder, in the data folder.

    >>> [place.as_posix() for place in places("a.csv")][-1].endswith("/a.csv"), len(places("/a.csv"))
    (True, 1)
    """
    return list(_places(path))


def locate(path: str | Path) -> Path | None:
    """Find the first place of a file, of a folder, or of a pattern that matches any; None where there is none."""
    return next(filter(_is_there, places(path)), None)


def tried(path: str | Path) -> str:
    """Say which file may be meant by a path that leads nowhere, or where it was looked for, to stand behind a sentence.

    Nothing where there is one place alone, and nothing in it has such a name.
    """
    listed = _places(path)
    for place in () if any(map(_is_there, listed)) else listed:
        names: list[str] = []
        with suppress(OSError):  # no folder, or one that is not for us
            names = sorted(file.name for file in place.parent.iterdir())
        stems = {_stem(name): name for name in reversed(names) if _stem(name) and name != place.name}
        if near := get_close_matches(_stem(place.name), stems, n=1, cutoff=_NEAR):
            return f"; did you mean {place.parent / stems[near[0]]}?"
    where = [f"{place} ({where})" for place, where in listed.items()]
    return f"; looked for {', '.join(where)}" if len(where) > 1 else ""


def _stem(name: str) -> str:
    """Take what a file is called, without the endings that others have too."""
    return name.partition(".")[0]


def _places(path: str | Path) -> dict[Path, str]:
    own = Path(path).expanduser()
    folders = {"beside the recipe": _recipe_folder, "in the working folder": Path(), "in $CURATE_DATA": data_folder()}
    result: dict[Path, str] = {}
    for where, folder in folders.items():
        if folder is not None:
            result.setdefault(folder / own, where)
    return result


def _is_there(path: Path) -> bool:
    with suppress(OSError, ValueError):  # a name that no file can have: too long, or with a NUL
        base, pattern = part_pattern(path)
        return path.exists() or (pattern != "" and any(base.glob(pattern)))
    return False


def part_pattern(path: Path) -> tuple[Path, str]:
    """Part a pattern from the folder before it; an empty one where there is none.

    >>> part_pattern(Path("pool/*/a.csv"))[1]
    '*/a.csv'
    """
    for i, piece in enumerate(path.parts):
        if any(mark in piece for mark in "*?["):
            return Path(*path.parts[:i]), Path(*path.parts[i:]).as_posix()
    return path, ""


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
    # Under numbers for names: no name can be taken for a pattern.
    plain = pl.DataFrame([rows[name].alias(str(i)) for i, name in enumerate(names)])
    # Each value is hashed where it lies and only the short digests are joined: the text is never copied.
    dtypes = rows.schema
    digests = [
        pl.format("{}={}\n", pl.lit(name), _digest(str(i), name, dtypes[name])).fill_null("")
        for i, name in enumerate(names)
    ]
    # Some at a time: polars takes the square of their number to plan a query.
    some = [digests[i : i + _AT_ONCE] for i in range(0, len(digests), _AT_ONCE)] or [[pl.lit("")]]
    pieces = pl.concat([plain.select(pl.concat_str(d).alias(str(i))) for i, d in enumerate(some)], how="horizontal")
    keys = pieces.select(pl.concat_str(pl.all()).alias("key"))
    hashes = keys.select(plh.col("key").nchash.xxh3_128().alias("hash"))
    return rows.drop("id", strict=False).insert_column(0, hashes.select(_hex(pl.col("hash")).alias("id")).to_series())


@cache
def _digits() -> pl.Series:
    pairs = pl.Series([f"{i:02x}" for i in range(16**2)])
    number = pl.int_range(16**4, eager=True)
    return pairs.gather(number // 16**2) + pairs.gather(number % 16**2)


def _hex(number: pl.Expr) -> pl.Expr:
    """Write numbers of 128 bits as 32 hex digits, four digits at a time."""
    digits = pl.lit(_digits())
    return pl.concat_str(digits.gather((number // 2 ** (16 * i) % 16**4).cast(pl.UInt32)) for i in reversed(range(8)))


def _digest(column: str, name: str, dtype: pl.DataType) -> pl.Expr:
    """Hash one column, which the file calls `name`; what is not text is hashed as text or as JSON."""
    text = plh.col(column) if dtype == pl.String else plh.col(column).pipe(as_text, name, dtype)
    digest = _hashes(text.alias(column)).xxh3_128().cast(pl.String)
    return pl.when(pl.col(column).is_not_null()).then(digest)


def _hashes(text: Any) -> Any:
    """Reach the namespace that polars-hash gives every expression, which no type stub knows."""
    return text.nchash


def as_text(column: pl.Expr, name: str, dtype: pl.DataType) -> pl.Expr:
    """Write values of any type but bytes as text, nested ones as JSON under the column's name."""
    nested = dtype.is_nested() or dtype in (pl.Null, pl.Duration)
    return pl.struct(column.alias(name)).struct.json_encode() if nested else column.cast(pl.String)


_HOLDS = {pl.String(): "text", pl.Boolean(): "true or false"}


def kind(dtype: pl.DataType) -> str:
    """Name what a column holds.

    >>> kind(pl.Int64()), kind(pl.String()), kind(pl.List(pl.String()))
    ('numbers', 'text', 'lists')
    """
    return "numbers" if dtype.is_numeric() else "lists" if dtype == pl.List else _HOLDS.get(dtype, str(dtype))


def text_of(column: pl.Series) -> pl.Series:
    """Take a column as text, categories and nulls alone too; raise ValueError if it holds anything else."""
    if column.dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        return column.cast(pl.String)
    raise ValueError(_no_text(column.name, column.dtype))


def no_text(error: BaseException, rows: pl.DataFrame, columns: Iterable[str]) -> str | None:
    """Say in a sentence that polars, or a compiled step of ours, wants text where one of these columns holds none."""
    odd = [name for name in dict.fromkeys(columns) if rows.schema.get(name, pl.String) != pl.String]
    return _no_text(odd[0], rows.schema[odd[0]]) if _WANTS_TEXT.search(str(error)) and len(odd) == 1 else None


_WANTS_TEXT = re.compile(
    "expected `String`, got|expected String type, got|takes text, but the column|where text is needed"
)


def _no_text(name: str, dtype: pl.DataType) -> str:
    return f"'{name}' holds {kind(dtype)}, where text is needed"


def free(name: str, taken: Iterable[str]) -> str:
    """Find a name that is not taken: this one, else with underscores behind it."""
    taken = set(taken)
    while name in taken:
        name += "_"
    return name


def literal(name: str) -> str:
    r"""Spell a column's name so that polars takes it for that name alone: it reads `*` and `^…$` as patterns.

    >>> frame = pl.DataFrame({"^a$": [1], "a": [2], "*": [3]})
    >>> frame.select(pl.col(literal(name)) for name in ("^a$", "a", "*")).columns
    ['^a$', 'a', '*']
    """
    return f"^{re.escape(name)}$" if name == "*" or (name.startswith("^") and name.endswith("$")) else name


def scan(file: Path) -> pl.LazyFrame:
    """Open a Parquet file of that very name, whatever patterns stand in its path."""
    return pl.scan_parquet(file, glob=False)


def stack(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Put frames below each other; a column that some hold as one type and some as another becomes JSON text.

    >>> stack([pl.DataFrame({"tags": ["a"]}), pl.DataFrame({"tags": [["b"]]})])["tags"].to_list()
    ['{"tags":"a"}', '{"tags":["b"]}']
    """
    types: dict[str, dict[pl.DataType, None]] = {}
    for frame in frames:
        for name, dtype in frame.schema.items():
            types.setdefault(name, {})[dtype] = None
    odd = [name for name, dtypes in types.items() if len(dtypes) > 1 and not _alike(list(dtypes))]
    if not odd and all(literal(name) == name for name in types):
        return pl.concat(frames, how="diagonal_relaxed")
    # Under numbers for names, as polars takes some names for patterns.
    number = {name: str(i) for i, name in enumerate(types)}
    plain = [frame.with_columns(_json(frame, odd)) for frame in frames]
    plain = [frame.rename({name: number[name] for name in frame.columns}) for frame in plain]
    return pl.concat(plain, how="diagonal_relaxed").rename({n: name for name, n in number.items()})


def _alike(dtypes: list[pl.DataType]) -> bool:
    """Tell whether one type holds what columns of all these types hold, nothing lost."""
    nested = [dtype.is_nested() for dtype in dtypes if dtype != pl.Null]
    if any(nested) and not all(nested):
        return False
    try:
        pl.concat([pl.DataFrame(schema={"": dtype}) for dtype in dtypes], how="vertical_relaxed")
    except pl.exceptions.PolarsError:
        return False
    return True


def _json(frame: pl.DataFrame, names: list[str]) -> list[pl.Expr]:
    listed = [(pl.col(literal(name)), name) for name in names if name in frame.columns]
    text = [(column.is_not_null(), pl.struct(column).struct.json_encode().alias(name)) for column, name in listed]
    return [pl.when(holds).then(json) for holds, json in text]


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


def standardise(rows: pl.DataFrame, source: str) -> pl.DataFrame:
    """Give rows as read their id and source, and every standard column they lack as nulls.

    Columns `id` and `source` of their own become `file_id` and `file_source`. Bytes are left out, and of an
    object the parts that hold them. A score that is not a number is none, a blank prompt or answer likewise; thoughts
    are taken apart from answers (`curate.sides`). The id is that of the row as it was read.
    """
    own: dict[str, str] = {
        name: free(f"file_{name}", rows.columns) for name in rows.columns if name in {"id", "source"}
    }
    rows = without_categories(rows.rename(own))
    if rows.schema.get("score") in (pl.Float32, pl.Float64):
        rows = rows.with_columns(pl.col("score").fill_nan(None))
    rows = sides.settle(identify(rows)).with_columns(source=pl.lit(source))
    lacking = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in STANDARD.items() if name not in rows.columns]
    return rows.with_columns(lacking)


def with_bytes(rows: pl.DataFrame) -> list[str]:
    """List the columns that hold bytes, or values of Python alone."""
    return [name for name, dtype in rows.schema.items() if _holds_bytes(dtype)]


def _holds_bytes(dtype: pl.DataType) -> bool:
    if isinstance(dtype, pl.Struct):
        return any(_holds_bytes(cast("pl.DataType", field.dtype)) for field in dtype.fields)
    if isinstance(dtype, pl.List | pl.Array):
        return _holds_bytes(cast("pl.DataType", dtype.inner))
    return dtype in (pl.Binary, pl.Object)


def without_categories(rows: pl.DataFrame) -> pl.DataFrame:
    """Make categories text: two files may number them in two ways."""
    named = [name for name, dtype in rows.schema.items() if isinstance(dtype, pl.Categorical | pl.Enum)]
    return rows.with_columns(pl.col(literal(name)).cast(pl.String) for name in named) if named else rows


def identify(rows: pl.DataFrame) -> pl.DataFrame:
    """Give rows their ids; bytes count for them, and are left out then."""
    odd = with_bytes(rows)
    if not odd:
        return with_ids(rows)
    digests = [
        [None if value is None else hashlib.blake2b(repr(value).encode()).hexdigest() for value in rows[n]] for n in odd
    ]
    ids = with_ids(rows.with_columns(pl.Series(n, d, dtype=pl.String) for n, d in zip(odd, digests, strict=True)))["id"]
    return _without_bytes(rows).insert_column(0, ids)


def _without_bytes(rows: pl.DataFrame) -> pl.DataFrame:
    """Leave out columns that hold bytes; of an object only the fields that do."""
    odd = set(with_bytes(rows))
    columns = [_rest(column) if column.name in odd else column for column in rows.get_columns()] if odd else []
    return pl.DataFrame({column.name: column for column in columns if column is not None}) if odd else rows


def _rest(column: pl.Series) -> pl.Series | None:
    if not isinstance(column.dtype, pl.Struct):
        return None
    parts = {name: column.struct.field(name) for name in column.struct.fields}
    fields = {name: _rest(part) if _holds_bytes(part.dtype) else part for name, part in parts.items()}
    left = pl.DataFrame({name: field for name, field in fields.items() if field is not None})
    whole = left.to_struct(column.name) if left.width else None
    return None if whole is None else whole.zip_with(column.is_not_null(), whole.clear(len(column)))


def compact(rows: pl.DataFrame, taken_from: int) -> pl.DataFrame:
    """Copy rows into memory of their own if they are but a few of those they were taken from.

    A row that polars takes out of a frame holds on to the text of all the rows beside it.
    """
    if 2 * rows.height > taken_from:
        return rows
    copy = io.BytesIO()
    rows.write_ipc(copy)
    copy.seek(0)
    return pl.read_ipc(copy)
