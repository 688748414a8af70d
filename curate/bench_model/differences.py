"""The difference between two models in a task, prompt by prompt where that can be had, and over all tasks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import sqrt
from typing import Literal, NamedTuple

from curate.bench_model.results import Score
from curate.evaluate import mean

_NORMAL = 1.959963984540054  # the 97.5th percentile of the normal distribution


class Difference(NamedTuple):
    """After less before, with its 95 % interval: of prompts in pairs, or from the two standard errors."""

    value: float
    low: float | None
    high: float | None
    how: Literal["paired", "unpaired", "no standard error"]

    @property
    def half(self) -> float | None:
        """Half the width of the interval."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


def difference(before: Score, after: Score) -> Difference:
    """Compare two models in a task.

    Where both have a grade for every prompt, and these make up the task's number, the differences of single prompts are
    what the interval rests on: what makes a prompt hard is then out of it. A prompt that comes several times counts as
    one draw: the values are the sums of its differences. Else the two standard errors that lm-eval gives are added as
    those of independent samples, which is too wide for models that were asked the same.
    """
    value = after.value - before.value
    each = _clusters(before, after)
    if each:
        found = mean(each)
        if abs(found.mean - value) < 1e-6 and found.low is not None:
            return Difference(value, found.low, found.high, "paired")
    if before.stderr is None or after.stderr is None:
        return Difference(value, None, None, "no standard error")
    far = _NORMAL * sqrt(before.stderr**2 + after.stderr**2)
    return Difference(value, value - far, value + far, "unpaired")


def _clusters(before: Score, after: Score) -> list[float]:
    """Give a value for each different prompt, so that their mean is the mean over all that was asked."""
    ours, theirs = before.samples, after.samples
    if not ours or ours.keys() != theirs.keys() or any(ours[k].doc != theirs[k].doc for k in ours):
        return []
    sums: dict[str, float] = defaultdict(float)
    for key, sample in ours.items():
        sums[sample.prompt] += theirs[key].value - sample.value
    return [total * len(sums) / len(ours) for total in sums.values()]


def average(pairs: Sequence[tuple[Score, Score]]) -> Difference:
    """Average over tasks as they are, their prompts alone being drawn: variances add up.

    >>> from curate.bench_model.results import Score
    >>> def score(value):
    ...     return Score("t", "acc", value, 0.03, 100, True, {})
    >>> found = average([(score(0.5), score(0.4)), (score(0.2), score(0.3))])
    >>> round(found.value, 3), round(found.high, 3)
    (0.0, 0.059)
    """
    each = [difference(*pair) for pair in pairs]
    value = sum(found.value for found in each) / len(each)
    halves = [found.half for found in each if found.half is not None]
    if len(halves) < len(each):
        return Difference(value, None, None, "no standard error")
    far = sqrt(sum(half**2 for half in halves)) / len(each)
    how = "paired" if all(found.how == "paired" for found in each) else "unpaired"
    return Difference(value, value - far, value + far, how)  # type: ignore[arg-type]
