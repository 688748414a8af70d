"""What people decided about rows holds over what the steps say, and is told wherever a row is asked about."""

from __future__ import annotations

import json

import polars as pl
import pytest

import curate
from curate.recipe.places import RecipeError
from curate.run.check import verify
from curate.run.state import RunError

ROWS = [{"prompt": f"Why {n} times?", "response": "Because warm air rises. " * n} for n in range(1, 31)]
STEPS = [{"keep": {"length": {"min": 90}}}]
SELECT = [{"select": {"random": {"n": 20}}}]
NOWHERE = "0" * 32


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pl.DataFrame(ROWS).write_ndjson("rows.jsonl")

    def go(decisions=(), name="mine", **more):
        lines = [{"id": row, "decision": decision, "by": "Ada", "note": "read"} for row, decision in decisions]
        (tmp_path / "decisions.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
        source = {"read": {"jsonl": {"path": tmp_path / "rows.jsonl"}}, "steps": STEPS}
        recipe = {"name": name, "sources": {"a": source}, "steps": SELECT, "overrides": "decisions.jsonl", "size": 10}
        return curate.run({**recipe, **more})

    return go


def ids(out, which):
    return out.ledger.filter(which).collect()["id"].to_list()


@pytest.mark.parametrize("step", ["length", "random", "sample"])
def test_an_accepted_row_is_in_whatever_dropped_it(run, step):
    [row, *_] = ids(run(), pl.col("dropped_by") == step)
    out = run([(row, "accept")])
    assert out.set.height == 10
    assert row in out.set["id"].to_list()
    way = {one["label"]: one for one in out.why(row)["steps"]}
    assert way["overrides"]["evidence"] == "accepted by Ada: read"
    assert [label for label, one in way.items() if one["outcome"] == "accepted"] == ([step] if step != "sample" else [])
    assert out.manifest["overrides"] == {"accepted": 1, "accepted_out": 0, "rejected": 0, "not_there": 0}


def test_a_rejected_row_is_out_and_another_takes_its_place(run):
    [row, *_] = ids(run(), "kept")
    out = run([(row, "reject"), (NOWHERE, "accept")])
    assert out.set.height == 10
    assert row not in out.set["id"].to_list()
    assert out.why(row)["dropped_by"] == "overrides"
    assert out.manifest["overrides"] == {"accepted": 0, "accepted_out": 0, "rejected": 1, "not_there": 1}
    for told in (repr(out), (out.path / "README.md").read_text(), (out.path / "report.html").read_text()):
        assert "1 row is out by hand" in told


def test_decisions_are_kept_with_the_run(run, tmp_path):
    before = run()
    [row, *_] = ids(before, pl.col("dropped_by") == "length")
    [other, *_] = ids(before, "kept")
    out = run([(row, "accept"), (other, "reject")], name="decided")
    (tmp_path / "decisions.jsonl").unlink()
    assert set(verify(out.path).values()) == {"same"}


def test_without_decisions_nothing_changes(run):
    with_none, without = run(), run(name="none", overrides=None)
    for name in ("train.parquet", "ledger.parquet"):
        assert (with_none.path / name).read_bytes() == (without.path / name).read_bytes()


def test_more_accepted_rows_than_the_share_is_told(run):
    accepted = [(row, "accept") for row in ids(run(), pl.lit(True))[:11]]
    with pytest.raises(RunError, match="11 of its rows were accepted by hand, and its share is 10"):
        run(accepted)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param('{"id": "12", "decision": "accept"}', "no decision: ", id="part of an id"),
        pytest.param(f'\n{{"id": "{NOWHERE}", "decision": "keep"}}', 'no decision: {"id"', id="another word"),
        pytest.param("accept everything", "no decision: ", id="no JSON"),
    ],
)
def test_what_is_no_decision_is_told(run, tmp_path, text, sentence):
    run()
    (tmp_path / "wrong.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError, match=sentence):
        run(overrides="wrong.jsonl")
