"""What a stage is: trl's two classes, the form of its data, and the little that differs from the shared way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from curate.train.config import TrainConfig
from curate.train.data import Data
from curate.train.end_of_turn import EndOfTurn


@dataclass
class Job:
    """One run on its way: its config, and the model and tokenizer once they are loaded.

    `said` holds what the library set of itself, in sentences for the screen and the record.
    """

    config: TrainConfig
    model: Any = None
    tokenizer: Any = None
    end: EndOfTurn | None = None
    peft_config: Any = None
    residual: Any = None
    said: list[str] = field(default_factory=list)


def _nothing(job: Job) -> dict[str, Any]:
    return {}


def _as_they_are(data: Data, config: TrainConfig) -> Data:
    return data


def _no_figures(trainer: Any, job: Job, rows: Data, held_out: Data | None) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Stage:
    """A stage of training.

    `classes` imports trl's config and trainer. `form` names the data it takes (`curate.train.data`). `settings` are
    trainer settings that this stage needs where the config leaves them out; it raises TrainError where the config
    contradicts itself. `extras` are what its trainer takes beside model, data and tokenizer. `architecture` is the Auto
    class that loads its model, `task` what peft calls it. `prepare` is what it makes of the rows it reads, before a
    model is loaded. `figures` measures the trained model, before it is saved, for the record; every process calls it.
    """

    name: str
    form: str
    classes: Callable[[], tuple[Any, Any]]
    settings: Callable[[Job], dict[str, Any]] = _nothing
    extras: Callable[[Job], dict[str, Any]] = _nothing
    architecture: str = "AutoModelForCausalLM"
    task: str = "CAUSAL_LM"
    prepare: Callable[[Data, TrainConfig], Data] = _as_they_are
    figures: Callable[[Any, Job, Data, Data | None], dict[str, Any]] = _no_figures


STAGES = ("sft", "dpo", "reward", "rloo", "kto")


def stage_of(name: str) -> Stage:
    """Find a stage by its name.

    >>> stage_of("dpo").form
    'preference'
    """
    found: Stage = import_module(f"curate.train.stages.{name}").STAGE
    return found
