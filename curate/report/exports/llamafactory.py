"""Export for LLaMA-Factory: messages or pairs in its `sharegpt` formatting, dataset_info.json, and a config.

Fields: https://github.com/hiyouga/LLaMA-Factory, data/README.md (data) and src/llamafactory/hparams (arguments), whose
help texts are its reference; the training arguments are those of transformers.
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
    write_json,
    write_rows,
)

_NAME = "curated"
_TAGS = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
# transformers' own arguments, by their own names
_TRAINER = (
    *("learning_rate", "num_train_epochs", "max_steps", "per_device_train_batch_size", "per_device_eval_batch_size"),
    *("gradient_accumulation_steps", "optim", "adam_beta1", "adam_beta2", "adam_epsilon", "weight_decay"),
    *("max_grad_norm", "lr_scheduler_type", "lr_scheduler_kwargs", "neftune_noise_alpha", "bf16", "fp16"),
    *("save_strategy", "save_steps", "save_total_limit", "save_only_model", "logging_steps"),
)
_OTHER = {"max_length": "cutoff_len", "packing": "packing"}
_DPO = {"beta": "pref_beta", "loss_type": "pref_loss", "label_smoothing": "dpo_label_smoothing"}
_LOSSES = ("sigmoid", "hinge", "ipo")  # by the same names in trl
_HELD_OUT = ("eval_strategy", "eval_steps", "load_best_model_at_end", "metric_for_best_model", "greater_is_better")
_LORA = {
    "r": "lora_rank",
    "lora_alpha": "lora_alpha",
    "lora_dropout": "lora_dropout",
    "use_dora": "use_dora",
    "use_rslora": "use_rslora",
}
_MODEL = {"trust_remote_code": "trust_remote_code", "revision": "model_revision"}


def llamafactory(out: Path, to: Path, config: Path | None = None, say: Say | None = None) -> list[Path]:
    """Write a set as LLaMA-Factory reads it, with a config by what `curate train` would have done.

    `config` is a training config; what it asks for and LLaMA-Factory has no counterpart for stands in the written
    file's comments, and is told to `say`. Raise ExportError, or RecipeError for the config, in words.
    """
    rows, stage = read(out)
    plan = asked(config, stage)
    records = rows_of(rows, plan)
    claim(to, BY, ("train.jsonl", "dataset_info.json", "llamafactory.yaml"), option="--to")
    data = write_rows(to, "train.jsonl", map(_record, records))
    info = write_json(to, "dataset_info.json", {_NAME: _described(plan)})
    made = {**_model(plan), **_dataset(plan), **_trainer(plan), "seed": plan.seed, "report_to": "none"}
    made |= {"output_dir": "model", "overwrite_output_dir": True}
    file = write_config(
        to, "llamafactory.yaml", made, plan, "LLaMA-Factory", "llamafactory-cli train llamafactory.yaml", say
    )
    return [data, info, file]


def _record(row: dict[str, Any]) -> dict[str, Any]:
    if "messages" in row:
        return row
    return {"id": row["id"], "messages": row["prompt"], "chosen": row["chosen"][0], "rejected": row["rejected"][0]}


def _described(plan: Asked) -> dict[str, Any]:
    found: dict[str, Any] = {"file_name": "train.jsonl", "formatting": "sharegpt", "columns": {"messages": "messages"}}
    if plan.stage == "dpo":
        found |= {"ranking": True, "columns": {name: name for name in ("messages", "chosen", "rejected")}}
    return {**found, "tags": {**_TAGS, "system_tag": "system"}}


def _dataset(plan: Asked) -> dict[str, Any]:
    plan.said.append("template: none is named, so LLaMA-Factory takes the chat template of the tokenizer.")
    plan.said.append("max_length: LLaMA-Factory cuts rows that are longer than cutoff_len.")
    found: dict[str, Any] = {"dataset": _NAME, "dataset_dir": "."}
    if plan.held_out:
        plan.said.append("held_out: LLaMA-Factory draws its share from the rows, not from the prompts.")
        found["val_size"] = plan.held_out
    return found


def _trainer(plan: Asked) -> dict[str, Any]:
    same = {name: name for name in (*_TRAINER, *(_HELD_OUT if plan.held_out else ()))}
    names = {**same, **_OTHER, **(_DPO if plan.stage == "dpo" else {})}
    values = dict(plan.trainer)
    checkpointing = values.pop("gradient_checkpointing")
    if isinstance(values.get("loss_type"), list) and len(values["loss_type"]) == 1:
        values["loss_type"] = values["loss_type"][0]
    if values.get("loss_type") not in (None, *_LOSSES):
        plan.without.append(f"trainer.loss_type: {values.pop('loss_type')}")
    left(plan, "trainer", values, {*names, "warmup_steps"})
    found = {"bf16": not values.get("fp16", False), **taken(values, names), **warm_up(plan)}
    return found if checkpointing else {**found, "disable_gradient_checkpointing": True}


def _model(plan: Asked) -> dict[str, Any]:
    found = {"model_name_or_path": plan.model, **taken(plan.model_args, _MODEL), "stage": plan.stage, "do_train": True}
    left(plan, "model_args", plan.model_args, set(_MODEL))
    if plan.lora is None:
        return {**found, "finetuning_type": "full"}
    given = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, **plan.lora}  # peft's defaults
    modules, whole = given.pop("target_modules", None), given.pop("modules_to_save", None)
    if modules is None:
        plan.said.append("target_modules: peft would choose by architecture; here all linear layers are meant.")
    left(plan, "lora", given, {*_LORA, "task_type"})
    found |= {"finetuning_type": "lora", **taken(given, _LORA)}
    found["lora_target"] = "all" if modules in (None, "all-linear") else _joined(modules)
    return {**found, **({"additional_target": _joined(whole)} if whole else {}), **_quantized(plan)}


def _joined(names: Any) -> str:
    return names if isinstance(names, str) else ",".join(names)


def _quantized(plan: Asked) -> dict[str, Any]:
    given = plan.quantization or {}
    known = {"load_in_4bit", "load_in_8bit", "bnb_4bit_quant_type", "bnb_4bit_use_double_quant"}
    left(plan, "quantization", given, known)
    if given.get("load_in_4bit"):  # what is left out is BitsAndBytesConfig's own
        kind, double = given.get("bnb_4bit_quant_type", "fp4"), given.get("bnb_4bit_use_double_quant", False)
        return {"quantization_bit": 4, "quantization_type": kind, "double_quantization": double}
    return {"quantization_bit": 8} if given.get("load_in_8bit") else {}
