"""Passes over rows too many for memory: a part is read, judged batch by batch, and left as a finished stage."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast

import polars as pl

from curate.errors import UserError, did_you_mean, missing_package
from curate.recipe.step import Step, expressions
from curate.rows import STANDARD, Bad, Batch, free, literal, stack, with_ids
from curate.run.examples import merge, samples
from curate.run.rowpass import row_pass

_FLUSH_BYTES = 64 * 2**20  # kept rows are gathered up to this before a file is written
_FLUSH_ROWS = 200_000
# A part with more bad records than this, and more bad than good ones, is something else than it is read as.
_MOST_BAD = 100_000
_HOLDS = {pl.String(): "text", pl.Boolean(): "true or false"}


class StepError(UserError):
    """Say in one sentence which step cannot be applied, where it stands, and what would be right."""


@dataclass
class Writer:
    """Gather frames and write them as numbered parquet files, so that no batch size makes a thousand small files."""

    folder: Path
    name: str
    held: list[pl.DataFrame] = field(default_factory=list)
    rows: int = 0
    size: int = 0
    count: int = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Take a frame, and write when enough is gathered."""
        if frame.height:
            self.held.append(frame)
            self.rows += frame.height
            self.size += int(frame.estimated_size())
        if self.size > _FLUSH_BYTES or self.rows > _FLUSH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        if self.held:
            together = stack(self.held)
            together.write_parquet(self.folder / f"{self.name}-{self.count:05}.parquet", compression="lz4")
            self.held, self.rows, self.size, self.count = [], 0, 0, self.count + 1


def pass_over(
    batches: Iterator[Batch], steps: Sequence[Step], source: str, folder: Path, tell: Callable[[int], None]
) -> dict[str, Any]:
    """Pass every batch through the steps into `folder`: rows-*.parquet, ledger-*.parquet, examples.parquet, bad.jsonl.

    Returns the counts (rows read and kept, records quarantined, bytes of each). Memory holds one batch and what is
    gathered for the next file, whatever the input's size. `tell` is called with the rows of each batch.
    """
    rows, ledger = Writer(folder, "rows"), Writer(folder, "ledger")
    examples = merge([])
    count: dict[str, Any] = {"read": 0, "kept": 0, "bad": 0, "bytes": 0, "bad_bytes": 0, "notes": {}}
    with (folder / "bad.jsonl").open("w", encoding="utf-8") as quarantine:
        for batch in batches:
            count["notes"] |= batch.notes
            for name in with_bytes(batch.rows):
                note = f"rows whose bytes in '{name}' are left out"
                count["notes"][note] = count["notes"].get(note, 0.0) + batch.rows[name].count()
            for bad in batch.bad:
                quarantine.write(_quarantined(source, bad))
                count["bad"] += 1
                count["bad_bytes"] += bad.size
            if count["bad"] > _MOST_BAD + count["read"]:
                file = batch.bad[-1]._replace(
                    error=f"the rest of the file is not read: {_MOST_BAD:,} bad records", raw=""
                )
                quarantine.write(_quarantined(source, file))
                count["bad"] += 1
                break
            if not batch.rows.height:
                continue
            count["read"] += batch.rows.height
            count["bytes"] += int(batch.rows.estimated_size())
            prepared = standardise(batch.rows, source) if source else batch.rows
            passed = _try(prepared, steps)
            rows.add(apart(passed.kept, batch.rows.height))
            ledger.add(passed.ledger)
            examples = apart(merge([examples, samples(passed.rows, passed.ledger)]), batch.rows.height)
            count["kept"] += passed.kept.height
            tell(batch.rows.height)
    rows.flush()
    ledger.flush()
    examples.write_parquet(folder / "examples.parquet")
    return count


def _quarantined(source: str, bad: Bad) -> str:
    line = json.dumps({"source": source, **bad._asdict()}, ensure_ascii=False) + "\n"
    return line.encode("utf-8", "backslashreplace").decode("utf-8")  # a reason may quote half of a character


def standardise(rows: pl.DataFrame, source: str) -> pl.DataFrame:
    """Give rows as read their id and source, and every standard column they lack as nulls.

    Columns `id` and `source` of their own become `file_id` and `file_source`. Bytes are left out, and of an
    object the parts that hold them. A score that is not a number is none.
    """
    own: dict[str, str] = {
        name: free(f"file_{name}", rows.columns) for name in rows.columns if name in {"id", "source"}
    }
    rows = _without_categories(rows.rename(own))
    if rows.schema.get("score") in (pl.Float32, pl.Float64):
        rows = rows.with_columns(pl.col("score").fill_nan(None))
    rows = _identified(rows).with_columns(source=pl.lit(source))
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


