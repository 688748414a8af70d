"""The ledger: one row for every input row, with every step's verdict; and the questions it answers."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.engine import current
from curate.rows import scan

REPEATED = "repeated"  # an input row whose every column equals that of a row already there
OVERRIDES = "overrides"  # what people decided about a row
INCOMPLETE = "incomplete"  # a row that lacks what the formats of the set need
HELD_OUT = "dev"  # a row held out of the set
NEAR = "near_dev"  # a row that asks what one held out asks
BEFORE_BUDGET = (INCOMPLETE, HELD_OUT, NEAR)  # what drops rows, by no step of the recipe, once all steps are done
# Why a row fails a step: the step's label, the turn of a dialogue (null where a step looks at the whole row), the
# reason in words or numbers, and the span of text that it rests on. A row has one for each step that it fails.
EVIDENCE = pl.List(pl.Struct({"step": pl.String, "turn": pl.Int32, "reason": pl.String, "span": pl.String}))
_ROWS = 25_000  # of a ledger that are held at a time
FILES = 100  # of a ledger that are opened again for each of its ranges; those of more are sorted into ranges first
RANGE = 2**18  # rows of a range that is sorted so
_FIRST = ["id", "source", "domain"]
_LAST = ["kept", "dropped_by", "detail"]
_EMPTY: dict[str, Any] = dict.fromkeys(_FIRST, pl.String) | {
    "dropped_by": pl.String,
    "detail": EVIDENCE,
    "kept": pl.Boolean,
}


def leading(steps: Sequence[dict[str, Any]]) -> int:
    """Count the steps of a source before any that looks at all rows; behind them stands what people decided."""
    return next((i for i, step in enumerate(steps) if step["verb"] in {"select", "answer", "pair"}), len(steps))


def evidence(label: str, reason: pl.Expr, span: pl.Expr | None = None, turn: pl.Expr | None = None) -> pl.Expr:
    """Make one step's evidence: a struct with the fields of `EVIDENCE`."""
    turn = pl.lit(None, dtype=pl.Int32) if turn is None else turn
    span = pl.lit(None, dtype=pl.String) if span is None else span
    return pl.struct(step=pl.lit(label), turn=turn, reason=reason, span=span)


def only_evidence(label: str, reason: pl.Expr) -> pl.Expr:
    """Make the `detail` of a step that looks at all rows: one piece of evidence, or null where there is no reason."""
    return pl.when(reason.is_not_null()).then(pl.concat_list(evidence(label, reason)))


def evidence_text(detail: pl.Expr | None = None) -> pl.Expr:
    """Write `detail` as text for a person: a line `step: turn: evidence` for each step that a row fails.

    >>> length = {"step": "length", "turn": None, "reason": "4.0", "span": None}
    >>> detail = [[length], [{**length, "turn": 3}], None]
    >>> pl.DataFrame({"detail": detail}, schema={"detail": EVIDENCE}).select(evidence_text())["detail"].to_list()
    ['length: 4.0', 'length: turn 3: 4.0', None]
    """
    field = pl.element().struct.field
    words = pl.concat_str(field("reason"), field("span"), separator=" ", ignore_nulls=True).str.replace_all(r"\s+", " ")
    turn = pl.when(field("turn").is_not_null()).then(pl.format("turn {}: ", field("turn"))).otherwise(pl.lit(""))
    line = (field("step") + ": " + turn + words).str.strip_chars_end(": ")
    return (pl.col("detail") if detail is None else detail).list.eval(line).list.join("\n")


def read(file: Path) -> pl.LazyFrame:
    """Open a ledger; one of an earlier version, whose `detail` is text, gets its lines as evidence."""
    ledger = scan(file)
    if ledger.collect_schema()["detail"] != pl.String:
        return ledger
    part = pl.element().str.splitn(": ", 2).struct
    line = pl.struct(step=part.field("field_0"), turn=pl.lit(None), reason=part.field("field_1"), span=pl.lit(None))
    return ledger.with_columns(pl.col("detail").str.split("\n").list.eval(line).cast(EVIDENCE))


