"""Runs that choose by vectors: the packaged model, real recipes, sources that keep away from each other."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from curate.cli import main
from curate.recipe.load import load
from curate.run.run import run_recipe

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(not find_spec("sentence_transformers"), reason="the embed extra is not installed"),
]

CROWD = [f"How do I keep my basil plant alive in week {i}?" for i in range(30)]
OTHERS = ["What makes bread rise?", "Why is the sky blue?", "Explain a mortgage.", "Who painted the Night Watch?"]


@pytest.fixture
def there(tmp_path, monkeypatch, write_jsonl):
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    answer = "An answer that is long enough to stay."
    write_jsonl("mine.jsonl", [{"prompt": p, "response": f"{answer} {i}"} for i, p in enumerate([*CROWD, *OTHERS])])
    write_jsonl("basil.jsonl", [{"prompt": p + " Please.", "response": answer} for p in CROWD[:3]])
    return tmp_path


def prompts(out):
    return pl.read_parquet(out / "train.parquet")["prompt"].to_list()


def test_a_sample_by_farthest_leaves_the_crowd_and_is_measured(there, write_recipe):
    sample = {"farthest": {"column": "prompt", "temperature": 0}}
    recipe = {"size": 5, "sources": {"mine": {"read": {"jsonl": {"path": "mine.jsonl"}}, "sample": sample}}}
    manifest = run_recipe(load(write_recipe(recipe)), there / "out")
    assert set(OTHERS) < set(prompts(there / "out"))
    vendi = next(row for row in manifest["diversity"]["metrics"] if row["metric"] == "vendi")
    assert vendi["band"] == "above"
    assert json.loads((there / "out/manifest.json").read_text())["diversity"] == manifest["diversity"]
    page = (there / "out/report.html").read_text(encoding="utf-8")
    assert "<h2>Diversity</h2>" in page
    assert len(re.findall(r"M\d+ \d+h0", page)) == len([*CROWD, *OTHERS]), "a dot each"
    assert page.count('class="region') == len(manifest["diversity"]["regions"]) > 1


def test_the_command_shows_the_ladder(there, write_recipe):
    recipe = {"size": 5, "sources": {"mine": {"read": {"jsonl": {"path": "mine.jsonl"}}}}}
    run_recipe(load(write_recipe(recipe)), there / "out")
    done = CliRunner().invoke(main, ["diversity", str(there / "out"), "--ladder", "--json"])
    assert done.exit_code == 0, done.output
    ladder = json.loads(done.stdout)["ladder"]
    assert ladder[0]["temperature"] == 0
    assert ladder[0]["vendi"] > ladder[-1]["vendi"]
    assert "t = 0.2" in CliRunner().invoke(main, ["diversity", str(there / "out"), "--ladder"]).stdout


def test_sources_keep_away_from_each_other(there, write_recipe):
    far = {"farthest": {"column": "prompt", "temperature": 0}}
    sources = {
        "basil": {"read": {"jsonl": {"path": "basil.jsonl"}}, "take": 3},
        "mine": {"read": {"jsonl": {"path": "mine.jsonl"}}, "take": 4, "sample": far},
    }
    run_recipe(load(write_recipe({"size": 7, "sources": sources})), there / "out")
    assert set(OTHERS) < set(prompts(there / "out")), "basil is there already, from the other source"


def test_the_packaged_recipe_for_a_file_of_ones_own(there):
    recipe = load(Path("diverse1k.yaml"), ("size=5",))
    manifest = run_recipe(recipe, there / "out")
    steps = {row["step"]: row["first"] for row in manifest["funnel"]}
    assert steps["near_duplicates"] + steps["semantic_duplicates"] > 20, "the crowd says one thing"
    assert set(OTHERS) <= set(prompts(there / "out"))
    assert "near_duplicates" not in manifest["notes"], "what is exact has no recall"


def test_a_selector_that_lacks_its_column_is_said_with_its_place(there, write_recipe):
    sample = {"farthest": {"column": "promt"}}
    recipe = {"size": 5, "sources": {"mine": {"read": {"jsonl": {"path": "mine.jsonl"}}, "sample": sample}}}
    with pytest.raises(Exception, match=r"recipe.yaml:\d+: source 'mine': sample.*did you mean 'prompt'"):
        run_recipe(load(write_recipe(recipe)), there / "out")


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        pytest.param({"farthst": {"column": "prompt"}}, "did you mean 'farthest'", id="no such selector"),
        pytest.param({"farthest": {"n": 3}}, "'n' comes from the recipe", id="the number is the recipe's"),
        pytest.param({"length": {"min": 3}}, "is no selector", id="a property"),
    ],
)
def test_a_wrong_sample_is_said(there, write_recipe, sample, said):
    recipe = {"size": 5, "sources": {"mine": {"read": {"jsonl": {"path": "mine.jsonl"}}, "sample": sample}}}
    with pytest.raises(Exception, match=said):
        load(write_recipe(recipe))
