"""How many processes were asked for and how many run: some launchers start one, and say nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from curate.train.findings import Finding
from curate.train.preflight.seen import Seen

# What launchers call the number of processes: torchrun, and those that accelerate reads for MPI.
_SIZES = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
_SEVERAL = 2  # at least


def asked(environment: Mapping[str, str], launcher: Sequence[str] = ()) -> int:
    """Count the processes that the launcher was asked for; 1 without one.

    `accelerate launch --cpu --num_processes 2` starts one process and passes the number on nowhere; an address to meet
    at without anyone to meet, and the launcher's own command line, are what is left of it.

    >>> asked({"WORLD_SIZE": "4"})
    4
    >>> asked({"ACCELERATE_MIXED_PRECISION": "no"}, ["accelerate", "launch", "--num_processes=3", "train.py"])
    3
    """
    said = [int(environment[name]) for name in _SIZES if environment.get(name, "").isdigit()]
    if said:
        return max(said)
    if "ACCELERATE_MIXED_PRECISION" not in environment:
        return 1
    told = _number(launcher)
    return told if told is not None else _SEVERAL if "MASTER_ADDR" in environment else 1


def _number(launcher: Sequence[str]) -> int | None:
    words = [part for word in launcher for part in word.split("=", 1)]
    for name, value in pairwise(words):
        if name.replace("-", "_") == "__num_processes" and value.isdigit():
            return int(value)
    return None


def single(seen: Seen) -> Iterator[Finding]:
    """Find a run of fewer processes than its launcher was asked for."""
    wanted, runs = asked(os.environ, _parent()), seen.trainer.accelerator.num_processes
    if wanted > runs:
        yield Finding(
            "processes",
            "stop",
            f"the launcher was asked for {wanted} processes and {runs} runs, so the effective batch is smaller than "
            "meant: without a GPU, accelerate launch starts one process; use torchrun",
            {"asked": wanted, "running": runs},
        )


def _parent() -> list[str]:
    """Read the command line of the process that started this one."""
    import psutil  # type: ignore[import-untyped]  # it comes with accelerate

    try:
        parent = psutil.Process().parent()
        return list(parent.cmdline()) if parent else []
    except psutil.Error:
        return []
