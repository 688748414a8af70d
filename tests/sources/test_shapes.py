"""The public shapes, before and after, and what is wrong with a conversation in words."""

from __future__ import annotations

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
    pytest.param([], "expected a list of turns, got a list", id="no turns"),
    pytest.param("Hi.", "expected a list of turns, got the text 'Hi.'", id="text where turns should be"),
    pytest.param(["Hi."], "turn 1: expected a role and its text, got the text 'Hi.'", id="a turn that is text"),
    pytest.param(said("assistant: Hi."), "turn 1: expected a turn of the user, got one of the assistant", id="order"),
    pytest.param(
        said("system: S", "user: a", "user: b"),
        "turn 3: expected a turn of the assistant, got one of the user",
        id="two questions in a row, counted with the system turn",
    ),
    pytest.param(said("user: a", "system: S"), "turn 2: expected a turn of the assistant, got one of the system", id="a system turn later on"),
    pytest.param(said("user: Hi."), "the last turn is not the assistant's", id="no answer"),
    pytest.param(said("system: S"), "the last turn is not the assistant's", id="nothing but a system turn"),
    pytest.param(said("user: a", "assistant:  "), "turn 2: the assistant's text is empty", id="a blank answer"),
    pytest.param([{"role": "user", "content": None}], "turn 1: the user's text is empty", id="a null question"),
    pytest.param([{"role": "user", "content": 5}], "turn 1: expected text, got the number 5", id="a number"),
    pytest.param(said("tool: x"), "turn 1: the role 'tool' is none of human, user", id="an unknown role"),
    pytest.param([{"content": "x"}], "turn 1: the role None is none of", id="no role"),
]  # fmt: skip


@pytest.mark.parametrize(("turns", "reason"), BROKEN)
@pytest.mark.parametrize(("shape", "key"), [("messages", "messages"), ("sharegpt", "conversations")])
def test_a_broken_conversation_says_which_turn_and_why(shape, key, turns, reason):
    with pytest.raises(ValueError, match="^" + key) as error:
        normalise({key: turns}, shape)
    assert reason in str(error.value)


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
            {"chosen": "\n\nHuman: a\n\nAssistant:", "rejected": "\n\nHuman: a\n\nAssistant: b"},
            "chosen, turn 2: the assistant's text is empty",
            id="HH: an empty answer",
        ),
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
