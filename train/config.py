"""The blocks of a config against the classes that take them: unknown keys, renamed keys, values of the wrong type."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import inspect
import json
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic

from curate.errors import did_you_mean
from curate.recipe.places import KeyPath, Places, Problem, RecipeError, existing, read_yaml, refuse_secrets, set_value

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


StageName = Literal["sft", "dpo", "reward", "rloo", "kto"]


class TrainConfig(pydantic.BaseModel):
    """What a stage is told. The blocks are the arguments of other libraries' classes, under their own names.

    `trainer` goes to trl's config class of the stage, `lora` to `peft.LoraConfig`, `quantization` to transformers'
    `BitsAndBytesConfig`, `model_args` to `from_pretrained`. `held_out` is the share of prompts whose rows are kept for
    evaluation; `reward` is what RLOO maximises, a reward model or `module:function`.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    stage: StageName
    model: Annotated[str, pydantic.Field(min_length=1)]
    data: Annotated[str, pydantic.Field(min_length=1)]
    eval_data: str | None = None
    held_out: Annotated[float, pydantic.Field(gt=0, lt=1)] | None = None
    reward: Annotated[str, pydantic.Field(min_length=1)] | None = None
    rows: pydantic.PositiveInt | None = None
    seed: Annotated[int, pydantic.Field(ge=0, lt=2**32)] = 0  # what numpy takes
    model_args: dict[str, Any] = {}
    quantization: dict[str, Any] | None = None
    lora: dict[str, Any] | None = None
    end_of_turn: Annotated[str, pydantic.Field(min_length=1, pattern=r"^\S+$")] | None = None
    residual_dropout: Annotated[float, pydantic.Field(ge=0, lt=1)] | None = None
    trainer: dict[str, Any] = {}

    def digest(self) -> str:
        """Hash what the config says (24 hex digits), but for where things are: they count by content."""
        text = json.dumps(
            self.model_dump(exclude={"model", "data", "eval_data", "reward"}), sort_keys=True, default=str
        )
        return hashlib.sha256(text.encode()).hexdigest()[:24]


def read(config: Path | str | Mapping[str, Any], sets: Sequence[str] = ()) -> tuple[dict[str, Any], Places]:
    """Read a config as it is written, with the line of each key; `sets` are KEY=VALUE changes to it."""
    if isinstance(config, Mapping):
        data, places = copy.deepcopy(dict(config)), Places("config")
    else:
        data, places = read_yaml(Path(config))
    for assignment in sets:
        try:
            places.lines.pop(set_value(data, assignment), None)
        except ValueError as error:
            raise RecipeError(places.file, [Problem((), str(error))]) from None
    return data, places


def resolve(stage: str, data: Mapping[str, Any], places: Places, under: KeyPath = ()) -> TrainConfig:
    """Check one stage's config and fill in what it leaves out; raise RecipeError naming all that is wrong, by line.

    `under` is where the block stands in its file, as ("sft",) in the config of a chain.

    >>> resolve("sft", {"model": "m", "data": "d", "trainer": {"warmup_ratio": 0.1}}, Places("sft.yaml"))
    Traceback (most recent call last):
    curate.recipe.places.RecipeError: sft.yaml: at trainer.warmup_ratio
        trl 1.16 has no 'warmup_ratio' any more: use warmup_steps, where a number below 1 is a share of all steps
    """
    refuse_secrets(data, places, under, code=False)
    problems: list[tuple[KeyPath, str]] = []
    config = None
    said = data.get("stage", stage)
    if said != stage:
        problems.append((("stage",), f"this is a config for {said}, not for {stage}: run `curate train {said}`"))
    problems += _of_stage(stage, data)
    try:
        config = TrainConfig.model_validate({**data, "stage": stage})
    except pydantic.ValidationError as error:
        problems += [_sentence(dict(item), data) for item in error.errors(include_url=False)]
    blocks = {name: data.get(name) for name in ("trainer", "lora", "quantization", "model_args")}
    settled = {}
    for name, block in blocks.items():
        if isinstance(block, Mapping):
            settled[name], wrong = problems_of_block(name, stage, block)
            problems += [((name, *path), message) for path, message in wrong]
    if problems or config is None:
        paths = [((*under, *path), message) for path, message in problems]
        raise RecipeError(places.file, [Problem(p, m, places.line(p), places.other_file(p)) for p, m in paths])
    return config.model_copy(update=settled)


def _of_stage(stage: str, data: Mapping[str, Any]) -> list[tuple[KeyPath, str]]:
    """Find the keys that this stage lacks, and those that belong to others."""
    wrong: list[tuple[KeyPath, str]] = []
    if stage == "rloo" and not data.get("reward"):
        wrong.append(((), "'reward' is missing: a reward model's folder or name, or module:function"))
    if stage != "rloo" and data.get("reward"):
        wrong.append((("reward",), f"belongs to rloo: {stage} learns from the answers in its data"))
    if stage in ("reward", "rloo"):
        named = [key for key in ("end_of_turn", "residual_dropout") if data.get(key)]
        wrong += [((key,), f"belongs to sft: {stage} starts from a model that has been through it") for key in named]
    if data.get("held_out") and data.get("eval_data"):
        wrong.append((("held_out",), "eval_data is what is held out already: leave one of them out"))
    return wrong


def _sentence(item: dict[str, Any], data: Mapping[str, Any]) -> tuple[KeyPath, str]:
    path = existing(item["loc"], data)
    if item["type"] == "missing":
        return path[:-1], f"'{path[-1]}' is missing"
    if item["type"] == "extra_forbidden":
        return path, f"there is no '{path[-1]}' here; {did_you_mean(str(path[-1]), list(TrainConfig.model_fields))}"
    return path, f"{item['msg'].replace('Input should', 'should')}, not {item.get('input')!r}"
