"""The answer of an ablation in plain words: one sentence an arm, which claims no more than its interval does."""

from __future__ import annotations

import math
from typing import Any

from curate.report.words import plural


def sentences(ablation: dict[str, Any], results: dict[str, Any]) -> list[dict[str, str]]:
    """Say of each arm what is shown; `verdict` is better, worse, nothing, failed, or compared with."""
    differences = {one["arm"]: one for one in results["differences"]}
    found = []
    for arm in results["arms"]:
        verdict, text = _of_arm(ablation, results, arm, differences)
        found.append({"arm": arm["arm"], "verdict": verdict, "text": text})
    return found


def _of_arm(
    ablation: dict[str, Any], results: dict[str, Any], arm: dict[str, Any], differences: dict[str, dict[str, Any]]
) -> tuple[str, str]:
    name, against = arm["arm"], results["against"]
    if arm["grade"] is None:
        why = arm["why"] if arm["answers"]["graded"] else _why(ablation, name)
        return "failed", f"{name} has no grade: {why}."
    if name == against:
        return "compared with", f"{name} is what the others are compared with: its mean grade is {_span(arm['grade'])}."
    if name not in differences:
        return "nothing", f"Nothing can be claimed of {name}: {results['uncompared'][name]}."
    found = differences[name]
    if found["low"] is None:
        why = f"{plural(found['prompts'], 'prompt')} with grades of it and of {against} give no interval"
        return "nothing", f"Nothing can be claimed of {name}: {why}."
    return _claim(found) if found["shown"] else ("nothing", _nothing(found, len(differences)))


def _claim(found: dict[str, Any]) -> tuple[str, str]:
    """Say which is better and by how much, on what that rests, and what is left of it at equal length."""
    way, verdict = (1, "better") if found["mean"] > 0 else (-1, "worse")
    by = f"{shown(abs(found['mean']))} ({_ends(found, way)})"
    over = f"{plural(found['prompts'], 'prompt')} and {plural(found['seeds'], 'seed')}"
    text = f"{found['arm']} is {verdict} than {found['against']} by {by}, over {over}."
    if found["about"] == "models":
        text += " That is said of these trained models; another training of the same data may differ."
    left = found["length_controlled"]
    if not left or left["low"] is None:
        return verdict, text
    text += f" At equal length it is {shown(way * left['mean'])} ({_ends(left, way)})"
    unclear = min(way * left["low"], way * left["high"]) <= 0
    return verdict, text + (": the length of the answers may be all there is to it." if unclear else ".")


def _nothing(found: dict[str, Any], others: int) -> str:
    """Say how large a difference can be excluded; rounded up, so that it holds as it is written."""
    low, high = found["low"], found["high"]
    said = (
        f"Nothing can be claimed of {found['arm']} against {found['against']}: the difference is "
        f"{signed(found['mean'])} ({signed(low)} to {signed(high)})"
    )
    if (low > 0 or high < 0) and found["p"] >= 0.05:  # all prompts say the very same, and are few
        return f"{said}; so few prompts that agree may do so by chance."
    if low > 0 or high < 0:
        return f"{said}; alone it would be clear of zero, among {plural(others, 'comparison')} (Holm) it is not."
    most = math.ceil(100 * max(-low, high) - 1e-9) / 100
    return f"{said}; one larger than {shown(most)} can be excluded, a smaller one cannot."


def _why(ablation: dict[str, Any], name: str) -> str:
    """Say why an arm has no grade: the first line of each of its jobs' reasons."""
    jobs = next(arm.get("jobs") or [] for arm in ablation["arms"] if arm["arm"] == name)
    if not jobs:
        return "it was not run"
    if all(job["status"] == "done" for job in jobs):
        return "the judge graded none of its answers"
    return "; ".join(sorted({reason(job) for job in jobs if job["status"] != "done"}))


def reason(job: dict[str, Any]) -> str:
    """Give the first line of why a job did not end; a whole error is in its log."""
    lines = (job.get("why") or "").strip().splitlines()
    return lines[0].rstrip(".") if lines else "it was not run" if job["status"] == "not run" else "it failed"


def shown(value: float) -> str:
    """Write a grade or a difference: two decimals, or one digit where two decimals would show nothing.

    >>> shown(0.423), shown(0.0031), shown(-0.3), shown(0.0)
    ('0.42', '0.003', '−0.30', '0.00')
    """
    small = 0 < abs(value) < 0.005
    text = f"{value:.2f}" if not small else f"{value:.1g}" if abs(value) >= 1e-4 else "0.00"
    return text.replace("-", "\N{MINUS SIGN}")


def signed(value: float) -> str:
    """Write a difference with its sign.

    >>> signed(0.2), signed(-0.2), signed(0)
    ('+0.20', '−0.20', '0.00')
    """
    return f"+{shown(value)}" if shown(value) != "0.00" and value > 0 else shown(value)


def _ends(found: dict[str, Any], way: int) -> str:
    low, high = sorted((way * found["low"], way * found["high"]))
    return f"{shown(low)} to {shown(high)}"


def _span(grade: dict[str, Any]) -> str:
    if grade["low"] is None:
        return f"{shown(grade['mean'])}, of {plural(grade['n'], 'prompt')}"
    return f"{shown(grade['mean'])} ({_ends(grade, 1)})"
