"""ablation.json: what was asked and what was done, for whoever reads the grades."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from curate.ablate.checks import generator_models, judge_models
from curate.ablate.node import FOLDERS, content
from curate.ablate.plan import Job, Plan
from curate.ablate.properties import PROPERTIES
from curate.folders import put_text

BY, ABLATION = "ablate", "ablation.json"


def write(
    plan: Plan, out: Path, failed: dict[str, str], overlap: dict[str, Any], warnings: list[str]
) -> dict[str, Any]:
    """Write ablation.json as things stand, and return what it says."""
    from curate.train.record import versions

    ablation = plan.ablation
    told = {
        "name": ablation.keys.name,
        "question": ablation.keys.question,
        "file": ablation.file,
        "recipe": ablation.data,
        "against": ablation.against,
        "random": ablation.keys.random,
        "seeds": ablation.keys.seeds,
        "judge": dict(ablation.judge.describe()),
        "scale": ablation.keys.scale,
        "arms": [
            {
                "arm": arm.name,
                "x": arm.x,
                "curve": arm.curve,
                "jobs": [_job(plan, job, out, failed) for job in plan.jobs if job.arm.name == arm.name],
            }
            for arm in ablation.arms
        ],
        "overlap": overlap,
        "warnings": warnings,
        "generator_models": sorted(generator_models(plan)),
        "judge_models": sorted(judge_models(plan)),
        "versions": versions(),
    }
    put_text(out, BY, ABLATION, json.dumps(told, indent=1, ensure_ascii=False, default=str) + "\n")
    return told


def _job(plan: Plan, job: Job, out: Path, failed: dict[str, str]) -> dict[str, Any]:
    why = next((failed[key] for key in job.nodes if key in failed), None)
    made = {key for key in job.nodes if content(out, plan.nodes, key) is not None}
    sets = {name: _read(out / FOLDERS["set"] / key / PROPERTIES) for name, key in job.sets.items() if key in made}
    train = [_stage(plan, job, out, stage) for stage, key in job.train.items() if key in made]
    main = next(iter(job.sets), "")
    if sets.get(main) and train and train[0]["rows_trained"] and train[0]["tokens_trained"]:
        sets[main]["response_tokens"] = round(train[0]["tokens_trained"] / train[0]["rows_trained"], 1)
    return {
        "seed": job.seed,
        "status": "done" if job.answers in made else "failed" if why else "not run",
        "why": why,
        "nodes": {"sets": job.sets, "train": job.train, "choice": job.choice, "answers": job.answers},
        "set": sets.get(main),
        "sets": sets,
        "train": train,
        "answers": _answers(plan, job, out) if job.answers in made else None,
    }


def _stage(plan: Plan, job: Job, out: Path, stage: str) -> dict[str, Any]:
    key = job.train[stage]
    folder = out / FOLDERS["train"] / key
    record = _read(folder / "record.json")
    last = key == list(job.train.values())[-1]
    chosen = out / FOLDERS["choice"] / job.choice / "choice.json" if job.choice and last else None
    figures = {name: record["metrics"].get(name) for name in ("first_loss", "loss", "eval_loss")}
    counted = {name: record["data"].get(name) for name in ("tokens_trained", "rows_trained")}
    return {
        "stage": stage,
        **{name: record[name] for name in ("steps", "effective_batch", "seconds")},
        **counted,
        **figures,
        "log": _under(out, folder / "log.jsonl"),
        "choice": _under(out, chosen) if chosen and chosen.is_file() else None,
    }


def _answers(plan: Plan, job: Job, out: Path) -> dict[str, Any]:
    node = plan.nodes[job.answers]
    given = node.given
    return {
        "prompts": len(given["prompts"]),
        "dialogues": len(given["dialogues"]),
        "model": given["model"] or _under(out, out / FOLDERS["train"] / given["train"]),
        **{name: given[name] for name in ("samples", "backend", "sampling", "engine")},
        **_read(node.folder(out) / "answers.json"),
    }


def _under(out: Path, file: Path) -> str:
    return file.relative_to(out).as_posix()


def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found
