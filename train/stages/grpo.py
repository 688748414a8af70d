"""Reinforcement learning of a model's own answers by GRPO (Shao et al. 2024, DeepSeekMath, arXiv 2402.03300).

The baseline of an answer is the mean reward of all answers to the same prompt, and trl divides by their spread, unless
`scale_rewards` says otherwise.
"""

from __future__ import annotations

from curate.train.stages import Stage
from curate.train.stages.rloo import figures, read_reference, reward_functions

STAGE = Stage(
    "grpo", "GRPO", "prompts", keys=("reward",), settings=read_reference, extras=reward_functions, figures=figures
)
