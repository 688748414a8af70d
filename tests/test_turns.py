"""Turns: a conversation cut into the columns of a row, and put together again."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given

from curate.turns import OPTIONAL, TURNS, Turn, check, conversation, cut, turn
from tests.conversations import conversations

CALL = [{"id": "1", "name": "weather", "arguments": '{"city": "Bergen"}'}]


@given(conversations())
def test_a_conversation_comes_back_from_a_row_of_a_frame(turns: list[Turn]) -> None:
    row = cut(turns)
    schema = {"system": pl.String(), "history": TURNS, "prompt": pl.String(), "response": pl.String(), **OPTIONAL}
    rows = pl.DataFrame([row], schema={name: schema[name] for name in row})
    assert conversation(rows.row(0, named=True)) == turns


@pytest.mark.parametrize(
    ("turns", "message"),
    [
        pytest.param([], "there are no turns", id="none"),
        pytest.param([turn("system", "Be brief.")], "the last turn is the system's", id="system alone"),
        pytest.param([turn("assistant", "Hi")], "turn 1: expected a turn of the system or user", id="assistant first"),
        pytest.param(
            [turn("user", "a"), turn("user", "b")], "turn 2: expected a turn of the assistant", id="two in a row"
        ),
        pytest.param([turn("user"), turn("assistant", "b")], "turn 1: the user's text is empty", id="empty question"),
        pytest.param(
            [turn("user", "a"), turn("assistant"), turn("user", "b")],
            "turn 2: the assistant's text is empty",
            id="hole",
        ),
        pytest.param([turn("user", "a"), turn("tool", "b")], "turn 2: expected a turn of the assistant", id="no call"),
        pytest.param(
            [turn("user", "a"), turn("assistant", tool_calls=CALL), turn("user", "b")],
            "turn 3: expected a turn of the tool",
            id="call without an answer",
        ),
        pytest.param(
            [turn("user", "a"), turn("assistant", tool_calls=CALL), turn("tool", "b")],
            "the last turn is the tool's",
            id="ends with a tool",
        ),
    ],
)
def test_a_turn_out_of_place_is_named(turns: list[Turn], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check(turns)


@pytest.mark.parametrize(
    ("turns", "columns"),
    [
        pytest.param([turn("user", "a")], {"prompt": "a", "response": None, "response_turns": None}, id="no answer"),
        pytest.param(
            [turn("user", "a"), turn("assistant")],
            {"response": None, "response_turns": None},
            id="an answer of nothing",
        ),
        pytest.param(
            [turn("user", "a"), turn("assistant", tool_calls=CALL)],
            {"response": None, "response_turns": [{"role": "assistant", "tool_calls": CALL}]},
            id="ends with a call",
        ),
        pytest.param(
            [turn("system", "s", name="rules"), turn("user", "a", name="Jo")],
            {"system": None, "history": [turn("system", "s", name="rules")], "prompt_name": "Jo"},
            id="names",
        ),
    ],
)
def test_where_a_turn_stands_in_a_row(turns: list[Turn], columns: dict[str, Any]) -> None:
    row = cut(turns)
    assert {name: row[name] for name in columns} == columns