def _without_categories(rows: pl.DataFrame) -> pl.DataFrame:
    """Make categories text: two files may number them in two ways."""
    named = [name for name, dtype in rows.schema.items() if isinstance(dtype, pl.Categorical | pl.Enum)]
    return rows.with_columns(pl.col(literal(name)).cast(pl.String) for name in named)


def _identified(rows: pl.DataFrame) -> pl.DataFrame:
    """Give rows their ids; bytes count for them, and are left out then."""
    odd = with_bytes(rows)
    if not odd:
        return with_ids(rows)
    digests = [[None if value is None else blake2b(repr(value).encode()).hexdigest() for value in rows[n]] for n in odd]
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


def _try(rows: pl.DataFrame, steps: Sequence[Step]) -> Any:
    """Run the row-wise pass; when it fails, find the step it was and say so in its terms."""
    try:
        return row_pass(rows, steps)
    except (Exception, pl.exceptions.PanicException):
        for i, step in enumerate(steps):
            try:
                row_pass(rows, steps[: i + 1])
            except (Exception, pl.exceptions.PanicException) as error:
                raise StepError(_in_words(step, rows, error)) from error
        raise


def _in_words(step: Step, rows: pl.DataFrame, error: BaseException) -> str:
    at = f"{step.place}: {step.verb} {step.name}"
    asked = list(dict.fromkeys([*(step.columns or ()), *(c for e in expressions(step) for c in e.meta.root_names())]))
    for column in asked:
        if column not in rows.columns:
            return f"{at}: {no_column(column, rows.columns)}"
    given = rows.lazy().select(e.alias(str(i)) for i, e in enumerate(expressions(step)))
    if step.judges and (found := [t for t in _types(given) if t != pl.Boolean]):
        return f"{at}: gives {_said(found[0])}, where true or false is needed of each row"
    return f"{at}: {misfit(error, rows, asked)}"


def _types(frame: pl.LazyFrame) -> list[pl.DataType]:
    try:
        return frame.collect_schema().dtypes()
    except pl.exceptions.PolarsError:
        return []


def _said(dtype: pl.DataType) -> str:
    return "numbers" if dtype.is_numeric() else _HOLDS.get(dtype, str(dtype))


def no_column(column: str, known: Iterable[str]) -> str:
    """Say that a column is not there, and which one may be meant."""
    others = [c for c in known if c not in {"id", "source"}]
    return f"reads the column '{column}', which these rows do not have; {did_you_mean(column, others)}"


def misfit(error: BaseException, rows: pl.DataFrame, asked: Iterable[str]) -> str:
    """Say an error in one line; an engine's own word on types is led in by what the columns hold."""
    if package := missing_package(error):
        return package
    first = (str(error) or "it says no more").strip().splitlines()[0]
    if isinstance(error, pl.exceptions.PolarsError):
        holds = [f"'{c}' holds {_said(rows.schema[c])}" for c in asked if c in rows.columns]
        return ": ".join([*([", ".join(holds)] if holds else []), first])
    told = isinstance(error, ValueError | UserError | ModuleNotFoundError)
    return first if told else f"{type(error).__name__}: {first}"


def read_again(files: list[Path], alive: pl.DataFrame, batch_rows: int) -> Iterator[Batch]:
    """Read the rows still alive (`source`, `id`), each once, out of files that earlier passes left."""
    key = ["source", "id"]
    for file in files:
        if not alive.height:
            return
        whole = pl.read_parquet(file)
        rows = whole.join(alive, on=key, how="semi", maintain_order="left").unique(key, maintain_order=True)
        rows = apart(rows, whole.height)
        del whole
        alive = alive.join(rows, on=key, how="anti")  # a repeated row stands in the files as often as it was read
        for start in range(0, rows.height, batch_rows):
            yield Batch(rows[start : start + batch_rows])


def apart(rows: pl.DataFrame, taken_from: int) -> pl.DataFrame:
    """Copy rows into memory of their own if they are but a few of those they were taken from.

    A row that polars takes out of a frame holds on to the text of all the rows beside it.
    """
    if 2 * rows.height > taken_from:
        return rows
    copy = io.BytesIO()
    rows.write_ipc(copy)
    copy.seek(0)
    return pl.read_ipc(copy)


def count_of(counts: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Add up the counts of several passes."""
    names = ("read", "kept", "bad", "bytes", "bad_bytes")
    return {name: sum(int(c[name]) for c in counts) for name in names}
