"""Steps, learning rates and processes: a warm-up that was made for many steps eats a small set whole."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from curate.train.findings import Finding, stop, warn
from curate.train.preflight.context import Context

_WARM = 0.2  # of the steps: 2501.05032 warms up over 10 of about 1,400
_FLOORS = ("lr_end", "min_lr", "min_lr_rate")


def steps(context: Context) -> int:
    """Count the steps that training will take."""
    trainer = context.trainer
    return int(trainer.set_initial_training_values(trainer.args, trainer.get_train_dataloader())[-1])


def rates(context: Context) -> list[float]:
    """Run the schedule alone, and give the learning rate of each step and the one after the last."""
    import warnings

    import torch
    from transformers import get_scheduler

    args, total = context.trainer.args, steps(context)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=args.learning_rate)
    schedule = get_scheduler(
        args.lr_scheduler_type,
        optimizer=optimizer,
        num_warmup_steps=args.get_warmup_steps(total),
        num_training_steps=total,
        scheduler_specific_kwargs=dict(args.lr_scheduler_kwargs or {}),
    )
    result = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # there is no optimizer step here
        for _ in range(total + 1):
            result.append(float(optimizer.param_groups[0]["lr"]))
            schedule.step()
    return result


def no_resume(context: Context) -> Iterator[Finding]:
    """Say that a run with checkpoints of the weights alone cannot be gone on from."""
    args = context.trainer.args
    if args.save_only_model and args.save_strategy != "no":
        yield warn(
            "checkpoints",
            "save_only_model: true keeps no optimizer: a run that is stopped starts from step 0; "
            "with save_only_model: false it goes on",
        )


def warm_up(context: Context) -> Iterator[Finding]:
    """Find a warm-up over more than a fifth of the steps."""
    total = steps(context)
    warm = context.trainer.args.get_warmup_steps(total)
    if warm > _WARM * total:
        yield warn(
            "warm-up",
            f"the warm-up takes {warm:,} of {total:,} steps: set trainer.warmup_steps to {int(_WARM * total)} at most "
            "(a number below 1 is a share), or train longer",
            warmup_steps=warm,
            steps=total,
        )


def learning_rate(context: Context) -> Iterator[Finding]:
    """Find a schedule that cannot run, or one that does not end at the floor that the config names."""
    args = context.trainer.args
    if str(args.lr_scheduler_type).endswith(("reduce_lr_on_plateau", "greedy")):
        return  # these follow the metrics
    kwargs = args.lr_scheduler_kwargs or {}
    try:
        by_step = rates(context)
    except (TypeError, ValueError) as error:
        name = getattr(args.lr_scheduler_type, "value", args.lr_scheduler_type)
        yield stop(
            "learning rate",
            f"the schedule {name} does not take lr_scheduler_kwargs {kwargs} ({error}); a linear fall to a floor is "
            'lr_scheduler_type: polynomial with {"lr_end": 1.0e-6, "power": 1.0}',
            lr_scheduler_kwargs=kwargs,
        )
        return
    peak = args.learning_rate
    floors = [kwargs[name] * (peak if name == "min_lr_rate" else 1) for name in _FLOORS if kwargs.get(name)]
    if floors and abs(by_step[-1] - floors[0]) > 0.01 * peak:
        yield warn(
            "learning rate",
            f"the learning rate ends at {by_step[-1]:.3g} and not at the floor {floors[0]:.3g}",
            ends_at=by_step[-1],
            floor=floors[0],
        )
    if max(by_step[:-1]) == 0:
        yield stop("learning rate", "the learning rate is 0 at every step", rates=by_step[:8])


# What launchers call the number of processes: torchrun, and those that accelerate reads for MPI.
_SIZES = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
_SEVERAL = 2  # at least


def processes_requested(environment: Mapping[str, str], launcher: Sequence[str] = ()) -> int:
    """Count the processes that the launcher was to start; 1 without one.

    `accelerate launch --cpu --num_processes 2` starts one process and passes the number on nowhere; an address to meet
    at without anyone to meet, and the launcher's own command line, are all that shows it.

    >>> processes_requested({"WORLD_SIZE": "4"})
    4
    >>> processes_requested({"ACCELERATE_MIXED_PRECISION": "no"}, ["accelerate", "launch", "--num_processes=3", "x.py"])
    3
    """
    sizes = [int(environment[name]) for name in _SIZES if environment.get(name, "").isdigit()]
    if sizes:
        return max(sizes)
    if "ACCELERATE_MIXED_PRECISION" not in environment:
        return 1
    words = [part for word in launcher for part in word.split("=", 1)]
    for name, value in pairwise(words):
        if name.replace("-", "_") == "__num_processes" and value.isdigit():
            return int(value)
    return _SEVERAL if "MASTER_ADDR" in environment else 1


def processes(context: Context) -> Iterator[Finding]:
    """Find a run of fewer processes than its launcher was to start."""
    requested, running = processes_requested(os.environ, _parent()), context.trainer.accelerator.num_processes
    if requested > running:
        yield stop(
            "processes",
            f"the launcher was asked for {requested} processes and {running} runs, so the effective batch is smaller "
            "than meant: without a GPU, accelerate launch starts one process; use torchrun",
            asked=requested,
            running=running,
        )


def _parent() -> list[str]:
    """Read the command line of the process that started this one."""
    import psutil  # type: ignore[import-untyped]  # it comes with accelerate

    try:
        parent = psutil.Process().parent()
        return list(parent.cmdline()) if parent else []
    except psutil.Error:
        return []
