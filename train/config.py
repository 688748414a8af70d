"""The blocks of a config against the classes that take them: unknown keys, renamed keys, values of the wrong type."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import inspect
import json
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import pydantic

from curate.errors import did_you_mean
from curate.recipe.places import KeyPath, Places, Problem, RecipeError, existing, read_yaml, refuse_secrets, set_value
from curate.train.stages import STAGES, stage_of

Reward: TypeAlias = Annotated[str, pydantic.Field(min_length=1)]
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
# Keys that not every stage takes, and why one that does not refuses them.
_BELONGS = {
    "reward": "belongs to rloo and grpo: {} learns from the answers in its data",
    "end_of_turn": "belongs to sft: {} starts from a model that has been through it",
    "residual_dropout": "belongs to sft: {} starts from a model that has been through it",
}
_REWARD = "a reward model's folder or name, module:function, a judge or a file of judges, or a list of these"
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

        parameters = [p for p in inspect.signature(BitsAndBytesConfig).parameters.values() if p.kind != p.VAR_KEYWORD]
        return _against(block, {p.name: Any for p in parameters}, "BitsAndBytesConfig", {})
    config = stage_of(stage).of_trl("Config")
    return _against(_words(block), _types(config), f"trl's {config.__name__}", _RENAMED)


def _against(
    block: Mapping[str, Any], types: Mapping[str, Any], cls: str, renamed: Mapping[str, str]
) -> tuple[dict[str, Any], Wrong]:
    values: dict[str, Any] = {}
    wrong: Wrong = []
    for key, value in block.items():
        if renamed and key in _ELSEWHERE:
            wrong.append(((key,), f"does not belong here: {_ELSEWHERE[key]}"))
        elif key in types:
            values[key], problem = _typed(types[key], value)
            wrong += [((key,), problem)] if problem else []
        elif key in renamed:
            wrong.append(((key,), f"trl 1.16 has no '{key}' any more: use {renamed[key]}"))
        else:
            wrong.append(((key,), f"{cls} takes no '{key}'; {did_you_mean(str(key), list(types))}"))
    return values, wrong


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


def _types(cls: type) -> dict[str, Any]:
    """List the arguments of a dataclass with their types; Any where a type needs a library that is not here."""
    names = [field.name for field in dataclasses.fields(cls) if field.init]
    try:
        hints = typing.get_type_hints(cls)
    except NameError:
        hints = {}
    return {name: hints.get(name, Any) for name in names}


def _words(block: Mapping[str, Any]) -> dict[str, Any]:
    """Write the strategies that YAML takes for truth values (`no`) as the words they are."""
    return {key: "no" if key in _SWITCHES and value is False else value for key, value in block.items()}


def _model_args(block: Mapping[str, Any]) -> tuple[dict[str, Any], Wrong]:
    """Check the arguments of from_pretrained that every model takes; the model's own class checks the rest."""
    wrong: Wrong = []
    if "torch_dtype" in block:
        wrong.append((("torch_dtype",), "is called 'dtype' now"))
    if "quantization_config" in block:
        wrong.append((("quantization_config",), "does not belong here: write it as quantization at the top"))
    if block.get("dtype", "float32") not in _DTYPES:
        wrong.append((("dtype",), f"should be one of {', '.join(_DTYPES)}, not {block['dtype']!r}"))
    return dict(block), wrong


