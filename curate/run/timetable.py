"""The timetable of a run: its stages, which of them is under way, and how long the rest takes as far as that is known.

Two things tell how long a stage takes: the pace at which this run reads, in bytes a second, and what an earlier run
into the same folder took, times the bytes now over the bytes then. Of a stage without either nobody knows, and what is
said to be left is the least that it can be.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import NamedTuple

_LEAST = 2.0  # seconds of reading that a pace is taken from


class Stage(NamedTuple):
    """A stage: the bytes of the files that it reads, and the seconds that it takes, each where that is known."""

    name: str
    size: float | None = None
    seconds: float | None = None


def left(stages: Iterable[Stage], pace: float | None = None) -> tuple[float, bool]:
    """Add up the seconds that stages take, read at a pace in bytes a second; tell whether all of them are known.

    >>> left([Stage("read a", 600), Stage("sample", None, 2.0)], pace=60), left([Stage("read a", 600), Stage("write")])
    ((12.0, True), (0.0, False))
    """
    each = [
        s.seconds if s.seconds is not None else s.size / pace if s.size is not None and pace else None for s in stages
    ]
    return sum((seconds for seconds in each if seconds is not None), 0.0), None not in each


def words(seconds: float, *, whole: bool) -> str:
    """Say how long it will take.

    >>> words(61.4, whole=True), words(61.4, whole=False), words(0, whole=False)
    ('some 0:01:01 left', 'at least 0:01:01 left', 'time left unknown')
    """
    if not whole and seconds < 1:
        return "time left unknown"
    return f"{'some' if whole else 'at least'} {timedelta(seconds=round(seconds))} left"


@dataclass
class Timetable:
    """The stages of a run, once it knows them, and how far it is."""

    now: Callable[[], float] = monotonic
    stages: list[Stage] = field(default_factory=list)
    times: dict[str, list[float]] = field(default_factory=dict)  # by stage, seconds of an earlier run, and bytes then
    at: int = 0  # the place of the stage under way
    done: float = 0.0  # bytes of it that are read, those of parts that stand in the cache included
    reused: float = 0.0  # bytes of such parts
    part: float = 0.0  # bytes that are read of the part under way
    _before: tuple[float, float] = (0.0, 0.0)  # bytes that were read in earlier stages, and seconds that it took

    def __post_init__(self) -> None:
        """Begin."""
        self.began = self.since = self.now()

    def plan(self, sizes: Mapping[str, float | None]) -> None:
        """Take note of the stages, by name, and of the bytes that each reads; None for one that reads no files."""
        self.times = {name: self.times[name] for name in sizes if name in self.times}
        self.whole = sum(size or 0 for size in sizes.values())
        self.stages = [Stage(name, size, self._earlier(name, size or self.whole)) for name, size in sizes.items()]

    def _earlier(self, name: str, size: float) -> float | None:
        seconds, before = self.times.get(name, (None, 0))
        return seconds * size / before if seconds is not None and before and size else seconds

    def begin(self, name: str) -> None:
        """Begin a stage."""
        self._before = self._read()
        self.since, self.done, self.reused, self.part = self.now(), 0.0, 0.0, 0.0
        self.at = next((at for at, stage in enumerate(self.stages) if stage.name == name), self.at)

    def end(self, *, built: bool) -> float:
        """End the stage under way and give its seconds; where all of it was `built`, a later run may go by them."""
        seconds = self.now() - self.since
        if built and self.stages:
            stage = self.stages[self.at]
            self.times[stage.name] = [round(seconds, 3), stage.size or self.whole]
        return seconds

    def read(self, size: float, *, reused: bool) -> None:
        """Take note of a part that is read to its end, or stands in the cache."""
        self.done, self.part = self.done + size, 0.0
        self.reused += size if reused else 0.0

    def _read(self) -> tuple[float, float]:
        """Count the bytes that this run read, and the seconds that it took."""
        size, seconds = self._before
        reads = bool(self.stages) and self.stages[self.at].size is not None
        return size + self.done + self.part - self.reused, seconds + (self.now() - self.since if reads else 0.0)

    def rest(self) -> Iterator[Stage]:
        """List what is left of the stages."""
        name, size, seconds = self.stages[self.at]
        spent, here = self.now() - self.since, self.done + self.part
        size = None if size is None else max(0.0, size - here)
        seconds = seconds - spent if seconds is not None and seconds > spent else None
        if size is not None and (pace := _pace(here - self.reused, spent)):
            seconds = size / pace
        yield Stage(name, size, seconds)
        yield from self.stages[self.at + 1 :]

    def line(self) -> str:
        """Say in one line how far the run is."""
        passed = f"{timedelta(seconds=round(self.now() - self.began))} passed"
        if not self.stages:
            return f"{passed}: plan"
        seconds, whole = left(self.rest(), _pace(*self._read()))
        name, size, _ = self.stages[self.at]
        share = f", {_of(self.done + self.part, size)}" if size else ""
        return f"{passed}, {words(seconds, whole=whole)}: stage {self.at + 1} of {len(self.stages)}, {name}{share}"


def _pace(size: float, seconds: float) -> float | None:
    return size / seconds if size > 0 and seconds >= _LEAST else None


def _of(done: float, size: float) -> str:
    name, unit = next(((n, u) for n, u in {"GB": 1e9, "MB": 1e6}.items() if size >= u), ("kB", 1e3))
    return f"{done / unit:,.1f} of {size / unit:,.1f} {name}"


def times_of(manifest: Path) -> dict[str, list[float]]:
    """Read what each stage of an earlier run took; nothing where it left no manifest."""
    try:
        times = json.loads(manifest.read_bytes())["stages"]["times"]
        return {name: [float(seconds), float(size)] for name, (seconds, size) in times.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}
