"""Arms are laid over what they share, keys are set, and steps are left out by the labels that the ledger has for them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.ablate.arms import assign, assign_all, change_steps, lay
from curate.ablate.keys import SetKeys, Wrong
from curate.recipe.extends import PACKAGED, read_recipe
from curate.recipe.labels import labels
from curate.recipe.load import Reading, load, parse
from curate.recipe.places import Places

LENGTH = {"keep": {"length": {"min": 1}}}
DATA: dict[str, Any] = {
    "sources": {
        "a": {
            "read": {},
            "steps": [LENGTH, {"edit": {"strip_links": {}}}, LENGTH, {"drop": "toxic"}],
            "sample": {"by": "x"},
        },
        "b": {"read": {}, "steps": [{"score": {"habits:mine": {}}}]},
    },
    "steps": [LENGTH, {"select": {"exact_duplicates": {}}}, {"drop": {"contaminated": {"by": ["test"]}}}],
}


def change(data: dict[str, Any], places: Places, **keys: Any) -> dict[str, Any]:
    wrong: Wrong = []
    changed, _ = change_steps(data, places, SetKeys(recipe="r.yaml", **keys), wrong)
    assert wrong == []
    return changed


def skip(data: dict[str, Any], places: Places, skipped: Any) -> dict[str, Any]:
    return change(data, places, skip=skipped)


def left(data: dict[str, Any]) -> list[str]:
    return list(labels(data).values())


@pytest.mark.parametrize(
    ("wanted", "stays"),
    [
        pytest.param(["length(min=1)"], ["strip_links", "length(min=1)", "toxic", "sample", "mine", "length(min=1)_2"], id="the first of three"),
        pytest.param(["length(min=1)_2", "length(min=1)_3"], ["length", "strip_links", "toxic", "sample", "mine"], id="twins by their numbers"),
        pytest.param(["sample"], ["length(min=1)", "strip_links", "length(min=1)_2", "toxic", "mine", "length(min=1)_3"], id="how it is drawn"),
        pytest.param(["toxic", "mine"], ["length(min=1)", "strip_links", "length(min=1)_2", "sample", "length(min=1)_3"], id="short form, and own functions"),
    ],
)  # fmt: skip
def test_by_label(wanted, stays):
    assert left(skip(DATA, Places("r.yaml"), wanted)) == [*stays, "exact_duplicates", "contaminated"]


def test_all_leaves_edits_and_the_checks_for_test_prompts():
    assert left(skip(DATA, Places("r.yaml"), "all")) == ["strip_links", "contaminated"]


NEW = {"keep": {"length": {"max": 9}}}


@pytest.mark.parametrize(
    ("keys", "stays"),
    [
        pytest.param({"add": {"short": NEW}}, ["strip_links", "toxic", "sample", "mine", "exact_duplicates", "contaminated", "short"], id="added after all"),
        pytest.param({"add": {"short": {**NEW, "before": "toxic"}}}, ["strip_links", "short", "toxic", "sample", "mine", "exact_duplicates", "contaminated"], id="before another one"),
        pytest.param({"add": {"short": {**NEW, "after": "mine"}, "two": {**NEW, "after": "mine"}}}, ["strip_links", "toxic", "sample", "mine", "short", "two", "exact_duplicates", "contaminated"], id="two after one, in their order"),
        pytest.param({"replace": {"toxic": NEW}}, ["strip_links", "length", "sample", "mine", "exact_duplicates", "contaminated"], id="replaced"),
        pytest.param({"replace": {"toxic": NEW}, "add": {"x": {**NEW, "after": "toxic"}}, "skip": ["mine"]}, ["strip_links", "length", "x", "sample", "exact_duplicates", "contaminated"], id="all three: labels are those of the recipe"),
        pytest.param({"skip": "all", "add": {"short": NEW}}, ["strip_links", "contaminated", "short"], id="a random draw of short ones"),
    ],
)  # fmt: skip
def test_steps_are_added_and_replaced_by_name(keys, stays):
    data = {
        **DATA,
        "sources": {
            "a": {**DATA["sources"]["a"], "steps": DATA["sources"]["a"]["steps"][1::2]},
            "b": DATA["sources"]["b"],
        },
    }
    data["steps"] = DATA["steps"][1:]
    before = copy.deepcopy(data)
    assert left(change(data, Places("r.yaml"), **keys)) == stays
    assert data == before


def test_a_sample_block_is_replaced_where_there_is_one():
    changed = change(DATA, Places("r.yaml"), replace={"sample": {"by": "y"}})
    assert changed["sources"]["a"]["sample"] == {"by": "y"} and "sample" not in changed["sources"]["b"]


@pytest.mark.parametrize(
    ("keys", "path", "message"),
    [
        pytest.param({"skip": ["toxik"]}, ("skip",), "no step has the label 'toxik'; did you mean 'toxic'?", id="left out"),
        pytest.param({"replace": {"toxik": NEW}}, ("replace", "toxik"), "did you mean 'toxic'?", id="replaced"),
        pytest.param({"add": {"x": {**NEW, "after": "toxik"}}}, ("add", "x", "after"), "did you mean 'toxic'?", id="added after"),
        pytest.param({"add": {"x": {**NEW, "after": "sample"}}}, ("add", "x", "after"), "no step has the label 'sample'", id="a sample is no step"),
        pytest.param({"add": {"x": {**NEW, "after": "toxic", "before": "toxic"}}}, ("add", "x"), "not by both", id="before and after"),
        pytest.param({"add": {"x": {**NEW, "as": "y"}}}, ("add", "x", "as"), "its label is 'x' already", id="two labels"),
        pytest.param({"skip": ["toxic"], "replace": {"toxic": NEW}}, ("replace", "toxic"), "left out by `skip`", id="left out and replaced"),
    ],
)  # fmt: skip
def test_a_change_that_cannot_be_made(keys, path, message):
    wrong: Wrong = []
    change_steps(DATA, Places("r.yaml"), SetKeys(recipe="r.yaml", **keys), wrong)
    assert [at for at, _ in wrong] == [path]
    assert message in wrong[0][1]


def test_the_recipe_given_is_not_changed_even_where_an_anchor_shares_its_steps():
    shared = [LENGTH, {"drop": "toxic"}]
    data = {"sources": {"a": {"steps": shared}, "b": {"steps": shared}}}
    before = copy.deepcopy(data)
    assert left(skip(data, Places("r.yaml"), ["toxic"])) == ["length", "length"]
    assert data == before


@pytest.mark.parametrize("name", ["lima1k", "votes_dpo", "zephyr_ultrafeedback"])
def test_labels_are_those_of_the_recipe(name):
    data, places = read_recipe(PACKAGED / f"{name}.yaml")
    recipe = parse(data, places)
    steps = [step.label for source in recipe.sources for step in source.steps] + [step.label for step in recipe.steps]
    assert [label for label in labels(data).values() if label != "sample"] == steps


def test_lines_go_with_their_steps(tmp_path: Path):
    file = tmp_path / "r.yaml"
    file.write_text(
        "name: r\nsources:\n  a:\n    read: {authored: {}}\nsteps:\n- drop: toxic\n- keep: {length: {mni: 1}}\n"
    )
    data, places = read_recipe(file)
    reading = Reading(places, skip(data, places, ["toxic"]), {})
    reading.steps(skip(data, read_recipe(file)[1], ["toxic"])["steps"], ("steps",))
    assert [(problem.line, problem.path) for problem in reading.problems] == [
        (7, ("steps", 0, "keep", "length", "mni"))
    ]


def test_lima1k_without_its_filters_is_still_a_recipe(tmp_path: Path):
    data, places = read_recipe(PACKAGED / "lima1k.yaml")
    recipe = parse(skip(data, places, "all"), places)
    verbs = {step.verb for source in recipe.sources for step in source.steps} | {step.name for step in recipe.steps}
    assert verbs == {"edit", "contaminated"}
    assert not any(source.sample for source in recipe.sources)
    assert load(PACKAGED / "lima1k.yaml").sources[0].sample


@pytest.mark.parametrize(
    ("under", "over", "merged"),
    [
        pytest.param({"a": 1, "b": 2}, {"a": 3}, {"a": 3, "b": 2}, id="a value replaces"),
        pytest.param({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}, id="mappings are laid deep"),
        pytest.param({"a": [1, 2]}, {"a": [3]}, {"a": [3]}, id="a list is one value"),
        pytest.param({"a": 1, "b": 2}, {"a": None}, {"b": 2}, id="null takes a key out"),
        pytest.param({"a": {"b": 1}}, {"a": {"b": None}}, {"a": {}}, id="also inside"),
        pytest.param({}, {"a": {"top_p": None}}, {"a": {"top_p": None}}, id="a null where nothing was is a value"),
        pytest.param({"a": {"b": 1}}, {"a": 2}, {"a": 2}, id="a value replaces a mapping"),
        pytest.param({"a": {"b": 1}}, {}, {"a": {"b": 1}}, id="an arm that changes nothing"),
    ],
)
def test_lay(under, over, merged):
    assert lay(under, over) == merged


data = st.recursive(
    st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
).filter(lambda value: isinstance(value, dict))


@pytest.mark.slow
@settings(deadline=None)
@given(data, data)
def test_what_is_laid_over_twice_is_laid_over_once_and_nothing_given_is_changed(under, over):
    before = repr((under, over))
    once = lay(under, over)
    assert lay(once, over) == once
    assert repr((under, over)) == before


@pytest.mark.parametrize(
    ("assignment", "result"),
    [
        pytest.param("seeds=[3]", {"seeds": [3]}, id="a key of the ablation"),
        pytest.param("answer.samples=5", {"answer": {"samples": 5}}, id="a dotted one"),
        pytest.param("sets.data.set.sources.a.take=5", {"sets": {"data": {"set": {"sources.a.take": 5}}}}, id="behind `set` stands one key of the recipe"),
        pytest.param("arms.x.train.sft.set.trainer.max_steps=2", {"arms": {"x": {"train": {"sft": {"set": {"trainer.max_steps": 2}}}}}}, id="in an arm, too"),
        pytest.param("small.sets.set.set.size=2", {"small": {"sets": {"set": {"set": {"size": 2}}}}}, id="a set called set"),
    ],
)  # fmt: skip
def test_assign(assignment, result):
    made: dict[str, Any] = {}
    assign(made, assignment)
    assert made == result


@pytest.mark.parametrize("assignment", ["seeds", "=3", "a.set.b=[", "name.x=1"])
def test_what_cannot_be_assigned_is_said(assignment):
    with pytest.raises(ValueError, match="--set"):
        assign({"name": "n"}, assignment)


@pytest.mark.parametrize(
    "value", [5, None, "yes", "1", [1, 2], {"a": [None, "b: c"]}, float("inf"), "ü\n- x", "…" * 200, True]
)
def test_any_value_is_set_whole(value):
    made: dict[str, Any] = {"a": {"b": 1}}
    assign_all(made, {"a.b": value})
    assert made == {"a": {"b": value}}
