"""The keys of an ablation: what all arms share, and what an arm is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, TypeVar

import pydantic

from curate.errors import did_you_mean
from curate.recipe import registry
from curate.recipe.places import KeyPath
from curate.train.stages import STAGES

Wrong = list[tuple[KeyPath, str]]
ALL = "all"
_Model = TypeVar("_Model", bound=pydantic.BaseModel)
_Seed = Annotated[int, pydantic.Field(ge=0, lt=2**31)]
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


def _each_once(seeds: list[int]) -> list[int]:
    # A seed again is the same training again: it would pass for a second one, without any spread between the two.
    if twice := [seed for seed in seeds if seeds.count(seed) > 1]:
        raise ValueError(f"each seed should stand once, and {twice[0]} stands more often")
    return seeds


class _Keys(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", strict=True, frozen=True)


_Name = str | int  # of a level: a size is a number


class AblationKeys(_Keys):
    """The keys of an ablation; those of an arm stand beside them, for all arms."""

    name: Annotated[str, pydantic.Field(pattern=_NAME)]
    question: str = ""
    compare: str | list[str] = []
    seeds: Annotated[list[_Seed], pydantic.Field(min_length=1), pydantic.AfterValidator(_each_once)] = [0, 1, 2]
    against: _Name | list[_Name] = []
    random: _Name | None = None
    scale: Annotated[list[float], pydantic.Field(min_length=2, max_length=2, strict=False)] | None = None
    generators: dict[str, Any] = {}
    judges: Annotated[dict[str, Any], pydantic.Field(min_length=1)]
    judge: str | None = None
    arms: Annotated[dict[str, Any], pydantic.Field(min_length=1)] = {}
    factors: Annotated[dict[str, Any], pydantic.Field(min_length=1)] = {}
    small: dict[str, Any] = {}
    sets: Any = None
    train: Any = None
    model: Any = None
    answer: Any = None
    choose: Any = None


class SetKeys(_Keys):
    """A set: a recipe, and what is changed of it.

    `sources` are those that are read (default: all), `set` is as in `curate run --set`, `skip` names steps by their
    labels or says `all`, `replace` has a step (or a `sample` block) for a label, `add` a step for a label that is new,
    with `before` or `after` and the label of another one (default: after all), and `draw` asks for another random draw
    of the same kind under the same seed.
    """

    recipe: str | dict[str, Any]
    sources: Annotated[list[str], pydantic.Field(min_length=1)] | None = None
    set: dict[str, Any] = {}
    skip: list[str] | Literal["all"] = []
    replace: dict[str, dict[str, Any]] = {}
    add: dict[str, dict[str, Any]] = {}
    draw: Annotated[int, pydantic.Field(ge=0)] = 0


class StageKeys(_Keys):
    """A training stage: a config as `curate train` takes it, the set that it reads, and what is changed of it.

    `force` trains in spite of what the checks refuse, as `curate train --force` does.
    """

    config: str | dict[str, Any]
    data: str | None = None
    set: dict[str, Any] = {}
    force: bool = False


class AnswerKeys(_Keys):
    """What the models are asked, and how; `curate.evaluate.answers.answers` says what each setting is."""

    prompts: str | None = None
    dialogues: str | None = None
    limit: Annotated[int, pydantic.Field(ge=1)] | None = None
    samples: Annotated[int, pydantic.Field(ge=1)] = 1
    backend: Literal["vllm", "transformers"] | None = None
    engine: dict[str, Any] = {}
    sampling: dict[str, Any] = {}


class ChooseKeys(_Keys):
    """How the last stage's checkpoint is chosen; `curate.evaluate.epochs.choose` says what each setting is."""

    prompts: str
    epochs: Annotated[str, pydantic.Field(pattern=r"^\d+(\.\d+)?-\d+(\.\d+)?$")] = "5-10"
    samples: Annotated[int, pydantic.Field(ge=1)] = 1
    limit: Annotated[int, pydantic.Field(ge=1)] | None = None


class _Shape(_Keys):
    """The keys of an arm, before each block is looked at by itself."""

    sets: dict[str, Any] = {}
    train: dict[str, Any] = {}
    model: str | None = None
    answer: Any = None
    choose: Any = None


@dataclass(frozen=True)
class ArmKeys:
    """An arm, everything settled: its sets, its training stages in their order, and how it is asked."""

    sets: dict[str, SetKeys]
    train: dict[str, StageKeys]
    model: str | None
    answer: AnswerKeys
    choose: ChooseKeys | None

    @property
    def main(self) -> str | None:
        """Name the set that the arm is about: the one its first stage reads."""
        first = next(iter(self.train.values()), None)
        return (first.data or next(iter(self.sets))) if first else None

    def of_size(self, size: int) -> ArmKeys:
        """Give the arm with another size of the set that it is about."""
        assert self.main is not None
        main = self.sets[self.main]
        sized = main.model_copy(update={"set": {**main.set, "size": size}})
        return replace(self, sets={**self.sets, self.main: sized})


def block(model: type[_Model], data: Any, path: KeyPath, wrong: Wrong) -> _Model | None:
    """Check one block against its schema; None, and what is wrong with it added to `wrong`, where it does not fit."""
    checked, problems = registry.check(model, {} if data is None else data)
    wrong += [((*path, *inner), message) for inner, message in problems]
    return None if problems else model.model_construct(**checked)


def arm_keys(data: dict[str, Any], wrong: Wrong) -> ArmKeys:
    """Check an arm block by block, what is wrong added to `wrong`; what is whole of it comes back as its own keys."""
    before = len(wrong)
    block(_Shape, data, (), wrong)
    model = data.get("model")
    arm = ArmKeys(
        sets=_each(SetKeys, data.get("sets"), "sets", wrong),
        train=_each(StageKeys, data.get("train"), "train", wrong),
        model=model if isinstance(model, str) else None,
        answer=block(AnswerKeys, data.get("answer"), ("answer",), wrong) or AnswerKeys(),
        choose=block(ChooseKeys, data["choose"], ("choose",), wrong) if data.get("choose") is not None else None,
    )
    if len(wrong) == before:
        _together(arm, wrong)
    return arm


def _each(model: type[_Model], blocks: Any, name: str, wrong: Wrong) -> dict[str, _Model]:
    listed = blocks.items() if isinstance(blocks, dict) else ()
    checked = {label: block(model, one, (name, label), wrong) for label, one in listed}
    return {label: one for label, one in checked.items() if one is not None}


def _together(arm: ArmKeys, wrong: Wrong) -> None:
    """Check what no block can say by itself: that names lead somewhere, and that there is something to ask."""
    for name, stage in arm.train.items():
        if name not in STAGES:
            wrong.append((("train", name), f"there is no stage '{name}'; {did_you_mean(name, list(STAGES))}"))
        if stage.data is None and len(arm.sets) != 1:
            wrong.append((("train", name), f"say which set it reads (`data`); sets: {', '.join(arm.sets) or 'none'}"))
        if stage.data is not None and stage.data not in arm.sets:
            hint = did_you_mean(stage.data, list(arm.sets))
            wrong.append((("train", name, "data"), f"there is no set '{stage.data}'; {hint}"))
    if not arm.train and arm.model is None:
        wrong.append((("train",), "an arm has `train`, or the `model` that answers as it is"))
    if arm.choose and not arm.train:
        wrong.append((("choose",), "there are no checkpoints to choose from without `train`"))
    if arm.answer.prompts is None and arm.answer.dialogues is None:
        wrong.append((("answer",), "say what is asked: `prompts` or `dialogues`"))
