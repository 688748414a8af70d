"""What is wrong with an ablation is told at once, each thing where it stands, before anything runs."""

from __future__ import annotations

import pytest

from curate.ablate.arms import lay
from curate.ablate.reading import load
from curate.recipe.places import RecipeError


def test_arms_are_laid_over_what_they_share(given, write):
    ablation = load(write(given))
    plain, short = ablation.arms
    assert (plain.keys.sets["data"].draw, short.keys.sets["data"].draw) == (0, 1)
    assert plain.keys.train["sft"].config == short.keys.train["sft"].config
    assert ablation.factors[0].against == "plain"  # the first, where nothing is said
    assert ablation.judge.name == "words"


@pytest.mark.parametrize(
    ("change", "against"),
    [({"random": "short"}, "short"), ({"random": "short", "against": "plain"}, "plain"), ({}, "plain")],
)
def test_against(given, write, change, against):
    assert load(write({**given, **change})).factors[0].against == against


WRONG = [
    pytest.param({"sedes": [1]}, "at sedes", "there is no 'sedes' here; did you mean 'seeds'?", id="a key"),
    pytest.param({"seeds": []}, "at seeds", "should hold 1 or more", id="no seed"),
    pytest.param({"seeds": [0, 1, 0]}, "at seeds", "each seed should stand once, and 0 stands more often", id="a seed twice"),
    pytest.param({"judges": None}, "small.yaml:1", "'judges' is missing", id="no judge"),
    pytest.param({"judge": "wrods"}, "at judge", "there is no judge 'wrods'; did you mean 'words'?", id="the judge"),
    pytest.param({"random": "shrot"}, "at random", "there is no arm 'shrot'; did you mean 'short'?", id="random"),
    pytest.param({"against": "plane"}, "at against", "did you mean 'plain'?", id="against"),
    pytest.param({"answer": {"sampels": 2}}, "at answer.sampels", "did you mean 'samples'?", id="a key of answer"),
    pytest.param({"answer": {"prompts": None}}, "at answer", "say what is asked", id="nothing to ask"),
    pytest.param({"arms": {"short": 3}}, "at arms.short", "an arm is what it changes", id="an arm that is no mapping"),
    pytest.param(
        {"arms": {"short": {"sets": {"data": {"skip": ["lenght"]}}}}},
        "at arms.short.sets.data.skip",
        "no step has the label 'lenght'; did you mean 'length'?",
        id="a label, in the arm",
    ),
    pytest.param({"sets": {"data": {"sources": ["mein"]}}}, "at sets.data.sources[0]", "the recipe has no source 'mein'; did you mean 'mine'?", id="a source"),
    pytest.param({"sets": {"data": {"set": {"sources.mine.steps.7.keep": 1}}}}, "at sets.data.set", "there is no 7", id="a key that cannot be set"),
    pytest.param({"sets": {"data": {"set": {"siez": 4}}}}, "at siez", "there is no 'siez' here", id="a key the recipe has not"),
    pytest.param({"train": {"stf": {"config": {"stage": "sft"}}}}, "at train.stf", "there is no stage 'stf'; did you mean", id="a stage"),
    pytest.param({"train": {"sft": {"data": "dada"}}}, "at train.sft.data", "there is no set 'dada'; did you mean 'data'?", id="a set"),
    pytest.param({"train": {"sft": {"set": {"trainer.warmup_ratio": 0.1}}}}, "at trainer.warmup_ratio", "trl 1.16 has no 'warmup_ratio' any more", id="an argument of trl"),
    pytest.param({"train": None}, "at train", "an arm has `train`, or the `model`", id="neither training nor model"),
    pytest.param({"train": None, "model": "m", "choose": {"prompts": "p"}}, "at choose", "no checkpoints to choose from", id="choose"),
    pytest.param({"choose": {"prompts": "p", "epochs": "5"}}, "at choose.epochs", "should have the form", id="epochs as FIRST-LAST"),
    pytest.param({"curve": {"arm": "short", "sizes": [2]}}, "at curve", "sizes are a factor now: write `factors: {choice:", id="the curve of before"),
    pytest.param({"arms": None}, "small.yaml:1", "say what is compared: `arms`", id="neither arms nor factors"),
    pytest.param({"factors": {"size": [4]}}, "small.yaml:1", "not both", id="arms and factors"),
    pytest.param({"compare": "amr"}, "at compare", "there is no factor 'amr'; did you mean 'arm'?", id="the factor of the question"),
    pytest.param({"against": ["plain", "short"]}, "at against", "'plain' and 'short' are both levels of 'arm'", id="two to compare with"),
    pytest.param({"arms": {"short": {"sets": {"data": {"add": {"x": {"keep": {"lenght": {}}}}}}}}}, "at arms.short.sets.data.add.x.keep.lenght", "did you mean 'length'?", id="a filter of a step that is added"),
    pytest.param({"sets": {"data": {"replace": {"length": {"keep": {"length": {"mni": 1}}}}}}}, "at sets.data.replace.length.keep.length.mni", "did you mean 'min'?", id="a parameter of one that replaces"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "where", "message"), WRONG)
