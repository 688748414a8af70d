"""The stages of training, each only by what differs from the shared way in `curate.train.run`."""

from __future__ import annotations

from importlib import import_module

from curate.train.stages.contract import Stage

STAGES = ("sft", "dpo", "reward", "rloo", "kto")


def stage_of(name: str) -> Stage:
    """Find a stage by its name.

    >>> stage_of("dpo").form
    'preference'
    """
    found: Stage = import_module(f"curate.train.stages.{name}").STAGE
    return found