class Ledger(NamedTuple):
    """The verdicts of a pool: what each pass wrote of the rows it read, and what later steps say of the rows alive.

    It is as long as the input, so it lies in files, and is put together for a range of ids at a time: all that is said
    of a row stands under its id. The order of `parts` decides which of two equal rows is the first. A later step has
    one frame or several. In a `whole` one the `sample` is of all rows alive.
    """

    parts: tuple[Ledger | pl.LazyFrame, ...]
    later: tuple[tuple[pl.LazyFrame, ...], ...] = ()
    whole: bool = False

    def extend(self, verdicts: Iterable[pl.LazyFrame]) -> Ledger:
        """Add the verdicts of a later step, which come in one frame or several."""
        frames = tuple(verdicts)
        return self._replace(later=(*self.later, frames)) if frames else self

    @property
    def height(self) -> int:
        """Count its rows, without reading them."""
        return sum(
            part.height if isinstance(part, Ledger) else part.select(pl.len()).collect().item() for part in self.parts
        )

    @property
    def files(self) -> int:
        """Count the files that it lies in."""
        parts = sum(part.files if isinstance(part, Ledger) else 1 for part in self.parts)
        return parts + sum(map(len, self.later))

    def between(self, low: str = "", high: str = "") -> pl.DataFrame:
        """Put together the rows with ids from `low` to below `high`, an empty text standing for no bound."""
        frames = [
            part.between(low, high) if isinstance(part, Ledger) else part.filter(_within(low, high)).collect()
            for part in self.parts
        ]
        ledger = mark_repeated(pl.concat([pl.DataFrame(schema=_EMPTY), *frames], how="diagonal_relaxed"))
        for verdicts in self.later:
            frames = [frame.filter(_within(low, high)).collect() for frame in verdicts]
            ledger = extend(ledger, pl.concat(frames, how="diagonal_relaxed"))
        return ledger.with_columns(sample=pl.when("kept").then(True)) if self.whole else ledger

    def frames(self, folder: Path) -> Iterator[pl.DataFrame]:
        """Put the whole together, a frame at a time, in its one order; what is sorted for it lies in `folder`."""
        if self.files > FILES:
            return current().map(_whole, self._ranges(max(1, math.ceil(self.height / RANGE)), folder))
        count = math.ceil(self.height / _ROWS)
        bounds = ["", *(f"{i * 16**4 // count:04x}" for i in range(1, count)), ""]
        return (order(self.between(low, high)) for low, high in pairwise(bounds))

    def _ranges(self, count: int, folder: Path) -> list[Ledger]:
        """Make of a ledger in many files as many ledgers as there are ranges of ids, each in few files."""
        inner = [part._ranges(count, folder) for part in self.parts if isinstance(part, Ledger)]
        frames = [part for part in self.parts if isinstance(part, pl.LazyFrame)]
        inner += [[Ledger(of) for of in _sorted(frames, count, folder)]] if frames else []
        later = [_sorted(verdicts, count, folder) for verdicts in self.later]
        return [
            Ledger(tuple(part[i] for part in inner), tuple(verdicts[i] for verdicts in later), self.whole)
            for i in range(count)
        ]


def _whole(ledger: Ledger) -> pl.DataFrame:
    return order(ledger.between())


def _sorted(frames: Sequence[pl.LazyFrame], count: int, folder: Path) -> list[tuple[pl.LazyFrame, ...]]:
    """Sort the rows of frames into a file for each range of ids."""
    empty = pl.concat([frame.head(0).collect() for frame in frames], how="diagonal_relaxed")
    place = pl.col("id").str.head(4).str.to_integer(base=16, dtype=pl.Int64) * count // 16**4
    folder = Path(tempfile.mkdtemp(dir=folder))
    split, join = partial(_as_typed, empty), partial(_write, place, folder)
    files = dict(current().shuffle(split, frames, place, count, join, folder))
    return [(empty.lazy(), *([scan(files[i])] if i in files else [])) for i in range(count)]


