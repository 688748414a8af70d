"""Turns of public files: every spelling of a role, every kind of content, calls, thoughts, masks; nothing half kept."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.sources.dialogue import _READ, ROLES, canonical, dialogue
from curate.sources.shapes import TOUCHED, Shape, detect, normalise
from curate.turns import Turn
from tests.conversations import conversations

ASK = {"role": "user", "content": "Rain?"}
END = {"role": "assistant", "content": "Yes."}
CALL = {"name": "weather", "arguments": '{"city": "Bergen"}'}


def read(*turns: object, notes: Counter[str] | None = None) -> list[Turn]:
    return dialogue(list(turns), "messages", Counter() if notes is None else notes)


@pytest.mark.parametrize("name", [*ROLES, "User", " GPT "])
def test_every_public_name_of_a_role_is_read(name: str) -> None:
    role = ROLES[name.strip().lower()]
    turns: dict[str, list[Any]] = {
        "system": [{"role": name, "content": "S"}, ASK],
        "user": [{"role": name, "content": "a"}],
        "assistant": [ASK, {"from": name, "value": "a"}],
        "tool": [ASK, {"role": "assistant", "function_call": CALL}, {"role": name, "content": "It rains."}, END],
        "call": [ASK, {"from": name, "value": json.dumps(CALL)}],
    }
    got = [turn["role"] for turn in read(*turns[role])]
    assert ("assistant" if role == "call" else role) in got
    assert len(got) == len(turns[role])


CONTENTS = [
    pytest.param([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], {"content": "a\nb"}, id="parts"),
    pytest.param(["a", {"type": "output_text", "text": "b"}], {"content": "a\nb"}, id="parts that are texts"),
    pytest.param([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}], {"content": "a", "thinking": "hm"}, id="a part that thinks"),
    pytest.param([{"type": "refusal", "refusal": "No."}], {"content": "No."}, id="a refusal"),
    pytest.param([], {}, id="no parts"),
    pytest.param([{"type": "text", "text": " "}], {}, id="blank parts"),
    pytest.param(" \n", {}, id="a blank text"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "fields"), CONTENTS)
def test_a_content_is_a_text_or_its_parts(content: object, fields: dict[str, str]) -> None:
    assert read(ASK, {"role": "assistant", "content": content})[1] == {"role": "assistant"} | fields


FIELDS = [
    pytest.param({"thinking": "hm"}, {"thinking": "hm"}, id="thinking"),
    pytest.param({"reasoning_content": "hm"}, {"thinking": "hm"}, id="reasoning_content"),
    pytest.param({"reasoning": "hm", "thinking": " "}, {"thinking": "hm"}, id="reasoning"),
    pytest.param({"weight": 0}, {"loss": False}, id="weight 0"),
    pytest.param({"weight": 0.0, "train": False}, {"loss": False}, id="weight and train"),
    pytest.param({"train": False}, {"loss": False}, id="train: false"),
    pytest.param({"loss": False}, {"loss": False}, id="loss: false"),
    pytest.param({"weight": 1}, {}, id="weight 1"),
    pytest.param({"loss": True}, {}, id="loss: true"),
    pytest.param({"name": "Jo"}, {"name": "Jo"}, id="a name"),
    pytest.param({"refusal": None, "audio": None, "tool_calls": [], "annotations": []}, {}, id="fields that hold nothing"),
    pytest.param({"tool_calls": [{"id": "1", "type": "function", "function": CALL}]}, {"tool_calls": [{"id": "1"} | CALL]}, id="OpenAI's call"),
    pytest.param({"tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Bergen"}}}]}, {"tool_calls": [CALL]}, id="arguments as an object"),
    pytest.param({"tool_calls": [CALL | {"id": 7}]}, {"tool_calls": [{"id": "7"} | CALL]}, id="a flat call with a number"),
    pytest.param({"tool_calls": json.dumps([CALL])}, {"tool_calls": [CALL]}, id="calls as JSON"),
    pytest.param({"tool_calls": [{"function": {"name": "weather"}}]}, {"tool_calls": [{"name": "weather"}]}, id="no arguments"),
    pytest.param({"tool_calls": [{"name": "weather", "arguments": "{city"}]}, {"tool_calls": [{"name": "weather", "arguments": "{city"}]}, id="arguments that are no JSON"),
    pytest.param({"function_call": CALL}, {"tool_calls": [CALL]}, id="the older function_call"),
]  # fmt: skip


@pytest.mark.parametrize(("more", "fields"), FIELDS)
def test_what_a_turn_has_beside_its_text_is_kept(more: dict[str, Any], fields: dict[str, Any]) -> None:
    notes: Counter[str] = Counter()
    assert read(ASK, END | more, notes=notes)[1] == END | fields
    assert not notes


def test_calls_that_are_turns_join_the_turn_before_them() -> None:
    call = json.dumps({"name": "weather", "arguments": {"city": "Bergen"}})
    turns = [
        {"from": "human", "value": "Rain?"},
        {"from": "gpt", "value": "I look."},
        {"from": "function_call", "value": call},
        {"from": "function_call", "value": f"<think>hm</think>[{call}]"},
        {"from": "observation", "value": "Yes."},
        {"from": "observation", "value": {"rain": True}},
        {"from": "gpt", "value": "It rains."},
    ]
    assert read(*turns) == [
        {"role": "user", "content": "Rain?"},
        {"role": "assistant", "content": "I look.", "tool_calls": [CALL, CALL], "thinking": "hm"},
        {"role": "tool", "content": "Yes."},
        {"role": "tool", "content": '{"rain": true}'},
        {"role": "assistant", "content": "It rains."},
    ]
    with pytest.raises(ValueError, match=r"^messages, turn 8: expected a turn of the user or system"):
        read(*turns, END)


LEFT_OUT = [
    pytest.param(END | {"timestamp": 5}, "turns whose 'timestamp' is left out", id="a time"),
    pytest.param(END | {"train_detail": [{"begin": 0}]}, "turns whose 'train_detail' is left out", id="a mask of a part"),
    pytest.param(ASK | {"weight": 1}, "turns of the user that are not trained on, though their weight says so", id="a user to be trained on"),
    pytest.param(ASK | {"thinking": "hm"}, "turns of the user whose 'thinking' is left out", id="a user who thinks"),
    pytest.param(END | {"content": [{"type": "text", "text": "a", "annotations": ["x"]}]}, "parts whose 'annotations' is left out", id="a part with more"),
    pytest.param(END | {"tool_calls": [CALL | {"index": 3}]}, "calls whose 'index' is left out", id="a call with more"),
]  # fmt: skip


@pytest.mark.parametrize(("turn", "note"), LEFT_OUT)
def test_what_a_row_cannot_hold_is_left_out_and_counted(turn: dict[str, Any], note: str) -> None:
    notes: Counter[str] = Counter()
    read(*([turn, END] if turn["role"] == "user" else [ASK, turn]), notes=notes)
    assert notes == {note: 1}


REFUSED = [
    pytest.param(ASK | {"content": [{"type": "image_url", "image_url": {"url": "a"}}]}, "turn 1: a part of the kind 'image_url' is no text", id="an image"),
    pytest.param(ASK | {"content": [{"type": "text", "text": "a"}, {"type": "input_audio"}]}, "turn 1: a part of the kind 'input_audio' is no text", id="sound beside text"),
    pytest.param(ASK | {"content": [{"type": "video"}]}, "turn 1: a part of the kind 'video' is no text", id="a film"),
    pytest.param(ASK | {"content": [{"text": "a"}]}, "turn 1: an object among the parts is no text", id="a part of no kind"),
    pytest.param(ASK | {"content": [{"type": "text", "text": 5}]}, "turn 1: text: expected text, got the number 5", id="a part that is a number"),
    pytest.param(ASK | {"content": {"text": "a"}}, "turn 1: expected text, got an object", id="an object"),
    pytest.param(END | {"weight": 0.5}, "turn 2: weight: expected 0, 1, true or false, got the number 0.5", id="half a weight"),
    pytest.param(END | {"train": "no"}, "turn 2: train: expected 0, 1, true or false, got the text 'no'", id="a weight in words"),
    pytest.param(END | {"train": True, "weight": 0}, "turn 2: weight and train contradict each other", id="two masks"),
    pytest.param(END | {"reasoning": ["a"]}, "turn 2: reasoning: expected text, got a list", id="thoughts in a list"),
    pytest.param(END | {"tool_calls": ["weather"]}, "turn 2: expected a call of a tool, {name, arguments}, got the text 'weather'", id="a call that is text"),
    pytest.param(END | {"tool_calls": [{"arguments": "{}"}]}, "turn 2: a call of a tool has no name", id="a call of nothing"),
    pytest.param(END | {"tool_calls": [{"type": "custom", "custom": {}}]}, "turn 2: a call of the kind 'custom' cannot be held", id="another kind of call"),
    pytest.param({"from": "function_call", "value": "weather"}, "turn 2: a call of a tool is not JSON: the text 'weather'", id="a call that is no JSON"),
    pytest.param({"from": "function_call", "value": None}, "turn 2: a call of a tool is not JSON", id="a call of no text"),
]  # fmt: skip


@pytest.mark.parametrize(("turn", "reason"), REFUSED)
def test_what_cannot_be_held_makes_the_record_bad_with_its_turn(turn: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError) as error:
        read(*([turn, END] if turn.get("role") == "user" else [ASK, turn]))
    assert str(error.value).startswith(f"messages, {reason}")


def test_an_answer_in_the_middle_that_is_nothing_but_thoughts_is_a_hole() -> None:
    with pytest.raises(ValueError, match="turn 2: the assistant's text is nothing but thoughts"):
        read(ASK, {"role": "assistant", "content": "<think>hm"}, ASK)
    assert read(ASK, {"role": "assistant", "content": "<think>hm"})[1]["content"] == "<think>hm"


def as_openai(turns: list[Turn]) -> list[dict[str, Any]]:
    """Write turns as OpenAI's files hold them."""
    result = []
    for turn in turns:
        calls = [
            {"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}}
            for c in turn.get("tool_calls", [])
        ]
        keys = {"thinking": "reasoning_content", "loss": "weight"}
        fields = {keys.get(key, key): value for key, value in turn.items()}
        result.append({"content": None} | fields | ({"tool_calls": calls} if calls else {}))
    return result


def as_sharegpt(turns: list[Turn]) -> list[dict[str, Any]]:
    """Write turns as ShareGPT's files hold them, with calls in the turn."""
    names = {"user": "human", "assistant": "gpt", "tool": "observation"}
    return [
        {"from": names.get(t["role"], t["role"]), "value": t.get("content")}
        | {k: v for k, v in t.items() if k not in ("role", "content")}
        for t in turns
    ]


@given(conversations())
def test_every_conversation_is_read_back_from_both_spellings(turns: list[Turn]) -> None:
    notes: Counter[str] = Counter()
    assert read(*as_openai(turns), notes=notes) == turns
    assert read(*as_sharegpt(turns), notes=notes) == turns
    assert not notes


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param({"b": 1, "a": [None]}, '{"b": 1, "a": [null]}', id="an object keeps its order"),
        pytest.param(' { "a" :1 } ', '{"a": 1}', id="JSON in one form"),
        pytest.param('"\\u00e5"', '"å"', id="letters are letters"),
        pytest.param("NaN", "NaN", id="what JSON does not know stays"),
        pytest.param("{'a': 1}", "{'a': 1}", id="Python's own form stays"),
        pytest.param("", "", id="nothing"),
        pytest.param("[" * 5000, "[" * 5000, id="nested too deeply"),
    ],
)
def test_json_in_one_form(value: object, text: str) -> None:
    assert canonical(value) == text


KEYS = [*sorted(_READ), "type", "text", "function", "arguments", "id"]
WILD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 2)
    | st.floats()
    | st.sampled_from(["user", "gpt", "tool", "text", "{", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
COLUMNS = sorted({"messages", "conversations", *(name for names in TOUCHED.values() for name in names)})


@given(st.dictionaries(st.sampled_from(COLUMNS), WILD, max_size=5), st.sampled_from(get_args(Shape)))
def test_any_record_in_any_shape_is_a_row_or_says_why_not(record: dict[str, Any], shape: Shape) -> None:
    for kind in (shape, detect([record])):
        try:
            normalise(record, kind)
        except ValueError as error:
            assert 0 < len(str(error)) < 500
