"""The packaged baselines: each takes from a small pool the rows that its paper's rule, written out here, takes."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from curate.models.embeddings import embed
from curate.recipe.load import load
from curate.run.run import run_recipe

FOLDER = Path(__file__).parents[2] / "recipes" / "baselines"
NAMES = ("ifd", "longest", "perplexity", "quality_diversity", "random", "reward")
# A score of each row stands in a column of the pool, so that no model is asked.
STAND_IN = """
import polars as pl
from curate.filter import Score

def ifd() -> Score: return pl.col("difficulty")
def perplexity(column: str = "response") -> Score: return pl.col("surprise")
def reward(*, model: str) -> Score: return pl.col("merit")
"""
N = 20
PROMPTS = [
    "How do I keep basil alive on a dark window sill?", "What is the capital of France?", "Why is the sky blue?",
    "Write a poem about the sea in winter.", "How does a heat pump work?", "What should I cook for six guests?",
    "Explain recursion to a child.", "How do I change a bicycle tyre?", "Who painted the Night Watch?",
    "What are good names for a grey cat?", "How do vaccines work?", "Plan a weekend in Lisbon.",
]  # fmt: skip


def pool() -> list[dict[str, Any]]:
    """Sixty rows, of every prompt five wordings that differ by little."""
    draw = random.Random(7)
    rows = []
    for i in range(60):
        prompt = PROMPTS[i % 12] + ["", " Thanks!", " Please be brief.", " Please.", " Thank you."][i // 12]
        scores = {
            "difficulty": draw.uniform(0.3, 1.3),
            "surprise": draw.lognormvariate(2, 1),
            "merit": draw.gauss(0, 3),
        }
        response = "".join(draw.choices("abcdefg ", k=draw.randrange(20, 900))).strip()
        rows.append({"prompt": prompt, "response": response, **scores})
    rows[3]["difficulty"] = rows[4]["surprise"] = rows[5]["merit"] = None
    return rows


def longest(rows):
    return sorted(rows, key=lambda row: -len(row["response"]))[:N]


def perplexity(rows):
    ranked = sorted((row for row in rows if row["surprise"] is not None), key=lambda row: row["surprise"])
    below = (len(ranked) - N) // 2
    return ranked[below : below + N]


def reward(rows):
    return sorted((row for row in rows if row["merit"] is not None), key=lambda row: -row["merit"])[:N]


def by_difficulty(rows):
    fit = (row for row in rows if row["difficulty"] is not None and row["difficulty"] <= 1)
    return sorted(fit, key=lambda row: -row["difficulty"])


def ifd(rows):
    return by_difficulty(rows)[:N]


def quality_diversity(rows):
    ranked = by_difficulty(rows)
    vectors = embed([row["prompt"] for row in ranked]).astype(np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    picked: list[int] = []
    for i in range(len(ranked)):
        if len(picked) < N and (not picked or (vectors[picked] @ vectors[i]).max() < 0.9):
            picked.append(i)
    return [ranked[i] for i in picked]


def choose(name, folder):
    """Run a packaged baseline on the small pool, and give the set."""
    (folder / "stand_in.py").write_text(STAND_IN, encoding="utf-8")
    (folder / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pool()), encoding="utf-8")
    for file in FOLDER.glob("*.yaml"):
        text = re.sub(r"score: {(ifd|perplexity|reward):", r'score: {"stand_in:\1":', file.read_text(encoding="utf-8"))
        (folder / file.name).write_text(text, encoding="utf-8")
    last = load(folder / f"{name}.yaml").raw["steps"]
    [selector] = last[-1]["select"]
    own = f"sources={{mine: {{read: {{jsonl: {{path: {folder / 'mine.jsonl'}}}}}}}}}"
    plan = load(folder / f"{name}.yaml", [own, f"steps[{len(last) - 1}].select.{selector}.n={N}"])
    run_recipe(plan, folder / "out" / name)
    return pl.read_parquet(folder / "out" / name / "train.parquet")


def test_none_is_left_out():
    assert {file.stem for file in FOLDER.glob("*.yaml")} == {*NAMES, "pool"}


@pytest.mark.parametrize("rule", [ifd, longest, perplexity, reward], ids=lambda rule: rule.__name__)
def test_a_baseline_takes_the_rows_of_its_rule(rule, tmp_path):
    assert set(choose(rule.__name__, tmp_path)["response"]) == {row["response"] for row in rule(pool())}


@pytest.mark.model
def test_quality_times_diversity_takes_the_best_that_are_not_near_one_before(tmp_path):
    expected = quality_diversity(pool())
    assert len(expected) < len(by_difficulty(pool())), "some are near"
    assert set(choose("quality_diversity", tmp_path)["response"]) == {row["response"] for row in expected}


def test_random_takes_another_twenty_with_another_seed(tmp_path):
    rows = choose("random", tmp_path)
    assert rows.height == N
    assert set(rows["response"]) < {row["response"] for row in pool()}


@pytest.mark.parametrize("name", ["baselines/longest", "recipes/baselines/longest.yaml"])
def test_a_packaged_baseline_is_found_by_its_name_from_anywhere(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = load(Path(name))
    assert (recipe.name, [source.name for source in recipe.sources]) == ("longest", ["documentation", "authored"])


def test_all_choose_as_many_rows_of_the_same_pool():
    recipes = {name: load_raw(name) for name in NAMES}
    assert {recipe["extends"] for recipe in recipes.values()} == {"pool.yaml"}
    assert all("sources" not in recipe for recipe in recipes.values())
    assert {next(iter(recipe["steps"][-1]["select"].values()))["n"] for recipe in recipes.values()} == {1000}


def load_raw(name):
    import yaml

    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
