"""Nodes run as processes of their own: what is ready, at most so many at a time; what fails costs only its arms."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from graphlib import TopologicalSorter
from pathlib import Path
from threading import Lock, current_thread, main_thread
from typing import Any

import curate
from curate.ablate.node import Node, content, write_node
from curate.errors import UserError
from curate.models.generators.process import EndWithMe

Tell = Callable[[str], None]
_SECONDS = 10  # that a process which is asked to end has for it


class RunnerError(UserError):
    """Say what is wrong with the template that starts processes."""


def run(
    out: Path,
    nodes: Mapping[str, Node],
    keys: Iterable[str],
    failed: dict[str, str],
    processes: Processes,
    *,
    jobs: int = 1,
    tell: Tell = lambda line: None,
) -> None:
    """Run the nodes that are not done, each after what it needs; note in `failed` the reasons of those that fail.

    Whatever ends this, the processes that it started end with it.
    """
    sorter: TopologicalSorter[str] = TopologicalSorter({key: nodes[key].needs for key in keys})
    sorter.prepare()
    running: dict[Future[str | None], str] = {}
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while sorter.is_active():
                for key in sorter.get_ready():
                    why = next((failed[need] for need in (key, *nodes[key].needs) if need in failed), None)
                    if why is None and content(out, nodes, key) is None:
                        running[pool.submit(_run, nodes[key], out, nodes, processes, tell)] = key
                        continue
                    failed |= {} if why is None else {key: why}
                    sorter.done(key)
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    key, why = running.pop(future), future.result()
                    failed |= {} if why is None else {key: why}
                    sorter.done(key)
        except BaseException:
            processes.end()  # the threads wait for them
            raise


def _run(node: Node, out: Path, nodes: Mapping[str, Node], processes: Processes, tell: Tell) -> str | None:
    """Run one node; return why it failed."""
    log = node.log(out)
    try:
        folder = write_node(node, out, nodes)
    except (UserError, OSError) as error:  # what it reads is not there any more
        return " ".join(str(error).split())
    tell(f"{node.kind} {node.key}: begins, log in {log}")
    why = processes.work(folder, log)
    tell(f"{node.kind} {node.key}: {'done' if why is None else f'failed: {why}'}")
    return why


def command_of(runner: str | None, command: list[str]) -> list[str]:
    """Put a command into a runner's template, where it says {command}.

    >>> command_of("srun --gres=gpu:1 {command}", ["python", "-m", "x y"])
    ['srun', '--gres=gpu:1', 'python', '-m', 'x y']
    >>> command_of("bash -c 'module load cuda; {command}'", ["python", "-m", "x y"])
    ['bash', '-c', "module load cuda; python -m 'x y'"]
    """
    if runner is None:
        return command
    try:
        words = shlex.split(runner)
    except ValueError as error:
        raise RunnerError(f"--runner {runner!r} cannot be read: {error}") from None
    if not any("{command}" in word for word in words):
        raise RunnerError(f"--runner {runner!r} has no {{command}}, which stands for what is to be run")
    joined = shlex.join(command)
    return [part for w in words for part in (command if w == "{command}" else [w.replace("{command}", joined)])]


class Processes:
    """The processes under way: they are ended, with all that they started, when this one ends."""

    def __init__(self, runner: str | None) -> None:
        self.runner = runner
        self.ended = False
        self._lock = Lock()
        self._live: set[subprocess.Popen[bytes]] = set()
        self._before: Any = None
        command_of(runner, [])

    def __enter__(self) -> Processes:
        """Let a request to end (SIGTERM) end this process the way Ctrl-C does: what it started must not stay."""
        if current_thread() is main_thread():
            self._before = signal.signal(signal.SIGTERM, _stop)
            # polars sets a handler by which a wait goes on after Ctrl-C: Python's own, set again, ends it.
            signal.signal(signal.SIGINT, signal.getsignal(signal.SIGINT))
        return self

    def __exit__(self, *_: Any) -> None:
        self.end()
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)

    def work(self, folder: Path, log: Path) -> str | None:
        """Run the job that a folder describes; return why it failed, or None."""
        # Files of the working folder are not to be taken for packages, unless it is a checkout that is not installed.
        checkout = Path(curate.__file__).resolve().parents[1] == Path.cwd()
        return self.run([sys.executable, *([] if checkout else ["-P"]), "-m", "curate.ablate.job", str(folder)], log)

    def run(self, command: list[str], log: Path) -> str | None:
        """Run a command to its end, what it prints going into the log; return why it failed, or None."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as file:
            with self._lock:
                if self.ended:
                    return "stopped"
                try:
                    process = subprocess.Popen(  # noqa: S603 - Python itself, or what the user's template says
                        command_of(self.runner, command), stdout=file, stderr=subprocess.STDOUT, start_new_session=True
                    )
                except OSError as error:
                    return f"{self.runner or command[0]} cannot be started: {error.strerror}"
                self._live.add(process)
            watcher = EndWithMe([process.pid])
            try:
                code = process.wait()
            finally:
                watcher.now()
                self._live.discard(process)
        return None if code == 0 else _why(code, log)

    def end(self) -> None:
        """End every process, first asking."""
        with self._lock:
            self.ended = True
            live = list(self._live)
        for process in live:
            _signal(process, signal.SIGTERM)
        for process in live:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_SECONDS)
            _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)


def _why(code: int, log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    last = lines[-1].rpartition("\r")[2] if lines else "it printed nothing"
    return last if code > 0 else f"ended by signal {-code}; the log ends with: {last}"


def _stop(number: int, frame: Any) -> None:
    raise SystemExit(128 + number)
