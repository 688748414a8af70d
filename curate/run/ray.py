"""The engine `ray`: work on a process a core, of this machine or of many.

Ray sends the work, does it again where a worker or a machine was lost, and keeps what is on its way, on disk where
memory does not hold it; nothing of that stands here. What does: a worker stands where this process stands (folder,
data, a user's own modules), all nodes have the same code and see one folder, and what goes wrong is said in words.
"""

from __future__ import annotations

import functools
import logging
import os
import secrets
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate import own
from curate.cache import PART, rests_on
from curate.engine import Crew, Item, Made
from curate.errors import UserError, visible
from curate.rows import recipe_folder, stand_beside
from curate.run.state import RunError

# A worker has one core, so its libraries start one thread each: more would be in the way of the next worker.
_THREADS = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
# A cluster of this machine listens to this machine alone, and tells nobody that it is used.
_PRIVATE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
_AHEAD = 2  # pieces of work under way for each worker: one that is done finds the next one there
_TRIES = 3  # Ray's own default for tasks: what kills each worker that it meets stops the run
_SECONDS = 60  # in which a node has to answer


@contextmanager
def cluster(name: str, folder: Path) -> Iterator[Ray]:
    """Start a cluster on this machine (`ray`), or join one at an address, as long as the context lasts.

    Every node of a cluster that is joined must have the code that this process has, and see `folder`.

    Raises:
        RunError: when a node has not or does not, or there is no cluster.
    """
    before = {setting: os.environ.get(setting) for setting in _PRIVATE}
    if name == "ray":
        os.environ.update(_PRIVATE)  # before Ray is imported, which looks at them then
    import ray

    starts = not ray.is_initialized()  # a program that has joined a cluster goes on with it
    try:
        if starts:
            _join(name)
        if name != "ray":
            _check(folder)
        yield Ray()
    finally:
        if starts:
            ray.shutdown()
        for setting, value in before.items():
            _set(setting, value)


class Ray:
    """Do work on the cluster that this process has joined."""

    def __init__(self) -> None:
        import ray

        resources = ray.cluster_resources()  # type: ignore[no-untyped-call]
        self.workers = max(1, int(resources.get("CPU", 1)))
        self.gpus = int(resources.get("GPU", 0))

    def map(self, do: Callable[[Item], Made], items: Iterable[Item], *, gpus: float = 0) -> Iterator[Made]:
        """Do each item in a task."""
        task, work = self._remote(_do, gpus, max_retries=_TRIES), _shared(do)
        yield from self._in_order(task.remote(work, _pickle(item)) for item in items)

    def shuffle(
        self,
        split: Callable[[Item], pl.DataFrame],
        items: Iterable[Item],
        by: pl.Expr,
        count: int,
        join: Callable[[pl.DataFrame], Made],
        folder: Path,
    ) -> Iterator[Made]:
        """Split each item in a task with a frame for each group, and join each group in another; Ray holds the frames.

        `folder` stays empty.
        """
        task = self._remote(_split, max_retries=_TRIES, num_returns=count)
        work = _shared((split, by, count))
        pieces: list[list[Any]] = []

        def calls() -> Iterator[Any]:
            for item in items:
                frames = task.remote(work, _pickle(item))
                pieces.append(frames if count > 1 else [frames])
                yield pieces[-1][0]

        for _ in self._paced(calls()):
            pass
        groups = deque(zip(*pieces, strict=True))
        pieces.clear()  # so that the frames of a group go when it is joined
        task, work = self._remote(_join_group, max_retries=_TRIES), _shared(join)
        joined = self._in_order(task.remote(work, *groups.popleft()) for _ in range(len(groups)))
        for results in joined:
            yield from results

    @contextmanager
    def hire(self, make: Callable[[Item], Any], settings: Sequence[Item], *, gpus: float = 0) -> Iterator[Crew]:
        """Make each object in a process of its own, spread over the nodes; they leave the cores to tasks."""
        import ray

        again = {"max_restarts": _TRIES, "max_task_retries": _TRIES}
        kind = self._remote(_Hired, gpus, num_cpus=0, scheduling_strategy="SPREAD", **again)
        work = _shared(make)
        held = [ray.put(_pickle(setting)) for setting in settings]  # what an object is made of anew where it is lost
        actors = [kind.remote(work, setting) for setting in held]
        try:
            yield _Crew(actors)
        finally:
            for actor in actors:
                ray.kill(actor)
            del held

    def _remote(self, work: Any, gpus: float = 0, **options: Any) -> Any:
        import ray

        return ray.remote(num_gpus=gpus if self.gpus else 0, **options)(work)

    def _paced(self, calls: Iterator[Any]) -> Iterator[Any]:
        """Start calls one after the other, and yield what they promise; only some are under way."""
        import ray

        under_way: list[Any] = []
        for ref in calls:
            yield ref
            under_way.append(ref)
            if len(under_way) >= _AHEAD * self.workers:
                _, under_way = ray.wait(under_way, fetch_local=False)

    def _in_order(self, calls: Iterator[Any]) -> Iterator[Any]:
        """Start calls, and yield their results in their order."""
        import ray

        ahead: deque[Any] = deque()
        try:
            for ref in self._paced(calls):
                ahead.append(ref)
                while ahead and ray.wait([ahead[0]], timeout=0)[0]:
                    yield _result(ahead.popleft())
            while ahead:
                yield _result(ahead.popleft())
        finally:
            for ref in ahead:
                ray.cancel(ref)


