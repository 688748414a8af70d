"""Slices of a Parquet file: read in turn, renamed, types checked, nested conversations brought to columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from curate.rows import TURNS, Bad, Batch, SourceError
from curate.sources import files
from curate.sources.columns import FIXED, words
from curate.sources.layout import HEAD, Layout, Wanted, no_prompt, renamed, settle
from curate.sources.shapes import TOUCHED, detect, renames

# No slice has more rows, whatever they weigh.
_ROWS = 2**16
# A panic of the engine, as on a file whose header lies, is no Exception.
_DAMAGE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)


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
            made, wrong = self.layout.rows(records)
            good = [i for i in range(rows.height) if i not in wrong]
            rows = made.hstack(rows.drop(self.touched)[good])
            for i, reason in sorted(wrong.items()):
                raw = json.dumps(records[i], ensure_ascii=False, default=str).encode("utf-8")
                bad.append(files.bad(self.file, f"row {at + i + 1}", reason, raw))
        typed = [self._typed(rows[name], FIXED[name]) for name in rows.columns if name in FIXED]
        empty = [pl.lit(None, pl.String()).alias(name) for name in self.constants if name not in rows.columns]
        filled = [pl.col(name).fill_null(value) for name, value in self.constants.items()]
        return Batch(rows.with_columns(typed).with_columns(empty).with_columns(filled), bad)

    def _typed(self, column: pl.Series, dtype: pl.DataType) -> pl.Series:
        here = column.dtype
        alike = here == dtype or here == pl.Null or (here.is_numeric() and dtype == pl.Float64())
        if alike or (isinstance(here, (pl.Categorical, pl.Enum)) and dtype == pl.String()):
            return column.cast(dtype)
        if dtype == TURNS and _are_turns(here):  # the same fields in another order, which a cast refuses
            return column.list.eval(pl.struct(pl.element().struct[name] for name in ("role", "content")))
        raise SourceError(
            f"{self.file}: the column {column.name!r} holds {here}, not {words(dtype)}; "
            f"give it another name: columns: {{file_{column.name}: {column.name}}}"
        )


def _are_turns(dtype: pl.DataType) -> bool:
    inner = dtype.inner if isinstance(dtype, pl.List) else None
    return isinstance(inner, pl.Struct) and {(f.name, f.dtype) for f in inner.fields} == {
        ("role", pl.String),
        ("content", pl.String),
    }


def start(file: Path, want: Wanted) -> tuple[Table, int] | Bad:
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
    table = _settled(file, head, want)
    table.batch(head.clear(), 0)
    room = files.BATCH_BYTES * max(head.height, 1) // max(int(head.estimated_size()), 1)
    return table, max(1, min(_ROWS, room))


def _settled(file: Path, head: pl.DataFrame, want: Wanted) -> Table:
    names = {name: name for name in head.columns} | renamed(file, head.columns, want)
    named = head.rename(names)
    shape = want.shape or detect(named.to_dicts())
    if shape == "plain":
        more = renames(set(named.columns))
        names = {there: more.get(here, here) for there, here in names.items()}
    touched = [name for name in named.columns if name in TOUCHED[shape]]
    layout = None
    if touched:
        told = Wanted({"response": "response"} if "response" in want.columns else {}, shape)
        layout = settle(file, named.select(touched).to_dicts(), told, whole=head.height < HEAD)
    elif "prompt" not in names.values() and "response" not in want.columns:
        raise SourceError(no_prompt(file, head.columns))
    constants = {n: v for n, v in (("domain", want.domain), ("license", want.license)) if v is not None}
    return Table(file, names, touched, layout, constants)


def read(want: Wanted, file: Path, batch_rows: int) -> Iterator[Batch]:
    """Yield the rows of a file; where it is damaged, one last Bad."""
    settled = start(file, want)
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
