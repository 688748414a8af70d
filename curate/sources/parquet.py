"""Parquet files: read in slices, renamed, types checked, nested conversations brought to columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl

from curate.rows import STANDARD, Bad, Batch, Part, SourceError
from curate.sources import files
from curate.sources.columns import words
from curate.sources.layout import HEAD, Layout, Options, no_prompt, renamed, settle
from curate.sources.shapes import TOUCHED, Shape, detect, renames
from curate.turns import OPTIONAL, TURNS, are_turns, whole_turns

# No slice has more rows, whatever they weigh.
_ROWS = 2**16
# A panic of the engine, as on a file whose header lies, is no Exception.
_DAMAGE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)


def parquet(
    path: Path,
    *,
    columns: dict[str, str] | None = None,
    shape: Shape | None = None,
    domain: str | None = None,
    license: str | None = None,
) -> list[Part]:
    """Read Parquet files, a slice at a time.

    Every column keeps its type. A file that is damaged is one bad record, from the row on that cannot be
    read.

    Args:
        path: a file, a folder (its .parquet files) or a glob.
        columns: column here -> column in the file, as in `{prompt: title}`.
        shape: how conversations and pairs are laid out; found by the names when not given.
        domain: the domain of rows that have none.
        license: the licence of rows that have none.

    Raises:
        SourceMissing: when there is no such file.
        SourceError: when a column that is named is not there, none holds a prompt, or one holds another type.

    >>> import tempfile, polars as pl
    >>> file = Path(tempfile.mkdtemp()) / "a.parquet"
    >>> pl.DataFrame({"question": ["2 + 2?"], "answer": ["4"], "year": [1999]}).write_parquet(file)
    >>> [batch] = parquet(file, domain="sums")[0].read(1000)
    >>> batch.rows.to_dicts()
    [{'prompt': '2 + 2?', 'response': '4', 'year': 1999, 'domain': 'sums'}]
    """
    options = Options(columns or {}, shape, domain, license)
    parts = files.parts(path, (".parquet",), partial(read, options), partial(_split, options))
    start(parts[0].files[0], options)
    return parts


@dataclass(frozen=True)
class Table:
    """How the columns of one Parquet file become rows, settled on its first ones."""

    file: Path
    names: dict[str, str]  # name there -> name here
    touched: list[str]  # the columns its shape reads or writes
    layout: Layout | None  # how those become rows; None when the rows are plain
    constants: dict[str, str]
    paths: dict[str, str] = field(default_factory=dict)  # path there -> name here, of what stands inside a column

    def batch(self, rows: pl.DataFrame, at: int) -> Batch:
        """Turn a slice that starts at row `at` (from 0) into a batch.

        Raises:
            SourceError: when a standard column holds another type.
        """
        rows, bad = _with_inner(rows, self.paths).rename(self.names), []
        if self.layout:
            records = solid(rows.select(self.touched).to_dicts())
            converted, wrong = self.layout.rows(records)
            good = [i for i in range(rows.height) if i not in wrong]
            rows = converted.hstack(rows.drop(self.touched)[good])
            for i, reason in sorted(wrong.items()):
                raw = json.dumps(records[i], ensure_ascii=False, default=str).encode("utf-8")
                bad.append(files.bad(self.file, f"row {at + i + 1}", reason, raw))
        types = STANDARD | OPTIONAL
        typed = [self._typed(rows[name], types[name]) for name in rows.columns if name in types]
        empty = [pl.lit(None, pl.String()).alias(name) for name in self.constants if name not in rows.columns]
        filled = [pl.col(name).fill_null(value) for name, value in self.constants.items()]
        notes = dict(self.layout.notes) if self.layout else {}
        return Batch(rows.with_columns(typed).with_columns(empty).with_columns(filled), bad, notes)

    def _typed(self, column: pl.Series, dtype: pl.DataType) -> pl.Series:
        actual = column.dtype
        alike = actual == dtype or actual == pl.Null or (actual.is_numeric() and dtype == pl.Float64())
        if alike or (isinstance(actual, (pl.Categorical, pl.Enum)) and dtype == pl.String()):
            return column.cast(dtype)
        if dtype == TURNS and are_turns(actual):
            return whole_turns(column)
        if column.name == "tools" and actual.is_nested():  # a list of them is a text here
            texts = [None if tool is None else json.dumps(tool, ensure_ascii=False) for tool in solid(column.to_list())]
            return pl.Series(column.name, texts, dtype=dtype)
        raise SourceError(
            f"{self.file}: the column {column.name!r} holds {actual}, not {words(dtype)}; "
            f"give it another name: columns: {{file_{column.name}: {column.name}}}"
        )


def solid(value: Any) -> Any:
    """Leave out the fields of objects that hold nothing: a column gives every object the fields of all others.

    >>> solid([{"name": "weather", "arguments": {"city": "Bergen", "query": None}}])
    [{'name': 'weather', 'arguments': {'city': 'Bergen'}}]
    """
    if isinstance(value, dict):
        return {key: solid(inner) for key, inner in value.items() if inner is not None}
    return [solid(item) for item in value] if isinstance(value, list) else value


def _with_inner(rows: pl.DataFrame, paths: dict[str, str]) -> pl.DataFrame:
    """Put what stands inside other columns into columns of their own."""
    inner = {name: _inner(rows.get_columns(), path) for path, name in paths.items()}
    return rows.with_columns(column.alias(name) for name, column in inner.items() if column is not None)


def _inner(columns: list[pl.Series], path: str) -> pl.Series | None:
    """Take the column at a path of names and numbers joined by dots; None if the types have no such place."""
    name, *pieces = path.split(".")
    column = next((column for column in columns if column.name == name), None)
    for piece in pieces:
        if column is None:
            return None
        if isinstance(column.dtype, pl.Struct):
            column = column.struct.field(piece) if piece in column.struct.fields else None
        elif isinstance(column.dtype, pl.List) and piece.isascii() and piece.isdigit():
            column = column.list.get(int(piece), null_on_oob=True)
        else:
            return None
    return column


def start(file: Path, options: Options) -> tuple[Table, int] | Bad:
    """Settle a file on its first rows; also say how many rows fit a slice. A file that is damaged is one Bad.

    Raises:
        SourceError: when a column that is named is not there, none holds a prompt, or one holds another type.
    """
    if not file.stat().st_size:
        return Bad(str(file), "row 1", "the file is empty", "", 0)
    try:
        head = pl.scan_parquet(file, glob=False).head(HEAD).collect()
    except _DAMAGE as error:
        return files.broken(file, "row 1", error)
    table = settled(file, head, options)
    table.batch(head.clear(), 0)
    room = files.BATCH_BYTES * max(head.height, 1) // max(int(head.estimated_size()), 1)
    return table, max(1, min(_ROWS, room))


def settled(file: Path, head: pl.DataFrame, options: Options) -> Table:
    """Settle how the columns of a table become rows, on its first rows.

    Raises:
        SourceError: when a column that is named is not there, none holds a prompt, or one holds another type.
    """
    dotted = {theirs: ours for ours, theirs in options.columns.items() if theirs not in head.columns}
    paths = {path: ours for path, ours in dotted.items() if _inner(head.get_columns(), path) is not None}
    own = renamed(file, head.columns, options, paths)
    head = _with_inner(head, paths)
    names = {name: name for name in head.columns} | own
    named = head.rename(names)
    shape = options.shape or detect(solid(named.to_dicts()))
    if shape in ("plain", "rows"):
        more = renames(set(named.columns))
        names = {theirs: more.get(ours, ours) for theirs, ours in names.items()}
        named = head.rename(names)
    touched = [name for name in named.columns if name in TOUCHED[shape]]
    layout = None
    if touched:
        nested = Options({"response": "response"} if "response" in options.columns else {}, shape)
        layout = settle(file, solid(named.select(touched).to_dicts()), nested, whole=head.height < HEAD)
    elif "prompt" not in names.values() and "response" not in options.columns:
        raise no_prompt(file, solid(head.to_dicts()))
    return Table(file, names, touched, layout, options.constants, paths)


def read(options: Options, file: Path, batch_rows: int) -> Iterator[Batch]:
    """Yield the rows of a file; where it is damaged, one last Bad."""
    settled = start(file, options)
    if isinstance(settled, Bad):
        yield Batch(pl.DataFrame(), [settled])
        return
    table, step = settled
    yield from _slices(table, step, count(0, step), batch_rows)


def _split(options: Options, file: Path, size: int) -> Iterator[tuple[str, files.Reader]]:
    """Cut a file between its slices: whoever reads a piece takes the same ones, and stops at the same damage."""
    settled = start(file, options)
    if isinstance(settled, Bad):
        return
    table, step = settled
    height = pl.scan_parquet(file, glob=False).select(pl.len()).collect().item()
    slices = max(1, height * size // file.stat().st_size // step)
    for at in range(0, height, slices * step):
        places = range(at, min(at + slices * step, height), step)
        yield f"rows after {at:,}", partial(_slices, table, step, places)


def _slices(table: Table, step: int, places: Iterable[int], batch_rows: int) -> Iterator[Batch]:
    """Yield the rows of the slices that begin at some rows of a file; where it is damaged, one last Bad."""
    table = deepcopy(table)  # its layout counts what is left out, so each piece needs its own
    file = table.file
    lazy = pl.scan_parquet(file, glob=False)
    height = 0
    for at in places:
        try:
            height = height or lazy.select(pl.len()).collect().item()
            rows = lazy.slice(at, step).collect()
        except _DAMAGE as error:
            yield Batch(pl.DataFrame(), [files.broken(file, f"after row {at}", error)])
            return
        if not rows.height:
            return
        for i in range(0, rows.height, batch_rows):
            batch = table.batch(rows[i : i + batch_rows], at + i)
            yield batch._replace(share=(at + min(i + batch_rows, rows.height)) / height)
