"""The answer of an ablation in plain words: a sentence a comparison, which claims no more than its interval does."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from curate.report.words import DASH, number, plural


def sentences(ablation: dict[str, Any], results: dict[str, Any]) -> list[dict[str, Any]]:
    """Say of each arm what is shown, factor by factor, and what is not compared.

    `verdict` is better, worse, nothing, failed, compared with, or not compared. `factor` is the one that a comparison
    is about.
    """
    sentences = [one for arm in results["arms"] for one in _of_arm(ablation, results, arm)]
    factors = results.get("compare") or []
    # Stable: within a factor the arms stay in their order.
    sentences.sort(key=lambda one: factors.index(one["factor"]) if one["factor"] in factors else 0)
    for one in results["uncompared"]:
        if one["arm"] is None:
            text = f"The levels of {one['factor']} are not compared with each other: {one['why']}."
            sentences.append({"arm": None, "factor": one["factor"], "verdict": "not compared", "text": text})
    return sentences


def _of_arm(ablation: dict[str, Any], results: dict[str, Any], arm: dict[str, Any]) -> list[dict[str, Any]]:
    name, grade = arm["arm"], arm["grade"]
    if grade is None:
        why = arm["why"] if arm["answers"]["graded"] else _why(ablation, name)
        return [_sentence(name, None, "failed", f"{name} has no grade: {why}.")]
    n = len(results["differences"])
    found = [_sentence(name, one["factor"], *_compared(one, n)) for one in results["differences"] if one["arm"] == name]
    for one in results["uncompared"]:
        if one["arm"] == name:
            text = f"Nothing can be claimed of {name} against {one['against']}: {one['why']}."
            found.append(_sentence(name, one["factor"], "nothing", text))
    if not found:
        pairs = results["differences"] + results["uncompared"]
        others = [one["arm"] for one in pairs if one["against"] == name]
        alone = len({one["against"] for one in pairs}) == 1
        named = "the others are" if alone else f"{others[0]} is" if len(others) == 1 else f"{' and '.join(others)} are"
        role = f"what {named} compared with" if others else "alone"
        span = f", of {plural(grade['n'], 'prompt')}" if grade["low"] is None else f" ({interval(grade)})"
        text = f"{name} is {role}: its mean grade is {decimal(grade['mean'])}{span}."
        found.append(_sentence(name, None, "compared with", text))
    return found


def _sentence(arm: str, factor: str | None, verdict: str, text: str) -> dict[str, Any]:
    return {"arm": arm, "factor": factor, "verdict": verdict, "text": text}


def _compared(difference: dict[str, Any], others: int) -> tuple[str, str]:
    if difference["low"] is None:
        both = f"{plural(difference['prompts'], 'prompt')} with grades of it and of {difference['against']}"
        return "nothing", f"Nothing can be claimed of {difference['arm']}: {both} give no interval."
    return _claim(difference) if difference["shown"] else ("nothing", _nothing(difference, others))


def family(results: dict[str, Any]) -> str | None:
    """Say how many comparisons are one family, and which; None where one arm is what all others are compared with."""
    counts = Counter(one["factor"] for one in results["differences"])
    if len({one["against"] for one in results["differences"]}) < 2:
        return None
    parts = ", ".join(f"{n} of {factor}" for factor, n in counts.items())
    return (
        f"{plural(counts.total(), 'comparison')} of arms that differ in one factor, all else equal ({parts}); what is "
        "claimed is clear of zero after Holm's correction for all of them"
    )


def _claim(difference: dict[str, Any]) -> tuple[str, str]:
    """Say which is better and by how much, on what that rests, and what of it remains at equal length."""
    sign, verdict = (1, "better") if difference["mean"] > 0 else (-1, "worse")
    by = f"{decimal(abs(difference['mean']))} ({_turned(difference, sign)})"
    over = f"{plural(difference['prompts'], 'prompt')} and {plural(difference['seeds'], 'seed')}"
    text = f"{difference['arm']} is {verdict} than {difference['against']} by {by}, over {over}."
    if difference["about"] == "models":
        text += " That is said of these trained models; another training of the same data may differ."
    level = difference["length_controlled"]
    if not level or level["low"] is None:
        return verdict, text
    text += f" At equal length it is {decimal(sign * level['mean'])} ({_turned(level, sign)})"
    unclear = min(sign * level["low"], sign * level["high"]) <= 0
    return verdict, text + (": the length of the answers may be all there is to it." if unclear else ".")


def _nothing(difference: dict[str, Any], others: int) -> str:
    """Say how large a difference can be excluded; rounded up, so that it holds as it is written."""
    low, high = difference["low"], difference["high"]
    text = (
        f"Nothing can be claimed of {difference['arm']} against {difference['against']}: the difference is "
        f"{signed(difference['mean'])} ({signed(low)} to {signed(high)})"
    )
    if (low > 0 or high < 0) and difference["p"] >= 0.05:  # all prompts say the very same, and are few
        return f"{text}; so few prompts that agree may do so by chance."
    if low > 0 or high < 0:
        return f"{text}; alone it would be clear of zero, among {plural(others, 'comparison')} (Holm) it is not."
    most = math.ceil(100 * max(-low, high) - 1e-9) / 100
    return f"{text}; one larger than {decimal(most)} can be excluded, a smaller one cannot."


def _why(ablation: dict[str, Any], name: str) -> str:
    """Say why an arm has no grade: the first line of each of its jobs' reasons; a whole error is in its log."""
    jobs = next(arm.get("jobs") or [] for arm in ablation["arms"] if arm["arm"] == name)
    if not jobs:
        return "it was not run"
    reasons = set()
    for job in (job for job in jobs if job["status"] != "done"):
        lines = (job.get("why") or "").strip().splitlines()
        default = "it was not run" if job["status"] == "not run" else "it failed"
        reasons.add(lines[0].rstrip(".") if lines else default)
    return "; ".join(sorted(reasons)) or "the judge graded none of its answers"


