"""What RLOO maximises: a reward model, or a function of prompt and response, as judges have them."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from curate.errors import UserError
from curate.models.judges.functions import as_judge
from curate.models.judges.judge import Case, Grade, Judge
from curate.models.weights import find_model, weights
from curate.recipe.registry import find
from curate.thoughts import split
from curate.train.findings import TrainError

_UNANSWERED = "the model's thoughts were cut before an answer"
_FUNCTION = re.compile(r"[\w.]+:\w+")


def is_function(reward: str) -> bool:
    """Tell `module:function` from a model.

    >>> is_function("my_rewards:short"), is_function("out/reward/merged")
    (True, False)
    """
    return bool(_FUNCTION.fullmatch(reward))


def content(reward: str) -> Any:
    """Say what a reward is, for the key of a run: a function with the hash of its file, a model by its weights."""
    return dict(judge(reward).about) if is_function(reward) else weights(reward) or reward


def judge(reward: str) -> Judge:
    """Find a function by `module:function`, here or where Python looks; one annotated `-> Judge` is called for one."""
    try:
        return as_judge(find("judges", reward), name=reward.partition(":")[2])
    except (LookupError, ValueError) as error:
        raise TrainError(f"reward: {error}") from None


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
