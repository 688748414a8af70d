"""The engine `ray`: work on a process a core, of this machine or of many.

Ray sends the work, does it again where a worker or a machine was lost, and keeps what is on its way, on disk where memory
does not hold it. Nothing of that stands here. What does: that a worker stands where this process stands (folder,
settings, a user's own modules), that all machines have the same code and see one folder, and what goes wrong in words.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from curate import own
from curate.cache import PART, rests_on, write_whole
from curate.engine import Crew, Engine, Item, Made
from curate.errors import UserError
from curate.run.state import RunError

# A worker has one core, so its libraries start one thread each: more would be in the way of the next worker.
_THREADS = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
# A cluster of this machine listens to this machine alone, and tells nobody that it is used.
_PRIVATE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
_AHEAD = 2  # pieces of work under way for each worker: the next one is there when one is done
_TRIES = 3  # Ray's own default for tasks: what kills its worker again and again stops the run
_SECONDS = 60  # that a node has to answer


@contextmanager
def cluster(name: str, folder: Path) -> Iterator[Engine]:
    """Start a cluster on this machine (`ray`) or join one at an address, as long as the context lasts.

    Every node has to have the code that this process has, and to see `folder`. Raise RunError if one has not, or if
    there is no cluster.
    """
    before = {key: os.environ.get(key) for key in _PRIVATE}
    if name == "ray":
        os.environ.update(_PRIVATE)  # before Ray is imported, which looks at them once
    import ray

    started = not ray.is_initialized()  # a program that has a cluster already goes on with it
    try:
        if started:
            _join(name)
        if name != "ray":
            _check(folder)
        yield Ray()
    finally:
        if started:
            ray.shutdown()
        for key, value in before.items():
            os.environ.pop(key, None) if value is None else os.environ.update({key: value})


class Ray:
    """Do work on the cluster that this process has joined."""

    def __init__(self) -> None:
        import ray

        resources = ray.cluster_resources()
        self.workers = max(1, int(resources.get("CPU", 1)))
        self.has_gpus = bool(resources.get("GPU"))

    def map(self, do: Callable[[Item], Made], items: Iterable[Item], *, gpus: float = 0) -> Iterator[Made]:
        """Do each item in a task."""
        task, work = self._task(_do, gpus), _shared(do)
        return self._in_order(task.remote(work, _pickle(item)) for item in items)

    def shuffle(
        self,
        split: Callable[[Item], pl.DataFrame],
        items: Iterable[Item],
        by: pl.Expr,
        count: int,
        join: Callable[[pl.DataFrame], Made],
        folder: Path,
    ) -> Iterator[Made]:
        """Split each item in a task that gives a frame a group, and join each group in one; Ray holds the frames."""
        task, work = self._task(_split, num_returns=count), _shared((split, by, count))
        pieces = [_listed(task.remote(work, _pickle(item))) for item in self._paced(items)]
        ...

    def _task(self, function: Callable[..., Any], gpus: float = 0, **options: Any) -> Any:
        import ray

        return ray.remote(**self._resources(gpus), max_retries=_TRIES, **options)(function)
