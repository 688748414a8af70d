"""OpenAI's rules for a fine-tuning file, in our words: https://platform.openai.com/docs/api-reference/fine-tuning/chat-input
and preference-input, https://platform.openai.com/docs/guides/supervised-fine-tuning, as of 2026."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

# By role: the keys that a message must have, and those that it may have.
MUST = {"system": {"content"}, "user": {"content"}, "assistant": set(), "tool": {"content", "tool_call_id"}}
MAY = {"system": {"name"}, "user": {"name"}, "assistant": {"content", "name", "tool_calls", "weight"}, "tool": set()}
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def broken(record: dict[str, Any]) -> list[str]:
    """List what a line of a fine-tuning file breaks, of conversations or of preferences."""
    if "input" in record:
        return list(_preference(record))
    return [*_unknown(record, {"messages", "tools", "parallel_tool_calls"}), *_conversation(record), *_trained(record)]


def _preference(record: dict[str, Any]) -> Iterator[str]:
    outputs = ("preferred_output", "non_preferred_output")
    yield from _unknown(record, {"input", *outputs})
    yield from _unknown(record["input"], {"messages", "tools", "parallel_tool_calls"})
    yield from _conversation(record["input"])
    if record["input"]["messages"][-1]["role"] not in ("user", "tool"):
        yield "the input does not end with a question"
    for name in outputs:
        turns = record.get(name, [])
        if len(turns) != 1 or turns[0].get("role") != "assistant":
            yield f"{name} is not one message of the assistant"
        elif "weight" in turns[0]:
            yield f"{name} has a weight"
        yield from (problem for turn in turns for problem in _message(turn))


def _conversation(record: dict[str, Any]) -> Iterator[str]:
    messages = record.get("messages")
    if not isinstance(messages, list) or not messages:
        yield "there are no messages"
        return
    yield from (problem for message in messages for problem in _message(message))
    open_: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            if message.get("tool_call_id") not in open_:
                yield "a tool answers what was not called"
            open_.discard(message.get("tool_call_id"))
        elif open_:
            yield "a call has no answer"
        open_ |= {call["id"] for call in message.get("tool_calls", [])}
    for tool in record.get("tools", []):
        if tool.get("type") != "function" or not NAME.fullmatch(tool["function"].get("name", "")):
            yield "a tool is no function with a name"


def _trained(record: dict[str, Any]) -> Iterator[str]:
    turns = [m for m in record.get("messages", []) if m.get("role") == "assistant"]
    if not any(turn.get("weight", 1) for turn in turns):
        yield "no message of the assistant is trained on"


def _message(message: dict[str, Any]) -> Iterator[str]:
    role = message.get("role")
    if role not in MUST:
        yield f"the role {role!r}"
        return
    yield from (f"a message of the {role} without {key}" for key in MUST[role] - message.keys())
    yield from _unknown(message, {"role", *MUST[role], *MAY[role]})
    if role == "assistant" and not (message.get("content") or message.get("tool_calls")):
        yield "a message of the assistant that says and calls nothing"
    if not isinstance(message.get("content", ""), str):
        yield "content that is no text"
    if message.get("weight", 0) not in (0, 1) or isinstance(message.get("weight"), bool):
        yield "a weight that is neither 0 nor 1"
    for call in message.get("tool_calls", []):
        yield from _call(call)


def _call(call: dict[str, Any]) -> Iterator[str]:
    if call.keys() != {"id", "type", "function"} or call["type"] != "function" or not isinstance(call["id"], str):
        yield "a call that is no function with an id"
    elif call["function"].keys() != {"name", "arguments"} or not isinstance(call["function"]["arguments"], str):
        yield "a call whose arguments are no text"
    else:
        try:
            json.loads(call["function"]["arguments"])
        except ValueError:
            yield "a call whose arguments are no JSON"


def _unknown(fields: dict[str, Any], known: set[str]) -> Iterator[str]:
    yield from (f"the key {key!r}" for key in sorted(fields.keys() - known))
