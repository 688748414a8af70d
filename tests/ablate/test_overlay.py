"""Arms are laid over what they share, and keys are set, in the ablation or in what it names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.ablate.arms import assign, assign_all, lay


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


@given(data, data)
def test_what_is_laid_over_twice_is_laid_over_once_and_nothing_given_is_changed(under, over):
    before = repr((under, over))
    once = lay(under, over)
    assert lay(once, over) == once
    assert repr((under, over)) == before


@pytest.mark.parametrize(
    ("assignment", "found"),
    [
        pytest.param("seeds=[3]", {"seeds": [3]}, id="a key of the ablation"),
        pytest.param("answer.samples=5", {"answer": {"samples": 5}}, id="a dotted one"),
        pytest.param(
            "sets.data.set.sources.a.take=5",
            {"sets": {"data": {"set": {"sources.a.take": 5}}}},
            id="behind `set` stands one key of the recipe",
        ),
        pytest.param(
            "arms.x.train.sft.set.trainer.max_steps=2",
            {"arms": {"x": {"train": {"sft": {"set": {"trainer.max_steps": 2}}}}}},
            id="in an arm, too",
        ),
        pytest.param(
            "small.sets.set.set.size=2", {"small": {"sets": {"set": {"set": {"size": 2}}}}}, id="a set called set"
        ),
    ],
)
def test_assign(assignment, found):
    made: dict[str, Any] = {}
    assign(made, assignment)
    assert made == found


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
