"""Supervised fine-tuning on prompts and completions: only completions are trained on."""

from __future__ import annotations

from typing import Any

from curate.train.findings import TrainError
from curate.train.stages import Job, Stage


def _settings(job: Job) -> dict[str, Any]:
    if job.config.trainer.get("completion_only_loss") is False:
        raise TrainError(
            "completion_only_loss: false trains on the prompts too, which prompt-completion data are there to prevent: "
            "leave it out"
        )
    return {"completion_only_loss": True}


STAGE = Stage("sft", "SFT", "prompt_completion", settings=_settings)
