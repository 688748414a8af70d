"""Every number of an ablation's report, derived from its grades."""

from __future__ import annotations

from typing import Any

import polars as pl

from curate import evaluate
from curate.ablate_report.multipliers import multipliers

LEVEL = 0.95


def results(ablation: dict[str, Any], grades: pl.DataFrame) -> dict[str, Any]:
    """Derive all numbers from the grades: of each arm, of its difference to `against`, and of the quantity curve.

    What has no score does not enter a mean: it is counted. `ablation` says only what the arms are, and which of them
    the others are compared with.
    """
    arms = [_arm(arm, grades) for arm in ablation["arms"]]
    differences, uncompared = _differences(ablation, grades)
    return {
        "name": ablation["name"],
        "question": ablation.get("question"),
        "against": ablation["against"],
        "judge": judge_of(ablation, grades),
        "scale": ablation.get("scale"),
        "level": LEVEL,
        "arms": arms,
        "differences": differences,
        "uncompared": uncompared,
        "multipliers": multipliers(ablation, arms, grades),
    }


def judge_of(ablation: dict[str, Any], grades: pl.DataFrame) -> str | None:
    """Name the judge as the grades do, else as the ablation does."""
    named = sorted(set(grades["judge"].drop_nulls()))
    about = ablation.get("judge") or {}
    return ", ".join(named) or about.get("name") or about.get("judge")


def plain(found: Any) -> Any:
    """Turn what `curate.evaluate` gives into data for JSON.

    >>> plain(evaluate.Mean(2.0, 1.0, 3.0, 9))
    {'mean': 2.0, 'low': 1.0, 'high': 3.0, 'n': 9}
    """
    if hasattr(found, "_asdict"):
        found = found._asdict()
    if isinstance(found, dict):
        return {key: plain(value) for key, value in found.items()}
    return [plain(value) for value in found] if isinstance(found, tuple) else found


def _arm(arm: dict[str, Any], grades: pl.DataFrame) -> dict[str, Any]:
    name = arm["arm"]
    own = grades.filter(arm=name)
    graded = own.filter(pl.col("score").is_finite())
    grade, why = _grade(graded, name)
    by_seed = evaluate.by_prompt(graded, ("arm", "seed"))
    return {
        "arm": name,
        "x": arm.get("x"),
        "curve": arm.get("curve"),
        "grade": grade,
        "why": why,
        # Of each seed's model the worst answer to a prompt: an unlucky sample is what users remember.
        "worst": _mean(by_seed, "worst"),
        "tokens": _mean(graded, "tokens"),
        "answers": _counts(own),
        "seeds": _by(graded, "seed"),
        "turns": _by(graded.filter(pl.col("turn").is_not_null()), "turn"),
    }


def _grade(graded: pl.DataFrame, name: str) -> tuple[dict[str, Any] | None, str | None]:
    try:
        return plain(evaluate.grade_of(graded, name, LEVEL)), None
    except evaluate.EvaluateError as error:
        return None, str(error)


def _counts(own: pl.DataFrame) -> dict[str, Any]:
    """Count what became of the answers; an answer that ran into its limit is cut, and graded as it is."""
    answered = own.filter(pl.col("failed").is_null())
    graded = answered.filter(pl.col("score").is_finite()).height
    return {
        "asked": own.height,
        "failed": own.height - answered.height,
        "cut": answered.filter(pl.col("finish_reason") == "length").height,
        "ungraded": answered.height - graded,
        "graded": graded,
        "prompts": own["id"].n_unique(),
    }


def _by(graded: pl.DataFrame, key: str) -> list[dict[str, Any]]:
    """Give the mean grade of each seed's model, or of each turn of the dialogues."""
    parts = sorted(graded.partition_by(key, as_dict=True).items(), key=lambda item: item[0])
    return [{key: value, **(_mean(part, "score") or {})} for (value,), part in parts]


def _mean(rows: pl.DataFrame, column: str) -> dict[str, Any] | None:
    """Take the mean over the prompts, each prompt's own mean first."""
    values = rows.group_by("id").agg(pl.col(column).mean()).sort("id")[column].drop_nulls().to_list()
    return dict(plain(evaluate.mean(values, LEVEL))) if values else None


def _differences(ablation: dict[str, Any], grades: pl.DataFrame) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Compare each other arm with `against`, in the order of the arms; of those that cannot be compared say why."""
    against = ablation["against"]
    whys = {arm["arm"]: _why_not(grades, arm["arm"], against) for arm in ablation["arms"] if arm["arm"] != against}
    good = [name for name, why in whys.items() if why is None]
    there = grades.filter(pl.col("arm").is_in([against, *good]))
    found = {one.arm: dict(plain(one)) for one in evaluate.compare(there, against, LEVEL)} if good else {}
    return [found[name] for name in good], {name: why for name, why in whys.items() if why is not None}


def _why_not(grades: pl.DataFrame, arm: str, against: str) -> str | None:
    """Try two arms by themselves: one without grades must not cost the others their comparison."""
    both = grades.filter(pl.col("arm").is_in([arm, against]))
    for name in (against, arm):
        if not both.filter(pl.col("arm") == name, pl.col("score").is_finite()).height:
            return f"{name} has no grade"
    try:
        evaluate.compare(both, against, LEVEL)
    except evaluate.EvaluateError as error:
        return str(error)
    return None