def _as_typed(empty: pl.DataFrame, frame: pl.LazyFrame) -> pl.DataFrame:
    return pl.concat([empty, frame.collect()], how="diagonal_relaxed")


def _write(place: pl.Expr, folder: Path, rows: pl.DataFrame) -> tuple[int, Path]:
    number = rows.head(1).select(place).item()
    file = folder / f"{number}.parquet"
    rows.write_parquet(file, compression="lz4")
    return number, file


def _within(low: str, high: str) -> pl.Expr:
    bounds = [pl.lit(True), *([pl.col("id") >= low] if low else []), *([pl.col("id") < high] if high else [])]
    return pl.all_horizontal(bounds)


def mark_repeated(ledger: pl.DataFrame) -> pl.DataFrame:
    """Drop all but the first of the rows alive that have the same id; the sources' order decides which is first."""
    alive = ledger["kept"]
    # Looked for among the rows alive alone: a ledger is as long as the input.
    again = (alive & False).scatter(alive.arg_true(), ~ledger["id"].filter(alive).is_first_distinct())
    if not again.any():
        return ledger
    return ledger.with_columns(
        dropped_by=pl.when(again).then(pl.lit(REPEATED)).otherwise("dropped_by"),
        detail=pl.when(again)
        .then(only_evidence(REPEATED, pl.lit("the same record stands here already")))
        .otherwise("detail"),
        kept=pl.col("kept") & ~again,
    )


