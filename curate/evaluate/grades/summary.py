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
    >>> [found] = summary(rows)
    >>> found["grade"].mean, found["worst"].mean, found["graded"]
    (3.0, 2.0, 2)
    """
    parts = grades.with_columns(talk=pl.col("turn").is_not_null()).partition_by("arm", "talk", maintain_order=True)
    return [_arm(part, labels) for part in parts]


def _arm(rows: pl.DataFrame, labels: Sequence[str]) -> dict[str, Any]:
    name, talk = rows["arm"][0], rows["talk"][0]
    there = rows.filter(pl.col("failed").is_null())
    return {
        "arm": name,
        "dialogues": talk,
        "grade": _grade(rows, name),
        "worst": _worst(rows, talk),
        "shares": {label: share for label in labels if (share := _share(rows, label))},
        "turns": _turns(rows) if talk else [],
        "prompts": rows["id"].n_unique(),
        "samples": rows["sample"].n_unique(),
        "answers": rows.height,
        "graded": rows.filter(pl.col("score").is_finite()).height,
        "cut": rows.filter(pl.col("finish_reason") == "length").height,
        "failed": rows.height - there.height,
        "ungraded": there.filter(pl.col("score").is_null()).height,
        "refused": int(there.select(refuses().sum()).item() or 0),
        "tokens": there["tokens"].mean(),
        "characters": there["response"].str.len_chars().mean(),
        "why": Counter(rows.filter(pl.col("score").is_null())["why"].to_list()).most_common(),
    }


def _grade(rows: pl.DataFrame, name: str) -> Mean | None:
    try:
        return statistics.grade_of(rows, name)
    except EvaluateError:  # not one grade
        return None


def _worst(rows: pl.DataFrame, talk: bool) -> Mean | None:
    """Take the lowest grade of a prompt's samples, or of each holding of a dialogue; then their mean."""
    if not talk and rows["sample"].n_unique() < 2:
        return None
    each = ["id", "sample"] if talk else ["id"]
    lowest = rows.filter(pl.col("score").is_finite()).group_by(each).agg(pl.col("score").min())
    return _mean(lowest.group_by("id", maintain_order=True).agg(pl.col("score").mean())["score"])


def _mean(values: pl.Series) -> Mean | None:
    return statistics.mean(values.sort().to_list()) if values.len() else None


def _turns(rows: pl.DataFrame) -> list[Mean | None]:
    turns = rows.sort("turn").partition_by("turn", maintain_order=True)
    each = [turn.filter(pl.col("score").is_finite()).group_by("id").agg(pl.col("score").mean()) for turn in turns]
    return [_mean(one["score"]) for one in each]


def _share(rows: pl.DataFrame, label: str) -> Mean | None:
    """Give a label's share with Wilson's interval of as many trials as there are prompts."""
    said = rows.filter(pl.col("parts").is_not_null()).select(
        "id", part=pl.col("parts").map_elements(lambda text: json.loads(text).get(label), pl.Float64)
    )
    each = said.drop_nulls().group_by("id").agg(pl.col("part").mean())["part"].sort()
    return _selected(each)


def _selected(each: pl.Series) -> Mean | None:
    """Take shares of prompts as so many trials; a sum may be off by rounding."""
    return statistics.selection(min(float(each.sum()), each.len()), each.len()) if each.len() else None


def beside(comparisons: pl.DataFrame) -> dict[str, Any]:
    """Sum up comparisons of two: how often `a` won, tied and lost, with what the order of the answers did to it.

    `win`, `tie`, `lose` are shares, `better` is the share of prompts in which `a` is better, a tie being half a win;
    all with Wilson's interval of as many trials as there are prompts. `flips` is the share of pairs where the order
    decided, `first` the share of verdicts for what stood first (.5 without a preference for a place). `tokens` and
    `characters` are the mean lengths of both; `why` the reasons for having no verdict, with their counts.

    >>> rows = pl.DataFrame({"id": list("pqr"), "a": "x", "b": "y", "first": ["a", "a", "b"], "second": ["a", "b", "b"],
    ...     "verdict": ["a", "tie", "b"], "response_a": "Yes.", "response_b": "No.", "tokens_a": 2, "tokens_b": 1,
    ...     "why": None})
    >>> found = beside(rows)
    >>> found["better"].mean, round(found["flips"].mean, 2), found["answers"]
    (0.5, 0.33, 3)
    """
    there = comparisons.filter(pl.col("verdict").is_not_null())
    wins = {"win": "a", "tie": "tie", "lose": "b"}
    points = pl.col("verdict").replace_strict({"a": 1.0, "tie": 0.5, "b": 0.0}, return_dtype=pl.Float64)
    asked = there.filter(pl.col("response_a") != pl.col("response_b"))
    return {
        "a": comparisons["a"][0],
        "b": comparisons["b"][0],
        "better": _rate(there, points),
        **{name: _rate(there, (pl.col("verdict") == side).cast(pl.Float64)) for name, side in wins.items()},
        "flips": statistics.flip_rate(asked["first"].to_list(), asked["second"].to_list()) if asked.height else None,
        "first": _first(asked),
        "prompts": comparisons["id"].n_unique(),
        "answers": comparisons.height,
        "judged": there.height,
        "tokens": [there[f"tokens_{side}"].mean() for side in "ab"],
        "characters": [there[f"response_{side}"].str.len_chars().mean() for side in "ab"],
        "why": Counter(comparisons.filter(pl.col("verdict").is_null())["why"].to_list()).most_common(),
    }


def _rate(there: pl.DataFrame, value: pl.Expr) -> Mean | None:
    each = there.group_by("id").agg(value.mean().alias("value"))["value"].sort()
    return _selected(each)


def _first(asked: pl.DataFrame) -> Mean | None:
    """Count how often what stood first was chosen, of the verdicts that chose."""
    orders = (asked.select("id", side=pl.col(order), first=pl.lit(a)) for order, a in (("first", "a"), ("second", "b")))
    chosen = pl.concat(orders).filter(pl.col("side") != "tie")
    return _rate(chosen, (pl.col("side") == pl.col("first")).cast(pl.Float64))
