"""Plain trl, as people use it: no wrapper, no guard."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from curate.train.stages import stage_of

_ON_A_CPU = {"use_cpu": True, "bf16": False, "gradient_checkpointing": False, "dataloader_pin_memory": False}
_QUIET = {"report_to": "none", "save_strategy": "no", "disable_tqdm": True, "logging_steps": 1, "max_steps": 1}
LORA = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "task_type": "CAUSAL_LM"}


def load(base: Path) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(base, dtype="float32"), AutoTokenizer.from_pretrained(base)


def trainer(
    stage: str, out: Path, model: Any, tokenizer: Any, rows: list[Any], lora: Any = None, **settings: Any
) -> Any:
    from datasets import Dataset
    from peft import LoraConfig

    more = {key: settings.pop(key) for key in ("ref_model", "data_collator") if key in settings}
    args = {**_ON_A_CPU, **_QUIET, "per_device_train_batch_size": 4, **settings}
    return stage_of(stage).of_trl("Trainer")(
        model=model,
        args=stage_of(stage).of_trl("Config")(output_dir=str(out), **args),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=None if lora is None else LoraConfig(**copy.deepcopy({**LORA, **lora})),
        **more,
    )
