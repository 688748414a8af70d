"""Dropout that a config shows and a model does not have: trl's disable_dropout sets every p to 0, LoRA's too."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from curate.train.data import Row
from curate.train.findings import Finding
from curate.train.preflight.seen import Seen
from curate.train.residual_dropout import NAME


def lora(seen: Seen) -> Iterator[Finding]:
    """Find a lora_dropout that was asked for and is off."""
    configs = getattr(seen.trainer.model, "peft_config", {})
    asked = max((getattr(config, "lora_dropout", 0) or 0 for config in configs.values()), default=0)
    asked = max(asked, (seen.config.lora or {}).get("lora_dropout", 0))
    found = rates(seen.trainer.model, "lora_dropout")
    if asked and max(found, default=0) != asked:
        yield Finding(
            "lora_dropout",
            "stop",
            f"lora_dropout is {asked} in the config and {max(found, default=0)} in the model: trl's disable_dropout, "
            "which is on by default in DPO, KTO and reward, sets it to 0; set trainer.disable_dropout: false, or "
            "lora_dropout: 0",
            {"config": asked, "model": found},
        )


def residual(seen: Seen) -> Iterator[Finding]:
    """Find a residual_dropout that was asked for and does not rise to it; its self-test refuses a model by itself."""
    asked = seen.config.residual_dropout
    found = rates(seen.trainer.model, NAME)
    if asked and max(found, default=0) != asked:
        yield Finding(
            NAME,
            "stop",
            f"residual_dropout is {asked} in the config and {max(found, default=0)} in the model; is "
            "disable_dropout set?",
            {"config": asked, "model": found},
        )


def rates(model: Any, name: str) -> list[float]:
    """List the different probabilities of the dropouts under a name.

    >>> from torch import nn
    >>> rates(nn.ModuleDict({"lora_dropout": nn.Dropout(0.1), "other": nn.Dropout(0.5)}), "lora_dropout")
    [0.1]
    """
    found = {
        float(module.p)
        for path, module in model.named_modules()
        if name in path.split(".") and type(module).__name__ == "Dropout"
    }
    return sorted(found)


_LOOKED = 64  # rows among which those of the shortest prompts are taken
_EACH = {"dpo": 1, "kto": 2}  # rows a process: a wrong reference shows in one, and KTO compares neighbours
_LETTERS = 200  # of each answer: it shows in the beginnings too, and on a CPU a long pair takes a minute


def rewards(seen: Seen) -> Iterator[Finding]:
    """Find a reference that is not the model training starts from, by trl's own evaluation of a few short rows.

    Their answers are cut short. Every process of a run must ask it, since trl gathers from all.
    """
    if seen.stage not in _EACH or not seen.answers or not seen.answers[0].ids:
        return
    ids = set(seen.answers[0].ids)
    some = sorted(
        (row for row in seen.rows[:_LOOKED] if row.id in ids), key=lambda row: len(json.dumps(row.record["prompt"]))
    )
    if not some:
        return
    found = _at_start(seen, [_short(row) for row in some[: _EACH[seen.stage] * seen.trainer.args.world_size]])
    wrong = {name: value for name, value in found.items() if name.startswith("rewards/") and value != 0}
    if wrong:
        told = ", ".join(f"{name} {value:.4g}" for name, value in wrong.items())
        yield Finding(
            "reference",
            "stop",
            f"the rewards before the first step are not 0 ({told}), so the reference is not the model that training "
            "starts from: give the path of the saved model, so that both are read from it",
            found,
        )
    elif seen.trainer.args.loss_type == ["sigmoid"] and not math.isclose(found["loss"], math.log(2), rel_tol=1e-3):
        yield Finding("reference", "stop", f"the loss before the first step is {found['loss']}, not ln 2", found)


def _short(row: Row) -> Row:
    return row._replace(record={name: value if name == "prompt" else _cut(value) for name, value in row.record.items()})


def _cut(value: Any) -> Any:
    if isinstance(value, list):
        return [{**turn, "content": turn["content"][:_LETTERS]} for turn in value]
    return value[:_LETTERS] if isinstance(value, str) else value


def _at_start(seen: Seen, rows: list[Row]) -> dict[str, float]:
    if seen.stage == "dpo":
        from curate.train.stages.dpo import rewards_at_start

        return rewards_at_start(seen.trainer, rows)
    from datasets import Dataset

    found = seen.trainer.evaluate(Dataset.from_list([row.record for row in rows]))
    return {name.removeprefix("eval_"): value for name, value in found.items() if name.startswith("eval_rewards/")}
