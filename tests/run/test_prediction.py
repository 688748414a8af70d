"""The yield that `curate check` predicts from a sample, against what a run keeps."""

from __future__ import annotations

import polars as pl
import pytest

from curate.recipe.load import load, parse
from curate.recipe.places import Places
from curate.run.prediction import sample_yield, size_reached
from curate.run.run import run_recipe
from tests.conftest import rows

LENGTH = {"keep": {"length": {"min": 10}}}


def recipe(*steps, after=(), **more):
    return {"sources": {"one": {"read": {"jsonl": {"path": "one.jsonl"}}, "steps": list(steps)}}, "steps": list(after), **more}  # fmt: skip


@pytest.fixture
def predict(tmp_path, monkeypatch, write_jsonl, write_recipe):
    """Predict a recipe over 400 rows of which a fifth stand there twice; give the line of its source."""
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    write_jsonl("one.jsonl", rows(400) + rows(80))

    def line(data, n):
        plan = load(write_recipe(data))
        sample = sample_yield(plan, n)
        return sample[0], size_reached(plan, sample), plan

    return line


def test_of_all_rows_nothing_is_unknown(predict, tmp_path):
    line, _, plan = predict(recipe(LENGTH, after=[{"select": {"exact_duplicates": {"column": "prompt"}}}]), 1000)
    kept = run_recipe(plan, tmp_path / "out")["counts"]["one"]["kept"]
    assert line["read"] == line["sampled"] == 400, "a record that stands there twice is one"
    assert line["left"] == {"expected": kept, "low": kept, "high": kept, "why": None}


def test_a_share_has_an_interval_which_more_rows_narrow(predict):
    few, many = (predict(recipe(LENGTH), n)[0]["steps"]["length"] for n in (50, 300))
    assert few["low"] <= few["expected"] <= few["high"]
    assert many["high"] - many["low"] < (few["high"] - few["low"]) / 2


def test_a_score_that_a_model_makes_is_not_asked_for(predict, monkeypatch):
    monkeypatch.setattr("curate.models.scores.scoring.load", lambda *_: pytest.fail("a model is loaded"))
    line, _, _ = predict(recipe(LENGTH, after=[{"score": {"perplexity": {}}}, {"select": {"middle": {"n": 9, "by": "perplexity"}}}]), 100)  # fmt: skip
    assert line["steps"]["length"]["expected"] > 0
    assert line["left"]["why"] == "steps that ask a model, and those after"


def test_duplicates_are_bounded_and_not_guessed(predict, tmp_path, write_jsonl):
    write_jsonl("one.jsonl", [{"prompt": f"Why {i % 250}?", "response": f"Because of {i}."} for i in range(500)])
    line, _, plan = predict(recipe(after=[{"select": {"exact_duplicates": {"column": "prompt"}}}]), 200)
    kept = run_recipe(plan, tmp_path / "out")["counts"]["one"]["kept"]
    left = line["left"]
    assert left["expected"] is None and left["low"] <= kept <= left["high"] < 500


@pytest.mark.parametrize(
    ("select", "low", "high", "why"),
    [
        pytest.param({"top": {"n": 30}}, 30, 30, "which rows top keeps", id="a number of its own"),
        pytest.param(
            {"threshold": {"column": "prompt", "vectors": "v", "n": 30}}, 0, 30, "which rows threshold", id="or fewer"
        ),
        pytest.param({"enough": {}}, 0, 400, "which rows enough keeps", id="any other"),
    ],
)
def test_other_selects_are_said_not_to_be_predicted(predict, write_jsonl, select, low, high, why):
    write_jsonl("one.jsonl", [row | {"v": [float(i), 1.0]} for i, row in enumerate(rows(400))])
    left = predict(recipe(after=[{"select": select}], size=50), 100)[0]["left"]
    assert (left["low"], left["high"]) == (low, high) and why in left["why"]


@pytest.mark.parametrize(
    ("size", "says"),
    [
        pytest.param(10, "is reached", id="far below"),
        pytest.param(400, "is not reached", id="more than there are left"),
        pytest.param(267, "may not be reached", id="in the interval"),
        pytest.param(None, None, id="no size"),
    ],
)
def test_whether_the_size_is_reached(predict, size, says):
    sentence = predict(recipe(LENGTH, **({"size": size} if size else {})), 200)[1]
    assert says in sentence if says else sentence is None


def test_records_that_cannot_be_read_are_counted(predict, tmp_path):
    with (tmp_path / "one.jsonl").open("a") as file:
        file.write("no json\n" * 3)
    assert predict(recipe(LENGTH), 100)[0]["quarantined"] == 3


SITES = "[ai, bioinformatics, quantumcomputing, matheducators, beer, coffee]"
DUMPS = f"""
name: dumps
sources:
  forum:
    read: {{stackexchange: {{path: stackexchange, sites: {SITES}}}}}
    steps:
      - keep: {{at_least: {{column: score, value: 10}}}}
      - edit: {{html_to_markdown: {{column: [body, response]}}}}
      - edit: {{prompt_from_title_or_body: {{column: prompt}}}}
      - keep: {{length: {{column: response, min: 1200, max: 4096}}}}
      - drop: {{first_person: {{column: response, words: [I, my]}}}}
      - drop: {{mentions: {{column: response, phrases: [as mentioned, other_answers, site]}}}}
steps:
  - select: {{exact_duplicates: {{column: prompt}}}}
"""


@pytest.mark.slow
def test_of_20_seeds_18_predict_what_the_six_dumps_yield(data, tmp_path, monkeypatch):
    import yaml

    monkeypatch.setenv("CURATE_DATA", str(data))
    plan = parse(yaml.safe_load(DUMPS), Places("dumps.yaml"), {})
    run_recipe(plan, tmp_path / "out")
    ledger = pl.read_parquet(tmp_path / "out/ledger.parquet")
    alive, truth = pl.lit(True), {}
    for label in ("at_least", "length", "first_person", "mentions", "exact_duplicates"):
        alive &= pl.col(label)
        truth[label] = ledger.filter(alive).height
    inside = dict.fromkeys(truth, 0)
    for seed in range(20):
        steps = sample_yield(plan, 1000, seed)[0]["steps"]
        for label, count in truth.items():
            inside[label] += steps[label]["low"] <= count <= steps[label]["high"]
    print(truth, inside)
    assert inside["exact_duplicates"] >= 18, "what all steps leave"
    assert sum(inside.values()) >= 90, "of 100 intervals of 95 %, which go together in a seed"
