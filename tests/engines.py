"""An engine for tests that is as hard on its work as other machines are, and needs none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import cloudpickle

from curate.engine import Local


def sent(value: Any) -> Any:
    """Send a value as bytes, as to another machine."""
    return cloudpickle.loads(cloudpickle.dumps(value))


class Forgetful(Local):
    """Send all work and all answers as bytes, do it twice, and lose an object after every so many calls."""

    def __init__(self, workers: int, gpus: int = 0, lost: int = 1) -> None:
        self.workers, self.gpus, self.lost = workers, gpus, lost
        self.made = 0
        self.calls: list[str] = []

    def map(self, do: Callable[[Any], Any], items: Iterable[Any], *, gpus: float = 0) -> Iterator[Any]:
        """Do each item twice, as where a worker was lost before its answer arrived."""
        for item in items:
            self.calls.append("map")
            yield [sent(sent(do)(sent(item))) for _ in range(2)][1]

    @contextmanager
    def hire(self, make: Callable[[Any], Any], settings: Sequence[Any], *, gpus: float = 0) -> Iterator[Any]:
        """Keep the settings, by which a lost object is made again."""
        yield _Crew(self, cloudpickle.dumps(make), [cloudpickle.dumps(setting) for setting in settings])


class _Crew:
    def __init__(self, engine: Forgetful, make: bytes, settings: list[bytes]) -> None:
        self.engine, self.make, self.settings = engine, make, settings
        self.objects: dict[int, Any] = {}

    def _call(self, number: int, method: str, *args: Any) -> Any:
        if number not in self.objects:
            self.engine.made += 1
            self.objects[number] = cloudpickle.loads(self.make)(cloudpickle.loads(self.settings[number]))
        result = sent(getattr(self.objects[number], method)(*sent(args)))
        self.engine.calls.append(method)
        if len(self.engine.calls) % self.engine.lost == 0:
            del self.objects[number]
        return result

    def each(self, method: str, *args: Any) -> list[Any]:
        return [self._call(number, method, *args) for number in range(len(self.settings))]

    def spread(self, method: str, items: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """Ask each object once, and give the last answer first."""
        numbered = enumerate(items)
        while some := list(islice(numbered, len(self.settings))):
            answers = [(i, self._call(number, method, item)) for number, (i, item) in enumerate(some)]
            yield from reversed(answers)
