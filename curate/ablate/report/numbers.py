"""The numbers of an ablation: its folder (ablation.json, grades.jsonl) read, and results derived from every grade."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from curate.errors import UserError
from curate.evaluate import statistics

ABLATION, GRADES, RESULTS, PAGE = "ablation.json", "grades.jsonl", "results.json", "report.html"
# What the numbers need of a grade; grades.jsonl has the texts beside it.
COLUMNS = {
    "arm": pl.String(),
    "seed": pl.Int64(),
    "id": pl.String(),  # of the prompt
    "sample": pl.Int64(),
    "turn": pl.Int64(),  # null where there is only one
    "tokens": pl.Int64(),
    "finish_reason": pl.String(),
    "failed": pl.String(),  # why there is no answer
    "score": pl.Float64(),
    "why": pl.String(),  # why there is no score
    "judge": pl.String(),
}


class AblationError(UserError):
    """Say what is wrong with an ablation folder."""


def read(out: Path) -> tuple[dict[str, Any], pl.DataFrame]:
    """Read ablation.json and grades.jsonl of a folder.

    Raises AblationError where one is missing or cannot be read.
    """
    return _ablation(out), _grades(out / GRADES)


def _ablation(out: Path) -> dict[str, Any]:
    try:
        ablation = json.loads((out / ABLATION).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AblationError(f"{out} is not an ablation's folder: it has no {ABLATION}") from None
    except ValueError as error:
        raise AblationError(f"{out / ABLATION} is not JSON: {error}") from None
    missing = [key for key in ("name", "arms", "contrasts") if key not in ablation]
    if missing:
        again = "; run the ablation again: what is done is kept" if missing == ["contrasts"] else ""
        raise AblationError(f"{out / ABLATION} lacks {' and '.join(missing)}{again}")
    return dict(ablation)


def _grades(file: Path) -> pl.DataFrame:
    try:
        return pl.read_ndjson(file, schema=COLUMNS)
    except FileNotFoundError:
        raise AblationError(f"{file} is missing: there are no grades to report") from None
    except pl.exceptions.NoDataError:
        return pl.DataFrame(schema=COLUMNS)
    except (pl.exceptions.PolarsError, UnicodeDecodeError):
        raise AblationError(f"{file}:{_broken(file)} is not a grade: a line is one JSON object") from None


def _broken(file: Path) -> int:
    """Find the first line that is no grade."""
    lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
    for i, line in enumerate(lines, start=1):
        try:
            pl.DataFrame([json.loads(line)] if line.strip() else [], schema=COLUMNS)
        except (ValueError, TypeError, pl.exceptions.PolarsError):
            return i
    return len(lines)


def multipliers(ablation: dict[str, Any], arms: list[dict[str, Any]], grades: pl.DataFrame) -> list[dict[str, Any]]:
    """Read each arm's multiplier off its curve of random draws, or say `why` there is none; no curve, no entry.

    `rows` are those that the random draws need, `own` the arm's, `times` the one over the other.
    """
    read_off = {arm["arm"]: arm.get("random_curve") for arm in ablation["arms"]}
    found = []
    for arm in (arm for arm in arms if read_off[arm["arm"]] and arm["grade"]):
        name = read_off[arm["arm"]]
        curve = {one["arm"]: one["x"] for one in arms if one["curve"] == name and one["grade"]}
        if len(set(curve.values())) > 1:
            found.append(_multiplier(arm["arm"], rows_of(ablation, arm["arm"]), name, curve, grades))
    return found


def rows_of(ablation: dict[str, Any], name: str) -> float | None:
    """Give the mean number of rows of an arm's sets, which are one a seed."""
    jobs = next(arm.get("jobs") or [] for arm in ablation["arms"] if arm["arm"] == name)
    rows = [job["set"]["rows"] for job in jobs if (job.get("set") or {}).get("rows") is not None]
    return sum(rows) / len(rows) if rows else None


