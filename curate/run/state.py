"""A run under way: its settings, its stages, the rows so far, and what it notes for the manifest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from curate.cache import Cache, Entry
from curate.errors import UserError
from curate.recipe.plan import Recipe
from curate.rows import compact, literal, scan
from curate.run.ledger import Ledger

_ROWS = 20_000  # that are read together
ANSWERS = "answers"  # the folder among the stages that holds the generators' journals


class Progress(Protocol):
    """Hear of progress: what is being done, and how much of it since the last call.

    Where the end is known, `total` is all that there is to do; `tokens` were generated for it.
    """

    def __call__(self, what: str, rows: int, *, total: int | None = None, tokens: int = 0) -> None:
        """Take note of `rows` more done."""


def silent(what: str, rows: int, *, total: int | None = None, tokens: int = 0) -> None:
    """Hear nothing."""


class RunError(UserError):
    """Say in words why a run stopped; what was finished is kept for the next one."""


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

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """Read the rows alive, some at a time; of `columns` those that a file has."""
        at = 0
        for file in self.files:
            rows = scan(file)
            if columns is not None:
                present = rows.collect_schema().names()
                rows = rows.select(literal(name) for name in columns if name in present)
            height = scan(file).select(pl.len()).collect().item()
            for start in range(0, height, _ROWS):
                some = rows.slice(start, _ROWS).collect()
                yield compact(some.filter(self.alive[at : at + some.height]), some.height)
                at += some.height

    def once(self) -> Pool:
        """Leave out all but the first of the rows alive that have the same id."""
        first = self._ids().filter(self.alive).is_first_distinct()
        return self if first.all() else replace(self, alive=self.alive.clone().scatter(self.alive.arg_true(), first))

    def only(self, verdicts: pl.LazyFrame) -> Pool:
        """Leave out the rows alive that a step, which has a verdict on each, does not keep."""
        kept = verdicts.filter("kept").select(_number()).collect().to_series()
        return replace(
            self, ledger=self.ledger.extend([verdicts]), alive=self.alive & self._ids().is_in(kept.implode())
        )

    def _ids(self) -> pl.Series:
        """Read the ids of all rows, as numbers: a text of 32 digits takes three times the memory."""
        numbers = [scan(file).select(_number()).collect().to_series() for file in self.files]
        return pl.concat([pl.Series("id", dtype=pl.Int128), *numbers])


def _number() -> pl.Expr:
    return pl.col("id").str.decode("hex").bin.reinterpret(dtype=pl.Int128)


@dataclass
class Run:
    """One run under way: its settings, and what it notes."""

    recipe: Recipe
    stages: Cache
    batch_rows: int = 20_000
    limit: int | None = None
    progress: Progress = silent
    built: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    quarantine: list[Path] = field(default_factory=list)
    examples: list[Path] = field(default_factory=list)
    open: dict[str, int] = field(default_factory=dict)  # by step, the rows that another run would ask about again
    reasons: dict[str, list[Any]] = field(default_factory=dict)  # by step, why rows have no answer, with counts
    notes: dict[str, dict[str, float]] = field(default_factory=dict)  # what selectors say of their choice as a whole
    unseen: dict[str, int] = field(default_factory=dict)  # by step, the rows with turns that it does not look at
    pool: list[str] = field(default_factory=list)  # the stages that hold the rows which all steps left
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Give the recipe's generators their place on disk, and a way to say how far they are."""
        of_judges = [generator for judge in self.recipe.judges.values() for generator in judge.generators]
        for generator in [*self.recipe.generators.values(), *of_judges]:
            generator.journal = self.stages.folder / ANSWERS
            generator.tell = lambda name, done, total, tokens: self.progress(name, done, total=total, tokens=tokens)

    @contextmanager
    def clock(self, name: str) -> Iterator[None]:
        """Note how long a piece of the run takes."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = round(time.perf_counter() - start, 3)

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
