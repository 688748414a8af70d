"""The config of a training stage: the one that is named, with the arm's changes and the ablation's seed."""

from __future__ import annotations

import copy

from curate.ablate.changed import ChangeError
from curate.ablate.finding import beside
from curate.ablate.keys import ArmKeys
from curate.ablate.overlay import assign_all
from curate.places import Places, refuse_secrets
from curate.train.config import TrainConfig, read, resolve

LATER = "what is made before it"  # stands for the set and the model that do not exist yet


def config_of(arm: ArmKeys, stage: str, file: str, seed: int = 0) -> TrainConfig:
    """Read, change and check the config of one of an arm's stages; raise RecipeError with what is wrong.

    The first stage starts from the model of its config, or from the arm's `model`, the others each from the model
    before them. In a config of several stages the block of this one is meant. `file` is the ablation's.
    """
    keys, first = arm.train[stage], stage == next(iter(arm.train))
    data, places = read(keys.config if isinstance(keys.config, dict) else beside(file, keys.config))
    inner = isinstance(data.get(stage), dict)
    changed = copy.deepcopy(data[stage] if inner else data)
    try:
        assign_all(changed, keys.set)
    except ValueError as error:
        raise ChangeError(places.file, [(("set",), str(error))]) from None
    model = arm.model if first else LATER
    changed |= {"seed": seed, "data": LATER, **({"model": model} if model else {})}
    refuse_secrets(changed, places, (stage,) if inner else ())
    # A config that stands in the ablation itself has no file of its own.
    return resolve(stage, changed, places if places.lines else Places(file), (stage,) if inner else ())