def _multiplier(
    arm: str, own: float | None, name: str | None, curve: dict[str, int], grades: pl.DataFrame
) -> dict[str, Any]:
    smallest, largest = min(curve.values()), max(curve.values())
    facts = {"arm": arm, "curve": name, "own": own, "smallest": smallest, "largest": largest}
    try:
        result = statistics.multiplier(grades, arm, curve)
    except statistics.EvaluateError as error:
        return {**facts, "why": str(error)}
    return {**facts, **result._asdict(), "times": result.rows / own if own else None}


LEVEL = 0.95


def results(ablation: dict[str, Any], grades: pl.DataFrame) -> dict[str, Any]:
    """Derive all numbers from the grades: of each arm, of each contrast, and of the curves of sizes.

    What has no score does not enter a mean: it is counted. `ablation` says only what the arms are, and which of them
    are compared: `contrasts` are one family, over which Holm's correction runs.
    """
    arms = [_arm(arm, grades) for arm in ablation["arms"]]
    differences, uncompared = _differences(ablation, grades)
    return {
        "name": ablation["name"],
        "question": ablation.get("question"),
        "compare": ablation.get("compare"),
        "judge": _judge(ablation, grades),
        "scale": ablation.get("scale"),
        "level": LEVEL,
        "arms": arms,
        "differences": differences,
        "uncompared": uncompared,
        "multipliers": multipliers(ablation, arms, grades),
    }


def _judge(ablation: dict[str, Any], grades: pl.DataFrame) -> str | None:
    """Name the judge as the grades do, else as the ablation does."""
    names = sorted(set(grades["judge"].drop_nulls()))
    about = ablation.get("judge") or {}
    return ", ".join(names) or about.get("name") or about.get("judge")


def plain(value: Any) -> Any:
    """Turn what `curate.evaluate.statistics` gives into data for JSON.

    >>> plain(statistics.Mean(2.0, 1.0, 3.0, 9))
    {'mean': 2.0, 'low': 1.0, 'high': 3.0, 'n': 9}
    """
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, tuple) else value


def _arm(arm: dict[str, Any], grades: pl.DataFrame) -> dict[str, Any]:
    name = arm["arm"]
    own = grades.filter(arm=name)
    graded = own.filter(pl.col("score").is_finite())
    grade, why = _grade(graded, name)
    by_seed = statistics.by_prompt(graded, ("arm", "seed"))
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
        return plain(statistics.grade_of(graded, name, LEVEL)), None
    except statistics.EvaluateError as error:
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
    return dict(plain(statistics.mean(values, LEVEL))) if values else None


def _differences(ablation: dict[str, Any], grades: pl.DataFrame) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Compare the arms of each contrast; say why of those that cannot be compared, and those not meant to be."""
    good, uncompared = [], list(ablation.get("uncompared") or [])
    for one in ablation["contrasts"]:
        why = _why_not(grades, one["arm"], one["against"])
        if why is None:
            good.append(one)
        else:
            uncompared.append({**one, "why": why})
    pairs = [(one["arm"], one["against"]) for one in good]
    grades = grades.filter(pl.col("arm").is_in([name for pair in pairs for name in pair]))
    found = statistics.compare_pairs(grades, pairs, LEVEL) if good else []
    return [{**one, **plain(result)} for one, result in zip(good, found, strict=True)], uncompared


def _why_not(grades: pl.DataFrame, arm: str, against: str) -> str | None:
    """Try two arms by themselves: one without grades must not cost the others their comparison."""
    both = grades.filter(pl.col("arm").is_in([arm, against]))
    for name in (against, arm):
        if not both.filter(pl.col("arm") == name, pl.col("score").is_finite()).height:
            return f"{name} has no grade"
    try:
        statistics.compare(both, against, LEVEL)
    except statistics.EvaluateError as error:
        return str(error)
    return None
