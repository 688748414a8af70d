"""The public shapes, before and after, and what is wrong with a conversation in words."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest

from curate.sources.shapes import detect, normalise, renames


def said(*turns: str) -> list[dict[str, str]]:
    """Spell turns as 'user: text'."""
    return [dict(zip(("role", "content"), turn.split(": ", 1), strict=True)) for turn in turns]


def shared(*turns: str) -> list[dict[str, str]]:
    return [dict(zip(("from", "value"), turn.split(": ", 1), strict=True)) for turn in turns]


EARLIER = said("user: Hi.", "assistant: Hello.")

SHAPES = [
    pytest.param(
        "alpaca",
        {"instruction": "Add.", "input": "2, 2", "output": "4", "text": "t"},
        {"instruction": "Add.", "input": "2, 2", "text": "t", "prompt": "Add.\n\n2, 2", "response": "4"},
        id="Alpaca: instruction and input are joined, and stay",
    ),
    pytest.param(
        "alpaca",
        {"instruction": "Sing.", "input": " ", "output": "La.", "history": [["Hi.", "Hello."]]},
        {"instruction": "Sing.", "input": " ", "prompt": "Sing.", "response": "La.", "history": EARLIER},
        id="Alpaca: a blank input is left out, pairs of history become turns",
    ),
    pytest.param(
        "alpaca",
        {"instruction": "Sing.", "input": None, "output": "La.", "system": "Be loud.", "history": []},
        {"instruction": "Sing.", "input": None, "prompt": "Sing.", "response": "La.", "system": "Be loud."}
        | {"history": None},
        id="Alpaca: a system text stays, an empty history is none",
    ),
    pytest.param(
        "sharegpt",
        {"conversations": shared("human: Why?", "gpt: So."), "lang": "en"},
        {"prompt": "Why?", "response": "So.", "lang": "en"},
        id="ShareGPT: one question, one answer, other columns stay",
    ),
    pytest.param(
        "sharegpt",
        {"conversations": shared("system: S", "human: Hi.", "gpt: Hello.", "user: Why?", "assistant: So.")},
        {"prompt": "Why?", "response": "So.", "system": "S", "history": EARLIER},
        id="ShareGPT: the last question is the prompt, what comes before is history",
    ),
    pytest.param(
        "messages",
        {"messages": said("system: S", "user: Why?", "assistant: So.")},
        {"prompt": "Why?", "response": "So.", "system": "S"},
        id="messages with a system turn",
    ),
    pytest.param(
        "messages",
        {"prompt": "Hi.", "messages": [*EARLIER, *said("user: Why?", "assistant: So.")]},
        {"file_prompt": "Hi.", "prompt": "Why?", "response": "So.", "history": EARLIER},
        id="messages beside a prompt of their own: it is kept under another name",
    ),
    pytest.param("prompt_completion", {"prompt": "Why?", "completion": "So."}, {"prompt": "Why?", "response": "So."}, id="prompt and completion, plain"),
    pytest.param(
        "prompt_completion",
        {"prompt": [*EARLIER, *said("user: Why?")], "completion": said("assistant: So.")},
        {"prompt": "Why?", "response": "So.", "history": EARLIER},
        id="prompt and completion, conversational",
    ),
    pytest.param(
        "preference",
        {"prompt": "Why?", "chosen": "So.", "rejected": "No."},
        {"prompt": "Why?", "chosen": "So.", "rejected": "No."},
        id="a preference, plain",
    ),
    pytest.param(
        "preference",
        {"prompt": said("user: Why?"), "chosen": said("assistant: So."), "rejected": said("assistant: No.")},
        {"prompt": "Why?", "chosen": "So.", "rejected": "No."},
        id="a preference, conversational",
    ),
    pytest.param(
        "preference",
        {"chosen": said("user: Why?", "assistant: So."), "rejected": said("user: Why?", "assistant: No.")},
        {"prompt": "Why?", "chosen": "So.", "rejected": "No."},
        id="a preference with its prompt inside",
    ),
    pytest.param(
        "preference",
        {
            "prompt": "Why?",
            "chosen": said("user: Why?", "assistant: So."),
            "rejected": said("user: Why?", "assistant: No."),
            "messages": said("user: Why?", "assistant: So."),
            "score_chosen": 8.5,
        },
        {"prompt": "Why?", "chosen": "So.", "rejected": "No.", "score_chosen": 8.5}
        | {"messages": said("user: Why?", "assistant: So.")},
        id="a preference with its prompt both inside and beside, as in UltraFeedback binarized",
    ),
    pytest.param(
        "ultrafeedback",
        {
            "instruction": "Why?",
            "models": ["a", "b"],
            "completions": [
                {"model": "a", "response": "No.", "overall_score": 3.0, "principle": "honesty"},
                {"model": "b", "response": "So.", "overall_score": 8.0},
            ],
        },
        {
            "prompt": "Why?",
            "models": ["a", "b"],
            "response": "So.",
            "score": 8.0,
            "answers": [
                {"response": "No.", "score": 3.0, "model": "a"},
                {"response": "So.", "score": 8.0, "model": "b"},
            ],
        },
        id="UltraFeedback: the best answer is the response",
    ),
    pytest.param(
        "ultrafeedback",
        {
            "instruction": "Why?",
            "completions": [
                {
                    "response": "So.",
                    "annotations": {"honesty": {"Rating": "5"}, "help": {"Rating": "2"}, "truth": {"Rating": "N/A"}},
                },
                {"response": "No.", "annotations": {"honesty": {"Rating": "1"}}},
            ],
        },
        {
            "prompt": "Why?",
            "response": "So.",
            "score": 3.5,
            "answers": [
                {"response": "So.", "score": 3.5, "model": None},
                {"response": "No.", "score": 1.0, "model": None},
            ],
        },
        id="UltraFeedback without overall scores: the mean of the aspects",
    ),
    pytest.param(
        "hh",
        {
            "chosen": "\n\nHuman: Hi.\n\nAssistant: Hello.\n\nHuman: Why?\n\nAssistant: So.\n\nReally.",
            "rejected": "\n\nHuman: Hi.\n\nAssistant: Hello.\n\nHuman: Why?\n\nAssistant: No.",
        },
        {"prompt": "Why?", "chosen": "So.\n\nReally.", "rejected": "No.", "history": EARLIER},
        id="HH: transcripts with a shared beginning; an empty line is no new turn",
    ),
    pytest.param(
        "hh",
        {"prompt": "\n\nHuman: Why?\n\nAssistant:", "chosen": " So.", "rejected": " No."},
        {"prompt": "Why?", "chosen": "So.", "rejected": "No."},
        id="HH with the transcript in the prompt",
    ),
    pytest.param("plain", {"question": "Why?", "answer": "So.", "url": "u"}, {"prompt": "Why?", "response": "So.", "url": "u"}, id="question and answer"),
    pytest.param(
        "plain",
        {"system": "", "question": "Why?", "chosen": "So.", "rejected": "No."},
        {"system": "", "prompt": "Why?", "chosen": "So.", "rejected": "No."},
        id="a question with two answers",
    ),
    pytest.param(
        "plain",
        {"prompt": "Why?", "response": "So.", "question": "q", "answer": "a"},
        {"prompt": "Why?", "response": "So.", "question": "q", "answer": "a"},
        id="standard columns are left alone, and so are their other names beside them",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "before", "after"), SHAPES)
def test_a_shape_comes_to_the_standard_columns_and_the_record_stays_as_it_is(shape, before, after):
    copy = dict(before)
    assert normalise(before, shape) == after
    assert before == copy


@pytest.mark.parametrize(("shape", "before", "after"), SHAPES)
def test_a_shape_is_found_by_its_keys(shape, before, after):
    same = {("prompt_completion", str), ("preference", str)}  # plain pairs need no more than names
    found = detect([before])
    assert found == ("plain" if (shape, type(before.get("prompt"))) in same and found == "plain" else shape)
    assert normalise(before, found) == after


BROKEN = [
    pytest.param([], ": expected a list of turns, got a list", id="no turns"),
    pytest.param("Hi.", ": expected a list of turns, got the text 'Hi.'", id="text where turns should be"),
    pytest.param(["Hi."], ", turn 1: expected a role and its text, got the text 'Hi.'", id="a turn that is text"),
    pytest.param(said("assistant: Hi."), ", turn 1: expected a turn of the system or user, got one of the assistant", id="order"),
    pytest.param(
        said("system: S", "user: a", "user: b"),
        ", turn 3: expected a turn of the assistant, got one of the user",
        id="two questions in a row, counted with the system turn",
    ),
    pytest.param(said("user: a", "system: S"), ", turn 2: expected a turn of the assistant, got one of the system", id="a system turn later on"),
    pytest.param(said("system: S"), ": the last turn is the system's", id="nothing but a system turn"),
    pytest.param(said("user: a", "assistant:  ", "user: b"), ", turn 2: the assistant's text is empty", id="a hole"),
    pytest.param([{"role": "user", "content": None}], ", turn 1: the user's text is empty", id="a null question"),
    pytest.param(said("user:   "), ", turn 1: the user's text is empty", id="a blank question"),
    pytest.param([{"role": "user", "content": 5}], ", turn 1: expected text, got the number 5", id="a number"),
    pytest.param(said("narrator: x"), ", turn 1: the role 'narrator' is none of user, human", id="an unknown role"),
    pytest.param([{"content": "x"}], ", turn 1: the role None is none of", id="no role"),
]  # fmt: skip


@pytest.mark.parametrize(("turns", "reason"), BROKEN)
@pytest.mark.parametrize(("shape", "key"), [("messages", "messages"), ("sharegpt", "conversations")])
def test_a_broken_conversation_says_which_turn_and_why(shape, key, turns, reason):
    with pytest.raises(ValueError, match="^" + re.escape(key + reason)):
        normalise({key: turns}, shape)


@pytest.mark.parametrize(
    ("shape", "record", "reason"),
    [
        pytest.param(
            "preference",
            {"chosen": said("user: a", "assistant: b"), "rejected": said("user: x", "assistant: b")},
            "chosen and rejected answer different prompts",
            id="two prompts in one pair",
        ),
        pytest.param(
            "preference",
            {"prompt": "z", "chosen": said("user: a", "assistant: b"), "rejected": said("user: a", "assistant: c")},
            "chosen does not answer the prompt beside it",
            id="a prompt that is not in the conversation",
        ),
        pytest.param(
            "hh",
            {"chosen": "\n\nHuman: a\n\nAssistant:\n\nHuman: c", "rejected": "\n\nHuman: a\n\nAssistant: b"},
            "chosen, turn 2: the assistant's text is empty",
            id="HH: a hole",
        ),
        pytest.param(
            "preference",
            {"chosen": said("user: a", "assistant: b", "user: c"), "rejected": said("user: a", "assistant: d")},
            "chosen ends with a turn of the user, where an answer is needed",
            id="a side that ends with a question of its own",
        ),
        pytest.param("alpaca", {"instruction": "X.", "output": "1", "history": [["a?", ""]]}, "history, turn 2: the assistant's text is empty", id="a hole in pairs of a history"),
        pytest.param("rows", {"prompt": "X.", "history": [{"role": "assistant", "content": None}]}, "history, turn 1: expected a turn of the system or user", id="a history that begins with an answer"),
        pytest.param("rows", {"prompt": "X.", "response": "1", "history": said("user: a?")}, "history, turn 2: expected a turn of the assistant", id="a history that ends with a question"),
        pytest.param("rows", {"prompt": "X.", "response": "1", "response_turns": said("assistant: 2")}, "response_turns: its last text is another one", id="two last texts"),
        pytest.param("messages", {"messages": said("user: a"), "images": ["a.png"]}, "images: the dialogue has more than text", id="images beside"),
        pytest.param("messages", {"messages": said("user: a"), "tools": "hammer"}, "tools: expected a list of tools, or its JSON, got the text 'hammer'", id="tools that are none"),
        pytest.param("openai_preference", {"input": "a", "preferred_output": [], "non_preferred_output": []}, "input: expected an object with messages, got the text 'a'", id="input that is text"),
        pytest.param("hh", {"chosen": "a", "rejected": "b"}, "chosen: a transcript starts with 'Human:'", id="HH: no transcript"),
        pytest.param("alpaca", {"instruction": 5}, "instruction: expected text, got the number 5", id="a number"),
        pytest.param("alpaca", {"instruction": " ", "input": "x"}, "instruction is empty", id="no instruction"),
        pytest.param("ultrafeedback", {"instruction": "a", "completions": []}, "there is none", id="no completions"),
        pytest.param("ultrafeedback", {"completions": "a"}, "expected a list of objects, got the text 'a'", id="text instead"),
    ],
)  # fmt: skip
def test_a_broken_record_says_why(shape, record, reason):
    with pytest.raises(ValueError, match=reason):
        normalise(record, shape)


TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
TOOLS = '[{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]'
CALLS = [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Bergen"}'}}]
ASKED: list[dict[str, Any]] = [
    {"role": "user", "content": "Rain?"},
    {"role": "assistant", "content": None, "tool_calls": CALLS},
    {"role": "tool", "tool_call_id": "1", "content": "Yes."},
    {"role": "assistant", "content": "It rains."},
]
HELD = [
    {"role": "assistant", "tool_calls": [{"id": "1", "name": "weather", "arguments": '{"city": "Bergen"}'}]},
    {"role": "tool", "content": "Yes.", "tool_call_id": "1"},
    {"role": "assistant"},
]

TURNS = [
    pytest.param(
        "messages",
        {"messages": ASKED, "tools": [TOOL], "parallel_tool_calls": True},
        {"prompt": "Rain?", "response": "It rains.", "response_turns": HELD, "tools": TOOLS, "parallel_tool_calls": True},
        id="OpenAI's files: calls, their answers, tools",
    ),
    pytest.param(
        "messages",
        {"messages": said("user: a", "assistant: b"), "functions": [TOOL["function"]]},
        {"prompt": "a", "response": "b", "tools": TOOLS},
        id="OpenAI's older functions",
    ),
    pytest.param(
        "sharegpt",
        {"conversations": shared("human: a", "gpt: b"), "system": "S", "tools": TOOLS.replace(" ", "")},
        {"prompt": "a", "response": "b", "system": "S", "tools": TOOLS},
        id="ShareGPT with system and tools beside",
    ),
    pytest.param("messages", {"messages": said("user: a"), "tools": []}, {"prompt": "a"}, id="a prompt alone, no tools"),
    pytest.param("messages", {"messages": json.dumps(ASKED), "tools": json.dumps([TOOL])}, {"prompt": "Rain?", "response": "It rains.", "response_turns": HELD, "tools": TOOLS}, id="turns as JSON, as in CSV"),
    pytest.param("messages", {"messages": [json.dumps(t) for t in ASKED], "tools": [json.dumps(TOOL)]}, {"prompt": "Rain?", "response": "It rains.", "response_turns": HELD, "tools": TOOLS}, id="each turn as JSON, as datasets stores mixed ones"),
    pytest.param("preference", {"chosen": json.dumps(said("user: a", "assistant: b")), "rejected": json.dumps(said("user: a", "assistant: c"))}, {"prompt": "a", "chosen": "b", "rejected": "c"}, id="pairs as JSON"),
    pytest.param("messages", {"messages": said("user: a", "assistant:  ")}, {"prompt": "a"}, id="a blank answer is none"),
    pytest.param("prompt_completion", {"prompt": said("user: a")}, {"prompt": "a"}, id="TRL: prompt only"),
    pytest.param(
        "prompt_completion",
        {"prompt": ASKED[:1], "completion": ASKED[1:], "tools": [TOOL], "label": True},
        {"prompt": "Rain?", "response": "It rains.", "response_turns": HELD, "tools": TOOLS, "label": True},
        id="TRL: unpaired preference, with tools",
    ),
    pytest.param(
        "preference",
        {"prompt": ASKED[:1], "chosen": ASKED[1:], "rejected": said("assistant: No."), "tools": [TOOL]},
        {"prompt": "Rain?", "chosen": "It rains.", "rejected": "No.", "chosen_turns": HELD, "tools": TOOLS},
        id="TRL: preference with an explicit prompt and tools",
    ),
    pytest.param(
        "preference",
        {"chosen": ASKED, "rejected": [*ASKED[:3], *said("assistant: Rain?")], "tools": [TOOL]},
        {"prompt": "Rain?", "chosen": "It rains.", "rejected": "Rain?", "chosen_turns": HELD, "rejected_turns": HELD, "tools": TOOLS},
        id="TRL: preference with an implicit prompt and tools",
    ),
    pytest.param(
        "preference",
        {"conversations": shared("human: a"), "chosen": shared("gpt: b")[0], "rejected": shared("gpt: c")[0]},
        {"prompt": "a", "chosen": "b", "rejected": "c"},
        id="ShareGPT pairs: the question beside, each answer one turn",
    ),
    pytest.param(
        "preference",
        {"prompt": said("system: S", "user: a"), "chosen": said("user: a", "assistant: b"), "rejected": said("user: a", "assistant: c")},
        {"system": "S", "prompt": "a", "chosen": "b", "rejected": "c"},
        id="a system prompt in the prompt alone",
    ),
    pytest.param(
        "preference",
        {"chosen": said("user: a", "assistant: b", "user: c", "assistant: d"), "rejected": said("user: a", "assistant: x", "user: y", "assistant: z")},
        {"prompt": "a", "chosen": "d", "rejected": "z", "chosen_turns": [*said("assistant: b", "user: c"), {"role": "assistant"}]}
        | {"rejected_turns": [*said("assistant: x", "user: y"), {"role": "assistant"}]},
        id="sides that part before their last turn",
    ),
    pytest.param(
        "preference",
        {"prompt": said("user: a"), "chosen": said("assistant: b", "user: c", "assistant: d"), "rejected": said("assistant: b", "user: c", "assistant: z")},
        {"history": said("user: a", "assistant: b"), "prompt": "c", "chosen": "d", "rejected": "z"},
        id="answers of several turns that share the first: it is the prompt's",
    ),
    pytest.param(
        "openai_preference",
        {
            "input": {"messages": said("user: a"), "tools": [TOOL], "parallel_tool_calls": True},
            "preferred_output": said("assistant: b"),
            "non_preferred_output": said("assistant: c"),
        },
        {"prompt": "a", "chosen": "b", "rejected": "c", "tools": TOOLS, "parallel_tool_calls": True},
        id="OpenAI's preferences",
    ),
    pytest.param(
        "hh",
        {"chosen": "\n\nHuman: a\n\nAssistant:", "rejected": "\n\nHuman: a\n\nAssistant: b"},
        {"prompt": "a", "rejected": "b"},
        id="HH: an empty answer is none",
    ),
    pytest.param(
        "alpaca",
        {"instruction": "Add.", "input": "2, 2", "chosen": "4", "rejected": "5"},
        {"instruction": "Add.", "input": "2, 2", "prompt": "Add.\n\n2, 2", "chosen": "4", "rejected": "5"},
        id="Alpaca with two answers",
    ),
    pytest.param(
        "alpaca",
        {"instruction": "Sing.", "output": "La.", "history": [["Hi.", "Hello."]]},
        {"instruction": "Sing.", "prompt": "Sing.", "response": "La.", "history": EARLIER},
        id="Alpaca with a history and no input",
    ),
    pytest.param(
        "rows",
        {"question": "c", "answer": "d", "history": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b", "train": False}]},
        {"prompt": "c", "response": "d", "history": [*said("user: a"), {"role": "assistant", "content": "b", "loss": False}]},
        id="plain rows with a history",
    ),
    pytest.param(
        "rows",
        {"prompt": "Rain?", "response": "It rains.", "response_turns": HELD, "history": None, "prompt_name": "Jo"},
        {"prompt": "Rain?", "response": "It rains.", "response_turns": HELD, "history": None, "prompt_name": "Jo"},
        id="rows that curate wrote",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "before", "after"), TURNS)
def test_turns_of_every_shape_are_kept_whole(shape: Any, before: dict[str, Any], after: dict[str, Any]) -> None:
    assert detect([before]) == shape
    assert normalise(before, shape) == after


GRADES = [
    pytest.param({"overall_score": "nan"}, None, 0, id="not a number"),
    pytest.param({"overall_score": "N/A"}, None, 0, id="not there"),
    pytest.param({"overall_score": float("inf")}, None, 0, id="no end"),
    pytest.param({"overall_score": 7, "annotations": {"a": {"Rating": "1"}}}, 7, 0, id="an honest one"),
    pytest.param({"overall_score": 10, "annotations": {"a": {"Rating": "1"}, "b": {"Rating": "1"}}}, 1, 1, id="ten beside ones"),
    pytest.param({"overall_score": 10, "annotations": {"a": {"Rating": "5"}, "b": {"Rating": "1"}}}, 10, 0, id="ten beside five and one"),
]  # fmt: skip


@pytest.mark.parametrize(("completion", "score", "count"), GRADES)
def test_an_overall_score_is_a_number_that_does_not_contradict_its_aspects(
    completion: dict[str, Any], score: float | None, count: int
) -> None:
    completions = [{"response": "a", "overall_score": 5}, {"response": "b"} | completion]
    notes: Counter[str] = Counter()
    row = normalise({"instruction": "i", "completions": completions}, "ultrafeedback", notes)
    assert (row["answers"][1]["score"], notes.total()) == (score, count)
    assert row["response"] == ("b" if score and score > 5 else "a")


@pytest.mark.parametrize("text", ['[{"a": 1}]', "[{", '{"role": "user"}', "[]"])
def test_a_prompt_that_is_the_json_of_something_else_is_a_text(text: str) -> None:
    assert detect([{"prompt": text, "response": "a"}]) == "plain"
    assert normalise({"prompt": text, "completion": "a"}, "prompt_completion") == {"prompt": text, "response": "a"}


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        pytest.param({"input", "output_1"}, {"input": "prompt"}, id="an input is a prompt"),
        pytest.param({"instruction", "question"}, {"instruction": "prompt"}, id="the first name counts"),
        pytest.param({"prompt", "chosen", "answer"}, {}, id="a pair has no response"),
        pytest.param({"text"}, {}, id="a text is anything"),
    ],
)
def test_other_names_of_the_standard_columns(keys, found):
    assert renames(keys) == found


def test_a_shape_is_found_past_records_that_lack_the_key():
    assert detect([{}, {"messages": None}, {"messages": []}]) == "messages"


def test_a_last_turn_whose_content_is_null_leaves_it_to_the_answer():
    turns = [{"role": "assistant", "content": None, "thinking": "2 + 2"}]
    row = normalise({"prompt": "2+2?", "response": "4", "response_turns": turns}, "rows")
    assert row["response"] == "4"
    assert row["response_turns"] == [{"role": "assistant", "thinking": "2 + 2"}]
