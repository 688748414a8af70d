from __future__ import annotations

import pytest
from rich.console import Console

from curate.ablate import ledger
from tests.ablate.ledger import runs


def shown(found, capsys):
    Console(width=160, force_terminal=False).print(ledger.show(found))
    return capsys.readouterr().out


def test_steps_left_out(whole, capsys):
    said = shown(ledger.leave_one_out(whole[0]), capsys)
    assert "first_person" in said and "length_2" in said
    assert "≤: at most so many" in said and said.rstrip().endswith("exact_duplicates")


def test_moved_thresholds(whole, capsys):
    said = shown(ledger.thresholds(whole[0], ["length.response >= 10"]), capsys)
    assert "length.response >= 10" in said and "≤" in said


@pytest.fixture
def empty(tmp_path, monkeypatch):
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    runs.write_data(tmp_path, rows=20)
    (tmp_path / "how.jsonl").unlink()
    return runs.run(tmp_path, "out", runs.recipe(runs.steps()))[0]


def test_a_source_without_rows_is_a_note_and_no_row(empty, capsys):
    said = shown(ledger.leave_one_out(empty), capsys)
    assert "no row was read from how" in said
    assert not [line for line in said.splitlines() if line.strip().startswith("how ")]
