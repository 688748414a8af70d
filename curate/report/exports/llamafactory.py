"""Export for LLaMA-Factory: turns or pairs in its `sharegpt` formatting, dataset_info.json, and a config.

Fields: https://github.com/hiyouga/LLaMA-Factory, data/README.md (data) and src/llamafactory/hparams (arguments), whose
help texts are its reference; the training arguments are those of transformers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from curate.folders import claim, put_text
from curate.report.exports.config import (
    BY,
    Say,
    Settings,
    read_config,
    read_set,
    records_of,
    same,
    write_config,
    write_records,
)

_NAME = "curated"
_TAGS = {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"}
_TAGS |= {"system_tag": "system", "function_tag": "function_call", "observation_tag": "observation"}
# transformers' own arguments, by their own names
_TRAINER = {
    **same("learning_rate num_train_epochs max_steps per_device_train_batch_size per_device_eval_batch_size"),
    **same("gradient_accumulation_steps optim adam_beta1 adam_beta2 adam_epsilon weight_decay max_grad_norm"),
    **same("lr_scheduler_type lr_scheduler_kwargs neftune_noise_alpha bf16 fp16"),
    **same("save_strategy save_steps save_total_limit save_only_model logging_steps"),
}
_OTHER = {"max_length": "cutoff_len", "packing": "packing"}
_DPO = {"beta": "pref_beta", "loss_type": "pref_loss", "label_smoothing": "dpo_label_smoothing"}
_LOSSES = ("sigmoid", "hinge", "ipo")  # by the same names in trl
_HELD_OUT = same("eval_strategy eval_steps load_best_model_at_end metric_for_best_model greater_is_better")
_LORA = {"r": "lora_rank", **same("lora_alpha lora_dropout use_dora use_rslora")}
_MODEL = {"trust_remote_code": "trust_remote_code", "revision": "model_revision"}


def llamafactory(out: Path, to: Path, config: Path | None = None, say: Say | None = None) -> list[Path]:
    """Write a set as LLaMA-Factory reads it, with a config by what `curate train` would have done.

    `config` is a training config; what it asks for and LLaMA-Factory has no counterpart for stands in the written
    file's comments, and is told to `say`. Raise ExportError, or RecipeError for the config, in words.
    """
    rows, stage = read_set(out)
    settings = read_config(config, stage)
    records = records_of(rows, settings, "sharegpt")
    claim(to, BY, ("train.jsonl", "dataset_info.json", "llamafactory.yaml"), option="--to")
    data = write_records(to, "train.jsonl", records)
    text = json.dumps({_NAME: _description(settings, records)}, indent=2, ensure_ascii=False) + "\n"
    info = put_text(to, BY, "dataset_info.json", text)
    fields = {**_model(settings), **_dataset(settings), **_trainer(settings), "seed": settings.seed}
    fields |= {"report_to": "none", "output_dir": "model", "overwrite_output_dir": True}
    command = "llamafactory-cli train llamafactory.yaml"
    return [data, info, write_config(to, "llamafactory.yaml", fields, settings, "LLaMA-Factory", command, say)]


def _description(settings: Settings, records: list[dict[str, Any]]) -> dict[str, Any]:
    others = ("chosen", "rejected", "tools")
    columns = {name: name for name in others if any(name in record for record in records)}
    return {
        "file_name": "train.jsonl",
        "formatting": "sharegpt",
        "columns": {"messages": "conversations", **columns},
        **({"ranking": True} if settings.stage == "dpo" else {}),
        "tags": _TAGS,
    }


def _dataset(settings: Settings) -> dict[str, Any]:
    settings.notes.append("template: none is named, so LLaMA-Factory takes the chat template of the tokenizer.")
    settings.notes.append("max_length: LLaMA-Factory cuts rows that are longer than cutoff_len.")
    fields: dict[str, Any] = {"dataset": _NAME, "dataset_dir": "."}
    if settings.held_out:
        settings.notes.append("held_out: LLaMA-Factory draws its share from the rows, not from the prompts.")
        fields["val_size"] = settings.held_out
    return fields


def _trainer(settings: Settings) -> dict[str, Any]:
    names = {**_TRAINER, **(_HELD_OUT if settings.held_out else {}), **_OTHER}
    names |= _DPO if settings.stage == "dpo" else {}
    values = dict(settings.trainer)
    checkpointing = values.pop("gradient_checkpointing")
    if isinstance(values.get("loss_type"), list) and len(values["loss_type"]) == 1:
        values["loss_type"] = values["loss_type"][0]
    if values.get("loss_type") not in (None, *_LOSSES):
        settings.unsupported.append(f"trainer.loss_type: {values.pop('loss_type')}")
    fields = {"bf16": not values.get("fp16", False), **settings.renamed("trainer", values, names, "warmup_steps")}
    return fields | settings.warm_up() | ({} if checkpointing else {"disable_gradient_checkpointing": True})


def _model(settings: Settings) -> dict[str, Any]:
    fields = {"model_name_or_path": settings.model, **settings.renamed("model_args", settings.model_args, _MODEL)}
    fields |= {"stage": settings.stage, "do_train": True}
    if settings.lora is None:
        return {**fields, "finetuning_type": "full"}
    lora, modules = settings.adapter()
    whole = lora.pop("modules_to_save", None)
    fields |= {"finetuning_type": "lora", **settings.renamed("lora", lora, _LORA, "task_type")}
    fields["lora_target"] = "all" if modules is None else _joined(modules)
    return {**fields, **({"additional_target": _joined(whole)} if whole else {}), **_quantization(settings)}


def _joined(names: Any) -> str:
    return names if isinstance(names, str) else ",".join(names)


def _quantization(settings: Settings) -> dict[str, Any]:
    values = settings.quantization
    names = ("load_in_4bit", "load_in_8bit", "bnb_4bit_quant_type", "bnb_4bit_use_double_quant")
    settings.renamed("quantization", values, {}, *names)
    if values.get("load_in_4bit"):  # what is left out is BitsAndBytesConfig's own
        kind, double = values.get("bnb_4bit_quant_type", "fp4"), values.get("bnb_4bit_use_double_quant", False)
        return {"quantization_bit": 4, "quantization_type": kind, "double_quantization": double}
    return {"quantization_bit": 8} if values.get("load_in_8bit") else {}