class Set(pydantic.BaseModel):
    """One of several sets, and how often its rows are taken: 0.5 is half of them, 2 is all of them twice."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    path: Annotated[str, pydantic.Field(min_length=1)]
    weight: Annotated[float, pydantic.Field(gt=0, le=100)] = 1.0


def _kind(data: Any) -> str:
    return "sets" if isinstance(data, list) else "path"


class TrainConfig(pydantic.BaseModel):
    """The config of a stage. The blocks are the arguments of other libraries' classes, under their own names.

    `trainer` goes to trl's config class of the stage, `lora` to `peft.LoraConfig`, `quantization` to transformers'
    `BitsAndBytesConfig`, `model_args` to `from_pretrained`. `data` is a set, or several with weights. `held_out` is the
    share of prompts whose rows are for evaluation; `reward` is what RLOO and GRPO maximise: a reward model,
    `module:function`, or a judge, or several.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    stage: Annotated[str, pydantic.Field(pattern=f"^({'|'.join(STAGES)})$")]
    model: Annotated[str, pydantic.Field(min_length=1)]
    data: Annotated[
        Annotated[str, pydantic.Field(min_length=1), pydantic.Tag("path")]
        | Annotated[list[Set], pydantic.Field(min_length=1), pydantic.Tag("sets")],
        pydantic.Discriminator(_kind),
    ]
    eval_data: str | None = None
    held_out: Annotated[float, pydantic.Field(gt=0, lt=1)] | None = None
    reward: Reward | Annotated[list[Reward], pydantic.Field(min_length=1)] | None = None
    rows: pydantic.PositiveInt | None = None
    seed: Annotated[int, pydantic.Field(ge=0, lt=2**32)] = 0  # what numpy takes
    model_args: dict[str, Any] = {}
    quantization: dict[str, Any] | None = None
    lora: dict[str, Any] | None = None
    end_of_turn: Annotated[str, pydantic.Field(min_length=1, pattern=r"^\S+$")] | None = None
    residual_dropout: Annotated[float, pydantic.Field(ge=0, lt=1)] | None = None
    trainer: dict[str, Any] = {}

    @property
    def rewards(self) -> list[str]:
        """List the rewards."""
        return [self.reward] if isinstance(self.reward, str) else list(self.reward or [])

    def digest(self) -> str:
        """Hash the config (24 hex digits), but for the names of files and models: those count by content."""
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
    problems = _of_stage(stage, data)
    config = None
    try:
        config = TrainConfig.model_validate({**data, "stage": stage})
    except pydantic.ValidationError as error:
        problems += [_sentence(dict(item), data) for item in error.errors(include_url=False)]
    values = {}
    for name in ("trainer", "lora", "quantization", "model_args"):
        if isinstance(data.get(name), Mapping):
            values[name], wrong = problems_of_block(name, stage, data[name])
            problems += [((name, *path), message) for path, message in wrong]
    if problems or config is None:
        paths = [((*under, *path), message) for path, message in problems]
        raise RecipeError(places.file, [Problem(p, m, places.line(p), places.other_file(p)) for p, m in paths])
    return config.model_copy(update=values)


def _of_stage(name: str, data: Mapping[str, Any]) -> Wrong:
    """Find the keys that this stage lacks, and those that belong to others."""
    wrong: Wrong = []
    other, keys = data.get("stage", name), stage_of(name).keys
    if other != name:
        wrong.append((("stage",), f"this is a config for {other}, not for {name}: run `curate train {other}`"))
    if "reward" in keys and not data.get("reward"):
        wrong.append(((), f"'reward' is missing: {_REWARD}"))
    wrong += [((key,), why.format(name)) for key, why in _BELONGS.items() if data.get(key) and key not in keys]
    if data.get("held_out") and data.get("eval_data"):
        wrong.append((("held_out",), "eval_data is what is held out already: leave one of them out"))
    return wrong


def _sentence(item: dict[str, Any], data: Mapping[str, Any]) -> tuple[KeyPath, str]:
    path = existing(item["loc"], data)
    if item["type"] == "missing":
        return path[:-1], f"'{path[-1]}' is missing"
    if item["type"] == "extra_forbidden":
        fields = (Set if path[0] == "data" else TrainConfig).model_fields
        return path, f"there is no '{path[-1]}' here; {did_you_mean(str(path[-1]), list(fields))}"
    return path, f"{item['msg'].replace('Input should', 'should')}, not {item.get('input')!r}"
