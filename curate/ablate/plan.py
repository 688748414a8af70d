"""The plan: arms times seeds, each a chain of nodes; what arms have in common is one node. And the plan as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
from rich.table import Table

from curate.ablate.arms import beside, config_of, drawn
from curate.ablate.checks import warnings
from curate.ablate.contrasts import contrasts
from curate.ablate.keys import AnswerKeys, ArmKeys
from curate.ablate.node import Kind, Node, content, stale
from curate.ablate.reading import Ablation, Arm
from curate.cache import key_of
from curate.evaluate.answers import default_backend
from curate.evaluate.prompts import read_dialogues, read_prompts
from curate.models.weights import weights
from curate.report.words import plural
from curate.train import base


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
    count: int  # of answers

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
        self.sizes: dict[str, int | None] = {}

    def node(self, kind: Kind, depends: Any, params: dict[str, Any], needs: list[str]) -> str:
        """Add a node, unless it is there."""
        key = key_of([kind, depends, needs])[:16]
        self.nodes.setdefault(key, Node(kind, key, params, tuple(needs)))
        return key

    def job(self, arm: Arm, seed: int) -> Job:
        """Plan one arm with one seed."""
        keys = arm.keys
        sets: dict[str, str] = {}
        train: dict[str, str] = {}
        steps: dict[str, int | None] = {}
        for stage, stage_keys in keys.train.items():
            name = stage_keys.data or next(iter(keys.sets))
            sets.setdefault(name, self.set(arm, name, seed))
            before = next(reversed(train.values()), None)
            train[stage], steps[stage] = self.stage(keys, stage, sets[name], before, seed)
        last = next(reversed(train.values()), None)
        choice = self.choice(keys, last, seed) if keys.choose and last else None
        answers, count = self.answers(keys, last, choice, seed)
        main = next(iter(sets.values()), "")
        return Job(arm, seed, sets, train, choice, answers, self.sizes.get(main), steps, count)

    def set(self, arm: Arm, name: str, seed: int) -> str:
        """Plan a set."""
        recipe = arm.recipes[name]
        data = {**recipe.raw, "seed": drawn(arm.keys.sets[name], seed)}
        params = {"data": data, "file": recipe.file, "texts": recipe.texts}
        unnamed = {key: value for key, value in data.items() if key != "name"}  # what a set is called changes nothing
        key = self.node("set", [unnamed, recipe.texts], params, [])
        self.sizes[key] = recipe.size
        return key

    def stage(self, keys: ArmKeys, stage: str, set_: str, before: str | None, seed: int) -> tuple[str, int | None]:
        """Plan a training stage; count its steps where that can be told."""
        config = config_of(keys, stage, self.file, seed)
        model = None if before else config.model
        force = keys.train[stage].force
        params = {"config": config.model_dump(), "set": set_, "before": before, "force": force}
        own = [config.digest(), force, config.eval_data, config.reward, model and (base.weights(model) or model)]
        key = self.node("train", own, params, [set_, *([before] if before else [])])
        return key, steps_of(config.trainer, config.rows or self.sizes[set_])

    def choice(self, keys: ArmKeys, model: str, seed: int) -> str:
        """Plan the choice of a checkpoint."""
        assert keys.choose is not None
        choose = keys.choose
        prompts = self.rows(read_prompts, choose.prompts, choose.limit)
        params = {"model": model, "prompts": prompts, "epochs": choose.epochs, "samples": choose.samples, "seed": seed}
        params |= _how(keys.answer) | {"judge": self.judge()}
        about = [{**params, "model": None, "judge": dict(self.ablation.judge.describe())}]
        return self.node("choice", about, params, [model])

    def answers(self, keys: ArmKeys, last: str | None, choice: str | None, seed: int) -> tuple[str, int]:
        """Plan the answers, and count them."""
        answer = keys.answer
        prompts = self.rows(read_prompts, answer.prompts, answer.limit)
        dialogues = self.rows(read_dialogues, answer.dialogues, answer.limit)
        params = {"prompts": prompts, "dialogues": dialogues, "samples": answer.samples, "seed": seed, **_how(answer)}
        model = None if last else keys.model
        depends = {**params, "model": model and (weights(model) or model)}
        params |= {"model": model, "train": last, "choice": choice}
        needs = [*([last] if last else []), *([choice] if choice else [])]
        count = len(prompts) + sum(len(dialogue["turns"]) for dialogue in dialogues)
        return self.node("answers", depends, params, needs), answer.samples * count

    def rows(self, read: Callable[[Path, int | None], pl.DataFrame], name: str | None, limit: int | None) -> list[Any]:
        """Read prompts or dialogues from the file that the ablation names."""
        return read(beside(self.file, name), limit).to_dicts() if name else []

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


def as_data(plan: Plan, out: Path) -> dict[str, Any]:
    """Give a plan as data: jobs with the state of each of their nodes, counts, warnings."""
    done = _done(plan, out) if out.is_dir() else set()
    owners: dict[str, str] = {}
    jobs = []
    for job in plan.jobs:
        name = f"{job.arm.name}/{job.seed}"
        states = {}
        for label, key in _labelled(job).items():
            owner = owners.setdefault(key, name)
            states[label] = "done" if key in done else "to do" if owner == name else f"as {owner}"
        counts = {"rows": job.rows, "steps": job.steps, "answers": job.count}
        jobs.append({"arm": job.arm.name, "seed": job.seed, **counts, "nodes": states})
    return {"name": plan.ablation.keys.name, "jobs": jobs, **_counts(plan, done), "warnings": warnings(plan)}


def _done(plan: Plan, out: Path) -> set[str]:
    """List the nodes that are done; what builds on a set that is made anew may turn out to be, when it is made."""
    old = stale(out, plan.nodes)
    done = {key for key in plan.nodes if content(out, plan.nodes, key) is not None}
    return {key for key in done if key not in old and not old & set(plan.nodes[key].needs)}


def _labelled(job: Job) -> dict[str, str]:
    sets = {f"set {name}": key for name, key in job.sets.items()}
    return {**sets, **job.train, **({"choice": job.choice} if job.choice else {}), "answers": job.answers}


def _counts(plan: Plan, done: set[str]) -> dict[str, Any]:
    kinds = Counter(node.kind for node in plan.nodes.values())
    to_do = Counter(node.kind for key, node in plan.nodes.items() if key not in done)
    answers = sum({job.answers: job.count for job in plan.jobs}.values())
    steps = {key: job.steps[stage] for job in plan.jobs for stage, key in job.train.items()}.values()
    judge = plan.ablation.judge
    return {
        "nodes": {kind: {"all": n, "to do": to_do[kind]} for kind, n in kinds.items()},
        "steps": None if None in steps else sum(n or 0 for n in steps),
        "answers": answers,
        "judge": judge.name,
        "judge_requests": answers if judge.generators else 0,
    }


def show(plan: Plan, out: Path) -> None:
    """Print a plan."""
    from curate.report import terminal

    data = as_data(plan, out)
    columns = max((list(job["nodes"]) for job in data["jobs"]), key=len)
    table = Table("arm", "seed", title=plan.ablation.keys.question or plan.ablation.keys.name, title_justify="left")
    for name in ("rows", "steps", "answers"):
        table.add_column(name, justify="right")
    for label in columns:
        table.add_column(_HEADS.get(label, label))
    for job in data["jobs"]:
        steps = " + ".join("?" if n is None else f"{n:,}" for n in job["steps"].values())
        rows = "–" if not job["steps"] else "?" if job["rows"] is None else f"{job['rows']:,}"
        states = (job["nodes"].get(label, "–") for label in columns)
        table.add_row(job["arm"], str(job["seed"]), rows, steps or "–", f"{job['answers']:,}", *states)
    terminal.console.print(table)
    terminal.console.print(_sum(data, plan), soft_wrap=True)
    for line in data["warnings"]:
        terminal.console.print(f"Mind: {line}.", style="yellow", soft_wrap=True)


_HEADS = {"set data": "set", "answers": "answered"}
_NAMES = {"set": "sets", "train": "trainings", "choice": "choices", "answers": "models asked"}


def _sum(data: dict[str, Any], plan: Plan) -> str:
    nodes = [f"{n['all']} {_NAMES[kind]} ({n['to do']} to do)" for kind, n in data["nodes"].items()]
    steps = f"{data['steps']:,} training steps" if data["steps"] is not None else "steps not known before the sets are"
    asks = f"{data['judge_requests']:,} requests to its model" if data["judge_requests"] else "no requests to a model"
    parts = [", ".join(nodes), steps, f"{data['answers']:,} answers, judged by {data['judge']} with {asks}"]
    return "; ".join(parts) + f". {_family(plan)}."


def _family(plan: Plan) -> str:
    """Say which arms are going to be compared: a few by name, many by their number."""
    made, _ = contrasts(plan.ablation)
    against = list(dict.fromkeys(one.against for one in made))
    if len(against) == 1:
        return f"The others are compared with {against[0]}"
    counts = Counter(one.factor for one in made)
    family = ", ".join(f"{n} of {factor}" for factor, n in counts.items())
    return f"{plural(len(made), 'comparison')} of arms that differ in one factor{f': {family}' if family else ''}"
