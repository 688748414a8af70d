"""The learning rate over the steps that there will be: a warm-up made for many steps eats a small set whole."""

from __future__ import annotations

from collections.abc import Iterator
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
