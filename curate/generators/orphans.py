"""Processes that must not outlive this one: an engine left alone would hold a GPU, or two cores, for nobody."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress

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
