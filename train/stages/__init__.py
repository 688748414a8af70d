"""The stages of training. To add one, write `stages/NAME.py` with a `STAGE`, and give it a line in `STAGES`.

Nothing heavy is imported here: the command line reads the table for its help.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curate.train.config import TrainConfig
    from curate.train.data import Data
    from curate.train.end_of_turn import EndOfTurn

# Each stage with what it does, for the help of its command.
STAGES = {
    "sft": "Fine-tune on prompts and answers",
    "dpo": "Prefer chosen answers over rejected ones (DPO)",
    "reward": "Train a reward model on chosen and rejected answers",
    "rloo": "Raise a model's reward by reinforcement learning (RLOO; trl has no PPO any more)",
    "grpo": "Raise a model's reward by reinforcement learning (GRPO)",
    "kto": "Learn from answers marked as good or not (KTO)",
    "orpo": "Fine-tune on chosen answers and away from rejected ones in one stage (ORPO)",
}
LANGUAGE_MODEL, REWARD_MODEL = "AutoModelForCausalLM", "AutoModelForSequenceClassification"


@dataclass
class Job:
    """One run on its way: its config, stage and rows, and the model and tokenizer once they are loaded.

    `notes` holds what the library set of itself, in sentences for the screen and the record; `objects` what a program
    gives trl's trainer beside the config (`curate.train.objects`).
    """

    config: TrainConfig
    stage: Stage
    rows: Data
    held_out: Data | None = None
    model: Any = None
    tokenizer: Any = None
    end: EndOfTurn | None = None
    peft_config: Any = None
    residual: Any = None
    notes: list[str] = field(default_factory=list)
    objects: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Stage:
    """A stage of training: trl's two classes, the form of its data, and the little that differs from the shared way.

    `trl` begins the names of trl's classes (`SFT` for SFTConfig and SFTTrainer), which stand in modules of the folder
    `package`; `form` names the data
    (`curate.train.data`), `keys` are the keys of a config that not every stage takes. `prepare` changes the rows before
    a model is loaded. `settings` are trainer settings that the stage needs where the config leaves them out; it raises
    TrainError where the config contradicts itself. `extras` are what trl's trainer takes beside model, data and
    tokenizer. `architecture` is the Auto class that loads the model, `task` peft's name for it. `figures` measures the
    trained model, before it is saved, for the record; every process calls it. `rows_at_start` is how many rows, in each
    process, show the preflight that all rewards are 0 before the first step; 0 for a stage without a reference.
    """

    name: str
    trl: str
    form: str
    keys: tuple[str, ...] = ("end_of_turn", "residual_dropout")
    prepare: Callable[[Data, TrainConfig], Data] = lambda data, config: data
    settings: Callable[[Job], dict[str, Any]] = lambda job: {}
    extras: Callable[[Job], dict[str, Any]] = lambda job: {}
    architecture: str = LANGUAGE_MODEL
    task: str = "CAUSAL_LM"
    figures: Callable[[Any, Job], dict[str, Any]] = lambda trainer, job: {}
    rows_at_start: int = 0
    package: str = "trl.trainer"

    @property
    def grades(self) -> bool:
        """Whether the model that comes out grades answers and writes none."""
        return self.architecture == REWARD_MODEL

    def of_trl(self, kind: str) -> Any:
        """Import trl's class of this stage: its `Config` or its `Trainer`."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of vLLM, which trl imports, and of what it calls experimental
            return getattr(import_module(f"{self.package}.{self.name}_{kind.lower()}"), f"{self.trl}{kind}")


def stage_of(name: str) -> Stage:
    """Find a stage by its name.

    >>> stage_of("dpo").form
    'preference'
    """
    stage: Stage = import_module(f"curate.train.stages.{name}").STAGE
    return stage
