"""A server that answers with every form of thought: each reply comes as an answer and its thoughts, or as no answer."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import pytest

from curate.models.generators.ask import Answer, Ask, Failed, Settings
from curate.models.generators.generator import Generator, apart
from curate.models.generators.journal import Journal, key_of, keys_of
from curate.models.generators.openai import openai
from curate.models.generators.replies import read_answer
from tests.models.generators.servers import Chat, Reply, serving

HI = [{"role": "user", "content": "Hi"}]
HARMONY = "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>4<|return|>"

# What a server says: the message, and what of it is an answer and a thought.
REPLIES: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "a plain text": ({"content": "4"}, "4", None),
    "white space is the model's": ({"content": " 4\n"}, " 4\n", None),
    "reasoning_content (vLLM, DeepSeek)": ({"content": "4", "reasoning_content": "hm\n"}, "4", "hm"),
    "reasoning (vLLM from 0.11, OpenRouter)": ({"content": "4", "reasoning": "hm"}, "4", "hm"),
    "both fields": ({"content": "4", "reasoning": "hm", "reasoning_content": "hm"}, "4", "hm"),
    "thinking (Ollama)": ({"content": "4", "thinking": "hm"}, "4", "hm"),
    "reasoning_details (OpenRouter)": (
        {
            "content": "4",
            "reasoning_details": [
                {"type": "reasoning.text", "text": "hm"},
                {"type": "reasoning.encrypted", "data": "x"},
                {"type": "reasoning.summary", "summary": "so"},
            ],
        },
        "4",
        "hm\n\nso",
    ),
    "thinking_blocks (LiteLLM)": (
        {"content": "4", "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "x"}]},
        "4",
        "hm",
    ),
    "parts (Mistral)": (
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": "4"},
            ]
        },
        "4",
        "hm",
    ),
    "parts (Anthropic)": (
        {
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "x"},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "text", "text": "4, "},
                {"type": "text", "text": "yes"},
            ]
        },
        "4, yes",
        "hm",
    ),
    "tags": ({"content": "<think>\nhm\n</think>\n\n4"}, "4", "hm"),
    "tags, opened by the template": ({"content": "hm\n</think>\n\n4"}, "4", "hm"),
    "tags, opened by the template, on a line": ({"content": "hm</think>4"}, "4", "hm"),
    "tags, empty": ({"content": "<think>\n\n</think>\n\n4"}, "4", None),
    "tags, two blocks": ({"content": "<think>hm</think><think>so</think>4"}, "4", "hm\n\nso"),
    "tags of Magistral": ({"content": "[THINK]hm[/THINK]4"}, "4", "hm"),
    "tags of Kimi": ({"content": "◁think▷hm◁/think▷4"}, "4", "hm"),
    "tags and the field": ({"content": "<think>hm</think>4", "reasoning_content": "hm"}, "4", "hm"),
    "an answer on tags, beside the field": (
        {"content": "It ends with\n</think>\n\nalways.", "reasoning_content": "hm"},
        "It ends with\n</think>\n\nalways.",
        "hm",
    ),
    "an answer on tags": ({"content": "It ends with `</think>`."}, "It ends with `</think>`.", None),
    "channels (gpt-oss)": ({"content": HARMONY}, "4", "hm"),
    "channels without their tokens": ({"content": "analysishmassistantfinal4"}, "4", "hm"),
    "channels of Gemma": ({"content": "<|channel>thought\nhm\n<channel|>4"}, "4", "hm"),
    "left open": ({"content": "<think>hm"}, "", "hm"),
    "closed, and no answer": ({"content": "<think>hm</think>"}, "", "hm"),
    "a field, and no answer": ({"content": None, "reasoning_content": "hm"}, "", "hm"),
    "a field, and an empty answer": ({"content": "", "reasoning": "hm"}, "", "hm"),
    "a channel left open": ({"content": "<|channel|>analysis<|message|>hm"}, "", "hm"),
}


def written(message: dict[str, Any], usage: dict[str, Any] | None = None, reason: str = "stop") -> Reply:
    choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant", **message}}
    usage = {"prompt_tokens": 10, "completion_tokens": 5} | (usage or {})
    return 200, {}, json.dumps({"choices": [choice], "usage": usage}).encode()


@pytest.fixture(scope="module")
def chat():
    def reply(body: dict[str, Any], tried: int) -> Reply:
        return written(REPLIES[body["messages"][-1]["content"]][0])

    with serving(reply) as server:
        yield server


@pytest.mark.slow
@pytest.mark.parametrize("name", REPLIES)
def test_a_server_that_thinks(chat: Chat, name):
    _, text, thinking = REPLIES[name]
    [answer] = openai("small", base_url=chat.url).ask([Ask([{"role": "user", "content": name}], seed=1)])
    assert answer == Answer(text, "stop", 10, 5, thinking=thinking)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        pytest.param({}, None, id="not counted"),
        pytest.param({"completion_tokens_details": {"reasoning_tokens": 3}}, 3, id="counted"),
        pytest.param({"completion_tokens_details": {"reasoning_tokens": 0}}, None, id="none counted"),
        pytest.param({"completion_tokens_details": None}, None, id="no details"),
        pytest.param({"output_tokens_details": {"reasoning_tokens": 3}}, 3, id="by another name"),
        pytest.param({"reasoning_tokens": 3}, 3, id="beside the others"),
        pytest.param({"completion_tokens_details": {"reasoning_tokens": "many"}}, None, id="no number"),
    ],
)
def test_tokens_of_thoughts(usage, tokens):
    assert read_answer(written({"content": "4"}, usage)[2]).thinking_tokens == tokens


@pytest.mark.parametrize(
    "message",
    [
        pytest.param({"content": None, "tool_calls": [{"id": "1", "function": {"name": "f"}}]}, id="alone"),
        pytest.param({"content": "I look.", "tool_calls": [{"id": "1", "function": {"name": "f"}}]}, id="with a text"),
        pytest.param({"content": None, "function_call": {"name": "f", "arguments": "{}"}}, id="of old"),
    ],
)
def test_a_reply_that_calls_a_tool_says_so(message):
    assert read_answer(written(message)[2]).finish_reason == "tool_calls"


@pytest.mark.parametrize(
    "form", [pytest.param({"schema": {"type": "object"}}, id="JSON"), pytest.param({"labels": ("a",)}, id="labels")]
)
def test_a_form_that_was_asked_for_is_left_as_it_is(form):
    answer = Answer("<think>hm</think>{}", "stop", 1, 1)
    assert apart(Ask(HI, 1, **form), answer) is answer
    assert apart(Ask(HI, 1), answer)[:2] == ("{}", "stop")


def test_a_failure_stays_one():
    failed = Failed("no", again=False)
    assert apart(Ask(HI, 1), failed) is failed


def test_older_journals_answer_and_their_answers_come_apart(tmp_path):
    settings, ask = Settings("openai", "small", sampling={"temperature": 0.7}), Ask(HI, seed=1)
    line = [key_of(settings, ask), {"text": "<think>hm</think>4", "finish_reason": "stop", "prompt_tokens": 1}]
    line[1] |= {"completion_tokens": 2, "labels": None}
    generator = Generator(settings, lambda: pytest.fail("it was asked"), journal=tmp_path)
    folder = tmp_path / generator._folder()
    folder.mkdir()
    (folder / "1.jsonl").write_text(json.dumps(line) + "\n")
    assert generator.ask([ask]) == [Answer("4", "stop", 1, 2, thinking="hm")]


def test_keys_of_plain_asks_are_what_they_were():
    system = {"role": "system", "content": "Be brief."}
    plain = key_of(Settings("openai", "small", sampling={"temperature": 0.7}), Ask([system, *HI], seed=1))
    form = key_of(Settings("openai", "small"), Ask(HI, seed=1, schema={"type": "object"}))
    assert (plain, form) == ("55aa35846126321ee17f93e5654165e6", "190abbc5f2d5c546c46fc35ce9ea15ee")


def test_tools_name_an_answer_too():
    settings = Settings("openai", "small")
    assert len({*keys_of(settings, [Ask(HI, 1), Ask(HI, 1, tools="[]"), Ask(HI, 1, tools='[{"name": "f"}]')])}) == 3


def test_a_journal_holds_thoughts_and_lines_without_them_are_as_before(tmp_path):
    answers = {"a": Answer("4", "stop", 1, 2), "b": Answer("4", "stop", 1, 2, None, "hm", 3)}
    with closing(Journal(tmp_path)) as journal:
        for key, answer in answers.items():
            journal.add(key, answer)
    assert Journal(tmp_path).answers == answers
    first = json.loads(next(tmp_path.glob("*.jsonl")).read_text().split("\n")[0])
    assert first[1] == {
        "text": "4",
        "finish_reason": "stop",
        "prompt_tokens": 1,
        "completion_tokens": 2,
        "labels": None,
    }


@pytest.mark.parametrize("wrong", [{"thinking": 3}, {"thinking": "\ud83d"}, {"thinking_tokens": "3"}])
def test_a_line_whose_thoughts_are_none_is_no_answer(tmp_path, wrong):
    (tmp_path / "1.jsonl").write_text(json.dumps(["a", Answer("4", "stop", 1, 2)._asdict() | wrong]) + "\n")
    assert Journal(tmp_path).answers == {}


CALL = {"id": "1", "name": "weather", "arguments": '{"city": "Bergen"}'}
TOOLS = '[{"type": "function", "function": {"name": "weather", "parameters": {}}}]'


@pytest.mark.slow
def test_a_request_holds_calls_their_results_names_and_tools():
    turns = [
        {"role": "user", "content": "Weather?", "name": "ann"},
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "content": "12", "tool_call_id": "1", "name": "weather"},
        {"role": "assistant", "content": "12 degrees."},
        {"role": "user", "content": "a plain text"},
    ]
    with serving(lambda body, tried: written({"content": "4"})) as chat:
        openai("small", base_url=chat.url).ask([Ask(turns, seed=1, tools=TOOLS)])
    [body] = chat.bodies
    assert body["tools"] == json.loads(TOOLS)
    function = {"name": "weather", "arguments": CALL["arguments"]}
    called = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "1", "type": "function", "function": function}],
    }
    assert body["messages"] == [turns[0], called, *turns[2:]]
