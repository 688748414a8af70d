"""Plain trl, as people use it: no wrapper, no guard."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

from curate.train import preflight, run
from curate.train.config import TrainConfig
from curate.train.stages import stage_of
from tests.train import tiny

_ON_A_CPU = {"use_cpu": True, "bf16": False, "gradient_checkpointing": False, "dataloader_pin_memory": False}
_QUIET = {"report_to": "none", "save_strategy": "no", "disable_tqdm": True, "logging_steps": 1, "max_steps": 1}
LORA = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "task_type": "CAUSAL_LM"}


def load(base: Path) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(base, dtype="float32"), AutoTokenizer.from_pretrained(base)


def beginner(base: Path) -> tuple[Any, Any]:
    """Give a model whose tokenizer begins every text with a token, as Llama's does."""
    from tokenizers import processors

    model, tokenizer = load(base)
    tokenizer.bos_token = "<|endoftext|>"
    pair = [("<|endoftext|>", tokenizer.bos_token_id)]
    tokenizer._tokenizer.post_processor = processors.TemplateProcessing("<|endoftext|> $A", special_tokens=pair)
    return model, tokenizer


def checked(template: str, rows: list[Any], base: Path, folder: Path, stage: str = "sft") -> list[Any]:
    """Check rows as a run does before a model is loaded: there are no weights."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder / "model")
    shutil.copy(base / "config.json", folder / "model")
    file = tiny.write(folder / "rows.jsonl", rows)
    config = TrainConfig(stage=stage, model=str(folder / "model"), data=str(file))
    return preflight.of_rows(config, run.prepare(config).rows.rows)


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
