"""What a finished set's ledger says of steps left out is what running again would give."""

from __future__ import annotations

import polars as pl
import pytest
from rich.console import Console

from curate.ablate.ledger import leave_one_out, show
from curate.run.folder import OutputError
from tests.ablate.ledger import runs

pytestmark = pytest.mark.slow

LABELS = ["length", "at_least", "first_person", "mentions", "length_2"]


@pytest.mark.parametrize("step", range(5), ids=LABELS)
def test_it_says_what_a_run_without_the_step_gives(data, rowwise, step):
    out, kept = rowwise
    result = leave_one_out(out).row(
        by_predicate=(pl.col("source") == "qa") & (pl.col("step") == LABELS[step]), named=True
    )
    left_out = {f"step_{step}": True, "step_5": True}
    _, now = runs.run(data, f"without{step}", runs.recipe(runs.steps(**left_out)))
    assert result["gained"] == now["qa"] - kept["qa"]
    assert result["never_asked"] == []
    assert result["share"] == result["gained"] / 300


def test_there_is_something_to_gain(rowwise):
    assert leave_one_out(rowwise[0]).filter(pl.col("gained") > 0).height >= 4


def test_every_step_of_every_source_has_its_line(whole):
    result = leave_one_out(whole[0])
    assert result.select("source", "step").rows() == [
        *(("qa", label) for label in [*LABELS, "exact_duplicates"]),
        ("how", "length"),
    ]


def test_a_step_that_sees_only_what_is_left_was_not_asked(whole):
    result = {row["step"]: row for row in leave_one_out(whole[0]).filter(source="qa").to_dicts()}
    assert result["length"]["never_asked"] == ["exact_duplicates"]
    assert result["exact_duplicates"]["never_asked"] == []
    assert result["exact_duplicates"]["asked"] < 300 and result["exact_duplicates"]["gained"] > 0


def test_the_budget_is_no_step_and_takes_nothing_from_what_is_left(whole, rowwise):
    # 20 rows were taken, but the steps left more: the means are those of what they left.
    result, exact = (leave_one_out(out).filter(source="how") for out, _ in (whole, rowwise))
    assert "sample" not in leave_one_out(whole[0])["step"]
    assert result["length_left"].item() == exact["length_left"].item()


def test_means_are_those_of_the_rows_gained_and_left(rowwise):
    out, _ = rowwise
    ledger = pl.read_parquet(out / "ledger.parquet").filter(source="qa")
    others = ledger.filter(~pl.col("length"), *(pl.col(label) for label in LABELS[1:]))
    result = leave_one_out(out).filter(source="qa", step="length").row(0, named=True)
    assert result["length"] == pytest.approx(others["length.response"].mean())
    assert result["score"] == pytest.approx(others["at_least.score"].mean())
    assert result["length_left"] == pytest.approx(ledger.filter("kept")["length.response"].mean())


def test_a_record_that_stands_twice_is_gained_once(tmp_path, monkeypatch):
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    once, twice = runs.once_and_twice(tmp_path)
    result = leave_one_out(twice)
    assert "repeated" not in result["step"]
    assert result["gained"].to_list() == leave_one_out(once)["gained"].to_list()


def test_a_folder_without_a_run_is_said_in_words(tmp_path):
    with pytest.raises(OutputError, match="not a finished output folder"):
        leave_one_out(tmp_path)


def printed(frame, capsys):
    Console(width=160, force_terminal=False).print(show(frame))
    return capsys.readouterr().out


def test_steps_left_out(whole, capsys):
    output = printed(leave_one_out(whole[0]), capsys)
    assert "first_person" in output and "length_2" in output
    assert "≤: at most so many" in output and output.rstrip().endswith("exact_duplicates")


@pytest.fixture
def empty(tmp_path, monkeypatch):
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    runs.write_data(tmp_path, rows=20)
    (tmp_path / "how.jsonl").unlink()
    return runs.run(tmp_path, "out", runs.recipe(runs.steps()))[0]


def test_a_source_without_rows_is_a_note_and_no_row(empty, capsys):
    output = printed(leave_one_out(empty), capsys)
    assert "no row was read from how" in output
    assert not [line for line in output.splitlines() if line.strip().startswith("how ")]
