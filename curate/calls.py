"""Calls of tools, as chat APIs, chat templates and files write them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def write(call: Mapping[str, Any], *, text: bool = False) -> dict[str, Any]:
    """Write a call of a turn (`curate.turns`) in the API's form; its arguments as an object, or as `text`.

    >>> write({"id": "1", "name": "add", "arguments": '{"a": 2}'})
    {'id': '1', 'type': 'function', 'function': {'name': 'add', 'arguments': {'a': 2}}}
    >>> write({"name": "add"}, text=True)
    {'type': 'function', 'function': {'name': 'add', 'arguments': '{}'}}
    """
    arguments = call.get("arguments") or "{}"
    function = {"name": call.get("name"), "arguments": arguments if text else as_object(arguments)}
    return {**({"id": call["id"]} if call.get("id") else {}), "type": "function", "function": function}


def as_object(text: str | None) -> Any:
    """Read the arguments of a call as an object; what is none, or would not be the same as one, stays text.

    >>> as_object('{"city": "Bergen"}'), as_object("[1]"), as_object('{"a": 1, "a": 2}')
    ({'city': 'Bergen'}, '[1]', '{"a": 1, "a": 2}')
    """
    try:
        value = exact(text or "")
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, dict) else text


def exact(text: str) -> Any:
    """Read JSON that can be written again as it is."""
    value = json.loads(text, object_pairs_hook=_once)
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)
