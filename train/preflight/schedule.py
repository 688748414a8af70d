"""The learning rate over the steps that there will be: a warm-up made for many steps eats a small set whole."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from curate.train.findings import Finding
from curate.train.preflight.seen import Seen

_WARM = 0.2  # of the steps: 2501.05032 warms up over 10 of about 1,400
_FLOORS = ("lr_end", "min_lr", "min_lr_rate")


def steps(seen: Seen) -> int:
    """Count the steps that training will take."""
    trainer = seen.trainer
    return int(trainer.set_initial_training_values(trainer.args, trainer.get_train_dataloader())[-1])


def rates(seen: Seen) -> list[float]:
    """Run the schedule alone, and give the learning rate of each step and the one after the last."""
    import warnings

    import torch
    from transformers import get_scheduler

    args, total = seen.trainer.args, steps(seen)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=args.learning_rate)
    kwargs: dict[str, Any] = dict(args.lr_scheduler_kwargs or {})
    schedule = get_scheduler(
        args.lr_scheduler_type,
        optimizer=optimizer,
        num_warmup_steps=args.get_warmup_steps(total),
        num_training_steps=total,
        scheduler_specific_kwargs=kwargs,
    )
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # there is no optimizer step here
        for _ in range(total + 1):
            found.append(float(optimizer.param_groups[0]["lr"]))
            schedule.step()
    return found


def warm_up(seen: Seen) -> Iterator[Finding]:
    """Find a warm-up over more than a fifth of the steps."""
    total = steps(seen)
    warm = seen.trainer.args.get_warmup_steps(total)
    if warm > _WARM * total:
        yield Finding(
            "warm-up",
            "warn",
            f"the warm-up takes {warm:,} of {total:,} steps: set trainer.warmup_steps to {int(_WARM * total)} at most "
            "(a number below 1 is a share), or train longer",
            {"warmup_steps": warm, "steps": total},
        )


def floor(seen: Seen) -> Iterator[Finding]:
    """Find a schedule that cannot run, or one that does not end at the floor that was asked for."""
    if str(seen.trainer.args.lr_scheduler_type).endswith(("reduce_lr_on_plateau", "greedy")):
        return  # these follow the metrics
    kwargs = seen.trainer.args.lr_scheduler_kwargs or {}
    try:
        found = rates(seen)
    except (TypeError, ValueError) as error:
        name = getattr(seen.trainer.args.lr_scheduler_type, "value", seen.trainer.args.lr_scheduler_type)
        yield Finding(
            "learning rate",
            "stop",
            f"the schedule {name} does not take lr_scheduler_kwargs {kwargs} ({error}); a linear fall to a floor is "
            'lr_scheduler_type: polynomial with {"lr_end": 1.0e-6, "power": 1.0}',
            {"lr_scheduler_kwargs": kwargs},
        )
        return
    peak = seen.trainer.args.learning_rate
    asked = [kwargs[name] * (peak if name == "min_lr_rate" else 1) for name in _FLOORS if kwargs.get(name)]
    if asked and abs(found[-1] - asked[0]) > 0.01 * peak:
        yield Finding(
            "learning rate",
            "warn",
            f"the learning rate ends at {found[-1]:.3g} and not at the floor {asked[0]:.3g}",
            {"ends_at": found[-1], "floor": asked[0]},
        )
    if max(found[:-1]) == 0:
        yield Finding("learning rate", "stop", "the learning rate is 0 at every step", {"rates": found[:8]})


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
