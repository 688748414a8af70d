"""Direct preference optimisation: the reference is the model that training starts from, read from the same path."""

from __future__ import annotations

from typing import Any

from curate.train.data import Row
from curate.train.findings import TrainError
from curate.train.stages import Job, Stage


def _classes() -> tuple[Any, Any]:
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    return DPOConfig, DPOTrainer


def _settings(job: Job) -> dict[str, Any]:
    """Keep the dropout of LoRA: trl's disable_dropout, on by default, would set it to 0 while the config shows it.

    The model's own dropout stays off, as trl's default has it: the reference must not be a random one.
    """
    asked = (job.config.lora or {}).get("lora_dropout", 0)
    if not asked or job.config.trainer.get("disable_dropout") is False:
        return {}
    if job.config.trainer.get("disable_dropout"):
        raise TrainError(
            f"lora_dropout: {asked} and disable_dropout: true contradict each other: leave disable_dropout out to keep "
            "the dropout of LoRA, or set lora_dropout: 0"
        )
    from trl.trainer.utils import disable_dropout_in_model

    disable_dropout_in_model(job.model)  # LoRA's layers come later
    job.said.append(f"disable_dropout: false, for lora_dropout {asked} to count; the model's own dropout is off")
    return {"disable_dropout": False}


def _extras(job: Job) -> dict[str, Any]:
    """Give full fine-tuning its reference by loading the model once more in the same way.

    Left to itself trl reads the reference by the name in the model's config, which is another model wherever the one in
    memory is not what that name holds. With LoRA the reference is the model with the adapter switched off.
    """
    if job.peft_config or job.config.trainer.get("precompute_ref_log_probs"):
        return {}
    from curate.train.models import load_model

    return {"ref_model": load_model(job.config, job.end, job.tokenizer, STAGE.architecture)}


def rewards_at_start(trainer: Any, rows: list[Row]) -> dict[str, float]:
    """Evaluate a batch of the training rows before the first step: with the right reference each reward is exactly 0.

    Ask it inside `curate.train.run.undisturbed`. Every process of a run must ask it, since trl gathers from all.
    """
    from datasets import Dataset

    few = rows[: trainer.args.per_device_eval_batch_size * trainer.args.world_size]
    found = trainer.evaluate(Dataset.from_list([row.record for row in few]))
    return {name: found[f"eval_{name}"] for name in ("rewards/chosen", "rewards/rejected", "rewards/margins", "loss")}


STAGE = Stage("dpo", "preference", _classes, settings=_settings, extras=_extras)
