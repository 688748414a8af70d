"""What grades and comparisons amount to: numbers with intervals, and all that has none counted with its reason."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import polars as pl

from curate.evaluate import statistics
from curate.evaluate.statistics import EvaluateError, Mean
from curate.filters import refuses


def summary(grades: pl.DataFrame, labels: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Sum up the grades of each arm, prompts by themselves and dialogues apart.

    All intervals are 95 % and take the answers to a prompt, or the turns of a dialogue, as one value.

    Args:
        grades: as `grade` gives them.
        labels: those of a judge that grades by labels, for the share of each: where it gave likelihoods, the expected
            one (LIMA, arXiv 2305.11206, sections 4.3 and 6).

    Returns for each arm `arm`, `dialogues`, `grade` and `worst` (the lowest grade of a prompt's samples, or of a
    dialogue's turns), `shares` by label, `turns` (the grade of each, in dialogues), `prompts`, `samples`, and counts
    of `answers`: `graded`, `cut`, `failed`, `ungraded`, `refused` (by the filter `refuses`); `tokens` and `characters`,
    the mean lengths; `why`, the reasons for having no grade with their counts.

    >>> answers = {"arm": "a", "id": ["p", "p"], "sample": [0, 1], "turn": None, "response": "Hm.", "tokens": 3}
    >>> rows = pl.DataFrame(answers | {"score": [2.0, 4.0], "finish_reason": "stop", "failed": None, "why": None})
    >>> [arm] = summary(rows)
    >>> arm["grade"].mean, arm["worst"].mean, arm["graded"]
    (3.0, 2.0, 2)
    """
    parts = grades.with_columns(dialogue=pl.col("turn").is_not_null())
    return [_arm(part, labels) for part in parts.partition_by("arm", "dialogue", maintain_order=True)]


def _arm(rows: pl.DataFrame, labels: Sequence[str]) -> dict[str, Any]:
    name, dialogue = rows["arm"][0], rows["dialogue"][0]
    answers = rows.filter(pl.col("failed").is_null())
    graded = rows.filter(pl.col("score").is_finite())
    return {
        "arm": name,
        "dialogues": dialogue,
        "grade": _grade(rows, name),
        "worst": _worst(graded, dialogue) if dialogue or rows["sample"].n_unique() > 1 else None,
        "shares": {label: share for label in labels if (share := _share(rows, label))},
        "turns": [_mean(graded.filter(turn=turn)) for turn in rows["turn"].unique().sort()] if dialogue else [],
        "prompts": rows["id"].n_unique(),
        "samples": rows["sample"].n_unique(),
        "answers": rows.height,
        "graded": graded.height,
        "cut": rows.filter(pl.col("finish_reason") == "length").height,
        "failed": rows.height - answers.height,
        "ungraded": answers.filter(pl.col("score").is_null()).height,
        "refused": int(answers.select(refuses("response").sum()).item() or 0),
        "tokens": answers["tokens"].mean(),
        "characters": answers["response"].str.len_chars().mean(),
        "why": _reasons(rows, "score"),
    }


def _grade(rows: pl.DataFrame, name: str) -> Mean | None:
    try:
        return statistics.grade_of(rows, name)
    except EvaluateError:  # no prompt has a grade of each seed
        return None


def _worst(graded: pl.DataFrame, dialogue: bool) -> Mean | None:
    """Take the lowest grade of a prompt's samples, or of each holding of a dialogue; then their mean."""
    return _mean(graded.group_by(["id", "sample"] if dialogue else ["id"]).agg(pl.col("score").min()))


def _mean(graded: pl.DataFrame) -> Mean | None:
    values = graded.group_by("id").agg(pl.col("score").mean())["score"].sort().to_list()
    return statistics.mean(values) if values else None


def _share(rows: pl.DataFrame, label: str) -> Mean | None:
    """Give a label's share with Wilson's interval of as many trials as there are prompts."""
    part = pl.col("parts").map_elements(lambda text: json.loads(text).get(label), pl.Float64)
    parts = rows.filter(pl.col("parts").is_not_null()).select("id", part=part)
    return _rate(parts.drop_nulls(), pl.col("part"))


def _rate(rows: pl.DataFrame, value: pl.Expr) -> Mean | None:
    """Take shares of prompts as so many trials; a sum may be off by rounding."""
    each = rows.group_by("id").agg(value.mean().alias("value"))["value"].sort()
    return statistics.selection(min(float(each.sum()), each.len()), each.len()) if each.len() else None


def _reasons(rows: pl.DataFrame, column: str) -> list[tuple[str, int]]:
    return Counter(rows.filter(pl.col(column).is_null())["why"].to_list()).most_common()


def beside(comparisons: pl.DataFrame) -> dict[str, Any]:
    """Sum up comparisons of two: how often `a` won, tied and lost, with what the order of the answers did to it.

    `win`, `tie`, `lose` are shares, `better` is the share of prompts in which `a` is better, a tie being half a win;
    all with Wilson's interval of as many trials as there are prompts. `flips` is the share of pairs where the order
    decided, `first` the share of verdicts for what stood first (.5 without a preference for a place). `tokens` and
    `characters` are the mean lengths of both; `why` the reasons for having no verdict, with their counts.

    >>> rows = pl.DataFrame({"id": list("pqr"), "a": "x", "b": "y", "first": ["a", "a", "b"], "second": ["a", "b", "b"],
    ...     "verdict": ["a", "tie", "b"], "response_a": "Yes.", "response_b": "No.", "tokens_a": 2, "tokens_b": 1,
    ...     "why": None})
    >>> pair = beside(rows)
    >>> pair["better"].mean, round(pair["flips"].mean, 2), pair["answers"]
    (0.5, 0.33, 3)
    """
    judged = comparisons.filter(pl.col("verdict").is_not_null())
    wins = {"win": "a", "tie": "tie", "lose": "b"}
    points = pl.col("verdict").replace_strict({"a": 1.0, "tie": 0.5, "b": 0.0}, return_dtype=pl.Float64)
    different = judged.filter(pl.col("response_a") != pl.col("response_b"))
    first, second = (different[name].to_list() for name in ("first", "second"))
    return {
        "a": comparisons["a"][0],
        "b": comparisons["b"][0],
        "better": _rate(judged, points),
        **{name: _rate(judged, (pl.col("verdict") == side).cast(pl.Float64)) for name, side in wins.items()},
        "flips": statistics.flip_rate(first, second) if different.height else None,
        "first": _first(different),
        "prompts": comparisons["id"].n_unique(),
        "answers": comparisons.height,
        "judged": judged.height,
        "tokens": [judged[f"tokens_{side}"].mean() for side in "ab"],
        "characters": [judged[f"response_{side}"].str.len_chars().mean() for side in "ab"],
        "why": _reasons(comparisons, "verdict"),
    }


def _first(judged: pl.DataFrame) -> Mean | None:
    """Count how often what stood first was chosen, of the verdicts that chose."""
    orders = (
        judged.select("id", side=pl.col(order), first=pl.lit(a)) for order, a in (("first", "a"), ("second", "b"))
    )
    chosen = pl.concat(orders).filter(pl.col("side") != "tie")
    return _rate(chosen, (pl.col("side") == pl.col("first")).cast(pl.Float64))
