"""The plan as a table: arms times seeds, what each takes, what they share and what is done."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from curate.ablate.checks import warnings
from curate.ablate.inputs import stale
from curate.ablate.node import content
from curate.ablate.plan import Job, Plan


def as_data(plan: Plan, out: Path) -> dict[str, Any]:
    """Give a plan as data: jobs with the state of each of their nodes, counts, warnings."""
    there = _done(plan, out) if out.is_dir() else set()
    owners: dict[str, str] = {}
    jobs = []
    for job in plan.jobs:
        name = f"{job.arm.name}/{job.seed}"
        own = {label: (key, owners.setdefault(key, name)) for label, key in _labelled(job).items()}
        states = {
            label: "done" if key in there else "to do" if owner == name else f"as {owner}"
            for label, (key, owner) in own.items()
        }
        told = {"arm": job.arm.name, "seed": job.seed, "rows": job.rows, "steps": job.steps, "answers": job.asked}
        jobs.append({**told, "nodes": states})
    return {"name": plan.ablation.keys.name, "jobs": jobs, **_counts(plan, there), "warnings": warnings(plan)}


def _done(plan: Plan, out: Path) -> set[str]:
    """List the nodes that are done; what builds on a set that is made anew may turn out to be, when it is made."""
    old = stale(out, plan.nodes)
    there = {key for key in plan.nodes if content(out, plan.nodes, key) is not None}
    return {key for key in there if key not in old and not old & set(plan.nodes[key].needs)}


def _labelled(job: Job) -> dict[str, str]:
    sets = {f"set {name}": key for name, key in job.sets.items()}
    return {**sets, **job.train, **({"choice": job.choice} if job.choice else {}), "answers": job.answers}


def _counts(plan: Plan, there: set[str]) -> dict[str, Any]:
    kinds = Counter(node.kind for node in plan.nodes.values())
    open_ = Counter(node.kind for key, node in plan.nodes.items() if key not in there)
    asked = {job.answers: job.asked for job in plan.jobs}
    steps = {key: job.steps[stage] for job in plan.jobs for stage, key in job.train.items()}
    known = [n for n in steps.values() if n is not None]
    by_model = bool(plan.ablation.judge.generators)
    return {
        "nodes": {kind: {"all": n, "to do": open_[kind]} for kind, n in kinds.items()},
        "steps": sum(known) if len(known) == len(steps) else None,
        "answers": sum(asked.values()),
        "judge": plan.ablation.judge.name,
        "judge_requests": sum(asked.values()) if by_model else 0,
    }


def show(plan: Plan, out: Path) -> None:
    """Print a plan."""
    from rich.table import Table

    from curate.report import terminal

    told = as_data(plan, out)
    columns = max((list(job["nodes"]) for job in told["jobs"]), key=len)
    table = Table("arm", "seed", title=plan.ablation.keys.question or plan.ablation.keys.name, title_justify="left")
    for name in ("rows", "steps", "answers"):
        table.add_column(name, justify="right")
    for label in columns:
        table.add_column(_HEADS.get(label, label))
    for job in told["jobs"]:
        steps = " + ".join("?" if n is None else f"{n:,}" for n in job["steps"].values())
        rows = "–" if not job["steps"] else "?" if job["rows"] is None else f"{job['rows']:,}"
        states = (job["nodes"].get(label, "–") for label in columns)
        table.add_row(job["arm"], str(job["seed"]), rows, steps or "–", f"{job['answers']:,}", *states)
    terminal.console.print(table)
    terminal.console.print(_sum(told, plan), soft_wrap=True)
    for line in told["warnings"]:
        terminal.console.print(f"Mind: {line}.", style="yellow", soft_wrap=True)


_HEADS = {"set data": "set", "answers": "answered"}
_NAMES = {"set": "sets", "train": "trainings", "choice": "choices", "answers": "models asked"}


def _sum(told: dict[str, Any], plan: Plan) -> str:
    nodes = [f"{n['all']} {_NAMES[kind]} ({n['to do']} to do)" for kind, n in told["nodes"].items()]
    steps = f"{told['steps']:,} training steps" if told["steps"] is not None else "steps not known before the sets are"
    asks = f"{told['judge_requests']:,} requests to its model" if told["judge_requests"] else "no requests to a model"
    said = [", ".join(nodes), steps, f"{told['answers']:,} answers, judged by {told['judge']} with {asks}"]
    return "; ".join(said) + f". The others are compared with {plan.ablation.against}."