def extend(ledger: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
    """Add the verdicts of a later step for the rows alive (it has each of them once, by source and id)."""
    later = (
        verdicts.drop("domain", strict=False)
        .rename({name: f"_{name}" for name in _LAST})
        .with_columns(kept=pl.lit(True))
    )
    # Only what is new is joined: the columns that are there stay as they are.
    new = [name for name in later.columns if name not in {"source", "id", "kept"}]
    key = ledger.select("source", "id", "kept")
    joined = ledger.hstack(key.join(later, on=key.columns, how="left", maintain_order="left").select(new))
    alive = pl.col("kept")
    both = pl.coalesce(pl.concat_list("detail", "_detail"), "detail", "_detail")
    return joined.with_columns(
        dropped_by=pl.when(alive).then("_dropped_by").otherwise("dropped_by"),
        # A row alive has evidence only where people let it pass.
        detail=pl.when(alive).then(both).otherwise("detail"),
        kept=alive & pl.col("_kept").fill_null(True),
    ).drop([f"_{name}" for name in _LAST])


def order(ledger: pl.DataFrame) -> pl.DataFrame:
    """Bring a ledger into its one order of rows and columns, whatever order the input had."""
    steps = [c for c in ledger.columns if c not in {*_FIRST, *_LAST}]
    # Rows that agree in all of these are the same row read twice, so their evidence is the same too.
    return ledger.select(*_FIRST, *steps, *_LAST).sort(*_FIRST, "kept", "dropped_by", nulls_last=True)


def verdicts(ledger: pl.DataFrame | pl.LazyFrame) -> list[str]:
    """List the columns of a ledger that are steps' verdicts, in the order of the steps."""
    return [c for c, dtype in ledger.lazy().collect_schema().items() if dtype == pl.Boolean and c != "kept"]


def funnel(ledger: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """Count by source and step: rows asked, rows that fail, rows dropped here first, rows that fail nothing else.

    `alone` is how many rows more the source's steps would keep if this one were left out.

    >>> frame = pl.DataFrame({"source": ["a"] * 3, "length": [True, False, False], "voice": [True, True, False],
    ...                       "dropped_by": [None, "length", "length"]})
    >>> funnel(frame).select("step", "asked", "fails", "first", "alone").rows()
    [('length', 3, 2, 2, 1), ('voice', 3, 1, 0, 0)]
    """
    names = verdicts(ledger)
    failing = pl.sum_horizontal([pl.lit(0), *((~pl.col(n)).fill_null(False).cast(pl.Int64) for n in names)])
    repeated = (pl.col("dropped_by") == REPEATED).fill_null(False)
    passed = {REPEATED: ~repeated, **{name: pl.col(name) for name in names}}
    by_source = ledger.lazy().with_columns(_failing=failing).group_by("source", maintain_order=True)
    counts = (
        by_source.agg(_counts(name, holds).alias(name) for name, holds in passed.items())
        .collect(engine="streaming")
        .to_dicts()
    )
    if not any(count[REPEATED]["fails"] for count in counts):
        del passed[REPEATED]
    return pl.DataFrame(
        [{"source": c["source"], "step": name, **c[name]} for name in passed for c in counts if c[name]["asked"]],
        schema={
            "source": pl.String,
            "step": pl.String,
            **dict.fromkeys(("asked", "fails", "first", "alone"), pl.UInt32),
        },
    )


def _counts(name: str, holds: pl.Expr) -> pl.Expr:
    failed = ~holds
    return pl.struct(
        asked=holds.count(),
        fails=failed.sum(),
        first=(pl.col("dropped_by") == name).fill_null(False).sum(),
        alone=(failed & (pl.col("_failing") <= 1)).sum(),
    )


def find(ledger: pl.DataFrame | pl.LazyFrame, row: str) -> dict[str, Any]:
    """Find one row by its id or the beginning of it; raise LookupError when none or several fit."""
    row = row.lower()
    # As a range, by which parts of a file that lie elsewhere are not read; no digit of an id comes after "f".
    matches = ledger.lazy().filter(pl.col("id").is_between(pl.lit(row), pl.lit(f"{row}g")))
    count = matches.select(pl.col("id").n_unique()).collect(engine="streaming").item()
    if not count:
        raise LookupError(f"no row's id begins with '{row}'")
    if count > 1:
        raise LookupError(f"{count:,} ids begin with '{row}': give more of it")
    return matches.head(1).collect().row(0, named=True)


def _one_each(ledger: pl.DataFrame) -> pl.DataFrame:
    """Take one row an id, one that is kept before others; the same whatever order the rows stand in."""
    columns = ["id", "source", "domain", "kept", "dropped_by", "detail"]
    best = ledger.with_columns(evidence_text()).select(columns).sort(pl.col("kept").not_(), *columns, nulls_last=True)
    return best.unique("id", keep="first", maintain_order=True)


def diff(before: pl.DataFrame | pl.LazyFrame, after: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """List the rows in one set and not in the other: gained or lost, and the step that decides it.

    For a lost row the step is what drops it now, for a gained one what dropped it before; null where the row was not
    in the other run's input at all.
    """
    ledgers = before.lazy(), after.lazy()
    old, new = (ledger.filter("kept").select("id").unique().collect(engine="streaming") for ledger in ledgers)
    ids = pl.concat([old.join(new, on="id", how="anti"), new.join(old, on="id", how="anti")])
    # A ledger is as long as the input, so only what is said of these rows is held.
    was_, is_ = (
        _one_each(ledger.join(ids.lazy(), on="id", how="semi").collect(engine="streaming")) for ledger in ledgers
    )
    both = was_.join(
        is_,
        on="id",
        how="full",
        suffix="_after",
        coalesce=True,
    )
    was, now = pl.col("kept").fill_null(False), pl.col("kept_after").fill_null(False)
    changed = both.filter(was != now)
    return changed.select(
        "id",
        source=pl.coalesce("source_after", "source"),
        domain=pl.coalesce("domain_after", "domain"),
        change=pl.when(now).then(pl.lit("gained")).otherwise(pl.lit("lost")),
        step=pl.when(now).then("dropped_by").otherwise("dropped_by_after"),
        detail=pl.when(now).then("detail").otherwise("detail_after"),
    ).sort("change", "id")
