"""A run under way: its settings, its stages, the rows so far, and what it notes for the manifest."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, Protocol, TypeVar

import polars as pl

from curate.cache import BUILDING, Cache, Entry
from curate.engine import current
from curate.errors import UserError
from curate.recipe.plan import Recipe
from curate.rows import compact, literal, scan
from curate.run.ledger import Ledger
from curate.run.timetable import Timetable

_ROWS = 20_000  # that are read together
RANGE = 2**22  # rows whose ids are compared at a time; a run of fewer compares all in memory
MANIFEST = "manifest.json"
ANSWERS = "answers"  # the folder among the stages that holds the generators' journals


class Progress(Protocol):
    """Hear of progress: what is being done, and how much of it since the last call; 0 where a stage begins.

    Where the end is known, `total` is all that there is to do; `tokens` were generated for it.
    """

    def __call__(self, what: str, rows: int, *, total: int | None = None, tokens: int = 0) -> None:
        """Take note of `rows` more done."""


def silent(what: str, rows: int, *, total: int | None = None, tokens: int = 0) -> None:
    """Hear nothing."""


class RunError(UserError):
    """Say in words why a run stopped; what was finished is kept for the next one."""


class BadRecords(RunError):
    """Say that too many records of a source could not be read."""


class Shortfall(RunError):
    """Say which sources fall short where the recipe does not allow it; `manifest` is that of what was written."""

    def __init__(self, message: str, manifest: dict[str, Any]) -> None:
        super().__init__(message)
        self.manifest = manifest


T = TypeVar("T")


def collect(works: Iterable[Callable[[], T]]) -> list[T]:
    """Do several pieces of work; raise RunError with what is wrong with each, all at once."""
    done, wrong = [], []
    for work in works:
        try:
            done.append(work())
        except UserError as error:
            wrong.append(error)
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        raise RunError("\n".join(dict.fromkeys(map(str, wrong))))
    return done


def size_of(rows: pl.DataFrame) -> int:
    """Estimate the memory of rows: polars counts no more than the characters of a text."""
    return int(rows.estimated_size()) + 16 * rows.width * rows.height


class Piece(NamedTuple):
    """Some rows of a pool: the file, where they start in it and among the rows of all files, and which are alive."""

    file: Path
    start: int
    at: int
    alive: pl.Series

    def read(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Read the rows alive; of `columns` those that the file has."""
        rows = scan(self.file)
        if columns is not None:
            present = rows.collect_schema().names()
            rows = rows.select(literal(name) for name in columns if name in present)
        some = rows.slice(self.start, self.alive.len()).collect()
        return compact(some.filter(self.alive), some.height)


@dataclass(frozen=True)
class Pool:
    """The rows of one or several sources so far: their verdicts and their texts, both in files.

    `alive` tells of the rows in all files, in their order, which are left: one bit is all that memory holds of a row.
    """

    ledger: Ledger
    files: list[Path]
    key: str
    alive: pl.Series

    @classmethod
    def of(cls, ledger: Ledger, files: list[Path], key: str) -> Pool:
        """Make a pool of all the rows that stand in files."""
        height = sum(scan(file).select(pl.len()).collect().item() for file in files)
        return cls(ledger, files, key, pl.Series([True]).new_from_index(0, height))

    def pieces(self) -> Iterator[Piece]:
        """List the rows, some at a time."""
        at = 0
        for file in self.files:
            height = scan(file).select(pl.len()).collect().item()
            for start in range(0, height, _ROWS):
                alive = self.alive[at : at + min(_ROWS, height - start)]
                yield Piece(file, start, at, alive)
                at += alive.len()

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """Read the rows alive, some at a time; of `columns` those that a file has."""
        return (piece.read(columns) for piece in self.pieces())

    def once(self, folder: Path) -> Pool:
        """Leave out all but the first of the rows alive that have the same id; `folder` is for what lies in between."""
        return self._less(self.pieces(), _again, folder)

    def only(self, verdicts: list[Path], folder: Path) -> Pool:
        """Leave out the rows alive that a step, whose files have a verdict on each, does not keep."""
        pool = self._less(chain(self.pieces(), verdicts), _not_kept, folder)
        return replace(pool, ledger=self.ledger.extend(map(scan, verdicts)))

    def _less(self, ids: Iterable[Piece | Path], which: Callable[[pl.DataFrame], pl.Series], folder: Path) -> Pool:
        """Leave out which of the rows with ids in a range, one range after the other."""
        count = max(1, math.ceil(self.alive.len() / RANGE))
        alive = self.alive.clone()
        with TemporaryDirectory(dir=folder, suffix=BUILDING) as scratch:
            for places in current().shuffle(_ids, ids, pl.col("id") % count, count, which, Path(scratch)):
                alive = alive.scatter(places, False)
        return replace(self, alive=alive)


