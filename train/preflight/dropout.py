"""Dropout that a config shows and a model does not have: trl's disable_dropout sets every p to 0, LoRA's too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

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
