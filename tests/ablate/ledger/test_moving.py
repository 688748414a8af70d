from __future__ import annotations

import polars as pl
import pytest

from curate.ablate import ledger as without
from tests.ablate.ledger import runs

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
    found = without.thresholds(out, [move]).row(by_predicate=pl.col("source") == "qa", named=True)
    _, now = runs.run(data, "moved", runs.recipe(runs.steps(**{**STEP, **changed})))
    assert found["left"] == kept["qa"]
    assert found["left"] + found["gained"] - found["lost"] == now["qa"]
    assert not (found["gained"] and found["lost"])


def test_each_source_that_takes_the_step_has_its_own_bounds(rowwise):
    found = without.thresholds(rowwise[0], ["length.response >= 80", "at_least.score >= 3"])
    assert found.select("threshold", "source").rows() == [
        ("length.response >= 80", "qa"),
        ("length.response >= 80", "how"),
        ("at_least.score >= 3", "qa"),
    ]
    assert [row["gained"] > 0 for row in found.to_dicts()] == [False, True, False]


def test_a_step_over_several_columns_holds_the_others_to_their_bounds(rowwise):
    out, _ = rowwise
    ledger = pl.read_parquet(out / "ledger.parquet").filter(source="qa")
    others = [pl.col(label) for label in ("length", "at_least", "first_person", "mentions")]
    expected = ledger.filter(*others, pl.col("length_2.prompt") >= 4, ~pl.col("length_2"))
    found = without.thresholds(out, ["length_2.prompt >= 4"])
    assert found.filter(source="qa")["gained"].item() == expected.height > 0


def test_rows_of_the_set_that_would_go_are_counted(whole):
    found = without.thresholds(whole[0], ["length.response >= 1e9"]).to_dicts()
    assert sum(row["lost_of_set"] for row in found) == 20
    assert all(row["lost"] == row["left"] for row in found)


def test_later_steps_were_not_asked_about_what_is_gained(whole):
    found = without.thresholds(whole[0], ["length.response >= 10"]).filter(source="qa").row(0, named=True)
    assert found["gained"] and found["never_asked"] == ["exact_duplicates"]


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
    with pytest.raises(without.ThresholdError) as error:
        without.thresholds(rowwise[0], [move])
    assert says in str(error.value)
