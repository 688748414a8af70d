"""Rows that fell can be read: their texts stand in the inputs, and are those that the ledger speaks of."""

from __future__ import annotations

import json

import polars as pl
import pytest
from click.testing import CliRunner

from curate.cli import main
from curate.recipe.load import load
from curate.run.folder import OutputError
from curate.run.inputs import look
from curate.run.run import run_recipe

TEXT = "Warm air rises <b>quickly</b>. "
RECIPE = {
    "sources": {
        "forum": {
            "read": {"jsonl": {"path": "forum.jsonl"}},
            "steps": [
                {"edit": {"html_to_markdown": {"column": "response"}}},
                {"keep": {"length": {"column": "response", "min": 60}}},
                {"drop": {"first_person": {"column": "response"}}},
            ],
        }
    },
    "steps": [{"select": {"exact_duplicates": {"column": "prompt"}}}],
}


@pytest.fixture
def out(tmp_path, monkeypatch, write_jsonl, write_recipe):
    """A run of 9 short answers, 4 in the first person, and 6 of which 2 ask the same."""
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    short = [{"prompt": f"Short {i}?", "response": TEXT * 2 + "x" * i} for i in range(9)]
    mine = [{"prompt": f"Mine {i}?", "response": f"{TEXT * 3} I think so, and my cat too. {i}"} for i in range(4)]
    good = [{"prompt": f"Good {i % 4}?", "response": f"{TEXT * 3} {i}"} for i in range(6)]
    write_jsonl("forum.jsonl", [*short, *mine, *good])
    run_recipe(load(write_recipe(RECIPE)), tmp_path / "out")
    return tmp_path / "out"


def test_dropped_rows_as_the_step_saw_them(out):
    rows, notes = look(out, 50, dropped="first_person")
    assert not notes and len(rows) == 4
    for row in rows:
        assert row["prompt"].startswith("Mine") and row["dropped_by"] == "first_person" and not row["kept"]
        assert "<b>" not in row["response"], "the edit came before the step"
        assert "I think so" in row["spans"][0]


def test_a_sample_is_the_same_each_time_and_no_larger_than_asked(out):
    first, again = (look(out, 3, dropped="length").rows for _ in range(2))
    assert first == again and len(first) == 3


def test_the_nearest_misses_come_first(out):
    rows, _ = look(out, 3, near=2)
    assert [row["prompt"] for row in rows] == ["Short 1?", "Short 0?"] or rows[0]["measured"] >= rows[1]["measured"]
    assert all(row["bound"] == "min" and row["threshold"] == 60 for row in rows)


def test_a_duplicate_stands_beside_the_row_that_stays(out):
    rows, _ = look(out, 9, dropped="exact_duplicates")
    assert len(rows) == 2
    for row in rows:
        assert row["twin"]["kept"] and row["twin"]["prompt"] == row["prompt"] and row["twin"]["id"] != row["id"]


@pytest.mark.parametrize(
    ("words", "dropped", "count"),
    [
        pytest.param("CAT think", None, 4, id="all of the words, in any letters"),
        pytest.param("warm", None, 19, id="rows kept and dropped"),
        pytest.param("warm", "length", 9, id="those of a step"),
        pytest.param("submarine", None, 0, id="none"),
    ],
)
def test_search(out, words, dropped, count):
    if count == 19:
        assert {row["kept"] for row in look(out, 50, search=words).rows} == {True, False}
    assert len(look(out, 50, search=words, dropped=dropped).rows) == count


def test_one_row_by_the_beginning_of_its_id(out):
    id_ = pl.read_parquet(out / "ledger.parquet").filter("kept")["id"][0]
    [row] = look(out, 1, row=id_[:20]).rows
    assert (row["id"], row["kept"]) == (id_, True) and row["prompt"].startswith("Good")


def test_an_input_that_changed_is_said(out, tmp_path):
    file = tmp_path / "forum.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[1:]))
    rows, notes = look(out, 50, dropped="length")
    assert notes == ["forum: its input has changed since the run: 1 of 9 rows are not there any more"]
    assert [("prompt" in row) for row in rows].count(False) == 1
    file.unlink()
    rows, notes = look(out, 50, dropped="length")
    assert len(rows) == 9 and "its texts cannot be read again" in notes[0] and "forum.jsonl" in notes[0]


@pytest.mark.parametrize(
    ("how", "says"),
    [
        pytest.param({"dropped": "lenght"}, "no step is called 'lenght'; did you mean 'length'", id="misspelt"),
        pytest.param({"row": "zz"}, "no row's id begins with 'zz'", id="no such row"),
    ],
)
def test_what_is_not_there_is_said(out, how, says):
    with pytest.raises(OutputError, match=says):
        look(out, 3, **how)


def show(*args):
    done = CliRunner().invoke(main, ["show", *map(str, args)])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_screen_marks_evidence_and_sets_a_duplicate_beside_its_twin(out):
    screen = show(out, "--dropped", "first_person", "-n", "1")
    assert "dropped by first_person" in screen and "»" in screen and "«" in screen
    lines = show(out, "--dropped", "exact_duplicates", "-n", "1").splitlines()
    assert "dropped by" in lines[0] and ": kept" in lines[0]
    assert "where min is 60" in show(out, "--near", "5")
    assert "No row." in show(out, "--search", "submarine")
    assert len(json.loads(show(out, "--dropped", "length", "-n", "4", "--json"))["rows"]) == 4


def test_two_ways_to_choose_are_refused(out):
    done = CliRunner().invoke(main, ["show", str(out), "--near", "3", "--id", "ab"])
    assert done.exit_code == 2 and "give one of them" in done.output
