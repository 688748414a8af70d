"""A training config: our few keys checked here, everything in a block checked against the class that takes it."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic

from curate.paths import KeyPath, existing
from curate.places import Places, Problem, RecipeError, did_you_mean, read_yaml, refuse_secrets, set_value
from curate.train.arguments import problems_of_block

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
    curate.places.RecipeError: sft.yaml: at trainer.warmup_ratio
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
