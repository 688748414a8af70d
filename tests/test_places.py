from __future__ import annotations

from pathlib import Path

import pytest

from curate.places import RecipeError, read_yaml, set_value


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "r.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_every_path_has_its_line(tmp_path):
    text = "name: x\nsources:\n  a:\n    steps:\n      - keep: {length: {min: 1}}\n"
    _, places = read_yaml(write(tmp_path, text))
    assert places.line(("sources", "a", "steps", 0, "keep", "length", "min")) == 5
    assert places.line(("sources", "a", "steps", 7)) == 4, "what is not there stands on the line of what is around it"


def test_an_alias_has_the_lines_of_its_anchor_and_merges_apply(tmp_path):
    text = "a: &steps\n  - one\nb: *steps\nc: &base {x: 1}\nd:\n  <<: *base\n  y: 2\n"
    data, places = read_yaml(write(tmp_path, text))
    assert data["b"] == ["one"]
    assert data["d"] == {"x": 1, "y": 2}
    assert places.line(("b", 0)) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("a: 1\na: 2\n", ":2: at a\n    this key stands twice here", id="a key that stands twice"),
        pytest.param("a: [1\nb: 2\n", "not valid YAML", id="a bracket left open"),
        pytest.param("- a\n", "not a list", id="a list"),
        pytest.param("", "not nothing", id="an empty file"),
        pytest.param("a: &x [*x]\n", "contains itself", id="an anchor inside itself"),
        pytest.param("a: !!python/object:os.system {}\n", "is not read here", id="a tag that would run code"),
    ],
)
def test_what_is_no_recipe_is_said_with_its_line(tmp_path, text, said):
    with pytest.raises(RecipeError) as caught:
        read_yaml(write(tmp_path, text))
    assert said in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(RecipeError, match="there is no such file"):
        read_yaml(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("assignment", "after"),
    [
        pytest.param("size=5", {"size": 5, "steps": [{"keep": 1}]}, id="a number"),
        pytest.param("a.b.c=[1, x]", {"a": {"b": {"c": [1, "x"]}}, "steps": [{"keep": 1}]}, id="made on the way"),
        pytest.param("steps.0.keep=null", {"steps": [{"keep": None}]}, id="inside a list"),
    ],
)
def test_set(assignment, after):
    data = {"steps": [{"keep": 1}]}
    set_value(data, assignment)
    assert data == after


@pytest.mark.parametrize("assignment", ["size", "=5", "steps.9.keep=1", "steps.x=1", "a=[1"])
def test_set_refuses_in_words(assignment):
    with pytest.raises(ValueError, match="--set"):
        set_value({"steps": [{"keep": 1}]}, assignment)
