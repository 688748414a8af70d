"""Noise that was planted, found again: flipped labels among 2,000 pairs of real text, and answers that slid.

    CURATE_DATA=folder python -m benchmarks.noise

`folder` holds human_like_pairs_sample.jsonl, natural_instructions/ and stackexchange/; the rest of the pairs is
documentation of installed packages.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from curate.filter import Scores
from curate.filters import mislabelled, mismatch
from curate.recipe.load import parse
from curate.recipe.places import Places
from curate.rows import data_folder
from curate.run.run import run_recipe

PAIRS, SHARE, DRAWS = 2000, 0.05, 3
FIRST = 100  # how many of those that look worst are looked at
YELP = "natural_instructions/task927_yelp_negative_to_positive_style_transfer.json"
DOCS: dict[str, Any] = {
    "name": "docs",
    "sources": {
        "docs": {
            "read": {"docstrings": {"packages": ["numpy", "scipy", "pandas", "polars", "scikit-learn"]}},
            "steps": [{"keep": {"length": {"column": "response", "min": 200, "max": 700}}}],
        }
    },
    "steps": [
        {"select": {"exact_duplicates": {"column": "response"}}},
        {"select": {"exact_duplicates": {"column": "prompt"}}},
        {"select": {"random": {"n": 2000}}},
    ],
}
VOTES: dict[str, Any] = {
    "name": "votes",
    "sources": {
        "votes": {
            "read": {"stackexchange": {"path": "stackexchange"}},
            "steps": [
                {"edit": {"html_to_markdown": {"column": "body"}}},
                {"edit": {"prompt_from_title_or_body": {"column": "prompt"}}},
                {"pair": {"votes": {"min_gap": 3, "max_length_ratio": 2}}},
                {"edit": {"html_to_markdown": {"column": ["chosen", "rejected"]}}},
                {"keep": {"length": {"column": ["chosen", "rejected"], "min": 100, "max": 4096}}},
            ],
        }
    },
    "output": {"formats": ["preference"]},
}
MARGINS = (0, 0.1, 0.2, 0.3, 0.4)


def rows_of(recipe: dict[str, Any]) -> pl.DataFrame:
    """Run a recipe and take its rows."""
    with tempfile.TemporaryDirectory() as folder:
        run_recipe(parse(recipe, Places(recipe["name"])), Path(folder) / "out")
        return pl.read_parquet(Path(folder) / "out/train.parquet").sort("id")


def pairs(docs: pl.DataFrame) -> pl.DataFrame:
    """Put pairs together: people's tone against a formal one, a review turned positive against the review, a doc
    string against that of another function of its package."""
    lines = (data_folder() / "human_like_pairs_sample.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [("tone", one["prompt"], one["chosen"], one["rejected"]) for one in map(json.loads, lines)]
    for one in json.loads((data_folder() / YELP).read_text(encoding="utf-8"))["Instances"]:
        text = one["input"].strip()
        rows.append(("review", f"Rewrite this negative review as a positive one: {text}", one["output"][0], text))
    rows = list(dict.fromkeys(rows))
    for package in docs.head(PAIRS - len(rows)).partition_by("domain"):
        answers = package["response"].to_list()
        rows += zip(["document"] * len(answers), package["prompt"], answers, [*answers[1:], answers[0]], strict=True)
    table = pl.DataFrame(rows, schema=["kind", "prompt", "chosen", "rejected"], orient="row")
    return table.with_columns(id=pl.concat_str("prompt", "chosen").hash(1).cast(pl.String)).sort("id")


def planted(height: int, seed: int) -> pl.Series:
    """Draw where noise is planted."""
    at = np.random.default_rng(seed).choice(height, round(SHARE * height), replace=False)
    return pl.Series("planted", [False]).new_from_index(0, height).scatter(np.sort(at), True)


def found(planted: pl.Series, scores: Scores) -> dict[str, Any]:
    """Count the planted among the first, and among those with a reason."""
    table = pl.DataFrame({"planted": planted, "value": scores.value, "why": scores.why})
    first = table.sort("value", descending=True, nulls_last=True).head(FIRST)
    told = table.filter(pl.col("why").is_not_null())
    return {
        "first": first["planted"].mean(),
        "told": float(told.height),
        "precision": told["planted"].mean() or 0.0,
        "recall": told["planted"].sum() / planted.sum(),
        **scores.notes,
    }


def show(what: str, results: list[dict[str, Any]]) -> None:
    print(what, ", ".join(f"{name} {np.mean([r[name] for r in results]):.3f}" for name in results[0]))


def flipped(rows: pl.DataFrame, seed: int) -> dict[str, Any]:
    which = planted(rows.height, seed)
    sides = [
        pl.when(which).then(other).otherwise(side).alias(side)
        for side, other in (("chosen", "rejected"), ("rejected", "chosen"))
    ]
    return found(which, mislabelled(rows.with_columns(sides), seed=seed))


def slid(rows: pl.DataFrame, seed: int) -> dict[str, Any]:
    """Move the answers of the rows drawn by one of these."""
    which = planted(rows.height, seed)
    answers = rows["response"].filter(which)
    moved = rows["response"].scatter(which.arg_true(), pl.concat([answers[1:], answers[:1]]))
    scores = mismatch(rows.with_columns(moved))
    over = {f"over {margin}": scores.value >= margin for margin in MARGINS}
    shares = {name: (which & some).sum() / some.sum() for name, some in over.items()}
    return (
        found(which, scores)
        | {name: float(some.sum()) for name, some in over.items()}
        | {f"{n} slid": x for n, x in shares.items()}
    )


def main() -> None:
    rows = pairs(rows_of(DOCS))
    print(dict(rows["kind"].value_counts().iter_rows()))
    show("flipped, all:", [flipped(rows, seed) for seed in range(DRAWS)])
    for kind in ("tone", "review", "document"):
        show(f"flipped, {kind}:", [flipped(rows.filter(kind=kind), seed) for seed in range(DRAWS)])
    votes = rows_of(VOTES)
    show(f"flipped, {votes.height} by votes:", [flipped(votes, seed) for seed in range(DRAWS)])
    of_one = rows.select("id", "prompt", "kind", response="chosen")
    show("slid, all:", [slid(of_one, seed) for seed in range(DRAWS)])


if __name__ == "__main__":
    main()
