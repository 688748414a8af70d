"""Say where polars cannot run: its threads do not survive a fork, so a query in the new process may wait for ever.

A process that was forked before polars had run anything starts threads of its own, and is fine.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

_TASKS = Path("/proc/self/task")
_THREAD = re.compile(re.escape(os.environ.get("POLARS_THREAD_NAME", "polars")) + r"-\d+")
_threads = False  # whether polars had threads when a fork began, whoever's call had started them
_lost = False  # whether they were left behind in the process that this one was forked from


def check() -> None:
    """Raise RuntimeError in a process that was forked from one in which polars had run."""
    if _lost:
        raise RuntimeError(
            "a polars filter cannot run in a worker forked after polars has run in its parent: leave out num_proc "
            "(polars uses every core by itself), start the workers before anything is filtered, or start them with "
            "the 'spawn' method"
        )


def _look() -> None:
    global _threads
    _threads = _has_threads()


def _lose() -> None:
    global _lost
    _lost = _lost or _threads


def _has_threads() -> bool:
    """Tell whether polars has threads; where the system does not name them, they are taken to be there."""
    if not _TASKS.is_dir():
        return True
    for task in _TASKS.iterdir():
        try:
            if _THREAD.match((task / "comm").read_text()):
                return True
        except OSError:  # the thread has ended
            continue
    return False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_look, after_in_child=_lose)