def _ids(rows: Piece | Path) -> pl.DataFrame:
    """Read the ids of rows alive and their places in the pool, or those that verdicts keep, which have no place.

    As numbers: a text of 32 digits takes three times the memory.
    """
    number = pl.col("id").str.decode("hex").bin.reinterpret(dtype=pl.Int128)
    if isinstance(rows, Path):
        return scan(rows).filter("kept").select(number, at=pl.lit(None, dtype=pl.UInt32)).collect()
    return rows.read(["id"]).select(number).with_columns(at=rows.alive.arg_true() + rows.at)


def _again(ids: pl.DataFrame) -> pl.Series:
    return ids["at"].filter(~ids["id"].is_first_distinct())


def _not_kept(ids: pl.DataFrame) -> pl.Series:
    kept = ids["at"].is_null()
    return ids["at"].filter(~kept & ~ids["id"].is_in(ids["id"].filter(kept).implode()))


@dataclass
class Run:
    """One run under way: its settings, and what it notes."""

    recipe: Recipe
    stages: Cache
    batch_rows: int = 20_000
    limit: int | None = None
    progress: Progress = silent
    timetable: Timetable = field(default_factory=Timetable)
    built: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    quarantine: list[Path] = field(default_factory=list)
    examples: list[Path] = field(default_factory=list)
    rows: list[Path] = field(default_factory=list)  # the rows that each pass left, in the order of the steps
    open: dict[str, int] = field(default_factory=dict)  # by step, the rows that another run would ask about again
    reasons: dict[str, list[Any]] = field(default_factory=dict)  # by step, why rows have no answer, with counts
    notes: dict[str, dict[str, float]] = field(default_factory=dict)  # what selectors say of their choice as a whole
    unseen: dict[str, int] = field(default_factory=dict)  # by step, the rows with turns that it does not look at
    unjudged: dict[str, int] = field(default_factory=dict)  # by step and column, the rows with a value it cannot judge
    pool: list[str] = field(default_factory=list)  # the stages that hold the rows which all steps left
    seconds: dict[str, float] = field(default_factory=dict)  # by stage of the timetable
    _scores: Counter[str] = field(default_factory=Counter)  # by scorer, the texts that it has or had to score

    def __post_init__(self) -> None:
        """Give the recipe's generators their place on disk, and a way to say how far they are."""
        of_judges = [generator for judge in self.recipe.judges.values() for generator in judge.generators]
        for generator in [*self.recipe.generators.values(), *of_judges]:
            generator.journal = self.stages.folder / ANSWERS
            generator.tell = lambda name, done, total, tokens: self.progress(name, done, total=total, tokens=tokens)

    def note_reasons(self, label: str, reasons: Iterable[Any]) -> None:
        """Note why a step gave rows nothing, with counts; a step of this label may stand in several sources."""
        counts = Counter(dict(self.reasons.get(label, [])))
        counts.update(dict(reasons))
        self.reasons[label] = [list(each) for each in counts.most_common()]

    def tell_of_scores(self, what: str, done: int, more: int) -> None:
        """Tell of progress with scores of models, whose texts come a batch of rows after the other."""
        self._scores[what] += more
        self.progress(what, done, total=self._scores[what])

    @contextmanager
    def clock(self, name: str) -> Iterator[None]:
        """Note how long a stage of the run takes."""
        reused = len(self.reused)
        self.timetable.begin(name)
        self.progress(name, 0)
        yield
        built = len(self.reused) == reused and self.limit is None
        self.seconds[name] = round(self.timetable.end(built=built), 3)

    def stage(
        self,
        name: str,
        label: str,
        depends: dict[str, Any],
        build: Callable[[Path], dict[str, Any]],
        keep: Callable[[dict[str, Any]], bool] = lambda meta: True,
    ) -> Entry:
        """Get a stage and note whether it had to be built."""
        stage = self.stages.get(name, depends, build, keep=keep)
        (self.reused if stage.reused else self.built).append(label)
        return stage
