"""A row that lacks what the formats of the set need is dropped before the budget, with a reason, and counted."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from curate.recipe.load import load
from curate.report.steps import lines
from curate.run.folder import why
from curate.run.run import run_recipe
from curate.run.state import RunError, Shortfall

MASKED = {"response_turns": [{"role": "assistant", "loss": False}]}
CALLS = {"response_turns": [{"role": "assistant", "tool_calls": [{"id": "1", "name": "f", "arguments": "{}"}]}]}


def answers(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"prompt": f"Question {i}?", "response": f"Answer {i}.", **more} for i in range(count)]


def pairs(count: int) -> list[dict[str, Any]]:
    return [{"prompt": f"Which {i}?", "chosen": f"This {i}.", "rejected": f"That {i}."} for i in range(count)]


@pytest.fixture
def ran(tmp_path, monkeypatch, write_recipe):
    """Run a recipe over rows; give the manifest, the set and the ledger."""
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))

    def run(rows: list[dict[str, Any]], formats: list[str] | None = None, **more: Any) -> Any:
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / "mine.jsonl").write_text(text, encoding="utf-8")
        output = {"output": {"formats": formats}} if formats else {}
        source = {"read": {"jsonl": {"path": "mine.jsonl", "shape": "plain"}}}
        manifest = run_recipe(load(write_recipe({"sources": {"mine": source}, **output, **more})), tmp_path / "out")
        return (
            manifest,
            pl.read_parquet(tmp_path / "out/train.parquet"),
            pl.read_parquet(tmp_path / "out/ledger.parquet"),
        )

    return run


@pytest.mark.parametrize(
    ("rows", "formats", "reason"),
    [
        pytest.param([{"prompt": "a", "response": None}], None, "no response", id="no answer"),
        pytest.param([{"prompt": "a", "response": ""}], None, "no response", id="an empty answer"),
        pytest.param([{"prompt": "a", "response": "\n "}], ["alpaca"], "no response", id="a blank answer"),
        pytest.param([{"prompt": None, "response": "r"}], None, "no prompt", id="no prompt"),
        pytest.param([{"prompt": "a", "response": "r", **MASKED}], None, "no turn whose loss counts", id="all masked"),
    ],
)
def test_a_row_that_lacks_a_side_is_dropped_and_counted(ran, tmp_path, rows, formats, reason):
    manifest, kept, ledger = ran(answers(9) + rows, formats)
    assert manifest["counts"]["mine"] == {"read": 10, "kept": 9, "dropped": 1, "quarantined": 0}
    assert manifest["notes"]["incomplete"] == {reason: 1}
    assert kept.height == 9 and "Question 0?" in kept["prompt"]
    lost = ledger.filter(dropped_by="incomplete").to_dicts()
    assert [(row["incomplete"], row["detail"][0]["reason"]) for row in lost] == [(False, reason)]
    assert {row["step"]: row["first"] for row in manifest["funnel"]} == {"incomplete": 1, "sample": 0}
    assert [line.label for line in lines(manifest, "mine")] == ["incomplete", "sample"]
    steps = why(tmp_path / "out", lost[0]["id"])["steps"]
    assert [(step["label"], step["outcome"], step["evidence"]) for step in steps] == [("incomplete", "failed", reason), ("sample", "not asked", None)]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "formats"),
    [
        pytest.param({"prompt": "a", "response": None, **CALLS}, None, id="an answer that is a call"),
        pytest.param({"prompt": "a", "response": None}, ["prompts"], id="prompts alone"),
        pytest.param({"prompt": "a", "response": "r", **MASKED}, ["prompts"], id="a mask where nothing is trained on"),
    ],
)
def test_a_row_that_has_what_the_formats_need_stays(ran, row, formats):
    manifest, kept, ledger = ran([*answers(3), row], formats)
    assert kept.height == 4
    assert "incomplete" not in ledger.columns and "incomplete" not in manifest["notes"]


def test_the_budget_is_filled_from_complete_rows(ran):
    rows = answers(6) + [{"prompt": f"Open {i}?", "response": ""} for i in range(6)]
    manifest, kept, _ = ran(rows, size=6)
    assert kept.height == 6 and kept["response"].str.starts_with("Answer").all()
    assert manifest["table"][0]["available"] == 6
    with pytest.raises(Shortfall, match="mine has 6 of 7"):
        ran(rows, size=7)


def test_rows_of_one_answer_among_pairs_are_said(ran):
    manifest, kept, _ = ran(pairs(5) + answers(2))
    assert kept.height == 5 and manifest["notes"]["incomplete"] == {"no chosen": 2}


@pytest.mark.parametrize(
    ("rows", "formats", "message"),
    [
        pytest.param([{"prompt": f"p{i}", "response": ""} for i in range(240)], None, r"no row has what the format 'prompt_completion' needs \(no response in 240\): name the column that holds it, as in `columns: \{response: answer\}`", id="240 empty answers"),
        pytest.param([{"prompt": " " * i, "response": f"r{i}"} for i in range(3)], ["alpaca"], r"'alpaca' needs \(no prompt in 3\): name the column that holds it, as in `columns: \{prompt: question\}`", id="no prompts"),
        pytest.param(pairs(3), ["messages"], r"'messages' needs \(no response in 3\): the rows are pairs, which `output: \{formats: \[preference\]\}` writes", id="pairs as answers"),
        pytest.param(answers(3), ["preference"], r"'preference' needs \(no chosen in 3\): a step `pair` makes pairs", id="answers as pairs"),
        pytest.param(answers(3), ["unpaired"], r"'unpaired' needs \(no label in 3\): name the column that says true or false", id="no labels"),
        pytest.param(answers(3, **MASKED), None, r"\(no turn whose loss counts in 3\): a turn counts unless its file says otherwise", id="all masked"),
    ],
)  # fmt: skip
def test_where_no_row_is_complete_a_sentence_says_what_would_be_right(ran, tmp_path, rows, formats, message):
    with pytest.raises(RunError, match=message):
        ran(rows, formats)
    assert not (tmp_path / "out/manifest.json").exists()


def test_what_a_format_has_no_place_for_stops_the_run_with_its_row(ran):
    with pytest.raises(RunError, match=r"the set cannot be written: row \w+: turn 1 has a name, .*'messages' has$"):
        ran([*answers(3), {"prompt": "a", "prompt_name": "Jo", "response": "r"}], ["alpaca"])


@pytest.mark.parametrize("rows", [answers(3), answers(3, tools=None, response_turns=None, prompt_name=None)])
def test_what_no_row_has_is_no_column_of_the_set(ran, rows):
    _, kept, _ = ran(rows)
    assert {"tools", "response_turns", "prompt_name", "chosen"}.isdisjoint(kept.columns)


def test_what_one_row_has_is_a_column_of_the_set(ran):
    _, kept, _ = ran([*answers(3), {"prompt": "a", "response": None, **CALLS}])
    assert kept["response_turns"].count() == 1
