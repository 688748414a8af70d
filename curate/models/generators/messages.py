"""Turns as a model is shown them: in the form of the chat APIs, and of chat templates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from curate import calls
from curate.turns import Turn


def as_api(turns: Sequence[Turn]) -> list[Turn]:
    """Write turns as messages of the chat API, whose calls hold their arguments as a text.

    >>> call = {"id": "1", "name": "add", "arguments": '{"a": 2}'}
    >>> as_api([{"role": "assistant", "tool_calls": [call]}]) # doctest: +NORMALIZE_WHITESPACE
    [{'role': 'assistant', 'tool_calls':
      [{'id': '1', 'type': 'function', 'function': {'name': 'add', 'arguments': '{"a": 2}'}}], 'content': None}]
    """
    return [_message(turn, None, text=True) for turn in turns]


def for_template(turns: Sequence[Turn]) -> list[Turn]:
    """Write turns as chat templates take them, whose calls hold their arguments as objects.

    >>> call = {"name": "add", "arguments": '{"a": 2}'}
    >>> for_template([{"role": "assistant", "tool_calls": [call]}])[0]["tool_calls"][0]["function"]["arguments"]
    {'a': 2}
    """
    return [_message(turn, "", text=False) for turn in turns]


def _message(turn: Turn, nothing: str | None, *, text: bool) -> Turn:
    if not turn.get("tool_calls"):
        return dict(turn)
    listed = [calls.write(call, text=text) for call in turn["tool_calls"]]
    return {**turn, "tool_calls": listed, "content": turn.get("content", nothing)}


def tools_of(text: str | None) -> list[dict[str, Any]] | None:
    """Read the tools of a row, which are functions in the API's form; one without its frame is put into it.

    >>> tools_of('[{"name": "add", "parameters": {}}]')
    [{'type': 'function', 'function': {'name': 'add', 'parameters': {}}}]
    """
    tools = json.loads(text) if text else None
    return tools and [tool if "type" in tool else {"type": "function", "function": tool} for tool in tools]
