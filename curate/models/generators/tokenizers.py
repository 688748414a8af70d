"""A tokenizer at work for an engine in this program: prompts in the chat template, and thoughts out of what comes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from curate.models.generators.ask import Answer, Ask
from curate.models.generators.messages import for_template, tools_of
from curate.thoughts import MARKS, opened_by, split
from curate.turns import Turn

_CHANNELS = {"<|channel|>", "<|channel>"}


def rendered(tokenizer: Any, messages: Sequence[Turn], tools: str | None, **template: Any) -> str:
    """Write a conversation in the model's chat template, up to where the answer begins unless `template` says else."""
    more: dict[str, Any] = {"add_generation_prompt": True, "tokenize": False, **template}
    if functions := tools_of(tools):
        more["tools"] = functions
    return str(tokenizer.apply_chat_template(for_template(messages), **more))


# How models begin a call of a tool: Qwen and Hermes, Llama, Mistral, DeepSeek, Command A, Gemma and Phi, gpt-oss.
_CALL = re.compile(
    r"<tool_call>|<function[=_]|<\|python_tag\|>|\[TOOL_CALLS\]|<｜tool▁call|<\|START_ACTION\|>|<\|tool_call|"
    r"to=functions\."
)


def special_tokens(tokenizer: Any) -> str:
    """Write the special tokens as a pattern, if they mark thoughts or calls of tools, which a text without them hides.

    Of most models they do not, and the pattern is empty: their marks are tokens like others.
    """
    added = getattr(tokenizer, "added_tokens_decoder", {}).values()
    special = {*tokenizer.all_special_tokens, *(token.content for token in added if token.special)}
    marks = {token for token in special if token.lower() in _CHANNELS | MARKS or _CALL.search(token)}
    return "|".join(map(re.escape, sorted(special, key=len, reverse=True))) if marks else ""


def apart(tokenizer: Any, special: str, ask: Ask, prompt: str, answer: Answer) -> Answer:
    """Take the thoughts out of an answer's text, and count their tokens; a form that was asked for has none.

    `special` is the pattern of the tokens that the text came with, if it did. One that calls a tool ended for that.
    """
    if ask.tools and _CALL.search(answer.text):
        answer = answer._replace(finish_reason="tool_calls")
    parts = split(opened_by(prompt) + answer.text) if ask.schema is None else (None, answer.text)
    thinking, text = (re.sub(special, "", part) if part and special else part for part in parts)
    count = len(tokenizer.encode(thinking, add_special_tokens=False)) if thinking else None
    return answer._replace(text=text or "", thinking=thinking or None, thinking_tokens=count)
