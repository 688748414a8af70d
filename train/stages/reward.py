"""A reward model: a sequence classifier with one output, trained on which of two answers is chosen."""

from __future__ import annotations

import json
from typing import Any

from curate.train import pairwise
from curate.train.data import Data
from curate.train.models import REWARDS
from curate.train.stages import Job, Stage
from curate.train.stages.dpo import STAGE as DPO


def _classes() -> tuple[Any, Any]:
    from trl.trainer.reward_config import RewardConfig
    from trl.trainer.reward_trainer import RewardTrainer

    return RewardConfig, RewardTrainer


def _figures(trainer: Any, job: Job, rows: Data, held_out: Data | None) -> dict[str, Any]:
    if held_out is None:
        job.said.append(pairwise.NOTHING)
        return {"held_out": None}
    by_id = {row.id: row for row in held_out.rows}
    asked = pairwise.rewards(trainer)
    pairs = [pairwise.Scored(chosen, rejected, pairwise.longer(by_id[i])) for i, chosen, rejected in asked]
    if not pairs:
        job.said.append(f"all {len(held_out.rows):,} held-out pairs are longer than max_length: nothing was measured")
        return {"held_out": None}
    found = {
        "file": str(held_out.file),
        "dropped": len(held_out.rows) - len(pairs),
        "prompts": len({json.dumps(by_id[i].record["prompt"]) for i, _, _ in asked}),
        **pairwise.figures(pairs, [pairwise.longer(row) for row in rows.rows]),
    }
    job.said += pairwise.told(found)
    return {"held_out": found}


# task: for peft, whose SEQ_CLS trains the new head (`score`) whole and saves it with the adapter. settings: trl would
# zero the dropout of LoRA here too.
STAGE = Stage(
    "reward",
    "preference",
    _classes,
    settings=DPO.settings,
    architecture=REWARDS,
    task="SEQ_CLS",
    figures=_figures,
)
