"""A label names a step by what it is: no step that is added takes the label of another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curate.recipe.labels import labels
from curate.recipe.load import load
from curate.recipe.places import RecipeError
from curate.report.terminal import show_diff
from curate.run.folder import diff
from curate.run.run import run_recipe

LOW, HIGH = {"keep": {"length": {"min": 3}}}, {"keep": {"length": {"max": 90}}}
LONG = {"drop": {"mentions": {"phrases": [f"phrase {i}" for i in range(30)]}}}


def named(own: list[Any], shared: list[Any] | None = None) -> list[str]:
    return list(labels({"sources": {"a": {"steps": own}}, "steps": shared or []}).values())


@pytest.mark.parametrize(
    ("own", "shared", "expected"),
    [
        pytest.param([LOW], [], ["length"], id="a filter that stands once has its name"),
        pytest.param([LOW], [HIGH], ["length(min=3)", "length(max=90)"], id="once here and once for all sources"),
        pytest.param([LOW, LOW], [], ["length(min=3)", "length(min=3)_2"], id="twins are numbered"),
        pytest.param([{**LOW, "as": "x"}, HIGH], [], ["x", "length"], id="one with a label of its own counts not"),
        pytest.param([{"keep": "length"}, LOW], [], ["length()", "length(min=3)"], id="without parameters"),
    ],
)
def test_labels(own, shared, expected):
    assert named(own, shared) == expected


def test_long_parameters_are_cut_and_still_told_apart():
    other = {"drop": {"mentions": {"phrases": [f"phrase {i}" for i in range(31)]}}}
    one, two = named([LONG, other])
    assert one != two and max(len(one), len(two)) < 64


def test_the_same_parameters_under_another_verb_are_another_step():
    one, two = named([LOW, {"drop": {"length": {"min": 3}}}])
    assert one != two and "_2" not in two


steps = st.sampled_from(
    [
        LOW,
        HIGH,
        LONG,
        {"drop": "toxic"},
        {"drop": {"toxic": {}}},
        {"drop": {"length": {"min": 3}}},
        {"edit": "x:length"},
    ]
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # of a machine that others use too
@given(st.lists(steps, max_size=5, unique_by=repr), st.lists(steps, max_size=3, unique_by=repr), st.data())
def test_a_label_never_comes_to_mean_another_step(own, shared, data):
    new = data.draw(steps)
    at = data.draw(st.integers(0, len(own)))
    before = dict(zip(named(own, shared), [*own, *shared], strict=True))
    after = dict(zip(named([*own[:at], new, *own[at:]], shared), [*own[:at], new, *own[at:], *shared], strict=True))
    assert len(before) == len(own) + len(shared)
    alike = lambda step: json.dumps(step).replace('{"toxic": {}}', '"toxic"')  # noqa: E731
    assert all(alike(after[label]) == alike(step) for label, step in before.items() if label in after)


def recipe(tmp_path: Path, steps: str, name: str = "r.yaml") -> Path:
    rows = [{"prompt": f"p{i}", "response": "x" * i} for i in range(20)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    file = tmp_path / name
    file.write_text(
        f"name: r\nsources:\n  a:\n    read: {{jsonl: {{path: {tmp_path / 'a.jsonl'}}}}}\n    steps:\n{steps}"
    )
    return file


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        pytest.param("    - drop: toxic\n      as: kept\n", "another column of the ledger", id="a column of the ledger"),
        pytest.param("    - drop: toxic\n      as: 'a b'\n", "should begin with a letter", id="a space"),
        pytest.param("    - drop: toxic\n      as: 5\n", "is a text", id="a number"),
        pytest.param("    - drop: toxic\n      as: x\n    - keep: {length: {min: 1}}\n      as: x\n", "another step already", id="twice"),
        pytest.param("    - as: x\n", "a step is one verb", id="a label without a step"),
    ],
)  # fmt: skip
def test_labels_that_cannot_be(tmp_path, steps, message):
    with pytest.raises(RecipeError, match=message) as caught:
        load(recipe(tmp_path, steps))
    assert "r.yaml:" in str(caught.value)


def test_diff_says_where_a_label_stands_for_another_step(tmp_path, capsys):
    one = load(recipe(tmp_path, "    - keep: {length: {column: response, min: 3}}\n"))
    run_recipe(one, tmp_path / "one")
    two = load(recipe(tmp_path, "    - keep: {length: {column: response, min: 9}}\n"))
    run_recipe(two, tmp_path / "two")
    three = load(recipe(tmp_path, "    - keep: {length: {column: response, min: 9}}\n      as: long_enough\n"))
    run_recipe(three, tmp_path / "three")
    changed = diff(tmp_path / "one", tmp_path / "two")
    assert changed["change"].to_list() == ["lost"] * 6
    assert "another step in the other folder" in changed["note"][0]
    assert not diff(tmp_path / "two", tmp_path / "three").height
    show_diff(changed)
    assert "another step" in " ".join(capsys.readouterr().out.split())
