"""What a choice of data is worth in rows: how many the random arm needs for the same grade."""

from __future__ import annotations

from typing import Any

import polars as pl

from curate import evaluate
from curate.report.html import number


def multipliers(ablation: dict[str, Any], arms: list[dict[str, Any]], grades: pl.DataFrame) -> list[dict[str, Any]]:
    """Read each arm's multiplier off the random arm's curve, or say `why` there is none; no curve, no entry.

    `rows` are those that the random arm needs, `own` the arm's, `times` the one over the other.
    """
    base = ablation.get("random") or ablation["against"]
    name = next((arm["curve"] for arm in arms if arm["arm"] == base), None)
    curve = {arm["arm"]: arm["x"] for arm in arms if name and arm["curve"] == name and arm["x"] and arm["grade"]}
    if len(set(curve.values())) < 2:
        return []
    others = [arm for arm in arms if arm["arm"] not in curve and arm["grade"]]
    return [_multiplier(arm["arm"], rows_of(ablation, arm["arm"]), name, curve, grades) for arm in others]


def rows_of(ablation: dict[str, Any], name: str) -> float | None:
    """Give the mean number of rows of an arm's sets, which are one a seed."""
    jobs = next(arm.get("jobs") or [] for arm in ablation["arms"] if arm["arm"] == name)
    rows = [job["set"]["rows"] for job in jobs if (job.get("set") or {}).get("rows") is not None]
    return sum(rows) / len(rows) if rows else None


def _multiplier(
    arm: str, own: float | None, name: str | None, curve: dict[str, int], grades: pl.DataFrame
) -> dict[str, Any]:
    told: dict[str, Any] = {"arm": arm, "curve": name, "own": own, "smallest": min(curve.values())}
    told["largest"] = max(curve.values())
    try:
        found = evaluate.multiplier(grades, arm, curve)
    except evaluate.EvaluateError as error:
        return {**told, "why": str(error)}
    return {**told, **found._asdict(), "times": found.rows / own if own else None}


def said(one: dict[str, Any]) -> str:
    """Put a multiplier into a sentence; what lies beyond the sizes measured is said to be unknown."""
    if "why" in one:
        return f"What {one['arm']} is worth in rows cannot be said: {one['why']}."
    needs = f"{one['curve']} needs {one['label']} {_rounded(one['rows'])} rows ({_ends(one)})"
    has = f" for the grade that {one['arm']} has" + (f" with {_rounded(one['own'])}" if one["own"] else "")
    times = f": {one['label']} {one['times']:.2g} times as many" if one["times"] else ""
    return f"{needs}{has}{times}."


def _ends(one: dict[str, Any]) -> str:
    smallest, largest = _rounded(one["smallest"]), _rounded(one["largest"])
    if one["low"] is None and one["high"] is None:
        return f"the interval holds all sizes from {smallest} to {largest}"
    if one["high"] is None:
        return f"beyond {_rounded(one['low'])}"
    low = f"below {smallest}" if one["low"] is None else _rounded(one["low"])
    return f"{low} to {_rounded(one['high'])}"


def _rounded(rows: float) -> str:
    """Write a number of rows to three digits: more were false precision.

    >>> _rounded(2296.4), _rounded(500)
    ('2,300', '500')
    """
    return number(float(f"{rows:.3g}"))
