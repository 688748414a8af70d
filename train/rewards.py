"""What RLOO and GRPO maximise: a reward model, a function of prompt and response, or a judge."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from curate.errors import UserError
from curate.models.judges.functions import as_judge
from curate.models.judges.judge import Case, Grade, Judge, grades_none
from curate.models.weights import find_model, weights
from curate.recipe.load import named_judge
from curate.recipe.registry import find, names
from curate.thoughts import split
from curate.train.findings import TrainError

_UNANSWERED = "the model's thoughts were cut before an answer"
_FUNCTION = re.compile(r"[\w.]+:\w+")
_FILES = (".yaml", ".yml")


def is_judge(reward: str) -> bool:
    """Tell a judge from a model: `module:function`, a packaged one (`rules`), or a file, with `#NAME` or without.

    >>> is_judge("my_rewards:short"), is_judge("judges.yaml#helpful"), is_judge("out/reward/merged")
    (True, True, False)
    """
    known = reward in names("judges") and not Path(reward).is_dir()
    return bool(_FUNCTION.fullmatch(reward)) or reward.partition("#")[0].endswith(_FILES) or known


def content(reward: str) -> Any:
    """Say what a reward is, for the key of a run: a judge as it describes itself, a model by its weights."""
    return dict(judge(reward).about) if is_judge(reward) else weights(reward) or reward


def judge(reward: str) -> Judge:
    """Find a judge that grades single answers, by what `reward` names (`is_judge`).

    A function `module:function` is looked for here and where Python looks; one annotated `-> Judge` is called for one.
    Raise TrainError, or RecipeError for a file of judges, in words.
    """
    file, _, name = reward.partition("#")
    try:
        if file.endswith(_FILES):
            one = named_judge(Path(file), name or None)
        elif ":" in reward:
            one = as_judge(find("judges", reward), name=reward.partition(":")[2])
        else:
            one = named_judge(name=reward)
    except (LookupError, ValueError) as error:
        raise TrainError(f"reward: {error}") from None
    if one.grade is grades_none:
        raise TrainError(f"reward: {reward} compares two answers, and a reward is a number for one")
    return one


def functions(rewards: Sequence[str], dtype: str) -> list[tuple[Any, Any]]:
    """Make trl's reward functions, each with its tokenizer; None for a judge, which reads text."""
    return [
        (JudgeReward(judge(reward)), None) if is_judge(reward) else load_reward_model(reward, dtype)
        for reward in rewards
    ]


class JudgeReward:
    """A judge as trl's reward function, of answers without their thoughts.

    It counts the answers without a reward, which trl then leaves out.
    """

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.__name__ = judge.name
        self.answers = 0
        self.reasons: Counter[str] = Counter()

    def __call__(self, prompts: list[Any], completions: list[Any], **more: Any) -> list[float | None]:
        """Grade a batch; raise TrainError when nothing of it has a grade, since nothing can be learned from it."""
        ids = more.get("id") or [""] * len(prompts)
        texts = [split(_text(completion)).answer for completion in completions]
        asked = zip(ids, prompts, texts, strict=True)
        cases = [Case(str(i), _turns(prompt), text) for i, prompt, text in asked if text is not None]
        graded = iter(self.judge.grade(cases) if cases else ())
        grades = [Grade(None, why=_UNANSWERED) if text is None else next(graded) for text in texts]
        self.answers += len(grades)
        self.reasons.update(grade.why or "no reason given" for grade in grades if grade.score is None)
        if all(grade.score is None for grade in grades):
            raise TrainError(f"reward: {self.judge.name} gave none of {len(grades)} answers a reward: {grades[0].why}")
        return [grade.score for grade in grades]

    def without(self) -> dict[str, Any]:
        """Count the answers without a reward, by the reason."""
        return {"asked": self.answers, "without": self.reasons.total(), "why": dict(self.reasons.most_common(8))}


def load_reward_model(reward: str, dtype: str) -> tuple[Any, Any]:
    """Load a reward model and its tokenizer; raise TrainError for a model that is none.

    A language model would load here too, with a head of random numbers: that would be a reward by chance.
    """
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    try:
        path = find_model(reward)
        trust = {"trust_remote_code": False}  # explicit, or transformers asks at the terminal
        tokenizer: Any = AutoTokenizer.from_pretrained(path, **trust)
        model, info = AutoModelForSequenceClassification.from_pretrained(
            path, dtype=dtype, output_loading_info=True, **trust
        )
    except UserError:
        raise
    except (OSError, ValueError) as error:
        raise TrainError(f"the reward model {reward} cannot be loaded: {str(error).strip().splitlines()[0]}") from None
    if info["missing_keys"] or model.config.num_labels != 1:
        raise TrainError(
            f"reward: {reward} is no reward model: that is a sequence classifier with one label and weights for it, as "
            "`curate train reward` saves it"
        )
    return model.eval().requires_grad_(False), tokenizer


def _turns(prompt: Any) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt


def _text(completion: Any) -> str:
    return completion if isinstance(completion, str) else str(completion[-1]["content"])
