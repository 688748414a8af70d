"""Reinforcement learning of a model's own answers: RLOO, which stands where PPO stood.

trl has no PPO any more. RLOO is REINFORCE whose baseline for an answer is the mean reward of the other answers to the
same prompt (Ahmadian et al. 2024, Back to Basics, arXiv 2402.14740). A whole answer counts as one action, so no value
network is trained beside the model; the paper found it at least as good as PPO on the same rewards, in less memory and
with fewer settings.
"""

from __future__ import annotations

from typing import Any

from curate.train.rewards import JudgeReward, functions
from curate.train.stages import Job, Stage

_NOTE = "RLOO (arXiv 2402.14740) stands where PPO stood, which trl has no more: REINFORCE with a leave-one-out baseline"


def read_reference(job: Job) -> dict[str, Any]:
    """Have trl read the reference as the model was read: left to itself it takes the path without model_args."""
    args = {k: v for k, v in job.config.model_args.items() if k not in ("dtype", "attn_implementation")}
    return {"model_init_kwargs": args} if args and not job.peft_config else {}


def reward_functions(job: Job) -> dict[str, Any]:
    """Give trl the rewards that the config names, each with the tokenizer it needs."""
    pairs = functions(job.config.rewards, job.config.model_args.get("dtype", "float32"))
    return {"reward_funcs": [one for one, _ in pairs], "reward_processing_classes": [words for _, words in pairs]}


def figures(trainer: Any, job: Job) -> dict[str, Any]:
    """Say how the mean reward of the sampled answers went, and which answers got none."""
    numbers = _course(trainer, "reward")
    if numbers:
        first, last = numbers.values()
        job.notes.append(f"mean reward {first:.4g} in the first step logged, {last:.4g} in the last")
    parts = []
    for reference, name, reward in zip(
        job.config.rewards, trainer.reward_func_names, trainer.reward_funcs, strict=True
    ):
        part = {"name": reference, **_course(trainer, f"rewards/{name}/mean")}
        if isinstance(reward, JudgeReward) and reward.reasons:
            unscored = reward.without()
            part |= unscored
            loss = "were left out" if len(trainer.reward_funcs) == 1 else "count 0 there where another reward has one"
            answers = f"{unscored['without']:,} of {unscored['asked']:,} answers"
            job.notes.append(f"{answers} got no reward from {name} and {loss}: {next(iter(unscored['why']))}")
        parts.append(part)
    if len(parts) == 1:
        return {"reward": {**parts[0], **numbers}}
    return {"reward": {"name": " + ".join(job.config.rewards), **numbers, "parts": parts}}


def _course(trainer: Any, key: str) -> dict[str, float]:
    values = [entry[key] for entry in trainer.state.log_history if key in entry]
    return {"first": values[0], "last": values[-1]} if values else {}


def _settings(job: Job) -> dict[str, Any]:
    job.notes.append(_NOTE)
    return read_reference(job)


STAGE = Stage("rloo", "RLOO", "prompts", keys=("reward",), settings=_settings, extras=reward_functions, figures=figures)
