"""How good a reward model is, on pairs it was not trained on, and beside what length alone would get right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from curate.pairs.shortcuts.scoring import share
from curate.train.data import Row

SIMILAR = 0.1  # two answers are alike in length when they differ by at most a tenth of the longer one
NOTHING = "nothing was held out, so nothing says how good this reward model is: set held_out: 0.1, or eval_data"


class Scored(NamedTuple):
    """A pair with the rewards of its two answers, and by how much the chosen one is longer (share of the longer)."""

    chosen: float
    rejected: float
    longer: float


_LENGTHS: dict[str, Callable[[float], bool]] = {
    "chosen longer": lambda longer: longer > SIMILAR,
    "alike": lambda longer: abs(longer) <= SIMILAR,
    "chosen shorter": lambda longer: longer < -SIMILAR,
}


def longer(row: Row) -> float:
    """Measure by how much the chosen answer is longer, in characters, as a share of the longer one.

    >>> longer(Row("1", "line 1", {"chosen": "yes", "rejected": "no"}))
    0.3333333333333333
    """
    chosen, rejected = (_length(row.record[name]) for name in ("chosen", "rejected"))
    return (chosen - rejected) / max(chosen, rejected, 1)


def figures(pairs: Sequence[Scored], trained_on: Sequence[float]) -> dict[str, Any]:
    """Count the pairs whose chosen answer has the greater reward; equal rewards count as wrong.

    The intervals are Wilson's, of 95 %. The rule of length is read off the rows that were trained on: the longer answer
    if the chosen one was so more often, else the shorter; equal lengths count half.

    >>> result = figures([Scored(1, 0, 0.5), Scored(2, 0, -0.5), Scored(0, 1, 0.0)], [0.2, 0.3, -0.1])
    >>> result["accuracy"], result["margin"], result["length_alone"]["rule"], result["length_alone"]["accuracy"]
    (0.6667, 0.6667, 'the longer answer', 0.5)
    """
    sign = 1 if sum(x > 0 for x in trained_on) >= sum(x < 0 for x in trained_on) else -1
    by_rule = sum(1.0 if sign * p.longer > 0 else 0.5 if p.longer == 0 else 0.0 for p in pairs)
    groups = {name: [p for p in pairs if fits(p.longer)] for name, fits in _LENGTHS.items()}
    return {
        **share(sum(p.chosen > p.rejected for p in pairs), len(pairs)),
        "equal_rewards": sum(p.chosen == p.rejected for p in pairs),
        "margin": round(sum(p.chosen - p.rejected for p in pairs) / len(pairs), 4),
        "by_length": {
            name: share(sum(p.chosen > p.rejected for p in group), len(group)) if group else None
            for name, group in groups.items()
        },
        "length_alone": {
            "rule": "the longer answer" if sign > 0 else "the shorter answer",
            **share(by_rule, len(pairs)),
        },
    }


def sentences(result: dict[str, Any]) -> list[str]:
    """Say the figures in sentences, with a warning where they say nothing more than length does."""
    rule = result["length_alone"]
    by_length = [f"{name} {_percent(part)}" for name, part in result["by_length"].items() if part]
    lines = [
        f"held out: {_percent(result)} right, margin {result['margin']:.4g}; {rule['rule']} alone would get "
        f"{_percent(rule)} right",
        f"held out, by length: {', '.join(by_length)}",
    ]
    if result["low"] <= rule["accuracy"]:
        lines.append(
            "the interval reaches down to what length alone gets right: nothing shows that it has learned more"
        )
    if result["prompts"] < result["pairs"]:
        lines.append(f"{result['pairs']:,} pairs are of {result['prompts']:,} prompts: the true interval is wider")
    if result["dropped"]:
        lines.append(f"{result['dropped']:,} held-out pairs are longer than max_length and were not asked about")
    return lines


def rewards(trainer: Any) -> list[tuple[str, float, float]]:
    """Compute the model's rewards for the trainer's held-out pairs: id, chosen, rejected.

    Not by trl's evaluation, whose accuracy is a mean of batches, the last one smaller. Every process computes all.
    """
    import torch

    pairs, size = trainer.eval_dataset, trainer.args.per_device_eval_batch_size
    model = trainer.model_wrapped.eval()
    result: list[tuple[str, float, float]] = []
    for start in range(0, len(pairs), size):
        rows = [pairs[i] for i in range(start, min(start + size, len(pairs)))]
        batch = {name: value.to(trainer.args.device) for name, value in trainer.data_collator(rows).items()}
        with torch.no_grad(), trainer.compute_loss_context_manager():
            chosen, rejected = model(**batch, use_cache=False).logits[:, 0].float().chunk(2)
        result += zip((row["id"] for row in rows), chosen.tolist(), rejected.tolist(), strict=True)
    return result


def _length(answer: Any) -> int:
    return len(answer) if isinstance(answer, str) else sum(len(turn["content"] or "") for turn in answer)


def _percent(part: dict[str, Any]) -> str:
    low, high = 100 * part["low"], 100 * part["high"]
    return f"{100 * part['accuracy']:.1f} % ({low:.1f} to {high:.1f}) of {part['pairs']:,}"
