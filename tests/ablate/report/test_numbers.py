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
    differences = {one["arm"]: one for one in report.write(planted)["differences"]}
    assert differences["filtered"]["shown"] and differences["filtered"]["low"] > 0.2
    assert not differences["null"]["shown"]
    assert "crashed" not in differences


def test_numbers_are_those_of_evaluate(planted):
    ablation, grades = numbers.read(planted)
    derived = results(ablation, grades)
    whole = grades.filter(pl.col("arm") != "crashed")
    for one, other in zip(derived["differences"], statistics.compare(whole, "random"), strict=True):
        expected = json.loads(json.dumps({"factor": "arm", **other._asdict(), "length_controlled": None, "lost": None}))
        assert {**one, "length_controlled": None, "lost": None} == expected
        assert one["length_controlled"] == other.length_controlled._asdict()
        assert one["lost"]["random"]["answers"] == 0
    for one in (one for one in derived["arms"] if one["grade"]):
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
    own = results({"name": "n", "contrasts": [], "arms": [{"arm": "a"}]}, grades)["arms"][0]
    assert own["answers"] == {"asked": 5, "failed": 1, "cut": 1, "ungraded": 1, "graded": 3, "prompts": 3}
    assert own["worst"]["mean"] == 4.0  # of seed 0 the 2, of seed 1 the 6
    assert own["tokens"]["mean"] == 20.0  # of what was graded
    assert [(one["seed"], one["mean"]) for one in own["seeds"]] == [(0, 3.0), (1, 6.0)]


def test_dialogues_have_a_mean_by_turn(tmp_path):
    folders.write(tmp_path, [arm("thirty", 0.5), arm("random")], turns=3)
    folders.change(tmp_path, lambda line: {**line, "score": 6.0 if line["turn"] == 2 else 2.0})
    own = report.write(tmp_path)["arms"][0]
    assert [(one["turn"], one["mean"], one["n"]) for one in own["turns"]] == [
        (0, 2.0, 40), (1, 2.0, 40), (2, 6.0, 40),
    ]  # fmt: skip
    assert own["worst"]["mean"] == 2.0


def test_an_arm_that_shares_no_prompt_costs_the_others_nothing(tmp_path):
    folders.write(tmp_path, [arm("filtered", 0.5), arm("elsewhere"), arm("random")])
    folders.change(tmp_path, lambda line: {**line, "id": "x" + line["id"]} if line["arm"] == "elsewhere" else line)
    derived = report.write(tmp_path)
    assert [one["arm"] for one in derived["differences"]] == ["filtered"]
    assert [one["arm"] for one in derived["uncompared"]] == ["elsewhere"]
    assert derived["sentences"][1]["text"].startswith(
        "Nothing can be claimed of elsewhere against random: no prompt has"
    )


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
def test_an_ablation_of_little_has_its_sentences(tmp_path, arms, seeds, prompts):
    derived = report.write(folders.write(tmp_path, arms, seeds=seeds, prompts=prompts))
    assert len(derived["sentences"]) == len(arms)
    assert report.recompute(tmp_path) == []
    assert "NaN" not in (tmp_path / "results.json").read_text()


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        pytest.param("ablation.json", None, "is not an ablation's folder", id="no ablation"),
        pytest.param("ablation.json", "{", "ablation.json is not JSON", id="half an ablation"),
        pytest.param("ablation.json", '{"name": "n"}', "lacks arms and contrasts", id="no arms"),
        pytest.param("grades.jsonl", None, "grades.jsonl is missing", id="no grades"),
        pytest.param("grades.jsonl", '{"arm": "a"}\n{"arm"\n', "grades.jsonl:2 is not a grade", id="a broken line"),
        pytest.param("grades.jsonl", '{"arm": "a"}\n\n{"score": "good"}\n', "grades.jsonl:3", id="a word as score"),
    ],
)
def test_a_folder_that_is_none_has_a_message(tmp_path, file, text, message):
    folders.write(tmp_path, [arm("a"), arm("random")], prompts=3)
    (tmp_path / file).unlink() if text is None else (tmp_path / file).write_text(text)
    with pytest.raises(report.AblationError, match=message):
        report.write(tmp_path)


def test_a_multiplier_is_read_off_the_random_arms_curve(tmp_path):
    effects = {500: -0.6, 1000: -0.3, 4000: 0.3}
    sizes = [arm(f"random@{n}", e, x=n, curve="random", rows=n) for n, e in effects.items()]
    arms = [arm("filtered", 0.3, random_curve="random"), arm("random", x=2000, curve="random"), *sizes]
    [multiplier] = report.write(folders.write(tmp_path, arms))["multipliers"]
    _, grades = numbers.read(tmp_path)
    curve = {"random": 2000, **{f"random@{n}": n for n in effects}}
    expected = statistics.multiplier(grades, "filtered", curve)
    assert {name: multiplier[name] for name in expected._fields} == expected._asdict()
    assert multiplier["own"] == 2000 and multiplier["times"] == expected.rows / 2000


@pytest.mark.parametrize(
    "arms",
    [
        pytest.param([arm("filtered"), arm("random")], id="no curve"),
        pytest.param([arm("filtered", random_curve="random"), arm("random", x=2000, curve="random")], id="one size"),
    ],
)
def test_without_a_curve_there_is_no_multiplier(tmp_path, arms):
    assert report.write(folders.write(tmp_path, arms))["multipliers"] == []
