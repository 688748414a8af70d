"""Scores of models as steps of a recipe: asked only of rows that are left, and never twice, killed or not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.models.judges import tiny

pytestmark = [
    pytest.mark.model,
    pytest.mark.slow,
    pytest.mark.skipif(not find_spec("transformers"), reason="scores need the extra `transformers`"),
]
ROWS = 30


def write(folder: Path, least: float = 0.0) -> Path:
    answers = [f"Warm the pot, count to {i}, and pour{' slowly' * (i % 7)}." for i in range(ROWS)] + ["No."] * 3
    lines = [json.dumps({"prompt": f"Cup {i}?", "response": text}) + "\n" for i, text in enumerate(answers)]
    (folder / "rows.jsonl").write_text("".join(lines), encoding="utf-8")
    causal, judge = str(folder / "causal"), str(folder / "reward")
    steps = [
        {"keep": {"length": {"min": 10}}},
        {"score": {"perplexity": {"model": causal}}},
        {"score": {"ifd": {"model": causal}}, "as": "difficulty"},
        {"score": {"reward": {"model": judge}}},
        {"keep": {"at_least": {"column": "difficulty", "value": least}}, "as": "hard"},
    ]
    source = {"read": {"jsonl": {"path": str(folder / "rows.jsonl")}}, "steps": steps}
    recipe = folder / "recipe.yaml"
    whole = {"name": "scored", "size": 5, "shortfall": "accept", "sources": {"mine": source}}
    recipe.write_text(yaml.safe_dump(whole), encoding="utf-8")
    return recipe


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("recipe")
    tiny.write(place / "causal", head=False)
    tiny.write(place / "reward")
    return place


def run(folder: Path, name: str, most: int = 0, least: float = 0.0) -> int:
    """Run the recipe; the process kills itself before the model sees request number `most`."""
    recipe, place = write(folder, least), folder / name
    place.mkdir(exist_ok=True)
    args = [str(recipe), str(place / "out"), str(place / "requests"), str(most)]
    env = {**os.environ, "CURATE_CACHE": str(place / "cache"), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, Path(__file__).with_name("killed.py"), *args], env=env, check=False
    ).returncode


def requests(folder: Path, name: str) -> Counter[str]:
    file = folder / name / "requests"
    return Counter(file.read_text().splitlines() if file.exists() else [])


def test_a_recipe_that_is_killed_asks_nothing_twice_and_ends_with_the_same_bytes(folder):
    assert run(folder, "whole") == 0
    whole = requests(folder, "whole")
    assert len(whole) == whole.total() == 3 * ROWS, "losses alone and behind the prompt, and rewards"
    assert run(folder, "killed", 50) == -9
    assert run(folder, "killed") == 0
    killed = requests(folder, "killed")
    assert set(killed) == set(whole)
    assert killed.total() - len(whole) == 1, "the one that was under way at the kill, and no other"
    for name in ("train.parquet", "ledger.parquet"):
        assert (folder / "killed/out" / name).read_bytes() == (folder / "whole/out" / name).read_bytes()

    ledger = pl.read_parquet(folder / "whole/out/ledger.parquet")
    scores = ["perplexity", "difficulty", "reward", "hard"]
    assert ledger.filter(dropped_by="length").select(scores).null_count().row(0) == (3, 3, 3, 3)
    assert ledger.filter(length=True).select(scores).null_count().row(0) == (0, 0, 0, 0)

    middle = ledger["difficulty"].median()
    assert run(folder, "whole", least=middle) == 0
    assert requests(folder, "whole") == whole, "another bound asks nothing"
    moved = pl.read_parquet(folder / "whole/out/ledger.parquet")
    assert moved.filter("hard").height == ROWS // 2
