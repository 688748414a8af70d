"""A reward model: a sequence classifier with one output, trained on which of two answers is chosen."""

from __future__ import annotations

import json
from typing import Any

from curate.train import pairwise
from curate.train.stages import REWARD_MODEL, Job, Stage
from curate.train.stages.dpo import keep_lora_dropout


def _figures(trainer: Any, job: Job) -> dict[str, Any]:
    if job.held_out is None:
        job.notes.append(pairwise.NOTHING)
        return {"held_out": None}
    by_id = {row.id: row for row in job.held_out.rows}
    rewards = pairwise.rewards(trainer)
    pairs = [pairwise.Scored(chosen, rejected, pairwise.longer(by_id[i])) for i, chosen, rejected in rewards]
    if not pairs:
        job.notes.append(
            f"all {len(job.held_out.rows):,} held-out pairs are longer than max_length: nothing was measured"
        )
        return {"held_out": None}
    figures = {
        "file": str(job.held_out.file),
        "dropped": len(job.held_out.rows) - len(pairs),
        "prompts": len({json.dumps(by_id[i].record["prompt"]) for i, _, _ in rewards}),
        **pairwise.figures(pairs, [pairwise.longer(row) for row in job.rows.rows]),
    }
    job.notes += pairwise.sentences(figures)
    return {"held_out": figures}


STAGE = Stage(
    "reward",
    "Reward",
    "preference",
    keys=(),
    settings=keep_lora_dropout,
    architecture=REWARD_MODEL,
    task="SEQ_CLS",  # peft trains the new head (`score`) whole and saves it with the adapter
    figures=_figures,
)
