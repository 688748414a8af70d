"""Where work is done: in this process, or wherever another engine sends it.

A piece of work is a function and its data, which pickle, and what it gives depends on nothing else. So it may be done
anywhere, in any order, and again after a machine was lost, and the bytes are the same. There are three ways to ask:
each item by itself (`map`), all rows that belong together (`shuffle`), and objects that hold a state (`hire`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Protocol, TypeVar

import polars as pl

from curate.spill import Spill

Item = TypeVar("Item")
Made = TypeVar("Made")


class Crew(Protocol):
    """Objects of one kind at work, each with a state of its own: a shard of vectors, say, or a model.

    An object that is lost is made again, so what its methods give may depend on what it was made of and on their
    arguments, and on no call before.
    """

    def each(self, method: str, *args: Any) -> list[Any]:
        """Call a method of every object with the same arguments, and give the results in their order."""

    def spread(self, method: str, items: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """Hand each item to an object that is free, and yield (position of the item, result) as they are ready."""


class Engine(Protocol):
    """What does the work."""

    workers: int  # pieces of work that it does side by side; 1 where work is done in this process
    gpus: int  # GPUs that it gives to work; 0 where it gives none, and work takes those of its process

    def map(self, do: Callable[[Item], Made], items: Iterable[Item], *, gpus: float = 0) -> Iterator[Made]:
        """Do each item, and yield the results in the order of the items; each on `gpus` GPUs, where there are any."""

    def shuffle(
        self,
        split: Callable[[Item], pl.DataFrame],
        items: Iterable[Item],
        by: pl.Expr,
        count: int,
        join: Callable[[pl.DataFrame], Made],
        folder: Path,
    ) -> Iterator[Made]:
        """Bring the rows that belong together to one place, and yield what is made of each of these groups.

        Args:
            split: makes of an item a frame of rows; frames have the same columns in the same order.
            items: what rows are made of.
            by: the number of a row's group, a whole number from 0 to below `count`.
            count: how many groups there are; a group has to fit into memory, all of them need not.
            join: makes of a group, rows in the order of the items, what is wanted; a group without rows is left out.
            folder: where rows may lie in between; all workers see it.
        """

    def hire(
        self, make: Callable[[Item], Any], settings: Sequence[Item], *, gpus: float = 0
    ) -> AbstractContextManager[Crew]:
        """Make an object of each setting, to be asked as long as the context lasts; each on `gpus` GPUs."""


class Local:
    """Do all work in this process, one piece after the other: polars and the kernels use its cores by themselves."""

    workers = 1
    gpus = 0

    def map(self, do: Callable[[Item], Made], items: Iterable[Item], *, gpus: float = 0) -> Iterator[Made]:
        """Do each item when its result is asked for."""
        return map(do, items)

    def shuffle(
        self,
        split: Callable[[Item], pl.DataFrame],
        items: Iterable[Item],
        by: pl.Expr,
        count: int,
        join: Callable[[pl.DataFrame], Made],
        folder: Path,
    ) -> Iterator[Made]:
        """Sort rows into a file a group; a single group stays in memory."""
        limit = math.inf if count == 1 else _HELD
        with Spill(limit, 1, by.cast(pl.Int64), folder) as spill:
            for item in items:
                rows = split(item)
                spill.add(rows, int(rows.estimated_size()))
            for rows in spill.groups():
                yield from map(join, [rows] if count == 1 or spill.folder else _apart(rows, by))

    @contextmanager
    def hire(self, make: Callable[[Item], Any], settings: Sequence[Item], *, gpus: float = 0) -> Iterator[Crew]:
        """Make the objects here."""
        yield _Here([make(setting) for setting in settings])


_HELD = 64 * 2**20  # bytes of rows that are held before they are sorted into files


def _apart(rows: pl.DataFrame, by: pl.Expr) -> list[pl.DataFrame]:
    groups = {number: group for (number,), group in rows.group_by(by, maintain_order=True)}
    return [groups[number] for number in sorted(groups)]


class _Here:
    """Objects in this process."""

    def __init__(self, objects: list[Any]) -> None:
        self.objects = objects

    def each(self, method: str, *args: Any) -> list[Any]:
        return [getattr(one, method)(*args) for one in self.objects]

    def spread(self, method: str, items: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        for i, item in enumerate(items):
            yield i, getattr(self.objects[0], method)(item)


_HERE = Local()
_current: ContextVar[Engine | None] = ContextVar("engine", default=None)


def current() -> Engine:
    """Give the engine that does this run's work.

    >>> list(current().map(abs, [-1, 2]))
    [1, 2]
    """
    return _current.get() or _HERE


@contextmanager
def using(engine: Engine) -> Iterator[None]:
    """Let an engine do the work as long as the context lasts."""
    token = _current.set(engine)
    try:
        yield
    finally:
        _current.reset(token)
