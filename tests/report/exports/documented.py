"""What the two tools document of the fields that exports write: name, and the values it takes.

axolotl: https://docs.axolotl.ai/docs/config-reference.html (the schema behind it: src/axolotl/utils/schemas), data:
docs/dataset-formats/conversation.html#chat_template, docs/rlhf.html#chat_template.default, docs/dataset_loading.html.
LLaMA-Factory: https://github.com/hiyouga/LLaMA-Factory/tree/main/src/llamafactory/hparams (arguments), data:
https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md; what transformers.TrainingArguments documents besides.
Both as of October 2025 and later; neither tool is installed here, so no config was run.
"""

from __future__ import annotations

from typing import Any

NUMBER = (int, float)
SCHEDULERS = ("linear", "cosine", "polynomial", "constant", "constant_with_warmup", "cosine_with_min_lr")
SAVE = ("no", "epoch", "steps", "best")
EVAL = ("no", "epoch", "steps")
OPTIMIZERS = ("adamw_torch", "adamw_torch_fused", "adamw_bnb_8bit", "adamw_8bit", "paged_adamw_8bit", "adafactor")

# A tuple of types, or of the words a field takes.
AXOLOTL: dict[str, Any] = {
    "base_model": (str,),
    "revision_of_model": (str,),
    "trust_remote_code": (bool,),
    "chat_template": ("tokenizer_default", "chatml", "llama3", "jinja"),
    "rl": ("dpo", "ipo", "kto", "orpo", "simpo", "grpo"),
    "rl_beta": NUMBER,
    "dpo_label_smoothing": NUMBER,
    "datasets": (list,),
    "val_set_size": NUMBER,
    "sequence_len": (int,),
    "sample_packing": (bool,),
    "micro_batch_size": (int,),
    "eval_batch_size": (int,),
    "gradient_accumulation_steps": (int,),
    "num_epochs": NUMBER,
    "max_steps": (int,),
    "learning_rate": NUMBER,
    "optimizer": OPTIMIZERS,
    "adam_beta1": NUMBER,
    "adam_beta2": NUMBER,
    "adam_epsilon": NUMBER,
    "weight_decay": NUMBER,
    "max_grad_norm": NUMBER,
    "lr_scheduler": SCHEDULERS,
    "lr_scheduler_kwargs": (dict,),
    "warmup_steps": (int,),
    "warmup_ratio": NUMBER,
    "gradient_checkpointing": (bool,),
    "gradient_checkpointing_kwargs": (dict,),
    "neftune_noise_alpha": NUMBER,
    "save_strategy": SAVE,
    "save_steps": NUMBER,
    "save_total_limit": (int,),
    "eval_strategy": EVAL,
    "eval_steps": NUMBER,
    "load_best_model_at_end": (bool,),
    "logging_steps": (int,),
    "bf16": (bool, "auto"),
    "fp16": (bool,),
    "seed": (int,),
    "output_dir": (str,),
    "adapter": ("lora", "qlora"),
    "lora_r": (int,),
    "lora_alpha": (int,),
    "lora_dropout": NUMBER,
    "lora_target_linear": (bool,),
    "lora_target_modules": (str, list),
    "lora_modules_to_save": (list,),
    "lora_fan_in_fan_out": (bool,),
    "peft_use_dora": (bool,),
    "peft_use_rslora": (bool,),
    "load_in_4bit": (bool,),
    "load_in_8bit": (bool,),
    "bnb_config_kwargs": (dict,),
}
AXOLOTL_DATASET: dict[str, Any] = {
    "path": (str,),
    "ds_type": ("json", "csv", "parquet", "arrow", "text"),
    "split": (str,),
    "type": ("chat_template", "chat_template.default"),
    "field_messages": (str,),
    "field_chosen": (str,),
    "field_rejected": (str,),
    "message_property_mappings": (dict,),
    "roles_to_train": (list,),
    "train_on_eos": ("all", "turn", "last"),
}
LLAMAFACTORY: dict[str, Any] = {
    "model_name_or_path": (str,),
    "model_revision": (str,),
    "trust_remote_code": (bool,),
    "quantization_bit": (int,),
    "quantization_type": ("fp4", "nf4"),
    "double_quantization": (bool,),
    "disable_gradient_checkpointing": (bool,),
    "stage": ("pt", "sft", "rm", "ppo", "dpo", "kto"),
    "do_train": (bool,),
    "finetuning_type": ("lora", "oft", "freeze", "full"),
    "lora_rank": (int,),
    "lora_alpha": (int,),
    "lora_dropout": NUMBER,
    "lora_target": (str,),
    "additional_target": (str,),
    "use_dora": (bool,),
    "use_rslora": (bool,),
    "pref_beta": NUMBER,
    "pref_loss": ("sigmoid", "hinge", "ipo", "kto_pair", "orpo", "simpo"),
    "dpo_label_smoothing": NUMBER,
    "dataset": (str,),
    "dataset_dir": (str,),
    "cutoff_len": (int,),
    "packing": (bool,),
    "val_size": NUMBER,
    # transformers.TrainingArguments
    "learning_rate": NUMBER,
    "num_train_epochs": NUMBER,
    "max_steps": (int,),
    "per_device_train_batch_size": (int,),
    "per_device_eval_batch_size": (int,),
    "gradient_accumulation_steps": (int,),
    "optim": OPTIMIZERS,
    "adam_beta1": NUMBER,
    "adam_beta2": NUMBER,
    "adam_epsilon": NUMBER,
    "weight_decay": NUMBER,
    "max_grad_norm": NUMBER,
    "lr_scheduler_type": SCHEDULERS,
    "lr_scheduler_kwargs": (dict,),
    "warmup_steps": (int,),
    "warmup_ratio": NUMBER,
    "neftune_noise_alpha": NUMBER,
    "bf16": (bool,),
    "fp16": (bool,),
    "save_strategy": SAVE,
    "save_steps": NUMBER,
    "save_total_limit": (int,),
    "eval_strategy": EVAL,
    "eval_steps": NUMBER,
    "logging_steps": (int,),
    "load_best_model_at_end": (bool,),
    "seed": (int,),
    "report_to": (str,),
    "output_dir": (str,),
    "overwrite_output_dir": (bool,),
}
LLAMAFACTORY_DATASET: dict[str, Any] = {
    "file_name": (str,),
    "formatting": ("alpaca", "sharegpt"),
    "ranking": (bool,),
    "columns": (dict,),
    "tags": (dict,),
}
COLUMNS = {"prompt", "query", "response", "history", "messages", "system", "tools", "chosen", "rejected", "kto_tag"}
TAGS = {"role_tag", "content_tag", "user_tag", "assistant_tag", "observation_tag", "function_tag", "system_tag"}


def undocumented(written: dict[str, Any], table: dict[str, Any]) -> list[str]:
    """List the fields that a table does not have, or whose value is not what it takes."""
    return [
        f"{name}: {value!r}"
        for name, value in written.items()
        if name not in table or not any(_fits(value, kind) for kind in table[name])
    ]


def _fits(value: Any, kind: Any) -> bool:
    if isinstance(kind, str):
        return bool(value == kind)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
