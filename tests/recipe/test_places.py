from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.recipe.places import RecipeError, parse_path, read_yaml, set_value, spell


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


BOMB = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("a: 1\na: 2\n", ":2: at a\n    this key stands twice here", id="a key that stands twice"),
        pytest.param("a: [1\nb: 2\n", ":2\n    not valid YAML", id="a bracket left open"),
        pytest.param("- a\n", ":1\n    the file should hold keys with values (`key: value`), not a list", id="a list"),
        pytest.param("a: &x [*x]\n", "contains itself", id="an anchor inside itself"),
        pytest.param("a: !!python/object:os.system {}\n", "is not read here", id="a tag that would run code"),
        pytest.param(BOMB, "unfold to more than", id="an alias bomb"),
        pytest.param(BOMB.replace("[*", "{<<: [*").replace("]\n", "]}\n").replace("[x, x]}", "{k: v}"), "unfold", id="of merges"),
        pytest.param('a: !!int "abc"\n', ":1: at a\n    abc is not a whole number", id="no integer"),
        pytest.param('a: !!float "x"\n', "is not a number", id="no float"),
        pytest.param('a: !!timestamp "2020-99-99"\n', "is a date in YAML", id="no date"),
        pytest.param("a: 2020-01-01\n", "put a text in quotes", id="a date"),
        pytest.param("a: !!binary x\n", "the tag '!!binary'", id="bytes"),
        pytest.param("a: !mine x\n", "the tag '!mine'", id="a tag of one's own"),
        pytest.param("b: 1\na: " + "[" * 3000, ":2\n    values lie more than 64 levels deep", id="depth"),
        pytest.param("a: " + "9" * 5000, "5,000 characters is too long", id="5,000 digits"),
        pytest.param("a: 18446744073709551616\n", "is beyond 64 bits", id="65 bits"),
        pytest.param("a: 010\n", "no decimal number", id="octal"),
        pytest.param("a: 1:30\n", "no decimal number", id="base 60"),
        pytest.param("a: .nan\n", "is not a number", id="not a number"),
        pytest.param('"\\uD800": 1\n', "half a character", id="half a character as a key"),
        pytest.param('a: "x \\uD800"\n', "half a character", id="half a character as a value"),
        pytest.param('a: "\\UFFFFFFFF"\n', "not valid YAML", id="no character at all"),
        pytest.param("on: 1\n", "a key is text", id="a Boolean as a key"),
        pytest.param("5: 1\n", "a key is text", id="a number as a key"),
        pytest.param("? [a, b]\n: 1\n", "a key is text", id="a list as a key"),
        pytest.param("~: 1\n", "a key is text", id="null as a key"),
        pytest.param("a: 1\n---\nb: 2\n", ":2\n    not valid YAML: expected a single document", id="two documents"),
        pytest.param("a:\n\tb: 1\n", ":2\n    not valid YAML: while scanning for the next token, found character '\\t' that cannot start any token (a tab", id="a tab"),
        pytest.param("a: \x00\n", ":1\n    not valid YAML: the character U+0000 cannot stand there", id="a zero byte"),
        pytest.param("a: 'x'\n" * 200_000, "larger than", id="a large file"),
    ],
)  # fmt: skip
def test_what_is_no_recipe_is_said_with_its_line(tmp_path, text, said):
    with pytest.raises(RecipeError) as caught:
        read_yaml(write(tmp_path, text))
    assert said in str(caught.value)
    assert len(str(caught.value)) < 2000


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place, said in (
        (tmp_path, "is a folder"),
        (tmp_path / "pipe", "no regular file"),
        (Path("/dev/zero"), "no reg"),
    ):
        with pytest.raises(RecipeError, match=said):
            read_yaml(place)
    for encoding in ("utf-16", "latin-1"):
        (tmp_path / "wide.yaml").write_text("a: é\n", encoding=encoding)
        with pytest.raises(RecipeError, match="not UTF-8"):
            read_yaml(tmp_path / "wide.yaml")


keys = st.text(max_size=8) | st.sampled_from(
    ["own.module:f", "a.b", "3", "x y", "[0]", '"', "=", "", "ü", "test.jsonl:q"]
)
paths = st.lists(keys | st.integers(0, 10**8), min_size=1, max_size=6).map(tuple)


@given(paths)
def test_a_path_is_read_as_it_is_spelled(path):
    assert parse_path(spell(path)) == path


@given(st.lists(keys, min_size=1, max_size=5).map(tuple), st.integers(0, 9))
def test_set_takes_every_path_that_is_spelled(path, value):
    data: dict[str, Any] = {}
    assert set_value(data, f"{spell(path)}={value}") == path
    for part in path:
        data = data[part]
    assert data == value


def test_set_takes_the_path_that_messages_print_and_leaves_an_anchors_other_uses():
    steps = [{"keep": {"length": {"max": 100}}}, {"drop": "toxic"}]
    data = {"sources": {"mine": {"steps": steps}, "other": {"steps": steps}}}
    set_value(data, "sources.mine.steps[0].keep.length.max=200")
    set_value(data, "sources.mine.steps[1].drop.toxic.column=prompt")
    assert data["sources"]["mine"]["steps"] == [
        {"keep": {"length": {"max": 200}}},
        {"drop": {"toxic": {"column": "prompt"}}},
    ]
    assert data["sources"]["other"]["steps"] == [{"keep": {"length": {"max": 100}}}, {"drop": "toxic"}]


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        pytest.param(
            "steps[7].keep=1", r"steps is a list of 1 items, \[0\] to \[0\]: there is no 7", id="no such item"
        ),
        pytest.param("name.x=1", "name holds the text 'n', and nothing below it", id="below a text"),
        pytest.param("[0]=1", "the file holds keys, not a list: name, steps", id="an item of a mapping"),
        pytest.param("steps[=1", "--set takes KEY=VALUE", id="no path"),
        pytest.param("name=" + "[" * 3000, "levels deep", id="a deep value"),
        pytest.param("name=2020-01-01", "put a text in quotes", id="a date"),
    ],
)
def test_what_cannot_be_set_says_what_is_there(assignment, said):
    with pytest.raises(ValueError, match=said):
        set_value({"name": "n", "steps": [{"keep": 1}]}, assignment)
