"""Parquet files: read in slices, renamed, types checked, nested conversations brought to columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from curate.rows import STANDARD, Bad, Batch, Part, SourceError
from curate.sources import files
from curate.sources.columns import words
from curate.sources.layout import HEAD, Layout, Options, no_prompt, renamed, settle
from curate.sources.shapes import TOUCHED, Shape, detect, renames
from curate.turns import TURNS, are_turns, whole_turns

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
    parts = files.parts(path, (".parquet",), partial(read, options))
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

    def batch(self, rows: pl.DataFrame, at: int) -> Batch:
        """Turn a slice that starts at row `at` (from 0) into a batch.

        Raises:
            SourceError: when a standard column holds another type.
        """
        rows, bad = rows.rename(self.names), []
        if self.layout:
            records = rows.select(self.touched).to_dicts()
            converted, wrong = self.layout.rows(records)
            good = [i for i in range(rows.height) if i not in wrong]
            rows = converted.hstack(rows.drop(self.touched)[good])
            for i, reason in sorted(wrong.items()):
                raw = json.dumps(records[i], ensure_ascii=False, default=str).encode("utf-8")
                bad.append(files.bad(self.file, f"row {at + i + 1}", reason, raw))
        typed = [self._typed(rows[name], STANDARD[name]) for name in rows.columns if name in STANDARD]
        empty = [pl.lit(None, pl.String()).alias(name) for name in self.constants if name not in rows.columns]
        filled = [pl.col(name).fill_null(value) for name, value in self.constants.items()]
        return Batch(rows.with_columns(typed).with_columns(empty).with_columns(filled), bad)

    def _typed(self, column: pl.Series, dtype: pl.DataType) -> pl.Series:
        actual = column.dtype
        alike = actual == dtype or actual == pl.Null or (actual.is_numeric() and dtype == pl.Float64())
        if alike or (isinstance(actual, (pl.Categorical, pl.Enum)) and dtype == pl.String()):
            return column.cast(dtype)
        if dtype == TURNS and are_turns(actual):
            return whole_turns(column)
        raise SourceError(
            f"{self.file}: the column {column.name!r} holds {actual}, not {words(dtype)}; "
            f"give it another name: columns: {{file_{column.name}: {column.name}}}"
        )


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
    table = _settled(file, head, options)
    table.batch(head.clear(), 0)
    room = files.BATCH_BYTES * max(head.height, 1) // max(int(head.estimated_size()), 1)
    return table, max(1, min(_ROWS, room))


def _settled(file: Path, head: pl.DataFrame, options: Options) -> Table:
    names = {name: name for name in head.columns} | renamed(file, head.columns, options)
    named = head.rename(names)
    shape = options.shape or detect(named.to_dicts())
    if shape == "plain":
        more = renames(set(named.columns))
        names = {theirs: more.get(ours, ours) for theirs, ours in names.items()}
    touched = [name for name in named.columns if name in TOUCHED[shape]]
    layout = None
    if touched:
        nested = Options({"response": "response"} if "response" in options.columns else {}, shape)
        layout = settle(file, named.select(touched).to_dicts(), nested, whole=head.height < HEAD)
    elif "prompt" not in names.values() and "response" not in options.columns:
        raise SourceError(no_prompt(file, head.columns))
    return Table(file, names, touched, layout, options.constants)


def read(options: Options, file: Path, batch_rows: int) -> Iterator[Batch]:
    """Yield the rows of a file; where it is damaged, one last Bad."""
    settled = start(file, options)
    if isinstance(settled, Bad):
        yield Batch(pl.DataFrame(), [settled])
        return
    table, step = settled
    lazy, at = pl.scan_parquet(file, glob=False), 0
    while True:
        try:
            rows = lazy.slice(at, step).collect()
        except _DAMAGE as error:
            yield Batch(pl.DataFrame(), [files.broken(file, f"after row {at}", error)])
            return
        if not rows.height:
            return
        for i in range(0, rows.height, batch_rows):
            yield table.batch(rows[i : i + batch_rows], at + i)
        at += rows.height
