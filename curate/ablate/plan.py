"""The plan: arms times seeds, each a chain of nodes; what arms have in common is one node."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

from curate.ablate.arms import beside, config_of, drawn
from curate.ablate.keys import AnswerKeys, ArmKeys
from curate.ablate.node import Kind, Node
from curate.ablate.reading import Ablation, Arm
from curate.cache import key_of
from curate.evaluate.answers import default_backend
from curate.evaluate.prompts import read_dialogues, read_prompts
from curate.models.weights import weights


@dataclass(frozen=True)
class Job:
    """One arm with one seed: the keys of its nodes, and what is known of it before it runs."""

    arm: Arm
    seed: int
    sets: dict[str, str]  # key by name
    train: dict[str, str]  # key by stage
    choice: str | None
    answers: str
    rows: int | None  # that its recipe asks for
    steps: dict[str, int | None]  # by stage, where the config or the size says it
    asked: int  # answers

    @property
    def nodes(self) -> list[str]:
        """List its nodes in their order."""
        return [*self.sets.values(), *self.train.values(), *([self.choice] if self.choice else []), self.answers]

    @property
    def set(self) -> str | None:
        """Name the set that the arm is about: the one its first stage reads."""
        return next(iter(self.sets.values()), None)


@dataclass(frozen=True)
class Plan:
    """All that an ablation does."""

    ablation: Ablation
    nodes: dict[str, Node]
    jobs: list[Job]


def plan(ablation: Ablation) -> Plan:
    """Plan an ablation: arms times seeds; raise RecipeError, PromptsError or GeneratorError in words."""
    planning = _Planning(ablation)
    jobs = [planning.job(arm, seed) for arm, seed in product(ablation.arms, ablation.keys.seeds)]
    return Plan(ablation, planning.nodes, jobs)


class _Planning:
    """A plan in the making: the nodes so far, each once."""

    def __init__(self, ablation: Ablation) -> None:
        self.ablation = ablation
        self.file = ablation.file
        self.nodes: dict[str, Node] = {}
        self.rows: dict[str, int | None] = {}

    def node(self, kind: Kind, depends: Any, given: dict[str, Any], needs: list[str]) -> str:
        """Add a node, unless it is there."""
        key = key_of([kind, depends, needs])[:16]
        self.nodes.setdefault(key, Node(kind, key, given, tuple(needs)))
        return key

    def job(self, arm: Arm, seed: int) -> Job:
        """Plan one arm with one seed."""
        keys = arm.keys
        sets: dict[str, str] = {}
        train: dict[str, str] = {}
        steps: dict[str, int | None] = {}
        for stage, told in keys.train.items():
            name = told.data or next(iter(keys.sets))
            sets.setdefault(name, self.set(arm, name, seed))
            before = next(reversed(train.values()), None)
            train[stage], steps[stage] = self.stage(keys, stage, sets[name], before, seed)
        last = next(reversed(train.values()), None)
        choice = self.choice(keys, last, seed) if keys.choose and last else None
        answers, asked = self.answers(keys, last, choice, seed)
        main = next(iter(sets.values()), "")
        return Job(arm, seed, sets, train, choice, answers, self.rows.get(main), steps, asked)

    def set(self, arm: Arm, name: str, seed: int) -> str:
        """Plan a set."""
        recipe = arm.recipes[name]
        data = {**recipe.raw, "seed": drawn(arm.keys.sets[name], seed)}
        given = {"data": data, "file": recipe.file, "texts": recipe.texts}
        unnamed = {key: value for key, value in data.items() if key != "name"}
        key = self.node("set", [unnamed, recipe.texts], given, [])
        self.rows[key] = recipe.size
        return key

    def stage(self, keys: ArmKeys, stage: str, set_: str, before: str | None, seed: int) -> tuple[str, int | None]:
        """Plan a training stage; count its steps where that can be told."""
        config = config_of(keys, stage, self.file, seed)
        model = None if before else config.model
        force = keys.train[stage].force
        given = {"config": config.model_dump(), "set": set_, "before": before, "force": force}
        own = [config.digest(), force, config.eval_data, config.reward, model and (weights(model) or model)]
        key = self.node("train", own, given, [set_, *([before] if before else [])])
        return key, steps_of(config.trainer, config.rows or self.rows[set_])

    def choice(self, keys: ArmKeys, model: str, seed: int) -> str:
        """Plan the choice of a checkpoint."""
        assert keys.choose is not None
        told, how = keys.choose, _how(keys.answer)
        file = beside(self.file, told.prompts)
        prompts = read_prompts(file, told.limit).to_dicts()
        given = {"model": model, "prompts": prompts, "epochs": told.epochs, "samples": told.samples, "seed": seed}
        given |= how | {"judge": self.judge()}
        about = [{**given, "model": None, "judge": dict(self.ablation.judge.describe())}]
        return self.node("choice", about, given, [model])

    def answers(self, keys: ArmKeys, last: str | None, choice: str | None, seed: int) -> tuple[str, int]:
        """Plan the answers, and count them."""
        told, file = keys.answer, self.file
        prompts = read_prompts(beside(file, told.prompts), told.limit).to_dicts() if told.prompts else []
        talks = read_dialogues(beside(file, told.dialogues), told.limit).to_dicts() if told.dialogues else []
        given = {"prompts": prompts, "dialogues": talks, "samples": told.samples, "seed": seed, **_how(told)}
        model = None if last else keys.model
        depends = {**given, "model": model and (weights(model) or model)}
        given |= {"model": model, "train": last, "choice": choice}
        needs = [*([last] if last else []), *([choice] if choice else [])]
        asked = len(prompts) + sum(len(talk["turns"]) for talk in talks)
        return self.node("answers", depends, given, needs), told.samples * asked

    def judge(self) -> dict[str, Any]:
        """Take along what the judge is made of, for the process that asks it."""
        named = ("generators", "judges", "judge")
        return {"data": {k: self.ablation.data[k] for k in named if k in self.ablation.data}, "file": self.file}


def _how(answer: AnswerKeys) -> dict[str, Any]:
    return {"backend": answer.backend or default_backend(), "engine": answer.engine, "sampling": answer.sampling}


def steps_of(trainer: dict[str, Any], rows: int | None) -> int | None:
    """Count the steps of a training on one process, as transformers does; None where the rows are not known.

    >>> steps_of({"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2, "num_train_epochs": 3}, 20)
    9
    """
    if trainer.get("max_steps", -1) > 0:
        return int(trainer["max_steps"])
    if rows is None:
        return None
    batches = -(-rows // int(trainer.get("per_device_train_batch_size", 8)))
    steps = -(-batches // int(trainer.get("gradient_accumulation_steps", 1)))
    return -int(-float(trainer.get("num_train_epochs", 3)) * steps // 1)
