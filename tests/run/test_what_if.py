"""What a ledger says of moved bounds is what running again gives, and what would mend a shortfall does mend it."""

from __future__ import annotations

import json

import polars as pl
import pytest

from curate.report.steps import near_misses
from curate.run.folder import open_out
from curate.run.state import Shortfall
from curate.run.what_if import Bound, ThresholdError, movable, thresholds
from tests.ablate.ledger import runs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("what_if")
    runs.write_data(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CURATE_DATA", str(folder))
        yield folder


@pytest.fixture(scope="module")
def rowwise(data):
    """A run whose steps all look at single rows, so that what is said of them is exact."""
    return runs.run(data, "rowwise", runs.recipe(runs.steps(step_5=True)))


@pytest.fixture(scope="module")
def whole(data):
    return runs.run(data, "whole", runs.recipe(runs.steps(), size=20))


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


def test_a_record_that_stands_twice_is_gained_once(tmp_path, monkeypatch):
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    once, twice = runs.once_and_twice(tmp_path)
    move = ["length.response >= 10"]
    assert thresholds(twice, move)["gained"].to_list() == thresholds(once, move)["gained"].to_list()


def test_rows_that_were_decided_about_stay_as_they_are(data, rowwise, tmp_path):
    ledger = pl.read_parquet(rowwise[0] / "ledger.parquet").filter(source="qa").sort("length.response", "id")
    fallen = near_misses(ledger, manifest_of(rowwise)).filter(step="length")["id"].to_list()
    ends = ledger.filter(~pl.col("length"))["id"]  # among them the shortest and the longest of all
    accepted, rejected = {ends[0], ends[-1], fallen[0]}, {fallen[1], *ledger.filter("kept")["id"].head(2)}
    lines = [{"id": id_, "decision": "accept" if id_ in accepted else "reject"} for id_ in accepted | rejected]
    (tmp_path / "decisions.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    by_hand = {"overrides": str(tmp_path / "decisions.jsonl")}
    out, kept = runs.run(data, "decided", runs.recipe(runs.steps(step_5=True)) | by_hand)
    for move, changed in (("length.response >= 40", {"low": 40}), ("length.response <= 200", {"high": 200})):
        result = thresholds(out, [move]).row(by_predicate=pl.col("source") == "qa", named=True)
        _, now = runs.run(data, "moved", runs.recipe(runs.steps(**{**STEP, **changed})) | by_hand)
        assert result["left"] == kept["qa"]
        assert result["left"] + result["gained"] - result["lost"] == now["qa"]
    misses = near_misses(pl.read_parquet(out / "ledger.parquet"), manifest_of((out, kept)), most=1000)
    assert misses.height and not set(misses["id"]) & (accepted | rejected)


def manifest_of(run):
    return json.loads((run[0] / "manifest.json").read_text(encoding="utf-8"))


def short(data, qa, name, size=250):
    recipe = runs.recipe(qa, size=size)
    recipe["sources"]["qa"]["take"], recipe["sources"]["how"]["take"] = size, 0
    with pytest.raises(Shortfall, match="too few rows: qa has") as error:
        runs.run(data, name, recipe)
    return error.value.manifest


def enough(data, high, size=65):
    recipe = runs.recipe(runs.steps(high=high, step_5=True), size=size)
    recipe["sources"]["qa"]["take"], recipe["sources"]["how"]["take"] = size, 0
    return runs.run(data, "mended", recipe)[1]["qa"]


def test_a_bound_that_is_said_to_reach_the_size_is_the_nearest_that_does(data):
    ways = short(data, runs.steps(step_5=True), "short", size=65)["short"]["ways"]
    assert {way["source"] for way in ways} == {"qa"}
    assert all(way["rows"] >= way["missing"] == 8 and not way["at_most"] for way in ways)
    way = next(way for way in ways if way["move"].startswith("length.response <= "))
    high = int(way["move"].split("<= ")[1])
    assert way["was"] == 400 < high
    assert enough(data, high) == 65
    with pytest.raises(Shortfall):
        enough(data, high - 1)


def test_ways_that_do_not_reach_it_say_how_far_they_go(data):
    manifest = short(data, runs.steps(), "far")
    ways = manifest["short"]["ways"]
    assert 0 < len(ways) <= 3 and all(0 < way["rows"] < way["missing"] for way in ways)
    assert all(way["at_most"] for way in ways if way["step"] != "exact_duplicates"), "the select never saw these"


def test_a_bound_that_moves_says_at_every_number_what_asking_for_it_says(rowwise):
    out, _ = rowwise
    bounds = list(movable(*open_out(out)))
    assert {(b.label, b.below) for b in bounds if b.source == "qa"} >= {("length", True), ("length", False)}
    for bound in bounds:
        for value in (*bound.gained[:2], *bound.lost[:2], bound.was, bound.was - 1, bound.was + 37):
            sign = (">" if bound.strict else ">=") if bound.below else ("<" if bound.strict else "<=")
            asked = thresholds(out, [f"{bound.column} {sign} {value!r}"])
            line = asked.row(by_predicate=pl.col("source") == bound.source, named=True)
            assert bound.change(value) == line["gained"] - line["lost"], (bound.column, value)
            assert bound.left == line["left"]


@pytest.mark.parametrize(
    ("below", "strict", "changes"),
    [
        pytest.param(True, False, {8: 2, 9: 1, 10: 0, 11: -1, 12: -1, 13: -2}, id="at least 10"),
        pytest.param(True, True, {8: 1, 9: 0, 10: 0, 11: -1, 12: -2, 13: -2}, id="above 10"),
    ],
)
def test_a_number_at_the_bound_passes_unless_it_is_strict(below, strict, changes):
    gained, lost = pl.Series([8.0, 9.0]), pl.Series([10.0 + strict, 12.0])
    bound = Bound("qa", "s", "s.x", below, strict, 10, 2, gained, lost, open=[])
    assert {value: bound.change(value) for value in changes} == changes
    # The same from above, in a mirror.
    mirror = bound._replace(below=False, was=-10, gained=-gained[::-1], lost=-lost[::-1])
    assert {-value: mirror.change(-value) for value in changes} == {-v: n for v, n in changes.items()}


def test_a_step_that_lets_nothing_pass_is_said(data):
    ways = short(data, runs.steps(least=99, step_5=True), "none", size=50)["short"]["ways"]
    assert ways[0]["move"].startswith("at_least.score >= ") and ways[0]["rows"] >= 50


def test_a_select_with_a_number_of_its_own_is_what_gives_more(data):
    top = {"select": {"top": {"by": "score", "n": 40}}}
    ways = short(data, [*runs.steps(step_5=True), top], "top", size=50)["short"]["ways"]
    assert [(way["move"], way["was"], way["rows"]) for way in ways] == [("top: n 50", 40, 10)]
