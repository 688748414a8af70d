"""Steps are left out by the labels that the ledger has for them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from curate.ablate.arms import skip
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


def left(data: dict[str, Any]) -> list[str]:
    return list(labels(data).values())


@pytest.mark.parametrize(
    ("wanted", "stays"),
    [
        pytest.param(
            ["length(min=1)"],
            ["strip_links", "length(min=1)", "toxic", "sample", "mine", "length(min=1)_2"],
            id="the first of three",
        ),
        pytest.param(
            ["length(min=1)_2", "length(min=1)_3"],
            ["length", "strip_links", "toxic", "sample", "mine"],
            id="twins by their numbers",
        ),
        pytest.param(
            ["sample"],
            ["length(min=1)", "strip_links", "length(min=1)_2", "toxic", "mine", "length(min=1)_3"],
            id="how it is drawn",
        ),
        pytest.param(
            ["toxic", "mine"],
            ["length(min=1)", "strip_links", "length(min=1)_2", "sample", "length(min=1)_3"],
            id="short form, and own functions",
        ),
    ],
)
def test_by_label(wanted, stays):
    assert left(skip(DATA, Places("r.yaml"), wanted)) == [*stays, "exact_duplicates", "contaminated"]


def test_all_leaves_edits_and_the_checks_for_test_prompts():
    assert left(skip(DATA, Places("r.yaml"), "all")) == ["strip_links", "contaminated"]


def test_a_label_that_no_step_has():
    with pytest.raises(LookupError, match=r"no step has the label 'toxik'; did you mean 'toxic'\?"):
        skip(DATA, Places("r.yaml"), ["toxik"])


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
