import json

import polars as pl
import pytest

from curate.recipe.load import load
from curate.report.steps import near_misses
from curate.run.examples import NEAR, examples, excerpt, merge
from curate.run.run import run_recipe
from tests.report.small_run import make, texts


def test_samples_of_parts_merge_to_the_sample_of_the_whole():
    _, ledger, _ = make()
    whole = texts(ledger)
    parts = [texts(part) for part in ledger.sample(fraction=1, shuffle=True, seed=1).iter_slices(17)]
    assert (
        merge(parts).equals(whole) and merge(parts[::-1]).equals(whole) and merge([merge(parts), whole]).equals(whole)
    )
    assert whole.group_by("source", "step").len()["len"].to_list() == [3, 3]
    assert whole["response"].str.len_chars().max() == 301 and whole["response"].str.ends_with("…").all()


def test_no_example_is_shown_twice_and_all_dropped_each_step_has_some():
    _, ledger, _ = make()
    twice = pl.concat([ledger, ledger])
    found = examples(twice, None)
    assert not found.select("source", "step", "id").is_duplicated().any()
    assert set(found["step"]) == set(ledger["dropped_by"].drop_nulls())


@pytest.mark.parametrize(
    ("text", "spans", "cut"),
    [
        pytest.param("short", [], "short", id="a short text stays whole"),
        pytest.param("a" * 301, [], "a" * 300 + "…", id="a long one is cut"),
        pytest.param(
            "As I said" + "a" * 400, ["As I said"], "As I said" + "a" * 291 + "…", id="evidence at the beginning"
        ),
        pytest.param("a" * 500 + " I said", ["I said"], "…" + "a" * 99 + " I said", id="evidence at the end"),
        pytest.param("a" * 500 + " I said", ["You said"], "a" * 300 + "…", id="evidence of another text"),
        pytest.param(None, ["I said"], None, id="no text"),
    ],
)
def test_an_excerpt_shows_the_evidence(text, spans, cut):
    assert excerpt(text, spans) == cut


@pytest.fixture
def folder(tmp_path, monkeypatch, write_jsonl, write_recipe):
    """A run in which some answers are nearly long enough, and some say the same."""
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    rows = [{"prompt": f"Question {i % 30}?", "response": f"{'word ' * (i + 1)}and a word of {i}"} for i in range(60)]
    write_jsonl("one.jsonl", [*rows, rows[59]])
    steps = [{"keep": {"length": {"column": "response", "min": 150}}}]
    after = [
        {"select": {"exact_duplicates": {"column": "prompt"}}},
        {"edit": {"collapse_whitespace": {"column": "response"}}},
    ]
    source = {"read": {"jsonl": {"path": "one.jsonl"}}, "steps": steps}

    def run(batch_rows=20_000):
        out = tmp_path / "out"
        run_recipe(load(write_recipe({"sources": {"one": source}, "steps": after, "size": 20})), out, batch_rows=batch_rows, fresh=True)  # fmt: skip
        return out

    return run


def test_a_run_keeps_the_texts_of_its_nearest_misses_whatever_its_batches_are(folder):
    out = folder()
    whole = pl.read_parquet(out / "examples.parquet")
    manifest, ledger = json.loads((out / "manifest.json").read_text()), pl.read_parquet(out / "ledger.parquet")
    near = whole.filter(pl.col("distance").is_not_null())
    assert near["id"].to_list() == near_misses(ledger, manifest)["id"].to_list() and near.height == NEAR
    assert near["distance"].is_sorted() and near["response"].str.len_chars().to_list() == [
        150 - int(distance) for distance in near["distance"]
    ]
    for size in (1, 7):
        assert pl.read_parquet(folder(size) / "examples.parquet").equals(whole)


def test_a_row_that_a_select_dropped_has_its_text_and_the_row_that_it_repeats_beside_it(folder):
    out = folder()
    rows = pl.read_parquet(out / "examples.parquet")
    dropped = rows.filter(pl.col("step") == "exact_duplicates", pl.col("beside").is_null())
    beside = rows.filter(pl.col("step") == "exact_duplicates").drop_nulls("beside")
    assert dropped.height == beside.height > 0
    pairs = dropped.join(beside, left_on="id", right_on="beside", suffix="_kept")
    assert (pairs["prompt"] == pairs["prompt_kept"]).all() and (pairs["id"] != pairs["id_kept"]).all()
    assert rows.filter(pl.col("prompt").is_null()).is_empty(), "a repeated record and one not drawn have texts too"
    assert {"repeated", "sample"} <= set(rows["step"])
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("kept in its place") == beside.height
