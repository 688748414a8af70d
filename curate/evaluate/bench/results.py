"""What lm-eval found: the number that stands for a task, its standard error, and the grade of every prompt."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import sqrt
from pathlib import Path
from typing import Any, Literal, NamedTuple

from curate.evaluate.bench.lm_eval import BenchError
from curate.evaluate.statistics import mean

# The first of these that a task has stands for it. They are the measures of the Open LLM Leaderboard's second version
# (IFEval by strict accuracy, BBH, GPQA and MuSR by acc_norm, MATH by exact match, MMLU-Pro by accuracy), but not on its
# scale, where chance is 0.
MEASURES = ("prompt_level_strict_acc", "acc_norm", "exact_match", "acc")
_SAMPLES = re.compile(r"samples_(.+)_\d{4}-\d\d-\d\dT[^_]*\.jsonl")


class Sample(NamedTuple):
    """The grade of one prompt of a task, and what tells the prompt from others."""

    value: float
    doc: str
    prompt: str


class Score(NamedTuple):
    """What a model reached in a task; `samples` by (task, number), empty where prompts have no grade of their own."""

    task: str
    measure: str
    value: float
    stderr: float | None
    n: int
    higher_is_better: bool
    samples: Mapping[tuple[str, int], Sample]

    @property
    def share(self) -> bool:
        """Tell whether it is a share of what is right, which can be averaged with others."""
        return self.higher_is_better and 0 <= self.value <= 1


def read_scores(folder: Path, measures: Sequence[str] = ()) -> list[Score]:
    """Read the results of a run: a score for the task, or for each of the tasks that its name stands for.

    `measures` go before `MEASURES`. A group with a number of its own is one task.

    Raises BenchError where a task has no number.
    """
    data = json.loads(sorted(folder.glob("results_*.json"))[-1].read_text(encoding="utf-8"))
    parts: Mapping[str, Sequence[str]] = data.get("group_subtasks") or {}
    numbers = {name: _numbers(result) for name, result in data["results"].items()}
    within = {leaf for name in numbers if numbers[name] for leaf in _leaves(name, parts) if leaf != name}
    scores = [
        _score(name, data, _measure(results, measures), parts, folder)
        for name, results in numbers.items()
        if results and name not in within
    ]
    if not scores:
        raise BenchError(f"lm-eval gave no number for {', '.join(numbers) or 'any task'}")
    return scores


def _numbers(result: Mapping[str, Any]) -> dict[str, float]:
    """List what was measured: `acc,none` is a measure and the filter of answers before it."""
    return {
        key: float(value)
        for key, value in result.items()
        if "," in key and "_stderr," not in key and isinstance(value, int | float)
    }


def _measure(result: Mapping[str, float], measures: Sequence[str]) -> str:
    for name in (*measures, *MEASURES):
        for key in result:
            if name in (key, key.partition(",")[0]):
                return key
    return next(iter(result))


def _leaves(name: str, parts: Mapping[str, Sequence[str]]) -> list[str]:
    """List the tasks of a group, through groups within it; a task is its own."""
    return [leaf for part in parts[name] for leaf in [part, *_leaves(part, parts)]] if parts.get(name) else [name]


def _score(name: str, data: Mapping[str, Any], key: str, parts: Mapping[str, Sequence[str]], folder: Path) -> Score:
    measure, _, filtered = key.partition(",")
    result = data["results"][name]
    stderr = result.get(f"{measure}_stderr,{filtered}")
    leaves = dict.fromkeys(_leaves(name, parts))
    counts = [data["n-samples"][leaf]["effective"] for leaf in leaves if leaf in data["n-samples"]]
    better = [data["higher_is_better"].get(leaf, {}).get(measure) for leaf in (name, *leaves)]
    return Score(
        name,
        measure if filtered == "none" else key,
        float(result[key]),
        float(stderr) if isinstance(stderr, int | float) else None,
        sum(counts),
        False not in better,
        _samples(folder, list(leaves), measure, filtered),
    )


def _samples(folder: Path, tasks: Sequence[str], measure: str, filtered: str) -> dict[tuple[str, int], Sample]:
    """Read the grade of every prompt; nothing where one has none, or a list of them."""
    samples = {}
    for file in sorted(folder.glob("samples_*.jsonl")):
        name = _SAMPLES.fullmatch(file.name)
        if not name or name[1] not in tasks:
            continue
        for line in file.read_text(encoding="utf-8").split("\n"):
            row: dict[str, Any] = json.loads(line) if line.strip() else {}
            if row.get("filter") != filtered:
                continue
            if not isinstance(row.get(measure), bool | int | float):
                return {}
            samples[name[1], int(row["doc_id"])] = Sample(float(row[measure]), row["doc_hash"], row["prompt_hash"])
    return samples


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
        paired = mean(each)
        if abs(paired.mean - value) < 1e-6 and paired.low is not None:
            return Difference(value, paired.low, paired.high, "paired")
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

    >>> from curate.evaluate.bench.results import Score
    >>> def score(value):
    ...     return Score("t", "acc", value, 0.03, 100, True, {})
    >>> found = average([(score(0.5), score(0.4)), (score(0.2), score(0.3))])
    >>> round(found.value, 3), round(found.high, 3)
    (0.0, 0.059)
    """
    each = [difference(*pair) for pair in pairs]
    value = sum(one.value for one in each) / len(each)
    halves = [one.half for one in each if one.half is not None]
    if len(halves) < len(each):
        return Difference(value, None, None, "no standard error")
    far = sqrt(sum(half**2 for half in halves)) / len(each)
    how = "paired" if all(one.how == "paired" for one in each) else "unpaired"
    return Difference(value, value - far, value + far, how)  # type: ignore[arg-type]