class _Crew:
    """Objects in processes of their own."""

    def __init__(self, actors: list[Any]) -> None:
        self.actors = actors

    def each(self, method: str, *args: Any) -> list[Any]:
        import ray

        shared = [ray.put(arg) for arg in args]  # once a node, however many objects it has
        return [_result(ref) for ref in [actor.call.remote(method, *shared) for actor in self.actors]]

    def spread(self, method: str, items: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        free = list(self.actors)
        busy: dict[Any, tuple[int, Any]] = {}
        for position, item in enumerate(items):
            if not free:
                yield from self._first(busy, free)
            actor = free.pop()
            busy[actor.call.remote(method, item)] = position, actor
        while busy:
            yield from self._first(busy, free)

    def _first(self, busy: dict[Any, tuple[int, Any]], free: list[Any]) -> Iterator[tuple[int, Any]]:
        import ray

        [ref], _ = ray.wait(list(busy))
        position, actor = busy.pop(ref)
        free.append(actor)
        yield position, _result(ref)


def _set(setting: str, value: str | None) -> None:
    os.environ.pop(setting, None)
    if value is not None:
        os.environ[setting] = value


# What workers do.


class _Place(NamedTuple):
    """Where the process stands that asks for work."""

    folder: str
    recipe: Path | None  # its folder
    data: str | None
    modules: dict[str, tuple[Path, bytes]]
    rests_on: dict[str, str]
    level: int  # of what it logs


class _Log(logging.Handler):
    """What a worker has to say while it does a piece of work, for the process that asked for it."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.lines: list[tuple[str, int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.name, record.levelno, record.getMessage()))

    def __enter__(self) -> list[tuple[str, int, str]]:
        _logger.addHandler(self)
        _logger.setLevel(self.level)
        return self.lines

    def __exit__(self, *error: object) -> None:
        _logger.removeHandler(self)


_logger = logging.getLogger("curate")


def _shared(work: Any) -> Any:
    """Put work where all workers find it, as bytes: it may name modules that a worker finds only once it stands."""
    import ray

    level = _logger.getEffectiveLevel()
    place = _Place(str(Path.cwd()), recipe_folder(), os.environ.get("CURATE_DATA"), own.modules(), rests_on(), level)
    return ray.put((place, _pickle(work)))


def _pickle(value: Any) -> bytes:
    from ray import cloudpickle

    try:
        return bytes(cloudpickle.dumps(value))  # type: ignore[no-untyped-call]
    except Exception as error:  # whatever a class of the user's own raises
        raise RunError(
            f"work cannot be sent to another process: {error}; `--engine local` does it in this one"
        ) from None


def _unpickle(shared: tuple[_Place, bytes]) -> Any:
    """Stand where the driver stands, and take up its work."""
    from ray import cloudpickle

    place, work = shared
    if difference := _difference(place.rests_on, _own()):
        raise RunError(f"the node {socket.gethostname()} has {difference}")
    if Path(place.folder).is_dir():
        os.chdir(place.folder)
    stand_beside(place.recipe)
    _set("CURATE_DATA", place.data)
    own.adopt(place.modules)
    return cloudpickle.loads(work)


@functools.cache  # all installed packages are looked through for it, and each of hundreds of pieces of work asks
def _own() -> dict[str, str]:
    return rests_on()


def _do(shared: tuple[_Place, bytes], item: bytes) -> Any:
    from ray import cloudpickle

    with _Log(shared[0].level) as log:
        return _unpickle(shared)(cloudpickle.loads(item)), log


def _split(shared: tuple[_Place, bytes], item: bytes) -> Any:
    """Make the rows of an item, and part them into groups; None stands for a group without rows."""
    from ray import cloudpickle

    split, by, count = _unpickle(shared)
    rows = split(cloudpickle.loads(item))
    groups = {int(number): group for (number,), group in rows.group_by(by.cast(pl.Int64), maintain_order=True)}
    return [groups.get(number) for number in range(count)] if count > 1 else groups.get(0)


def _join_group(shared: tuple[_Place, bytes], *pieces: pl.DataFrame | None) -> Any:
    frames = [piece for piece in pieces if piece is not None]
    with _Log(shared[0].level) as log:
        return [_unpickle(shared)(pl.concat(frames))] if frames else [], log


class _Hired:
    """An object at work."""

    def __init__(self, shared: tuple[_Place, bytes], setting: bytes) -> None:
        from ray import cloudpickle

        self.object = _unpickle(shared)(cloudpickle.loads(setting))
        self.level = shared[0].level

    def call(self, method: str, *args: Any) -> Any:
        with _Log(self.level) as log:
            return getattr(self.object, method)(*args), log


def _result(ref: Any) -> Any:
    """Wait for a result; what was logged or raised there is logged or raised here."""
    import ray

    try:
        result, log = ray.get(ref)
    except ray.exceptions.RayTaskError as error:
        cause: BaseException = error
        while isinstance(cause, ray.exceptions.RayTaskError) and cause.cause is not None:
            cause = cause.cause
        raise cause from None if isinstance(cause, UserError) else error
    except ray.exceptions.RayError as error:
        first = str(error).strip().splitlines()[0]
        raise RunError(
            f"Ray has lost a piece of work, also when it was done again: {type(error).__name__}: {first}"
        ) from None
    for name, level, line in log:
        logging.getLogger(name).log(level, line)
    return result


# A cluster, and what its nodes must have.


def _join(name: str) -> None:
    import ray

    host, _, port = name.removeprefix("ray://").rpartition(":")
    if name not in ("ray", "auto") and not (host and port.isdigit()):
        raise RunError(f"there is no engine '{name}': local, ray, auto, host:port or ray://host:port")
    if host:
        try:  # Ray itself would wait for minutes
            socket.create_connection((host, int(port)), timeout=10).close()
        except OSError as error:
            raise RunError(
                f"there is no Ray cluster at {name} ({error.strerror or error}): `ray start --head` starts one, and "
                "`--engine ray` uses this machine alone"
            ) from None
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "runtime_env": {"env_vars": _THREADS}}
    try:
        if name == "ray":
            ray.init(address="local", include_dashboard=False, **quiet)
        else:
            ray.init(address=name, **quiet)
    except Exception as error:  # Ray has no class of its own for this
        what = "a cluster cannot be started here" if name == "ray" else f"the cluster at {name} cannot be joined"
        # Ray asks for a token wherever the machine has one, and sends it to an address only if it is told so.
        way = "; if the cluster asks for a token, set RAY_AUTH_MODE=token" if host else ""
        raise RunError(f"{what}: {' '.join(visible(error).split())}{way}") from None


def _check(folder: Path) -> None:
    """Ask every node for its code, and for a file in the folder that all must see."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    def look(file: str) -> tuple[bool, dict[str, str]]:  # not of a module, so that it reaches a node without this one
        from pathlib import Path

        try:
            from curate.cache import rests_on

            code = rests_on()
        except ImportError as error:
            code = {"curate": f"of another kind ({error})"}
        return Path(file).is_file(), code

    mark = folder / f"{secrets.token_hex(4)}{PART}"
    mark.touch()
    try:
        asked = []
        for node in ray.nodes():  # type: ignore[no-untyped-call]
            if node["Alive"] and node["Resources"].get("CPU"):
                there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                task = ray.remote(look).options(num_cpus=0, scheduling_strategy=there)
                asked.append((node["NodeManagerHostname"], task.remote(str(mark))))
        for name, ref in asked:
            if not ray.wait([ref], timeout=_SECONDS)[0]:
                raise RunError(f"the node {name} does not answer within {_SECONDS} seconds")
            try:
                sees, code = ray.get(ref)
            except ray.exceptions.RayError as error:
                raise RunError(f"the node {name} cannot work: {str(error).strip().splitlines()[-1]}") from None
            if not sees:
                raise RunError(
                    f"the node {name} does not see the folder {folder}: all nodes need one shared folder for the "
                    "outputs and the stages beside them, under the same name"
                )
            if difference := _difference(rests_on(), code):
                raise RunError(f"the node {name} has {difference}")
    finally:
        mark.unlink(missing_ok=True)


def _difference(ours: dict[str, str], theirs: dict[str, str]) -> str | None:
    """Say in words where the code of a node differs from that of this process; None if it does not.

    >>> _difference({"python": "3.11.9"}, {"python": "3.11.8"})
    'python 3.11.8, and 3.11.9 is here: results can differ, so every node needs the same'
    """
    for name in [*ours, *theirs]:
        if ours.get(name) != theirs.get(name):
            here, there = ours.get(name, "none"), theirs.get(name, "none")
            return f"{name} {there}, and {here} is here: results can differ, so every node needs the same"
    return None
