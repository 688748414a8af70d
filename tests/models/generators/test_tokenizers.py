"""Prompts and thoughts of an engine in this program, with tokenizers of words."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from curate.models.generators.ask import Answer, Ask
from curate.models.generators.tokenizers import apart, rendered, special_tokens

HI = [{"role": "user", "content": "Hi"}]
HARMONY = ["<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>"]


class Words:
    """A tokenizer whose tokens are words, and whose template shows all that it is given."""

    def __init__(self, *special: str, added: tuple[str, ...] = ()) -> None:
        self.all_special_tokens = list(special)
        self.added_tokens_decoder = {i: SimpleNamespace(content=one, special=True) for i, one in enumerate(added)}

    def encode(self, text: str, **more: Any) -> list[int]:
        return list(range(len(text.split())))

    def apply_chat_template(self, turns: list[Any], **more: Any) -> str:
        return json.dumps([turns, more])


@pytest.mark.parametrize(
    ("tokenizer", "hides"),
    [
        pytest.param(Words("<|im_end|>", "<s>"), False, id="of most models"),
        pytest.param(Words("<|im_start|>"), False, id="ChatML's own"),
        pytest.param(Words("</s>", "[THINK]", "[/THINK]"), True, id="Magistral"),
        pytest.param(Words("<|return|>", added=("<|channel|>",)), True, id="gpt-oss, as an added token"),
        pytest.param(Words("<|channel>", "<channel|>"), True, id="Gemma"),
        pytest.param(Words("[INST]", "[TOOL_CALLS]"), True, id="Mistral, whose calls are such tokens"),
    ],
)
def test_whether_special_tokens_mark_thoughts(tokenizer, hides):
    assert bool(special_tokens(tokenizer)) is hides


@pytest.mark.parametrize(
    ("special", "prompt", "text", "expected"),
    [
        pytest.param((), "", "4", ("4", None, None), id="an answer"),
        pytest.param((), "", "a <|im_end|> b", ("a <|im_end|> b", None, None), id="a token spelt out"),
        pytest.param((), "", "<think>so it is</think>4", ("4", "so it is", 3), id="tags"),
        pytest.param(
            (), "<a>\n<think>\n", "so it is\n</think>\n\n4", ("4", "so it is", 3), id="opened by the template"
        ),
        pytest.param((), "<a>\n<think>\n", "so it", ("", "so it", 2), id="and cut"),
        pytest.param((), "<think>\n\n</think>\n\n", "4", ("4", None, None), id="closed by the template"),
        pytest.param(("</s>", "[THINK]"), "", "[THINK]so[/THINK]4</s>", ("4", "so", 1), id="special tokens"),
        pytest.param(("</s>", "[THINK]"), "", "4</s>", ("4", None, None), id="special tokens, no thoughts"),
        pytest.param(
            tuple(HARMONY),
            "<|start|>assistant",
            "<|channel|>analysis<|message|>so it<|end|><|start|>assistant<|channel|>final<|message|>4<|return|>",
            ("4", "so it", 2),
            id="channels",
        ),
        pytest.param(
            tuple(HARMONY), "<|start|>assistant", "<|channel|>analysis<|message|>so", ("", "so", 1), id="channels, cut"
        ),
    ],
)
def test_thoughts_of_a_text(special, prompt, text, expected):
    tokenizer = Words(*special)
    answer = apart(tokenizer, special_tokens(tokenizer), Ask(HI, 1), prompt, Answer(text, "stop", 1, 9))
    assert (answer.text, answer.thinking, answer.thinking_tokens) == expected
    assert answer[1:4] == ("stop", 1, 9)


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        pytest.param('<tool_call>\n{"name": "f"}\n</tool_call>', True, id="Qwen"),
        pytest.param('I look.\n[TOOL_CALLS][{"name": "f"}]', True, id="Mistral, after a text"),
        pytest.param("<think>hm</think><function=f>{}</function>", True, id="Llama, after thoughts"),
        pytest.param("12 degrees.", False, id="a text"),
    ],
)
def test_a_call_of_a_tool_is_why_an_answer_ended(text, calls):
    for tools in (None, "[]"):
        answer = apart(Words(), "", Ask(HI, 1, tools=tools), "", Answer(text, "stop", 1, 9))
        assert (answer.finish_reason == "tool_calls") == (calls and tools is not None)


def test_a_form_that_was_asked_for_is_left_as_it_is():
    answer = Answer("<think>{}", "stop", 1, 9)
    assert apart(Words(), "", Ask(HI, 1, schema={}), "<think>\n", answer) == answer


def test_a_template_is_given_calls_as_objects_and_tools_where_there_are_some():
    call = {"id": "1", "name": "f", "arguments": '{"a": 1}'}
    turns, more = json.loads(rendered(Words(), [*HI, {"role": "assistant", "tool_calls": [call]}], '[{"name": "f"}]'))
    function = {"name": "f", "arguments": {"a": 1}}
    calls = [{"id": "1", "type": "function", "function": function}]
    assert turns == [*HI, {"role": "assistant", "tool_calls": calls, "content": ""}]
    assert more["tools"] == [{"type": "function", "function": {"name": "f"}}]
    turns, more = json.loads(rendered(Words(), HI, None))
    assert (turns, more) == (HI, {"add_generation_prompt": True, "tokenize": False})
