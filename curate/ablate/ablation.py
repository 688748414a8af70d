"""The whole way of an ablation: the plan carried out, what came out graded, ablation.json and the report written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from curate.ablate.checks import generator_models, judge_models, leaks, overlaps, warnings
from curate.ablate.contrasts import design
from curate.ablate.node import (
    ABLATION,
    BY,
    CHOICE,
    COUNTS,
    FOLDERS,
    GRADES,
    NODE,
    NODE_FILES,
    PROPERTIES,
    begin,
    content,
    read_json,
    stale,
)
from curate.ablate.plan import Job, Plan
from curate.ablate.running import Processes, Tell, run
from curate.cache import lock
from curate.errors import UserError, did_you_mean
from curate.folders import claim, clear, hold, put_text, read, strangers
from curate.run.quarantine import frequent

_OURS = (*(f"{name}/" for name in FOLDERS.values()), "grades/", "logs/")
_FILES = (ABLATION, GRADES, "results.json", "report.html")


class AblateError(UserError):
    """Say in words why an ablation cannot go on, and what would be right."""


def carry_out(
    plan: Plan,
    out: Path,
    *,
    only: Sequence[str] = (),
    jobs: int = 1,
    runner: str | None = None,
    fresh: bool = False,
    tell: Tell = lambda line: None,
) -> dict[str, Any]:
    """Carry out a plan into a folder: sets, trainings, answers, grades, report; return the report's results.

    What is done is not done again, unless `fresh`. `only` names the arms that are run; those done before are in the
    report all the same. `jobs` processes run at a time, each by the `runner`'s template (`srun … {command}`).

    Raises AblateError where nothing came out; one arm that fails does not lose the others.
    """
    from curate.ablate import report

    chosen = _chosen(plan, only)
    claim(out, BY, (*_OURS, *_FILES))
    with lock(out / ABLATION, lambda: tell(f"another ablation is at work in {out}: this one waits for its end")):
        if fresh:
            _refuse_foreign(out)
            clear(out, BY, _OURS)
        hold(out, BY, _OURS)
        with Processes(runner) as processes:
            ablation = _run_nodes(plan, chosen, out, processes, jobs, tell)
            _grade(ablation, out, processes, tell)
        results: dict[str, Any] = report.write(out)
    _refuse_ungraded(out)
    return results


def _chosen(plan: Plan, only: Sequence[str]) -> list[Job]:
    names = [arm.name for arm in plan.ablation.arms]
    for name in only:
        if name not in names:
            raise AblateError(f"--only: there is no arm '{name}'; {did_you_mean(name, names)}")
    return [job for job in plan.jobs if not only or job.arm.name in only]


def _refuse_foreign(out: Path) -> None:
    """Refuse to begin anew where somebody put files of their own among the nodes, or into one."""
    for kind, name in FOLDERS.items():
        for node in sorted((out / name).glob("[!.]*")):
            listed = read(node) or kind in {"choice", "answers"}  # whether all that it wrote is known
            own = sorted(strangers(node) - NODE_FILES) if listed else []
            if own or not (node / NODE).is_file():
                place = node / own[0] if own else node
                raise AblateError(f"{place} was not written by curate, and --fresh would remove it: move it away")


def _run_nodes(plan: Plan, chosen: list[Job], out: Path, processes: Processes, jobs: int, tell: Tell) -> dict[str, Any]:
    for key in stale(out, plan.nodes):
        begin(plan.nodes[key].folder(out))
    failed: dict[str, str] = {}
    write(plan, out, failed, {}, warnings(plan))
    try:
        # Sets one after another, since what they have in common is found done by the next; and all of them before
        # the first training, since a test prompt in one makes that training worthless.
        run(out, plan.nodes, [key for job in chosen for key in job.sets.values()], failed, processes, tell=tell)
        for line in leaks(overlaps(plan, out)):
            tell(line)
        run(out, plan.nodes, [key for job in chosen for key in job.nodes], failed, processes, jobs=jobs, tell=tell)
    finally:
        pairs = overlaps(plan, out)
        ablation = write(plan, out, failed, pairs, [*warnings(plan), *leaks(pairs)])
    return ablation


def _grade(ablation: dict[str, Any], out: Path, processes: Processes, tell: Tell) -> None:
    jobs = [job for arm in ablation["arms"] for job in arm["jobs"]]
    if not any(job["status"] == "done" for job in jobs):
        why = next((job["why"] for job in jobs if job["why"]), "no arm was run")
        raise AblateError(f"no arm came to its answers, so there is nothing to grade: {why}; see {out / 'logs'}")
    log = out / "logs" / "grades.log"
    tell(f"grades: begins, log in {log}")
    failed = processes.work(out, log)
    if failed:
        raise AblateError(f"the answers could not be graded: {failed}; see {log}")


def _refuse_ungraded(out: Path) -> None:
    """Raise AblateError, with the most frequent reasons, where no answer of any arm has a grade."""
    from curate.ablate.report.numbers import read

    grades = read(out)[1]
    if grades.height == grades["score"].null_count():
        reasons = frequent(pl.select(pl.coalesce(grades["failed"], grades["why"])).to_series())
        raise AblateError(f"none of {grades.height:,} answers has a grade, so nothing can be compared: {reasons}")


def write(
    plan: Plan, out: Path, failed: dict[str, str], overlap: dict[str, Any], warnings: list[str]
) -> dict[str, Any]:
    """Write ablation.json as things stand: what was asked and what was done; return what it holds."""
    from curate.train.record import versions

    ablation = plan.ablation
    designed = design(ablation)
    for arm in designed["arms"]:
        arm["jobs"] = [_job(plan, job, out, failed) for job in plan.jobs if job.arm.name == arm["arm"]]
    data = {
        "name": ablation.keys.name,
        "question": ablation.keys.question,
        "file": ablation.file,
        "recipe": ablation.data,
        "seeds": ablation.keys.seeds,
        "judge": dict(ablation.judge.describe()),
        "scale": ablation.keys.scale,
        **designed,
        "overlap": overlap,
        "warnings": warnings,
        "generator_models": sorted(generator_models(plan)),
        "judge_models": sorted(judge_models(plan)),
        "versions": versions(),
    }
    put_text(out, BY, ABLATION, json.dumps(data, indent=1, ensure_ascii=False, default=str) + "\n")
    return data


def _job(plan: Plan, job: Job, out: Path, failed: dict[str, str]) -> dict[str, Any]:
    why = next((failed[key] for key in job.nodes if key in failed), None)
    done = {key for key in job.nodes if content(out, plan.nodes, key) is not None}
    sets = {name: read_json(out / FOLDERS["set"] / key / PROPERTIES) for name, key in job.sets.items() if key in done}
    train = [_stage(job, out, stage) for stage, key in job.train.items() if key in done]
    main = next(iter(job.sets), "")
    if sets.get(main) and train and train[0]["rows_trained"] and train[0]["tokens_trained"]:
        sets[main]["response_tokens"] = round(train[0]["tokens_trained"] / train[0]["rows_trained"], 1)
    return {
        "seed": job.seed,
        "status": "done" if job.answers in done else "failed" if why else "not run",
        "why": why,
        "nodes": {"sets": job.sets, "train": job.train, "choice": job.choice, "answers": job.answers},
        "set": sets.get(main),
        "sets": sets,
        "train": train,
        "answers": _answers(plan, job, out) if job.answers in done else None,
    }


def _stage(job: Job, out: Path, stage: str) -> dict[str, Any]:
    folder = Path(FOLDERS["train"]) / job.train[stage]
    record = read_json(out / folder / "record.json")
    last = stage == list(job.train)[-1]
    choice = Path(FOLDERS["choice"]) / job.choice / CHOICE if job.choice and last else None
    return {
        "stage": stage,
        **{name: record[name] for name in ("steps", "effective_batch", "seconds")},
        **{name: record["data"].get(name) for name in ("tokens_trained", "rows_trained")},
        **{name: record["metrics"].get(name) for name in ("first_loss", "loss", "eval_loss")},
        "log": (folder / "log.jsonl").as_posix(),
        "choice": choice.as_posix() if choice and (out / choice).is_file() else None,
    }


def _answers(plan: Plan, job: Job, out: Path) -> dict[str, Any]:
    node = plan.nodes[job.answers]
    params = node.params
    return {
        "prompts": len(params["prompts"]),
        "dialogues": len(params["dialogues"]),
        "model": params["model"] or f"{FOLDERS['train']}/{params['train']}",
        **{name: params[name] for name in ("samples", "backend", "sampling", "engine")},
        **read_json(node.folder(out) / COUNTS),
    }
