"""Plain trl, as people use it: no wrapper, no guard; and what the checks are given of it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from curate.train.config import TrainConfig
from curate.train.data import Row
from curate.train.preflight.seen import Seen

_ON_A_CPU = {"use_cpu": True, "bf16": False, "gradient_checkpointing": False, "dataloader_pin_memory": False}
_QUIET = {"report_to": "none", "save_strategy": "no", "disable_tqdm": True, "logging_steps": 1, "max_steps": 1}
LORA = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "task_type": "CAUSAL_LM"}


def loaded(base: Path) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(base, dtype="float32"), AutoTokenizer.from_pretrained(base)


def sft(out: Path, model: Any, words: Any, rows: list[dict[str, Any]], lora: Any = None, **settings: Any) -> Any:
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    return _trainer(SFTTrainer, SFTConfig, out, model, words, rows, lora, settings)


def dpo(out: Path, model: Any, words: Any, rows: list[dict[str, Any]], lora: Any = None, **settings: Any) -> Any:
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    return _trainer(DPOTrainer, DPOConfig, out, model, words, rows, lora, settings)


def _trainer(
    kind: Any, takes: Any, out: Path, model: Any, words: Any, rows: list[Any], lora: Any, settings: dict[str, Any]
) -> Any:
    from datasets import Dataset
    from peft import LoraConfig

    more = {key: settings.pop(key) for key in ("ref_model", "data_collator") if key in settings}
    return kind(
        model=model,
        args=takes(output_dir=str(out), **{**_ON_A_CPU, **_QUIET, "per_device_train_batch_size": 4, **settings}),
        train_dataset=Dataset.from_list(rows),
        processing_class=words,
        peft_config=LoraConfig(**copy.deepcopy({**LORA, **lora})) if lora is not None else None,
        **more,
    )


def seen(trainer: Any, stage: Any, rows: list[dict[str, Any]], base: Path, **config: Any) -> Seen:
    """What the checks look at, for a trainer and the rows it was given."""
    given = [Row(r["id"], f"line {i}", {k: v for k, v in r.items() if k != "id"}) for i, r in enumerate(rows, 1)]
    return Seen(trainer, stage, TrainConfig(stage=stage, model=str(base), data="rows.jsonl", **config), given)
