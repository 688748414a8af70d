"""A run in a few lines for the screen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from curate.report.lines import spell
from curate.train._log import Log, course, lost, number, read

_SAID = {
    "loss": ("loss",),
    "held-out loss": ("eval_loss",),
    "reward margin": ("rewards/margins", "margin"),
    "accuracy": ("rewards/accuracies", "accuracy"),
    "log-probability of chosen answers": ("logps/chosen",),
    "log-probability of rejected answers": ("logps/rejected",),
    "reward": ("reward",),
    "divergence (KL)": ("kl",),
}


def summary(log: Log | Path, grades: Sequence[Mapping[str, Any]] | None = None) -> list[str]:
    """Say in a few lines how a run went: first and last values, and what should not be.

    The last value is the mean of the last tenth of the entries: one batch says little.

    >>> summary([{"loss": 2.0, "step": 1}, {"loss": 1.5, "step": 2}])
    ['loss 2 → 1.5 over 2 steps']

    Raises:
        LogError: The log cannot be read.
    """
    log = read(log)
    told = [(name, _course(log, keys)) for name, keys in _SAID.items()]
    lines = [f"{name} {said}" for name, said in told if said]
    steps = max((number(entry.get("step")) for entry in log if "loss" in entry), default=math.nan)
    if lines and math.isfinite(steps):
        lines[0] += f" over {steps:,.0f} steps"
    return [*lines, *_chosen(log, grades or []), *(f"look at this: {line}" for line in _wrong(log))]


def _course(log: Log, keys: tuple[str, ...]) -> str:
    points = next(filter(None, (course(log, key) for key in keys)), [])
    values = [y for _, y in points if math.isfinite(y)]
    if not values:
        return ""
    last = values[-max(len(values) // 10, 1) :]
    return (
        f"{_short(values[0])} \N{RIGHTWARDS ARROW} {_short(sum(last) / len(last))}" if values[1:] else _short(values[0])
    )


def _chosen(log: Log, grades: Sequence[Mapping[str, Any]]) -> list[str]:
    there = [grade for grade in grades if math.isfinite(number(grade["grade"]))]
    if not there:
        return []
    best = max(there, key=lambda grade: number(grade["grade"]))
    low, high = number(best.get("low")), number(best.get("high"))
    span = f" ({_short(low)} to {_short(high)})" if math.isfinite(low + high) else ""
    line = (
        f"dev grade is highest at epoch {best['epoch']:g}: {_short(number(best['grade']))}{span}, {best['checkpoint']}"
    )
    losses = [(y, x) for x, y in course(log, "eval_loss", "epoch") if math.isfinite(y)]
    return [f"{line}; the held-out loss is lowest at epoch {min(losses)[1]:g}" if losses else line]


def _wrong(log: Log) -> list[str]:
    """Name what a run should not show: values that are no numbers, and margins that do not start at 0."""
    keys = [key for names in _SAID.values() for key in names]
    wrong = lost(log, [*keys, "grad_norm"])
    margins = course(log, "rewards/margins")
    # Only the first step's margin is that of the untouched model; a mean over several steps is not.
    if margins and margins[0][0] == 1 and abs(margins[0][1]) > 1e-2:
        first = _short(margins[0][1])
        wrong.append(f"the reward margin starts at {first}, not at 0: the reference is not the model that was trained")
    return wrong


def _short(value: float) -> str:
    return spell(float(f"{value:.3g}") + 0.0)  # no minus before a zero
