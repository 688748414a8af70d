"""A reward model as a judge: a transformer with one output, trained on which of two answers people prefer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from curate.generators import models
from curate.generators.contract import Answer, Ask, Failed, Settings
from curate.generators.generator import Generator
from curate.judges.contract import Case, Grade, Judge
from curate.judges.reward_engine import REWARD, RewardEngine


def reward_model(
    *, model: str, engine: dict[str, Any] | None = None, batch_size: int = 8, max_length: int | None = None
) -> Judge:
    """Grade answers by a reward model: its one output for the whole conversation, put through its chat template.

    The model is a generator's engine like any other: it is loaded when first asked, is alone in memory, and what it
    said is kept in the journal. Rewards are rounded to 4 decimals: the digits after them depend on what else is in
    the batch (in half precision more of them do; `dtype: float32` says the same in any batch).

    Not cut but without a grade, with the reason why: a conversation longer than the model takes, one that the chat
    template refuses, and a reward that is no number.

    Args:
        model: a folder or a name of the Hugging Face hub; a sequence classifier with one label, as trl's RewardTrainer
            saves it.
        engine: arguments of transformers' `from_pretrained` (`dtype`, `device_map`, `revision`, …), under their own
            names; without `device_map` the first GPU is used, where there is one.
        batch_size: conversations that go through the model at once; does not change a grade.
        max_length: the most tokens a conversation and its answer may have; by default what the model takes.

    Raises ValueError for a number that cannot be, GeneratorError where the folder holds no model; when first asked,
    GeneratorError where it is no reward model.
    """
    given = engine or {}
    if batch_size < 1 or (max_length is not None and max_length < 1):
        raise ValueError(f"reward_model: batch_size and max_length are 1 or more, not {batch_size} and {max_length}")
    if refused := sorted({"num_labels", "output_loading_info"} & set(given)):
        raise ValueError(f"reward_model: engine cannot set '{refused[0]}': a reward model has one label, and is asked")
    settings = Settings("reward_model", model, given, {"max_length": max_length}, weights=models.weights(model))
    generator = Generator(settings, partial(RewardEngine, model, given, batch_size), name="reward model")
    about = {"judge": "reward_model", "generator": generator.describe()}
    return Judge(partial(_grade, generator), about, "reward_model", (generator,))


def _grade(generator: Generator, cases: Sequence[Case]) -> list[Grade]:
    said = ([*case.messages, {"role": "assistant", "content": case.response}] for case in cases)
    return [_reward(answer) for answer in generator.ask([Ask(turns, 0, labels=(REWARD,)) for turns in said])]


def _reward(answer: Answer | Failed) -> Grade:
    if isinstance(answer, Failed):
        return Grade(None, why=answer.reason, again=answer.again)
    reward = (answer.labels or {}).get(REWARD, math.nan)
    return Grade(reward) if math.isfinite(reward) else Grade(None, why="the reward is no number")