def test_what_is_wrong_is_said_where_it_stands(given, write, change, where, message):
    with pytest.raises(RecipeError) as error:
        load(write(lay(given, change)))
    lines = str(error.value).splitlines()
    assert len(lines) == 2, lines
    assert lines[0].endswith(where) or lines[0].endswith(f" {where}")
    assert "small.yaml" in lines[0]
    assert message in lines[1]


def test_all_that_is_wrong_is_told_at_once_with_its_line(given, write):
    wrong = {"answer": {"sampels": 2}, "random": "shrot", "arms": {"short": {"sets": {"data": {"skip": ["lenght"]}}}}}
    file = write(lay(given, wrong))
    with pytest.raises(RecipeError) as error:
        load(file)
    lines = {problem.path[0]: problem.line for problem in error.value.problems}
    written = file.read_text().splitlines()
    assert set(lines) == {"answer", "random", "arms"}
    assert "sampels" in written[lines["answer"] - 1]
    assert "shrot" in written[lines["random"] - 1]
    assert "skip" in written[lines["arms"] - 1]


def test_small_lies_over_everything_and_set_over_that(given, write):
    given["small"] = {"seeds": [7, 8], "answer": {"limit": 1}, "arms": {"short": None}}
    small = load(write(given), ["answer.limit=2"], small=True)
    assert (small.keys.seeds, small.arms[0].keys.answer.limit, len(small.arms)) == ([7, 8], 2, 1)
    assert load(write(given)).keys.seeds == [0]


def test_small_where_there_is_none(given, write):
    with pytest.raises(RecipeError, match="it has no `small:`"):
        load(write(given), small=True)


GRID = {"choice": {"plain": {}, "short": {"sets": {"data": {"draw": 1}}}}, "size": [16, 4, 8]}


def test_factors_make_their_product(given, write):
    ablation = load(write(lay(given, {"arms": None, "factors": GRID})))
    assert [(arm.name, arm.rows, arm.keys.sets["data"].draw) for arm in ablation.arms] == [
        ("plain@4", 4, 0), ("plain@8", 8, 0), ("plain@16", 16, 0),
        ("short@4", 4, 1), ("short@8", 8, 1), ("short@16", 16, 1),
    ]  # fmt: skip
    assert [factor.against for factor in ablation.factors] == ["plain", "4"]


def test_what_levels_are_compared_with(given, write):
    change = {"arms": None, "factors": GRID, "random": "short", "against": 8}
    assert [factor.against for factor in load(write(lay(given, change))).factors] == ["short", "8"]


@pytest.mark.parametrize(
    ("factors", "where", "message"),
    [
        pytest.param({"choice": {"short": 3}}, "at factors.choice.short", "a level is what it changes", id="a level that is no mapping"),
        pytest.param({"size": [0]}, "at factors.size", "or is a list of sizes", id="a size of nothing"),
        pytest.param({"size": {}}, "at factors.size", "a factor has levels", id="no level"),
        pytest.param({"more": [2]}, "at factors.more", "only one factor can be sizes", id="two factors of sizes"),
        pytest.param({"size": [4, 8, 4]}, "at factors.size", "4 stands twice", id="a size twice"),
        pytest.param({"more": {"plain": {}}}, "at factors.more.plain", "'plain' is a level of 'choice', too", id="a level twice"),
        pytest.param({"choice": {"short": {"sets": {"data": {"skip": ["lenght"]}}}}}, "at factors.choice.short.sets.data.skip", "did you mean 'length'?", id="in a level, once for all sizes"),
        pytest.param({"choice": {"short": {"train": None, "model": "m"}}}, "at factors.choice.short", "trains on no set, so it has no sizes", id="sizes of nothing"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_factors_is_said_where_it_stands(given, write, factors, where, message):
    with pytest.raises(RecipeError) as error:
        load(write(lay(given, {"arms": None, "factors": lay(GRID, factors)})))
    lines = str(error.value).splitlines()
    assert lines[0].partition(" (and")[0].endswith(f" {where}"), lines
    assert message in lines[1]


def test_an_arm_may_be_the_base_model(given, write):
    given |= {"model": "org/model"}
    given["arms"]["base"] = {"train": None, "sets": None}
    base = load(write(given)).arms[-1].keys
    assert (base.train, base.sets, base.model) == ({}, {}, "org/model")
