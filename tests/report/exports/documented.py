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


def fields(kind: tuple[Any, ...], names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), kind)


# By name, a tuple of types, or of the words a field takes.
SHARED: dict[str, Any] = {
    **fields((bool,), "trust_remote_code load_best_model_at_end fp16"),
    **fields(NUMBER, "dpo_label_smoothing learning_rate adam_beta1 adam_beta2 adam_epsilon weight_decay"),
    **fields(NUMBER, "max_grad_norm warmup_ratio neftune_noise_alpha save_steps eval_steps lora_dropout"),
    **fields((int,), "gradient_accumulation_steps max_steps warmup_steps save_total_limit logging_steps seed"),
    "lora_alpha": (int,),
    "lr_scheduler_kwargs": (dict,),
    "save_strategy": SAVE,
    "eval_strategy": EVAL,
    "output_dir": (str,),
}
AXOLOTL: dict[str, Any] = {
    **SHARED,
    "base_model": (str,),
    "revision_of_model": (str,),
    "chat_template": ("tokenizer_default", "chatml", "llama3", "jinja"),
    "rl": ("dpo", "ipo", "kto", "orpo", "simpo", "grpo"),
    **fields(NUMBER, "rl_beta val_set_size num_epochs"),
    "datasets": (list,),
    "lora_modules_to_save": (list,),
    **fields((int,), "sequence_len micro_batch_size eval_batch_size lora_r"),
    **fields((bool,), "sample_packing gradient_checkpointing lora_target_linear lora_fan_in_fan_out"),
    **fields((bool,), "peft_use_dora peft_use_rslora load_in_4bit load_in_8bit"),
    "optimizer": OPTIMIZERS,
    "lr_scheduler": SCHEDULERS,
    "gradient_checkpointing_kwargs": (dict,),
    "bnb_config_kwargs": (dict,),
    "bf16": (bool, "auto"),
    "adapter": ("lora", "qlora"),
    "lora_target_modules": (str, list),
}
AXOLOTL_DATASET: dict[str, Any] = {
    **fields((str,), "path split field_messages field_chosen field_rejected message_field_training"),
    "ds_type": ("json", "csv", "parquet", "arrow", "text"),
    "type": ("chat_template", "chat_template.default"),
    "message_property_mappings": (dict,),
    "roles_to_train": (list,),
    "train_on_eos": ("all", "turn", "last"),
}
LLAMAFACTORY: dict[str, Any] = {
    **SHARED,
    **fields((str,), "model_name_or_path model_revision lora_target additional_target dataset dataset_dir"),
    "report_to": (str,),
    **fields((int,), "quantization_bit lora_rank cutoff_len per_device_train_batch_size"),
    "per_device_eval_batch_size": (int,),
    "quantization_type": ("fp4", "nf4"),
    **fields((bool,), "double_quantization disable_gradient_checkpointing do_train use_dora use_rslora"),
    **fields((bool,), "packing bf16 overwrite_output_dir"),
    "stage": ("pt", "sft", "rm", "ppo", "dpo", "kto"),
    "finetuning_type": ("lora", "oft", "freeze", "full"),
    **fields(NUMBER, "pref_beta val_size num_train_epochs"),
    "pref_loss": ("sigmoid", "hinge", "ipo", "kto_pair", "orpo", "simpo"),
    "optim": OPTIMIZERS,
    "lr_scheduler_type": SCHEDULERS,
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
