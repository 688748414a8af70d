"""Reinforcement learning of a model's own answers: RLOO, which stands where PPO stood.

trl has no PPO any more. RLOO is REINFORCE whose baseline for an answer is the mean reward of the other answers to the
same prompt (Ahmadian et al. 2024, Back to Basics, arXiv 2402.14740). A whole answer counts as one action, so no value
network is trained beside the model; the paper found it at least as good as PPO on the same rewards, in less memory and
with fewer settings.
"""

from __future__ import annotations

from typing import Any

from curate.train.rewards import JudgeReward, is_function, judge, load_reward_model
from curate.train.stages import Job, Stage

_NOTE = "RLOO (arXiv 2402.14740) stands where PPO stood, which trl has no more: REINFORCE with a leave-one-out baseline"


def _settings(job: Job) -> dict[str, Any]:
    """Have trl read the reference as the model was read: left to itself it takes the path without model_args."""
    job.notes.append(_NOTE)
    args = {k: v for k, v in job.config.model_args.items() if k not in ("dtype", "attn_implementation")}
    return {"model_init_kwargs": args} if args and not job.peft_config else {}


def _extras(job: Job) -> dict[str, Any]:
    reward = job.config.reward or ""  # a config without one is refused
    if is_function(reward):
        return {"reward_funcs": [JudgeReward(judge(reward))]}
    model, tokenizer = load_reward_model(reward, job.config.model_args.get("dtype", "float32"))
    return {"reward_funcs": [model], "reward_processing_classes": [tokenizer]}


def _figures(trainer: Any, job: Job) -> dict[str, Any]:
    """Say how the mean reward of the sampled answers went, and which answers got none."""
    means = [entry["reward"] for entry in trainer.state.log_history if "reward" in entry]
    figures: dict[str, Any] = {"name": job.config.reward, "first": means[0], "last": means[-1]} if means else {}
    if means:
        job.notes.append(f"mean reward {means[0]:.4g} in the first step logged, {means[-1]:.4g} in the last")
    reward = trainer.reward_funcs[0]
    if isinstance(reward, JudgeReward) and reward.reasons:
        failed = sum(reward.reasons.values())
        figures |= {"asked": reward.answers, "without": failed, "why": dict(reward.reasons.most_common(8))}
        reason = reward.reasons.most_common(1)[0][0]
        job.notes.append(f"{failed:,} of {reward.answers:,} answers got no reward and were left out: {reason}")
    return {"reward": figures}


STAGE = Stage("rloo", "RLOO", "prompts", keys=("reward",), settings=_settings, extras=_extras, figures=_figures)