def worth(multiplier: dict[str, Any]) -> str:
    """Put a multiplier into a sentence; what lies beyond the sizes measured is said to be unknown."""
    one = multiplier
    if "why" in one:
        return f"What {one['arm']} is worth in rows cannot be said: {one['why']}."
    needs = f"{one['curve']} needs {one['label']} {_rounded(one['rows'])} rows ({_sizes(one)})"
    has = f" for the grade that {one['arm']} has" + (f" with {_rounded(one['own'])}" if one["own"] else "")
    times = f": {one['label']} {one['times']:.2g} times as many" if one["times"] else ""
    return f"{needs}{has}{times}."


def _sizes(multiplier: dict[str, Any]) -> str:
    low, high = multiplier["low"], multiplier["high"]
    smallest, largest = _rounded(multiplier["smallest"]), _rounded(multiplier["largest"])
    if low is None and high is None:
        return f"the interval holds all sizes from {smallest} to {largest}"
    if high is None:
        return f"beyond {_rounded(low)}"
    return f"{f'below {smallest}' if low is None else _rounded(low)} to {_rounded(high)}"


def _rounded(rows: float) -> str:
    """Write a number of rows to three digits: more were false precision.

    >>> _rounded(2296.4), _rounded(500)
    ('2,300', '500')
    """
    return number(float(f"{rows:.3g}"))


def decimal(value: float) -> str:
    """Write a grade or a difference: two decimals, or one digit where two decimals would show nothing.

    >>> decimal(0.423), decimal(0.0031), decimal(-0.3), decimal(0.0)
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
    return f"+{decimal(value)}" if decimal(value) != "0.00" and value > 0 else decimal(value)


def interval(result: dict[str, Any] | None) -> str:
    """Write an interval; a dash where there is none.

    >>> interval({"low": -0.1, "high": 0.25}), interval(None) == DASH
    ('−0.10 to 0.25', True)
    """
    return DASH if not result or result["low"] is None else f"{decimal(result['low'])} to {decimal(result['high'])}"


def _turned(result: dict[str, Any], sign: int) -> str:
    low, high = sorted((sign * result["low"], sign * result["high"]))
    return interval({"low": low, "high": high})
