"""Turns by the keys that files have: as messages, with the tools beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from curate import calls
from curate.turns import Turn

Row: TypeAlias = dict[str, Any]


def is_pair(row: Row) -> bool:
    """Tell whether a row has a chosen answer, which may be nothing but a call."""
    return bool(row.get("chosen") is not None or row.get("chosen_turns"))


class NoPlaceError(ValueError):
    """Say what of a row a format has no place for."""


_KEYS = {"content": "content", "thinking": "reasoning_content", "tool_calls": "tool_calls"}
_KEYS |= {"tool_call_id": "tool_call_id", "name": "name", "loss": "weight"}
PLAIN = {"role", "content"}  # the fields of most turns


def messages(turns: Iterable[Turn], *, text: bool = False) -> list[Row]:
    """Write turns by the keys that files have; the arguments of calls as objects, or as `text`.

    >>> messages([{"role": "assistant", "content": "4", "thinking": "2 + 2", "loss": False}])
    [{'role': 'assistant', 'content': '4', 'reasoning_content': '2 + 2', 'weight': 0}]
    """
    return [turn if turn.keys() == PLAIN else _message(turn, text=text) for turn in turns]


def _message(turn: Turn, *, text: bool) -> Row:
    message = {"role": turn["role"], **{key: turn[name] for name, key in _KEYS.items() if name in turn}}
    if "loss" in turn:
        message["weight"] = int(turn["loss"])
    if "tool_calls" in turn:
        message["tool_calls"] = [calls.write(call, text=text) for call in turn["tool_calls"]]
    return message


def tools_of(row: Row) -> Row:
    """Read the tools of a row, to stand beside its turns."""
    if not row.get("tools"):
        return {}
    try:
        return {"tools": calls.exact(row["tools"])}
    except (ValueError, RecursionError) as error:
        raise ValueError(f"row {row.get('id')}: its tools are no JSON ({error})") from None


_THINGS = {"thinking": "thoughts", "tool_calls": "calls of tools", "tool_call_id": "the answer of a tool"}
_THINGS |= {"name": "a name", "loss": "a loss that does not count"}


def fit(turns: Iterable[Turn], *fields: str, first: int = 1) -> None:
    """Raise NoPlaceError for the first turn that has a field beside its role and these; a loss that counts is none."""
    for number, turn in enumerate(turns, first):
        for name in turn:
            if name != "role" and name not in fields and not (name == "loss" and turn[name]):
                raise NoPlaceError(f"turn {number} has {_THINGS.get(name, name)}")


def without(turn: Turn, field: str) -> Turn:
    """Take a turn without one of its fields."""
    return {name: value for name, value in turn.items() if name != field}


def unnamed(turns: Sequence[Turn]) -> list[Turn]:
    """Leave out the name of a tool that answers where it is the name in the call.

    >>> call = {"role": "assistant", "tool_calls": [{"id": "1", "name": "weather"}]}
    >>> unnamed([call, {"role": "tool", "tool_call_id": "1", "name": "weather"}])[1]
    {'role': 'tool', 'tool_call_id': '1'}
    """
    names: dict[str | None, str] = {}
    result = []
    for turn in turns:
        if "tool_calls" in turn:
            names = {call.get("id"): call.get("name") for call in turn["tool_calls"]}
        same = turn["role"] == "tool" and "name" in turn and turn["name"] == names.get(turn.get("tool_call_id"))
        result.append(without(turn, "name") if same else turn)
    return result
