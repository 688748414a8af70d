"""An engine for tests that is as hard on its work as other machines are, and needs none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import cloudpickle

from curate.engine import Local


def sent(value: Any) -> Any:
    """Send a value as bytes, as to another machine."""
    return cloudpickle.loads(cloudpickle.dumps(value))


class Forgetful(Local):
    """Send all work and all answers as bytes, and lose every object after every call: it is made again for the next."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.calls: list[str] = []

    def map(self, do: Callable[[Any], Any], items: Iterable[Any], *, gpus: float = 0) -> Iterator[Any]:
        """Do each item twice, as where a worker was lost before its answer arrived."""
        for item in items:
            self.calls.append("map")
            first, second = (sent(sent(do)(sent(item))) for _ in range(2))
            del first
            yield second

    @contextmanager
    def hire(self, make: Callable[[Any], Any], settings: Sequence[Any], *, gpus: float = 0) -> Iterator[Any]:
        """Keep the settings alone."""
        yield _Crew(self, cloudpickle.dumps(make), [cloudpickle.dumps(setting) for setting in settings])


class _Crew:
    def __init__(self, engine: Forgetful, make: bytes, settings: list[bytes]) -> None:
        self.engine, self.make, self.settings = engine, make, settings

    def _call(self, number: int, method: str, *args: Any) -> Any:
        self.engine.calls.append(method)
        one = cloudpickle.loads(self.make)(cloudpickle.loads(self.settings[number]))
        return sent(getattr(one, method)(*sent(args)))

    def each(self, method: str, *args: Any) -> list[Any]:
        return [self._call(number, method, *args) for number in range(len(self.settings))]

    def spread(self, method: str, items: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """Give the last answers first."""
        answers = [(i, self._call(i % len(self.settings), method, item)) for i, item in enumerate(items)]
        yield from reversed(answers)
