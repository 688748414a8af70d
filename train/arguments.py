"""The blocks of a config against the classes that take them: unknown keys, renamed keys, values of the wrong type."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

import pydantic

from curate.paths import KeyPath
from curate.places import did_you_mean

Wrong = list[tuple[KeyPath, str]]

# Names that older versions of trl and transformers took, and what says the same now (trl 1.16, transformers 5.19).
_RENAMED = {
    "warmup_ratio": "warmup_steps, where a number below 1 is a share of all steps",
    "evaluation_strategy": "eval_strategy",
    "max_seq_length": "max_length",
    "max_prompt_length": "max_length, which bounds prompt and answer together",
    "max_completion_length": "max_length, which bounds prompt and answer together",
    "rpo_alpha": "loss_type: [sigmoid, sft] with loss_weights: [1.0, ALPHA]",
    "no_cuda": "use_cpu: true",
    "use_mps_device": "nothing: the device is found",
    "use_liger": "model_args: {use_kernels: true}",
    "group_by_length": "train_sampling_strategy: group_by_length",
    "adafactor": "optim: adafactor",
    "per_gpu_train_batch_size": "per_device_train_batch_size",
    "per_gpu_eval_batch_size": "per_device_eval_batch_size",
    "overwrite_output_dir": "--fresh",
    "save_safetensors": "nothing: safetensors is what is written",
    "push_to_hub_token": "hub_token",
    "dataset_batch_size": "nothing: trl batches by itself",
    "neftune_alpha": "neftune_noise_alpha",
    "fp16_full_training": "fp16",
    "label_pad_token_id": "nothing: labels are padded with -100",
    "padding_value": "nothing: the pad token's id is used",
    "ref_model_init_kwargs": "nothing: the reference is loaded as the model is",
    "reference_free": "nothing: trl has no reference-free DPO any more",
    "generate_during_eval": "nothing: `curate answer` generates from checkpoints",
    "logging_dir": "the environment variable TENSORBOARD_LOGGING_DIR",
}
# Keys that this library sets or that stand elsewhere in a config: two places for one thing would contradict each other.
_ELSEWHERE = {
    "output_dir": "the folder is --out",
    "seed": "the seed stands at the top of the config",
    "model_init_kwargs": "write it as model_args at the top of the config",
    "resume_from_checkpoint": "the same command goes on from its last checkpoint by itself",
    "local_rank": "the launcher sets it",
    "do_train": "a stage trains; --preflight only checks",
}
_DTYPES = ("float32", "bfloat16", "float16", "auto")
_SWITCHES = ("eval_strategy", "save_strategy", "logging_strategy")


def problems_of_block(name: str, stage: str, block: Mapping[str, Any]) -> tuple[dict[str, Any], Wrong]:
    """Check one block; return its values as their types want them, and what is wrong as (path, sentence) pairs."""
    if name == "model_args":
        return _model_args(block)
    if name == "lora":
        from peft import LoraConfig

        return _against(block, _types(LoraConfig), "peft.LoraConfig", {})
    if name == "quantization":
        from transformers import BitsAndBytesConfig

        return _against(block, dict.fromkeys(_parameters(BitsAndBytesConfig), Any), "BitsAndBytesConfig", {})
    from curate.train.stages import stage_of

    taken, _ = stage_of(stage).classes()
    return _against(_words(block), _types(taken), f"trl's {taken.__name__}", _RENAMED)


def _against(
    block: Mapping[str, Any], types: Mapping[str, Any], taker: str, renamed: Mapping[str, str]
) -> tuple[dict[str, Any], Wrong]:
    settled: dict[str, Any] = {}
    wrong: Wrong = []
    for key, value in block.items():
        if renamed and key in _ELSEWHERE:
            wrong.append(((key,), f"does not belong here: {_ELSEWHERE[key]}"))
        elif key in types:
            settled[key], problem = _typed(types[key], value)
            wrong += [((key,), problem)] if problem else []
        elif key in renamed:
            wrong.append(((key,), f"trl 1.16 has no '{key}' any more: use {renamed[key]}"))
        else:
            wrong.append(((key,), f"{taker} takes no '{key}'; {did_you_mean(str(key), list(types))}"))
    return settled, wrong


def _typed(hint: Any, value: Any) -> tuple[Any, str]:
    """Read a value as its type wants it: YAML takes 1e-5 for text; a type pydantic cannot read is left to its class."""
    if value is None or isinstance(value, list | dict):
        return value, ""
    try:
        adapter: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(hint)
    except pydantic.PydanticUserError:
        return value, ""
    try:
        read = adapter.validate_python(value)
    except pydantic.ValidationError as error:
        return value, f"{error.errors()[0]['msg'].replace('Input should', 'should')}, not {value!r}"
    return (read if isinstance(read, int | float | bool | str) else value), ""


def _types(taker: type) -> dict[str, Any]:
    """List the arguments of a dataclass with their types; Any where a type needs a library that is not here."""
    names = [field.name for field in dataclasses.fields(taker) if field.init]
    try:
        hints = typing.get_type_hints(taker)
    except NameError:
        hints = {}
    return {name: hints.get(name, Any) for name in names}


def _parameters(taker: Callable[..., Any]) -> list[str]:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [p.name for p in inspect.signature(taker).parameters.values() if p.kind in kinds]


def _words(block: Mapping[str, Any]) -> dict[str, Any]:
    """Write the strategies that YAML takes for truth values (`no`) as the words they are."""
    return {key: "no" if key in _SWITCHES and value is False else value for key, value in block.items()}


def _model_args(block: Mapping[str, Any]) -> tuple[dict[str, Any], Wrong]:
    """Check what is known of from_pretrained's arguments; the model's own class knows the rest."""
    wrong: Wrong = []
    if "torch_dtype" in block:
        wrong.append((("torch_dtype",), "is called 'dtype' now"))
    if "quantization_config" in block:
        wrong.append((("quantization_config",), "does not belong here: write it as quantization at the top"))
    if block.get("dtype", "float32") not in _DTYPES:
        wrong.append((("dtype",), f"should be one of {', '.join(_DTYPES)}, not {block['dtype']!r}"))
    return dict(block), wrong
