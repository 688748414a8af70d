"""Reinforcement learning of a model's own answers: RLOO, which stands where PPO stood.

trl has no PPO any more. RLOO is REINFORCE whose baseline for an answer is the mean reward of the other answers to the
same prompt (Ahmadian et al. 2024, Back to Basics, arXiv 2402.14740). A whole answer counts as one action, so no value
network is trained beside the model; the paper found it at least as good as PPO on the same rewards, in less memory and
with fewer settings.
"""

from __future__ import annotations

import warnings
from typing import Any

from curate.train.data import Data
from curate.train.rewards import Rewarded, is_function, judge, load_reward_model
from curate.train.stages import Job, Stage

_SAID = "RLOO (arXiv 2402.14740) stands where PPO stood, which trl has no more: REINFORCE with a leave-one-out baseline"


def _classes() -> tuple[Any, Any]:
    from trl.trainer.rloo_config import RLOOConfig

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # trl imports vLLM where it is installed, and that has much to say
        from trl.trainer.rloo_trainer import RLOOTrainer

    return RLOOConfig, RLOOTrainer


def _settings(job: Job) -> dict[str, Any]:
    """Have trl read the reference as the model was read: left to itself it takes the path without model_args."""
    job.said.append(_SAID)
    told = {k: v for k, v in job.config.model_args.items() if k not in ("dtype", "attn_implementation")}
    return {"model_init_kwargs": told} if told and not job.peft_config else {}


def _extras(job: Job) -> dict[str, Any]:
    reward = job.config.reward or ""  # a config without one is refused
    if is_function(reward):
        return {"reward_funcs": [Rewarded(judge(reward))]}
    model, tokenizer = load_reward_model(reward, job.config.model_args.get("dtype", "float32"))
    return {"reward_funcs": [model], "reward_processing_classes": [tokenizer]}


def _figures(trainer: Any, job: Job, rows: Data, held_out: Data | None) -> dict[str, Any]:
    """Say how the mean reward of the sampled answers went, and which answers got none."""
    seen = [entry["reward"] for entry in trainer.state.log_history if "reward" in entry]
    found: dict[str, Any] = {"name": job.config.reward, "first": seen[0], "last": seen[-1]} if seen else {}
    if seen:
        job.said.append(f"mean reward {seen[0]:.4g} in the first step logged, {seen[-1]:.4g} in the last")
    scored = trainer.reward_funcs[0]
    if isinstance(scored, Rewarded) and scored.why:
        without = sum(scored.why.values())
        found |= {"asked": scored.asked, "without": without, "why": dict(scored.why.most_common(8))}
        reason = scored.why.most_common(1)[0][0]
        job.said.append(f"{without:,} of {scored.asked:,} answers got no reward and were left out: {reason}")
    return {"reward": found}


STAGE = Stage("rloo", "prompts", _classes, settings=_settings, extras=_extras, figures=_figures)
