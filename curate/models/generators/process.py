"""Processes that must not outlive this one: an engine left alone would hold a GPU, or two cores, for nobody."""

from __future__ import annotations

import logging
import multiprocessing
import multiprocessing.connection
import os
import re
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import IO, Any, NamedTuple

from curate.models.generators.ask import GeneratorError
from curate.models.weights import first_line

# Its input ends when this process has ended, however that came about: even kill -9 closes a pipe.
_WATCH = """
import os, signal, sys
sys.stdin.read()
for process in map(int, sys.argv[1:]):
    try:
        os.kill(process, getattr(signal, "SIGKILL", signal.SIGTERM))
    except OSError:
        pass
"""


class EndWithMe:
    """Kill processes by their ids once this process has ended, or when `now` is called; those already gone are left."""

    def __init__(self, processes: Iterable[int]) -> None:
        self._watcher = subprocess.Popen(  # noqa: S603 - Python itself, and ids of processes
            [sys.executable, "-c", _WATCH, *map(str, processes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for this process; the watcher sees its end
        )

    def now(self) -> None:
        """Kill what still runs."""
        with suppress(OSError):
            assert self._watcher.stdin is not None
            self._watcher.stdin.close()
        self._watcher.wait()


INSTALL = "pip install 'curate-lm[vllm]' (on a machine without a GPU: make pairs)"
# The first line of its log that names a cause; later ones are of what fell with it.
_CAUSE = re.compile(
    r"((?:\w+\.)*\w*(?:Error|Exception): (?!cancelled|Engine core init).+|Worker proc \S+ died[^,]*)", re.MULTILINE
)
_BYTES = 1 << 20  # bytes of the log that are looked at


class Running(NamedTuple):
    """vLLM's own object, and the file that its process writes to."""

    llm: Any
    log: IO[bytes] | None
    watch: EndWithMe

    def cause(self) -> str:
        """Say what the process died of."""
        return _cause(self.log) or "it was killed, or had no memory left"

    def end(self) -> None:
        """End the process, if it has not ended."""
        with suppress(Exception):
            self.llm.llm_engine.engine_core.shutdown()
        self.watch.now()
        if self.log:
            self.log.close()


def start(model: str, path: str, engine: Mapping[str, Any]) -> Running:
    """Start `vllm.LLM`; raise GeneratorError with the cause, which vLLM's own error leaves in its log."""
    if not find_spec("vllm"):
        raise GeneratorError(f"vLLM is not installed: {INSTALL}")
    _environment()
    before = set(multiprocessing.active_children())
    log = _log()
    try:
        with warnings.catch_warnings(), _without_script(), _stderr_to(log):
            warnings.simplefilter("ignore")  # of torch and its like, about themselves
            from vllm import LLM

            llm = LLM(model=path, **{"use_tqdm_on_load": False, **_defaults(), **engine})
            started = set(multiprocessing.active_children()) - before
            _watch(llm, [child.sentinel for child in started])
            return Running(llm, log, EndWithMe(_with_children(child.pid for child in started)))
    except Exception as error:  # vLLM's, torch's, transformers', the hub's
        cause = _cause(log) or first_line(error)
        if log:
            log.close()
        raise GeneratorError(f"vLLM cannot start with {model}: {cause}") from error


def _with_children(processes: Iterable[int | None]) -> list[int]:
    """List processes and those below them: vLLM's worker goes on at full speed when its own parent is killed."""
    import psutil  # type: ignore[import-untyped]

    trees = [psutil.Process(process) for process in processes if process]
    return [one.pid for tree in trees for one in (tree, *tree.children(recursive=True))]


def _defaults() -> dict[str, Any]:
    """Give the settings of an engine that a CPU needs.

    A prompt that is read in pieces kills vLLM 0.32 there where its request has a seed, and each of ours has one; a
    graph takes a minute to compile, which no small job earns back.
    """
    from vllm.platforms import current_platform

    return {"enable_chunked_prefill": False, "enforce_eager": True} if current_platform.is_cpu() else {}


def _log() -> IO[bytes] | None:
    """Open a file without a name, unless the user wants to see what vLLM says."""
    if os.environ["VLLM_LOGGING_LEVEL"] != "ERROR":
        return None
    logging.getLogger("vllm").setLevel(logging.ERROR)  # what it says before it sets up its own logging
    return tempfile.TemporaryFile()


def _watch(llm: Any, sentinels: list[int]) -> None:
    """Wake who waits for an answer when the engine's process is gone: vLLM 0.32 would wait for ever."""
    answers = getattr(llm.llm_engine.engine_core, "outputs_queue", None)
    if answers is None or not sentinels:
        return

    def wait() -> None:
        multiprocessing.connection.wait(sentinels)
        answers.put_nowait(ChildProcessError())

    threading.Thread(target=wait, name="curate-vllm-watch", daemon=True).start()


def _environment() -> None:
    """Set what vLLM reads from the environment, unless it is set.

    `spawn`, because polars has threads by now, and a forked process would wait for them for ever. Four
    gigabytes of cache on a CPU hold some 180,000 tokens of a small model; with one, long answers push each other out.
    All cores compute: on two of them that gave 380 tokens a second where one kept free gave 240.
    """
    for name, value in {
        "VLLM_LOGGING_LEVEL": "ERROR",
        "VLLM_LOGGING_STREAM": "ext://sys.stderr",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_WORKER_MULTIPROCESSING_METHOD": "spawn",
        "VLLM_CPU_KVCACHE_SPACE": "4",
        "VLLM_CPU_NUM_OF_RESERVED_CPU": "0",
    }.items():
        os.environ.setdefault(name, value)


@contextmanager
def _without_script() -> Iterator[None]:
    """Keep the new process from running the program's own script again, as spawn does: it has no need of it."""
    main = sys.modules["__main__"]
    names = [name for name in ("__file__", "__spec__") if name in main.__dict__]
    values: dict[str, Any] = {name: main.__dict__.pop(name) for name in names}
    main.__spec__ = None
    try:
        yield
    finally:
        main.__dict__.update(values)


@contextmanager
def _stderr_to(log: IO[bytes] | None) -> Iterator[None]:
    """Let what starts here write to a log; a progress display of this process stays on the screen."""
    if log is None:
        yield
        return
    screen, stderr = os.dup(2), sys.stderr
    try:
        os.dup2(log.fileno(), 2)
        if stderr is sys.__stderr__:
            sys.stderr = os.fdopen(os.dup(screen), "w", buffering=1)
        yield
    finally:
        if sys.stderr is not stderr:
            sys.stderr.close()
            sys.stderr = stderr
        os.dup2(screen, 2)
        os.close(screen)


def _cause(log: IO[bytes] | None) -> str | None:
    # `pread` leaves alone the place where the engine goes on writing.
    text = os.pread(log.fileno(), _BYTES, 0).decode(errors="replace") if log else ""
    match = _CAUSE.search(text)
    return match[1].strip()[:500] if match else None
