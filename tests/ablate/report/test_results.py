from __future__ import annotations

import json

import polars as pl
import pytest

from curate.ablate import report
from curate.ablate.report import numbers
from curate.ablate.report.numbers import results
from curate.evaluate import statistics
from tests.ablate.report import folders
from tests.ablate.report.folders import arm


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    arms = [arm("filtered", 0.5), arm("null", 0.0), arm("crashed", status="failed", why="no memory"), arm("random")]
    return folders.write(tmp_path_factory.mktemp("planted"), arms)


def test_a_planted_effect_is_found_and_none_is_not_invented(planted):
    found = {one["arm"]: one for one in report.write(planted)["differences"]}
    assert found["filtered"]["shown"] and found["filtered"]["low"] > 0.2
    assert not found["null"]["shown"]
    assert "crashed" not in found


def test_numbers_are_those_of_evaluate(planted):
    ablation, grades = numbers.read(planted)
    found = results(ablation, grades)
    whole = grades.filter(pl.col("arm") != "crashed")
    for one, other in zip(found["differences"], statistics.compare(whole, "random"), strict=True):
        expected = json.loads(json.dumps({**other._asdict(), "length_controlled": None, "lost": None}))
        assert {**one, "length_controlled": None, "lost": None} == expected
        assert one["length_controlled"] == other.length_controlled._asdict()
        assert one["lost"]["random"]["answers"] == 0
    for one in (one for one in found["arms"] if one["grade"]):
        assert one["grade"] == statistics.grade_of(whole, one["arm"])._asdict()


def test_an_arm_by_hand():
    lines = [
        ("a", 0, "p", 0, 10, "stop", None, 2.0),
        ("a", 0, "p", 1, 30, "length", None, 4.0),
        ("a", 1, "p", 0, 20, "stop", None, 6.0),
        ("a", 0, "q", 0, 40, "stop", None, None),
        ("a", 0, "r", 0, None, None, "too long", None),
    ]
    names = ["arm", "seed", "id", "sample", "tokens", "finish_reason", "failed", "score"]
    schema = {name: numbers.COLUMNS[name] for name in names}
    grades = pl.DataFrame(lines, schema, orient="row").with_columns(
        turn=pl.lit(None, pl.Int64), why=pl.lit(None, pl.String), judge=pl.lit("j")
    )
    found = results({"name": "n", "against": "a", "arms": [{"arm": "a"}]}, grades)["arms"][0]
    assert found["answers"] == {"asked": 5, "failed": 1, "cut": 1, "ungraded": 1, "graded": 3, "prompts": 3}
    assert found["worst"]["mean"] == 4.0  # of seed 0 the 2, of seed 1 the 6
    assert found["tokens"]["mean"] == 20.0  # of what was graded
    assert [(one["seed"], one["mean"]) for one in found["seeds"]] == [(0, 3.0), (1, 6.0)]


def test_dialogues_are_told_by_turn(tmp_path):
    folders.write(tmp_path, [arm("thirty", 0.5), arm("random")], turns=3)
    folders.change(tmp_path, lambda line: {**line, "score": 6.0 if line["turn"] == 2 else 2.0})
    found = report.write(tmp_path)["arms"][0]
    assert [(one["turn"], one["mean"], one["n"]) for one in found["turns"]] == [
        (0, 2.0, 40), (1, 2.0, 40), (2, 6.0, 40),
    ]  # fmt: skip
    assert found["worst"]["mean"] == 2.0


def test_an_arm_that_shares_no_prompt_costs_the_others_nothing(tmp_path):
    folders.write(tmp_path, [arm("filtered", 0.5), arm("elsewhere"), arm("random")])
    folders.change(tmp_path, lambda line: {**line, "id": "x" + line["id"]} if line["arm"] == "elsewhere" else line)
    found = report.write(tmp_path)
    assert [one["arm"] for one in found["differences"]] == ["filtered"]
    assert list(found["uncompared"]) == ["elsewhere"]
    assert found["sentences"][1]["text"].startswith("Nothing can be claimed of elsewhere: no prompt has")


@pytest.mark.parametrize(
    ("arms", "seeds", "prompts"),
    [
        pytest.param([arm("a"), arm("random")], 1, 40, id="one seed"),
        pytest.param([arm("a"), arm("random")], 1, 1, id="one prompt"),
        pytest.param([arm("random")], 2, 5, id="one arm"),
        pytest.param([arm("a", status="failed"), arm("random", status="not run")], 2, 5, id="no grade at all"),
        pytest.param([arm("a", 0.3), arm("random", status="failed", why="x")], 2, 5, id="nothing to compare with"),
    ],
)
def test_what_can_be_said_of_little_is_said(tmp_path, arms, seeds, prompts):
    found = report.write(folders.write(tmp_path, arms, seeds=seeds, prompts=prompts))
    assert len(found["sentences"]) == len(arms)
    assert report.recompute(tmp_path) == []
    assert "NaN" not in (tmp_path / "results.json").read_text()


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        pytest.param("ablation.json", None, "is not an ablation's folder", id="no ablation"),
        pytest.param("ablation.json", "{", "ablation.json is not JSON", id="half an ablation"),
        pytest.param("ablation.json", '{"name": "n"}', "lacks against and arms", id="no arms"),
        pytest.param("grades.jsonl", None, "grades.jsonl is missing", id="no grades"),
        pytest.param("grades.jsonl", '{"arm": "a"}\n{"arm"\n', "grades.jsonl:2 is not a grade", id="a broken line"),
        pytest.param("grades.jsonl", '{"arm": "a"}\n\n{"score": "good"}\n', "grades.jsonl:3", id="a word as score"),
    ],
)
def test_a_folder_that_is_none_is_said_in_words(tmp_path, file, text, says):
    folders.write(tmp_path, [arm("a"), arm("random")], prompts=3)
    (tmp_path / file).unlink() if text is None else (tmp_path / file).write_text(text)
    with pytest.raises(report.AblationError, match=says):
        report.write(tmp_path)
