"""What a program gives trl's trainer by object, beside the config: callbacks, a model, optimisers, a set."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from curate import cache
from curate.errors import did_you_mean
from curate.train.data import Data
from curate.train.findings import TrainError
from curate.train.stages import stage_of

Objects = Mapping[str, Any]

# What the config says already, and where.
_IN_CONFIG = {
    "args": "its settings stand under 'trainer' in the config",
    "reward_funcs": "rewards stand under 'reward' in the config, as module:function",
    "reward_processing_classes": "each reward under 'reward' in the config is loaded with its own",
}
# Keys of a config that say the same as an object, or would change it: one of the two has to go.
_CONTRADICTS = {
    "model": ("quantization", "model_args", "end_of_turn"),
    "processing_class": ("end_of_turn",),
    "peft_config": ("lora",),
    "train_dataset": ("data", "rows", "held_out"),
    "eval_dataset": ("eval_data", "held_out"),
}


def refuse(stage: str, config: Mapping[str, Any], objects: Objects) -> None:
    """Raise TrainError for an object that trl's trainer does not take, or that contradicts the config."""
    trainer = stage_of(stage).of_trl("Trainer")
    names = list(inspect.signature(trainer.__init__).parameters)[1:]
    for name in objects:
        if name in _IN_CONFIG:
            raise TrainError(f"{name} is not given by object: {_IN_CONFIG[name]}")
        if name not in names:
            raise TrainError(f"trl's {trainer.__name__} takes no '{name}'; {did_you_mean(name, names)}")
        for key in _CONTRADICTS.get(name, ()):
            if config.get(key):
                raise TrainError(f"{name} is given by object, and the config has {key}: leave one of them out")
    if hasattr(objects.get("model"), "peft_config"):
        raise TrainError("model has an adapter in it: give the base, with lora or peft_config, or the merged model")


def rows(dataset: Any) -> Data:
    """Stand for a set that is given by object: trl reads it, and no row is looked at before."""
    about = [getattr(dataset, "_fingerprint", None), type(dataset).__qualname__]
    try:
        count = len(dataset)
    except TypeError:
        raise TrainError("train_dataset has no length: give a Dataset, or set data to a file") from None
    return Data(Path("train_dataset"), cache.key_of(about), count, [])


def describe(objects: Objects) -> dict[str, Any]:
    """Name each object by its class, or by itself where it is a function."""
    return {name: _name(value) for name, value in sorted(objects.items())}


def notes(objects: Objects) -> list[str]:
    """Say what the key of a run does not see, and what the checks before training do not."""
    if not objects:
        return []
    unseen = ["train_dataset is not looked at before training"] if "train_dataset" in objects else []
    names = ", ".join(f"{name} ({value})" for name, value in describe(objects).items())
    key = "the key knows their classes only: after a change in one, train with fresh"
    return [f"by object: {names}; {key}", *unseen]


def _name(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_name(one) for one in value]
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}.{named.__qualname__}"
