"""What a finished set's ledger says of steps left out and bounds moved is what running again would give."""

from __future__ import annotations

import polars as pl
import pytest
from rich.console import Console

from curate.ablate.ledger import ThresholdError, leave_one_out, show, thresholds
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
    runs.write_data(tmp_path, rows=50)
    once, _ = runs.run(tmp_path, "once", runs.recipe(runs.steps()))
    for name in ("qa", "how"):
        file = tmp_path / f"{name}.jsonl"
        file.write_text(file.read_text() * 2)
    twice, _ = runs.run(tmp_path, "twice", runs.recipe(runs.steps()))
    result = leave_one_out(twice)
    assert "repeated" not in result["step"]
    assert result["gained"].to_list() == leave_one_out(once)["gained"].to_list()
    move = ["length.response >= 10"]
    assert thresholds(twice, move)["gained"].to_list() == thresholds(once, move)["gained"].to_list()


def test_a_folder_without_a_run_is_said_in_words(tmp_path):
    with pytest.raises(OutputError, match="not a finished output folder"):
        leave_one_out(tmp_path)


STEP = {"low": 80, "high": 400, "least": 3, "step_5": True}


@pytest.mark.parametrize(
    ("move", "changed"),
    [
        pytest.param("length.response >= 40", {"low": 40}, id="a lower bound is lowered"),
        pytest.param("length.response>=150", {"low": 150}, id="and raised"),
        pytest.param("length.response <= 440", {"high": 440}, id="an upper bound is raised"),
        pytest.param("length.response < 201", {"high": 200}, id="and lowered"),
        pytest.param("at_least.score > 0", {"least": 1}, id="a score, strictly"),
        pytest.param("at_least.score >= 7.5", {"least": 8}, id="a score that is no whole number"),
        pytest.param("length.response >= 80", {}, id="nothing is moved"),
        pytest.param("length.response >= 1e9", {"low": 400, "high": 400, "least": 99}, id="nothing passes"),
    ],
)
def test_it_says_what_a_run_with_the_moved_bound_gives(data, rowwise, move, changed):
    out, kept = rowwise
    result = thresholds(out, [move]).row(by_predicate=pl.col("source") == "qa", named=True)
    _, now = runs.run(data, "moved", runs.recipe(runs.steps(**{**STEP, **changed})))
    assert result["left"] == kept["qa"]
    assert result["left"] + result["gained"] - result["lost"] == now["qa"]
    assert not (result["gained"] and result["lost"])


def test_each_source_that_takes_the_step_has_its_own_bounds(rowwise):
    result = thresholds(rowwise[0], ["length.response >= 80", "at_least.score >= 3"])
    assert result.select("threshold", "source").rows() == [
        ("length.response >= 80", "qa"),
        ("length.response >= 80", "how"),
        ("at_least.score >= 3", "qa"),
    ]
    assert [row["gained"] > 0 for row in result.to_dicts()] == [False, True, False]


def test_a_step_over_several_columns_holds_the_others_to_their_bounds(rowwise):
    out, _ = rowwise
    ledger = pl.read_parquet(out / "ledger.parquet").filter(source="qa")
    others = [pl.col(label) for label in ("length", "at_least", "first_person", "mentions")]
    expected = ledger.filter(*others, pl.col("length_2.prompt") >= 4, ~pl.col("length_2"))
    result = thresholds(out, ["length_2.prompt >= 4"])
    assert result.filter(source="qa")["gained"].item() == expected.height > 0


def test_rows_of_the_set_that_would_go_are_counted(whole):
    result = thresholds(whole[0], ["length.response >= 1e9"]).to_dicts()
    assert sum(row["lost_of_set"] for row in result) == 20
    assert all(row["lost"] == row["left"] for row in result)


def test_later_steps_were_not_asked_about_what_is_gained(whole):
    result = thresholds(whole[0], ["length.response >= 10"]).filter(source="qa").row(0, named=True)
    assert result["gained"] and result["never_asked"] == ["exact_duplicates"]


@pytest.mark.parametrize(
    ("move", "says"),
    [
        pytest.param("length", "write it like 'length.response >= 800'", id="no comparison"),
        pytest.param("length.response == 5", "write it like", id="no bound"),
        pytest.param("length.response >= many", "write it like", id="no number"),
        pytest.param("length.response >= 1.2.3", "write it like", id="no number either"),
        pytest.param("lenght.response >= 800", "did you mean 'length.response'?", id="misspelt"),
        pytest.param("length.answer >= 800", "did you mean 'length.response'?", id="another column"),
        pytest.param("first_person.response >= 1", "step 'first_person' compares no number that is in the ledger; measured: length.response", id="not measured"),
        pytest.param("zzz.q > 1", "no step measured 'zzz.q'; known: at_least.score, length.response", id="nothing like it"),
    ],
)  # fmt: skip
def test_a_move_that_cannot_be_is_said_in_words(rowwise, move, says):
    with pytest.raises(ThresholdError) as error:
        thresholds(rowwise[0], [move])
    assert says in str(error.value)


def printed(frame, capsys):
    Console(width=160, force_terminal=False).print(show(frame))
    return capsys.readouterr().out


def test_steps_left_out(whole, capsys):
    output = printed(leave_one_out(whole[0]), capsys)
    assert "first_person" in output and "length_2" in output
    assert "≤: at most so many" in output and output.rstrip().endswith("exact_duplicates")


def test_moved_thresholds(whole, capsys):
    output = printed(thresholds(whole[0], ["length.response >= 10"]), capsys)
    assert "length.response >= 10" in output and "≤" in output


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
