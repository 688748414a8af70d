"""The whole way of an ablation: the plan carried out, what came out graded, and the report written."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from curate.ablate import record
from curate.ablate.checks import leaks, overlaps, warnings
from curate.ablate.inputs import stale
from curate.ablate.node import FOLDERS, NODE, NODE_FILES, begin
from curate.ablate.plan import Job, Plan
from curate.ablate.running import Processes, Tell, run
from curate.cache import lock
from curate.errors import UserError, did_you_mean
from curate.folders import claim, clear, hold, read, strangers
from curate.run.quarantine import frequent

_OURS = (*(f"{name}/" for name in FOLDERS.values()), "grades/", "logs/")
_FILES = (record.ABLATION, "grades.jsonl", "results.json", "report.html")


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
    wanted = _wanted(plan, only)
    claim(out, record.BY, (*_OURS, *_FILES))
    with lock(out / record.ABLATION, lambda: tell(f"another ablation is at work in {out}: this one waits for its end")):
        if fresh:
            _alone(out)
            clear(out, record.BY, _OURS)
        hold(out, record.BY, _OURS)
        _carry_out(plan, wanted, out, jobs, runner, tell)
        results = report(out)
    _some_grade(out)
    return results


def _carry_out(plan: Plan, wanted: list[Job], out: Path, jobs: int, runner: str | None, tell: Tell) -> None:
    for key in stale(out, plan.nodes):
        begin(plan.nodes[key].folder(out))
    failed: dict[str, str] = {}
    told = record.write(plan, out, failed, {}, warnings(plan))
    with Processes(runner) as processes:
        try:
            # Sets one after another, since what they have in common is found done by the next; and all of them before
            # the first training, since a test prompt in one makes that training worthless.
            run(out, plan.nodes, [key for job in wanted for key in job.sets.values()], failed, processes, tell=tell)
            for line in leaks(overlaps(plan, out)):
                tell(line)
            run(out, plan.nodes, [k for job in wanted for k in job.nodes], failed, processes, jobs=jobs, tell=tell)
        finally:
            found = overlaps(plan, out)
            told = record.write(plan, out, failed, found, [*warnings(plan), *leaks(found)])
        _grade(told, out, processes, tell)


def _some_grade(out: Path) -> None:
    """Raise AblateError, with the most frequent reasons, where no answer of any arm has a grade."""
    from curate.ablate.report.numbers import read

    grades = read(out)[1]
    if grades.height == grades["score"].null_count():
        reasons = frequent(pl.select(pl.coalesce(grades["failed"], grades["why"])).to_series())
        raise AblateError(f"none of {grades.height:,} answers has a grade, so nothing can be compared: {reasons}")


def report(out: Path) -> dict[str, Any]:
    """Compute results.json and report.html of an ablation's folder from its grades; return the results."""
    from curate.ablate import report as ablate_report

    results: dict[str, Any] = ablate_report.write(out)
    return results


def _wanted(plan: Plan, only: Sequence[str]) -> list[Job]:
    names = [arm.name for arm in plan.ablation.arms]
    for name in only:
        if name not in names:
            raise AblateError(f"--only: there is no arm '{name}'; {did_you_mean(name, names)}")
    return [job for job in plan.jobs if not only or job.arm.name in only]


def _alone(out: Path) -> None:
    """Refuse to begin anew where somebody put files of their own among the nodes, or into one."""
    for kind, name in FOLDERS.items():
        for node in sorted((out / name).glob("[!.]*")):
            told = read(node) or kind in {"choice", "answers"}  # whether what it wrote is all known
            own = sorted(strangers(node) - NODE_FILES) if told else []
            if own or not (node / NODE).is_file():
                place = node / own[0] if own else node
                raise AblateError(f"{place} was not written by curate, and --fresh would remove it: move it away")


def _grade(told: dict[str, Any], out: Path, processes: Processes, tell: Tell) -> None:
    jobs = [job for arm in told["arms"] for job in arm["jobs"]]
    if not any(job["status"] == "done" for job in jobs):
        why = next((job["why"] for job in jobs if job["why"]), "no arm was run")
        raise AblateError(f"no arm came to its answers, so there is nothing to grade: {why}; see {out / 'logs'}")
    log = out / "logs" / "grades.log"
    tell(f"grades: begins, log in {log}")
    failed = processes.run([sys.executable, "-m", "curate.ablate.grades", str(out)], log)
    if failed:
        raise AblateError(f"the answers could not be graded: {failed}; see {log}")
