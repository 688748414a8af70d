"""The part of the page about the answers: what became of them, and with what they were drawn and graded."""

from __future__ import annotations

from typing import Any

import yaml

from curate.report.html import Html, el, join, number, percent, table


def answers(ablation: dict[str, Any], results: dict[str, Any]) -> Html:
    """Count what became of the answers, and say where the raw grades stand and how to check the numbers."""
    judge = f"The judge is {results['judge'] or 'not named'}"
    if scale := ablation.get("scale"):
        judge += f"; it grades from {scale[0]:g} to {scale[1]:g}, and greater is better"
    raw = "All answers stand with their grades in grades.jsonl; those without a grade are in no mean, and counted."
    again = join([el("code", "curate ablate"), " with this folder computes every number again from them."])
    note = join([f"{judge}. ", raw, " ", again])
    heads = [
        ("arm", "arm"),
        *((name, "n") for name in ("asked", "no answer", "cut", "no grade", "graded")),
        ("lost", "n"),
    ]
    rows: list[list[object]] = []
    for arm in results["arms"]:
        count = arm["answers"]
        cells = [number(count[key]) for key in ("asked", "failed", "cut", "ungraded", "graded")]
        rows.append([arm["arm"], *cells, percent(count["asked"] - count["graded"], count["asked"])])
    made = table("What became of the answers.", heads, rows)
    return join([el("h2", "Answers"), el("p", note, class_="note"), made, _how(ablation)])


def _how(ablation: dict[str, Any]) -> Html:
    """Show with what the answers were drawn and graded."""
    jobs = [job for arm in ablation["arms"] for job in arm.get("jobs") or [] if job.get("answers")]
    drawn = [job["answers"].get("sampling") for job in jobs]
    told = {
        "judge": ablation.get("judge"),
        "sampling": drawn[0] if drawn and all(one == drawn[0] for one in drawn) else drawn or None,
        "generators": ablation.get("generator_models") or None,
        "judge models": ablation.get("judge_models") or None,
        "versions": ablation.get("versions") or None,
    }
    text = yaml.safe_dump({k: v for k, v in told.items() if v}, sort_keys=False, allow_unicode=True)
    return el("details", el("summary", "Judge, sampling and versions"), el("pre", text))
