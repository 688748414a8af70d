"""Direct preference optimisation: the reference is the model that training starts from, read from the same path."""

from __future__ import annotations

import copy
from typing import Any

from curate.train.findings import TrainError
from curate.train.models import load_model
from curate.train.stages import Job, Stage


def keep_lora_dropout(job: Job) -> dict[str, Any]:
    """Keep the dropout of LoRA: trl's disable_dropout, on by default, would set it to 0 while the config shows it.

    The model's own dropout stays off, as trl's default has it: the reference must not be a random one.
    """
    dropout = (job.config.lora or {}).get("lora_dropout", 0)
    if not dropout or job.config.trainer.get("disable_dropout") is False:
        return {}
    if job.config.trainer.get("disable_dropout"):
        raise TrainError(
            f"lora_dropout: {dropout} and disable_dropout: true contradict each other: leave disable_dropout out to "
            "keep the dropout of LoRA, or set lora_dropout: 0"
        )
    from trl.trainer.utils import disable_dropout_in_model

    disable_dropout_in_model(job.model)  # LoRA's layers come later
    job.notes.append(f"disable_dropout: false, for lora_dropout {dropout} to count; the model's own dropout is off")
    return {"disable_dropout": False}


def reference(job: Job) -> dict[str, Any]:
    """Give full fine-tuning its reference by loading the model once more in the same way.

    Left to itself trl reads the reference by the name in the model's config, which is another model wherever the one in
    memory is not what that name holds. With LoRA the reference is the model with the adapter switched off.
    """
    if job.peft_config or job.config.trainer.get("precompute_ref_log_probs"):
        return {}
    return {"ref_model": copy.deepcopy(job.model) if "model" in job.objects else load_model(job)}


STAGE = Stage("dpo", "DPO", "preference", settings=keep_lora_dropout, extras=reference, rows_at_start=1)
