"""Export for axolotl: messages with `type: chat_template`, pairs with `rl: dpo`.

Fields: https://docs.axolotl.ai/docs/config-reference.html, dataset-formats/conversation.html, rlhf.html.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from curate.folders import claim
from curate.report.exports.config import (
    BY,
    ExportError,
    Say,
    Settings,
    read_config,
    read_set,
    records_of,
    same,
    write_config,
    write_records,
)

_TRAINER = {
    "learning_rate": "learning_rate",
    "num_train_epochs": "num_epochs",
    "max_steps": "max_steps",
    "per_device_train_batch_size": "micro_batch_size",
    "gradient_accumulation_steps": "gradient_accumulation_steps",
    "per_device_eval_batch_size": "eval_batch_size",
    "optim": "optimizer",
    **same("adam_beta1 adam_beta2 adam_epsilon weight_decay max_grad_norm"),
    "lr_scheduler_type": "lr_scheduler",
    "lr_scheduler_kwargs": "lr_scheduler_kwargs",
    "max_length": "sequence_len",
    **same("gradient_checkpointing gradient_checkpointing_kwargs neftune_noise_alpha"),
    **same("save_strategy save_steps save_total_limit logging_steps bf16 fp16"),
}
_DPO = {"beta": "rl_beta", "label_smoothing": "dpo_label_smoothing"}
_HELD_OUT = same("eval_strategy eval_steps load_best_model_at_end")
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
    rows, stage = read_set(out)
    settings = read_config(config, stage)
    records = records_of(rows, settings, "messages" if stage == "sft" else "preference")
    records = records if stage == "sft" else [_pair(record) for record in records]
    claim(to, BY, ("train.jsonl", "axolotl.yaml"), option="--to")
    data = write_records(to, "train.jsonl", records)
    masked = stage == "sft" and any("weight" in turn for record in records for turn in record["messages"])
    fields = {"base_model": settings.model, **_dataset(settings, masked), **_trainer(settings), **_model(settings)}
    fields["output_dir"] = "./model"
    return [data, write_config(to, "axolotl.yaml", fields, settings, "axolotl", "axolotl train axolotl.yaml", say)]


def _pair(record: dict[str, Any]) -> dict[str, Any]:
    """Give the answers of a pair as one turn each; axolotl reads role and text of turns, so they have no more."""
    if len(record["chosen"]) > 1 or len(record["rejected"]) > 1:
        raise ExportError(f"row {record['id']} has an answer of several turns, which axolotl does not read of pairs")
    for turn in (*record["prompt"], *record["chosen"], *record["rejected"]):
        if more := [key for key in turn if key not in ("role", "content", "weight")]:
            raise ExportError(f"row {record['id']} has {more[0]} in a turn, which axolotl does not read of pairs")
    turns = {"messages": record["prompt"], "chosen": record["chosen"][0], "rejected": record["rejected"][0]}
    return {"id": record["id"], **turns}


def _dataset(settings: Settings, masked: bool) -> dict[str, Any]:
    dataset: dict[str, Any] = {"path": "train.jsonl", "ds_type": "json", "split": "train"}
    mapping = {"field_messages": "messages", "message_property_mappings": {"role": "role", "content": "content"}}
    rl = {}
    if settings.stage == "sft":
        dataset |= {"type": "chat_template", **mapping, "roles_to_train": ["assistant"], "train_on_eos": "turn"}
        dataset |= {"message_field_training": "weight"} if masked else {}
    else:
        answers = {"field_chosen": "chosen", "field_rejected": "rejected"}
        dataset |= {"type": "chat_template.default", **mapping, **answers}
        rl = {"rl": "dpo"}
    if settings.held_out:
        settings.notes.append("held_out: axolotl draws its share from the rows, not from the prompts.")
    # tokenizer_default: the chat template that the model has, as in `curate train`
    template = {"chat_template": "tokenizer_default"}
    return {**template, **rl, "datasets": [dataset], "val_set_size": settings.held_out or 0.0}


def _trainer(settings: Settings) -> dict[str, Any]:
    dpo = settings.stage == "dpo"
    names = {**_TRAINER, **(_DPO if dpo else {}), **(_HELD_OUT if settings.held_out else {})}
    values = dict(settings.trainer)
    packing = bool(values.pop("packing", False))
    if dpo and values.get("loss_type") in ("sigmoid", ["sigmoid"]):
        values.pop("loss_type")  # which is what `rl: dpo` is
    settings.notes.append("max_length: axolotl leaves out rows that are longer than sequence_len.")
    fields = settings.renamed("trainer", values, names, "warmup_steps")
    return {"bf16": "auto", **fields, **settings.warm_up(), "sample_packing": packing, "seed": settings.seed}


def _model(settings: Settings) -> dict[str, Any]:
    fields = settings.renamed("model_args", settings.model_args, _MODEL)
    if settings.lora is None:
        return fields
    lora, modules = settings.adapter()
    fields |= {"adapter": "lora", **settings.renamed("lora", lora, _LORA, "task_type")}
    fields |= {"lora_target_linear": True} if modules is None else {"lora_target_modules": modules}
    return fields | _quantization(settings)


def _quantization(settings: Settings) -> dict[str, Any]:
    values = settings.quantization
    four = {key: value for key, value in values.items() if key.startswith("bnb_4bit_")}
    settings.renamed("quantization", values, {}, "load_in_4bit", "load_in_8bit", *four)
    if values.get("load_in_4bit"):
        four = {"bnb_4bit_quant_type": "fp4", "bnb_4bit_use_double_quant": False, **four}  # BitsAndBytesConfig's own
        return {"adapter": "qlora", "load_in_4bit": True, "bnb_config_kwargs": four}
    return {"load_in_8bit": True} if values.get("load_in_8bit") else {}
