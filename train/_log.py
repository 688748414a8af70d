"""TRL's log history as courses of values."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from curate.errors import UserError

Log: TypeAlias = Sequence[Mapping[str, Any]]


class LogError(UserError):
    """A log that cannot be read; the message names file and line."""


def read(log: Log | Path) -> Log:
    """Read log.jsonl, or take the list as it is (`trainer.state.log_history`).

    Raises:
        LogError: There is no such file, or a line of it is not a JSON object.
    """
    if not isinstance(log, Path):
        return log
    try:
        lines = log.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise LogError(f"{log} cannot be read: {error.strerror}") from None
    return [_entry(log, number, line) for number, line in enumerate(lines, start=1) if line.strip()]


def _entry(file: Path, number: int, line: str) -> Mapping[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        raise LogError(f"{file}:{number}: a line of a log is a JSON object, such as {{'loss': 1.5, 'step': 1}}")
    return entry


def course(log: Log, key: str, along: str = "step") -> list[tuple[float, float]]:
    """Give the values of a key as (step or epoch, value) in order; NaN where the value is no finite number.

    Of two values at one place, as after a resume, the later counts.

    >>> course([{"loss": 2, "step": 1}, {"eval_loss": 1, "step": 1}, {"loss": None, "step": 2}], "loss")
    [(1.0, 2.0), (2.0, nan)]
    """
    found = {number(entry[along]): number(entry[key]) for entry in log if key in entry and along in entry}
    return sorted((x, y) for x, y in found.items() if math.isfinite(x))


def number(value: object) -> float:
    """Take a finite number as it is; NaN for anything else."""
    finite = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if finite else math.nan  # type: ignore[arg-type]


def lost(log: Log, keys: Sequence[str]) -> list[str]:
    """Say of which keys values are no numbers, and at which steps.

    >>> lost([{"loss": float("nan"), "step": 7}], ["loss"])
    ['loss is not a number at step 7']
    """
    said = []
    for key in keys:
        steps = [f"{x:,.0f}" for x, y in course(log, key) if math.isnan(y)]
        if steps:
            more = f" and {len(steps) - 5:,} more" if len(steps) > 5 else ""
            said.append(
                f"{key} is not a number at {'step' if len(steps) == 1 else 'steps'} {', '.join(steps[:5])}{more}"
            )
    return said
