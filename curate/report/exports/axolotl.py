"""Export for axolotl: messages with `type: chat_template`, pairs with `rl: dpo`.

Fields: https://docs.axolotl.ai/docs/config-reference.html, dataset-formats/conversation.html, rlhf.html.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from curate.folders import claim
from curate.report.exports.config import (
    BY,
    Asked,
    Say,
    asked,
    left,
    read,
    rows_of,
    taken,
    warm_up,
    write_config,
    write_rows,
)

_TRAINER = {
    "learning_rate": "learning_rate",
    "num_train_epochs": "num_epochs",
    "max_steps": "max_steps",
    "per_device_train_batch_size": "micro_batch_size",
    "gradient_accumulation_steps": "gradient_accumulation_steps",
    "per_device_eval_batch_size": "eval_batch_size",
    "optim": "optimizer",
    "adam_beta1": "adam_beta1",
    "adam_beta2": "adam_beta2",
    "adam_epsilon": "adam_epsilon",
    "weight_decay": "weight_decay",
    "max_grad_norm": "max_grad_norm",
    "lr_scheduler_type": "lr_scheduler",
    "lr_scheduler_kwargs": "lr_scheduler_kwargs",
    "max_length": "sequence_len",
    "gradient_checkpointing": "gradient_checkpointing",
    "gradient_checkpointing_kwargs": "gradient_checkpointing_kwargs",
    "neftune_noise_alpha": "neftune_noise_alpha",
    "save_strategy": "save_strategy",
    "save_steps": "save_steps",
    "save_total_limit": "save_total_limit",
    "logging_steps": "logging_steps",
    "bf16": "bf16",
    "fp16": "fp16",
}
_DPO = {"beta": "rl_beta", "label_smoothing": "dpo_label_smoothing"}
_HELD_OUT = {
    "eval_strategy": "eval_strategy",
    "eval_steps": "eval_steps",
    "load_best_model_at_end": "load_best_model_at_end",
}
_LORA = {
    "r": "lora_r",
    "lora_alpha": "lora_alpha",
    "lora_dropout": "lora_dropout",
    "modules_to_save": "lora_modules_to_save",
    "fan_in_fan_out": "lora_fan_in_fan_out",
    "use_dora": "peft_use_dora",
    "use_rslora": "peft_use_rslora",
}
_MODEL = {"trust_remote_code": "trust_remote_code", "revision": "revision_of_model"}


def axolotl(out: Path, to: Path, config: Path | None = None, say: Say | None = None) -> list[Path]:
    """Write a set as axolotl reads it, with a config by what `curate train` would have done.

    `config` is a training config; what it asks for and axolotl has no counterpart for stands in the written file's
    comments, and is told to `say`. Raise ExportError, or RecipeError for the config, in words.
    """
    rows, stage = read(out)
    plan = asked(config, stage)
    records = rows_of(rows, plan)
    claim(to, BY, ("train.jsonl", "axolotl.yaml"), option="--to")
    data = write_rows(to, "train.jsonl", map(_record, records))
    made = {"base_model": plan.model, **_dataset(plan), **_trainer(plan), **_lora(plan), "output_dir": "./model"}
    file = write_config(to, "axolotl.yaml", made, plan, "axolotl", "axolotl train axolotl.yaml", say)
    return [data, file]


def _record(row: dict[str, Any]) -> dict[str, Any]:
    """Give a pair the keys of `chat_template.default`: what stands before, and each answer as one turn."""
    if "messages" in row:
        return row
    return {"id": row["id"], "messages": row["prompt"], "chosen": row["chosen"][0], "rejected": row["rejected"][0]}


def _dataset(plan: Asked) -> dict[str, Any]:
    described: dict[str, Any] = {"path": "train.jsonl", "ds_type": "json", "split": "train"}
    mapping = {"field_messages": "messages", "message_property_mappings": {"role": "role", "content": "content"}}
    if plan.stage == "sft":
        described |= {"type": "chat_template", **mapping, "roles_to_train": ["assistant"], "train_on_eos": "turn"}
        found: dict[str, Any] = {"datasets": [described]}
    else:
        described |= {
            "type": "chat_template.default",
            **mapping,
            "field_chosen": "chosen",
            "field_rejected": "rejected",
        }
        found = {"rl": "dpo", "datasets": [described]}
    if plan.held_out:
        plan.said.append("held_out: axolotl draws its share from the rows, not from the prompts.")
    # tokenizer_default: the chat template that the model has, as in `curate train`
    return {"chat_template": "tokenizer_default", **found, "val_set_size": plan.held_out or 0.0}


def _trainer(plan: Asked) -> dict[str, Any]:
    names = {**_TRAINER, **(_DPO if plan.stage == "dpo" else {}), **(_HELD_OUT if plan.held_out else {})}
    values = dict(plan.trainer)
    packing = bool(values.pop("packing", False))
    if plan.stage == "dpo" and values.get("loss_type") in ("sigmoid", ["sigmoid"]):
        values.pop("loss_type")  # which is what `rl: dpo` is
    plan.said.append("max_length: axolotl leaves out rows that are longer than sequence_len.")
    left(plan, "trainer", values, {*names, "warmup_steps"})
    return {"bf16": "auto", **taken(values, names), **warm_up(plan), "sample_packing": packing, "seed": plan.seed}


def _lora(plan: Asked) -> dict[str, Any]:
    made = taken(plan.model_args, _MODEL)
    left(plan, "model_args", plan.model_args, set(_MODEL))
    if plan.lora is None:
        return made
    given = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, **plan.lora}  # peft's defaults
    modules = given.pop("target_modules", None)
    if modules is None:
        plan.said.append("target_modules: peft would choose by architecture; here all linear layers are meant.")
    every = modules in (None, "all-linear")
    left(plan, "lora", given, {*_LORA, "task_type"})
    made |= {"adapter": "lora", **taken(given, _LORA)}
    made |= {"lora_target_linear": True} if every else {"lora_target_modules": modules}
    return {**made, **_quantized(plan)}


def _quantized(plan: Asked) -> dict[str, Any]:
    given = plan.quantization or {}
    four = {key: value for key, value in given.items() if key.startswith("bnb_4bit_")}
    left(plan, "quantization", given, {"load_in_4bit", "load_in_8bit", *four})
    if given.get("load_in_4bit"):
        four = {"bnb_4bit_quant_type": "fp4", "bnb_4bit_use_double_quant": False, **four}  # BitsAndBytesConfig's own
        return {"adapter": "qlora", "load_in_4bit": True, "bnb_config_kwargs": four}
    return {"load_in_8bit": True} if given.get("load_in_8bit") else {}
