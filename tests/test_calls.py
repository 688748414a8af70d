"""Calls of tools: the one form in which files, APIs and templates get them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from curate.calls import as_object, write
from tests.conversations import conversations


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        pytest.param('{"a": 1}', {"a": 1}, id="an object"),
        pytest.param(None, None, id="none"),
        pytest.param("{a", "{a", id="no JSON"),
        pytest.param("[1]", "[1]", id="no object"),
        pytest.param('{"a": 1, "a": 2}', '{"a": 1, "a": 2}', id="a key twice, of which one would be lost"),
        pytest.param('{"a": NaN}', '{"a": NaN}', id="a number that JSON has not"),
        pytest.param("[" * 100_000, "[" * 100_000, id="too deep to read"),
    ],
)
def test_arguments_are_an_object_where_nothing_of_them_is_lost(arguments: str | None, value: Any) -> None:
    assert as_object(arguments) == value


@given(conversations())
def test_both_forms_of_a_call_hold_the_same(turns: list[dict[str, Any]]) -> None:
    for call in (call for turn in turns for call in turn.get("tool_calls", [])):
        text, object_ = (write(call, text=text)["function"]["arguments"] for text in (True, False))
        assert json.loads(text) == object_
