"""Prompts and answers as they count: blank ones are none, thoughts stand apart, the id is that of the row as read."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.rows import standardise, with_ids
from curate.sides import settle
from curate.thoughts import may_think, split
from curate.turns import OPTIONAL, TURNS, answer, conversation, cut, turn
from tests.conversations import WORDS, conversations

MARKED = [
    pytest.param("<think>hm</think>4", "hm", "4", id="tags"),
    pytest.param("hm</think>4", "hm", "4", id="opened by the template"),
    pytest.param("<think>hm", "hm", None, id="left open"),
    pytest.param("<think></think>4", None, "4", id="no thoughts between the tags"),
    pytest.param("<thinking>hm</thinking>4", "hm", "4", id="thinking"),
    pytest.param("<thought>hm</thought>4", "hm", "4", id="thought"),
    pytest.param("<reasoning>hm</reasoning>4", "hm", "4", id="reasoning"),
    pytest.param("[THINK]hm[/THINK]4", "hm", "4", id="Magistral"),
    pytest.param("<|START_THINKING|>hm<|END_THINKING|>4", "hm", "4", id="Command A"),
    pytest.param("◁think▷hm◁/think▷4", "hm", "4", id="Kimi"),
    pytest.param("<seed:think>hm</seed:think>4", "hm", "4", id="Seed"),
    pytest.param("<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>4", "hm", "4", id="channels"),
    pytest.param("I think so. <b>think</b>", None, "I think so. <b>think</b>", id="no thoughts"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "thinking", "said"), MARKED)
@pytest.mark.parametrize("column", ["response", "chosen", "rejected"])
def test_thoughts_stand_apart_from_an_answer_and_from_earlier_ones(
    text: str, thinking: str | None, said: str | None, column: str
) -> None:
    history = [turn("user", "a"), turn("assistant", f"{text} ")]
    frame = pl.DataFrame(
        {"prompt": ["2+2?", "x"], column: [text, "y"], "history": pl.Series([history, None], dtype=TURNS)}
    )
    row, other = settle(frame).to_dicts()
    assert row[column] == said
    assert [t.get("thinking") for t in answer(row, column)] == ([thinking] if said or thinking else [])
    assert row["history"][1]["thinking"] == thinking
    assert (other[column], other["history"], other.get(f"{column}_turns")) == ("y", None, None)


@given(st.text(max_size=30) | st.sampled_from([p.values[0] for p in MARKED]))
def test_a_text_that_has_thoughts_may_have_some(text: str) -> None:
    assert may_think(text) or split(text).thinking is None


@pytest.mark.parametrize("blank", ["", " ", "\n\t\u3000", " " * 500])
def test_blank_prompts_and_answers_are_none(blank: str) -> None:
    rows = settle(pl.DataFrame({"prompt": [blank, "a"], "response": ["b", blank], "url": [blank, blank]}))
    assert rows.rows() == [(None, "b", blank), ("a", None, blank)]


def test_the_id_is_that_of_the_row_as_it_was_read() -> None:
    rows = pl.DataFrame({"prompt": ["a", ""], "response": ["<think>hm</think>4", " "]})
    assert standardise(rows, "s")["id"].equals(with_ids(rows)["id"])


def test_thoughts_in_an_answer_that_has_some_already_are_text() -> None:
    own = [{"role": "assistant", "thinking": "hm"}]
    frame = pl.DataFrame(
        {"prompt": ["a"], "response": ["Tags are <think></think>."], "response_turns": pl.Series([own], dtype=TURNS)}
    )
    assert answer(settle(frame).row(0, named=True)) == [own[0] | {"content": "Tags are <think></think>."}]


def test_an_answer_of_several_turns_keeps_them() -> None:
    call = [{"id": "1", "name": "f", "arguments": "{}"}]
    turns = [
        turn("user", "a"),
        turn("assistant", "<think>hm</think>", tool_calls=call),
        turn("tool", "b", tool_call_id="1"),
        turn("assistant", "<think>so</think>c", loss=False),
    ]
    schema: dict[str, Any] = {"prompt": pl.String(), "response": pl.String(), "response_turns": TURNS}
    row = cut(turns)
    frame = pl.DataFrame([{name: row[name] for name in schema}], schema=schema)
    assert answer(settle(frame).row(0, named=True)) == [
        {"role": "assistant", "thinking": "hm", "tool_calls": call},
        turns[2],
        {"role": "assistant", "thinking": "so", "content": "c", "loss": False},
    ]


def test_columns_of_turns_that_hold_nothing_are_left_out() -> None:
    empty = {name: pl.Series([None], dtype=dtype) for name, dtype in OPTIONAL.items()}
    assert settle(pl.DataFrame({"prompt": ["a"]} | empty)).columns == ["prompt"]


@given(st.lists(conversations(), min_size=1, max_size=4), st.data())
def test_a_conversation_without_marks_comes_out_as_it_went_in(
    talks: list[list[dict[str, Any]]], data: st.DataObject
) -> None:
    marked = data.draw(WORDS.map(str.strip))
    plain = [turn("user", "a"), turn("assistant", f"<think>{marked}</think>{marked}")]
    schema = {"system": pl.String(), "history": TURNS, "prompt": pl.String(), "response": pl.String(), **OPTIONAL}
    rows = [cut(turns) for turns in [*talks, plain]]
    frame = pl.DataFrame(rows, schema={name: schema[name] for name in rows[0]})
    *out, last = map(conversation, settle(frame).iter_rows(named=True))
    assert out == talks
    assert last == [plain[0], turn("assistant", marked, thinking=marked)]
