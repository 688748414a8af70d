"""Which of several graded checkpoints is the best, and whether that is shown or only a guess."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from statistics import fmean
from typing import Any

import polars as pl

from curate.evaluate import mean
from curate.trained import Checkpoint


def decide(candidates: Sequence[Checkpoint], graded: Sequence[pl.DataFrame]) -> dict[str, Any]:
    """Take the checkpoint with the highest mean grade, and say whether it is shown to be better than the others.

    `graded` are the answers of each, with `score`. Only prompts that every checkpoint has a grade for count. Raises
    ValueError where there are none.
    """
    of_prompt = [_by_prompt(one) for one in graded]
    shared = sorted(set.intersection(*(set(means) for means in of_prompt)))
    if not shared:
        why = next((w for one in graded for w in one["why"] if w), "the judge did not say why")
        raise ValueError(f"no prompt has a grade for each of the {len(candidates)} checkpoints: {why}")
    values = [[means[i] for i in shared] for means in of_prompt]
    best = max(range(len(candidates)), key=lambda i: (fmean(values[i]), -candidates[i].step))
    differences = _differences(candidates, values, best)
    peers = [d["checkpoint"] for d in differences if not d["shown"]]
    return {
        "chosen": candidates[best].name,
        "epoch": candidates[best].epoch,
        "shown": not peers,
        "said": _sentence(candidates, fmean(values[best]), best, peers, len(shared)),
        "grades": [_told(c, one, v) for c, one, v in zip(candidates, graded, values, strict=True)],
        "differences": differences,
    }


def _by_prompt(graded: pl.DataFrame) -> dict[str, float]:
    there = graded.filter(pl.col("score").is_finite())
    return dict(there.group_by("id").agg(pl.col("score").mean()).iter_rows())


def _differences(candidates: Sequence[Checkpoint], values: list[list[float]], best: int) -> list[dict[str, Any]]:
    """Set the best beside each other checkpoint; as any could have been the best, all pairs share the 5 %."""
    level = 1 - 0.05 / max(len(list(combinations(candidates, 2))), 1)
    found = []
    for i, other in enumerate(candidates):
        if i != best:
            gap = mean([a - b for a, b in zip(values[best], values[i], strict=True)], level)
            ends = {"low": gap.low, "high": gap.high}
            found.append({"checkpoint": other.name, "lower_by": gap.mean, **ends, "shown": (gap.low or 0) > 0})
    return found


def _told(checkpoint: Checkpoint, graded: pl.DataFrame, values: list[float]) -> dict[str, Any]:
    """Say what a checkpoint got, in the form that the plots take; lengths stand beside, since judges like them."""
    grade = mean(values)
    return {
        "checkpoint": checkpoint.name,
        "epoch": checkpoint.epoch,
        "grade": grade.mean,
        "low": grade.low,
        "high": grade.high,
        "prompts": grade.n,
        "tokens": graded["tokens"].mean(),
        "cut": int((graded["finish_reason"] == "length").sum()),
        "failed": int(graded["failed"].is_not_null().sum()),
        "ungraded": int((graded["score"].is_null() & graded["failed"].is_null()).sum()),
    }


def _sentence(candidates: Sequence[Checkpoint], grade: float, best: int, peers: list[str], prompts: int) -> str:
    named = f"{candidates[best].name} (epoch {candidates[best].epoch:g})"
    if len(candidates) == 1:
        return f"{named} is the only checkpoint of these epochs: mean grade {grade:.3g} over {prompts} prompts"
    if not peers:
        return (
            f"{named} is best: mean grade {grade:.3g} over {prompts} prompts, and each other one is shown to be lower"
        )
    return (
        f"{named} has the highest mean grade, {grade:.3g} over {prompts} prompts; no difference is shown to "
        f"{', '.join(peers)}. It is taken as the best guess: more prompts or samples would tell"
    )
