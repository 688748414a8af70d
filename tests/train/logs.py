"""Log histories under the names that trl 1.16 gives; test_plots holds them against a real run."""

from __future__ import annotations

import math
from typing import Any

STEPS = 24


def sft() -> list[dict[str, Any]]:
    log: list[dict[str, Any]] = []
    for step in range(1, STEPS + 1):
        told = {"loss": 4 - step / 12, "grad_norm": 2.0, "learning_rate": 1e-5 * (1 - step / STEPS), "entropy": 1.5}
        log.append(
            {**told, "mean_token_accuracy": step / 40, "num_tokens": 90.0 * step, "epoch": step / 8, "step": step}
        )
        if step % 8 == 0:
            log.append({"eval_loss": 3 + step / 100, "eval_runtime": 0.1, "epoch": step / 8, "step": step})
    return [*log, {"train_runtime": 9.0, "train_loss": 3.0, "total_flos": 1e9, "epoch": 3.0, "step": STEPS}]


def dpo(steps: int = STEPS) -> list[dict[str, Any]]:
    log = []
    for step in range(1, steps + 1):
        far = (step - 1) / steps
        pair = {"rewards/chosen": far, "rewards/rejected": -far, "rewards/margins": 2 * far}
        pair |= {"rewards/accuracies": min(1.0, 3 * far), "logps/chosen": -30 - far, "logps/rejected": -32 - 9 * far}
        loss = math.log(2) - far / 2
        log.append({"loss": loss, "grad_norm": 1.0, "learning_rate": 2e-4, **pair, "epoch": step / 8, "step": step})
    return log


def reward() -> list[dict[str, Any]]:
    told = {"loss": 0.7, "min_reward": -1.0, "mean_reward": 0.1, "max_reward": 1.2, "accuracy": 0.5, "margin": 0.2}
    return [{**told, "grad_norm": 1.0, "learning_rate": 1e-4, "epoch": step / 4, "step": step} for step in range(1, 9)]


def rloo() -> list[dict[str, Any]]:
    told = {"loss": 0.01, "reward": 0.3, "reward_std": 0.1, "kl": 0.002, "completions/mean_length": 41.0}
    told |= {"completions/clipped_ratio": 0.25, "grad_norm": 1.0, "learning_rate": 1e-6}
    return [{**told, "epoch": step / 4, "step": step} for step in range(1, 9)]


def grades() -> list[dict[str, Any]]:
    each = [(1, 3.1), (2, 4.2), (3, 3.9)]
    return [
        {"checkpoint": f"checkpoint-{8 * e}", "epoch": float(e), "grade": g, "low": g - 0.3, "high": g + 0.3}
        for e, g in each
    ]
