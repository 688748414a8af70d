"""Turns: conversations checked and cut at their last question."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from curate.sources._columns import Record, shown

ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}
_SPEAKER = re.compile(r"(?:^|\n\n)(Human|Assistant):")


class Dialogue(NamedTuple):
    """A conversation cut at its last question."""

    system: str | None
    history: list[dict[str, str]] | None
    prompt: str
    answer: str


def dialogue(turns: object, name: str) -> Dialogue:
    """Check a conversation and cut it: system, earlier turns, the last question, its answer.

    `turns` is a list of {role, content} or {from, value}.

    Raises:
        ValueError: names the turn and what is wrong with it.
    """
    if not isinstance(turns, list) or not turns:
        raise ValueError(f"{name}: expected a list of turns, got {shown(turns)}")
    told = [_turn(turn, f"{name}, turn {i}") for i, turn in enumerate(turns, 1)]
    system = told.pop(0)["content"] if told[0]["role"] == "system" else None
    for i, turn in enumerate(told):
        expected = "assistant" if i % 2 else "user"
        if turn["role"] != expected:
            place = f"{name}, turn {i + 1 + (system is not None)}"
            raise ValueError(f"{place}: expected a turn of the {expected}, got one of the {turn['role']}")
    if not told or told[-1]["role"] != "assistant":
        raise ValueError(f"{name}: the last turn is not the assistant's")
    return Dialogue(system, told[:-2] or None, told[-2]["content"], told[-1]["content"])


def _turn(turn: object, place: str) -> dict[str, str]:
    if not isinstance(turn, dict):
        raise ValueError(f"{place}: expected a role and its text, got {shown(turn)}")
    said = turn.get("role") or turn.get("from")
    role = ROLES.get(said) if isinstance(said, str) else None
    if role is None:
        raise ValueError(f"{place}: the role {said!r} is none of {', '.join(ROLES)}")
    text = turn.get("content") if turn.get("content") is not None else turn.get("value")
    if not isinstance(text, (str, type(None))):
        raise ValueError(f"{place}: expected text, got {shown(text)}")
    if not text or text.isspace():
        raise ValueError(f"{place}: the {role}'s text is empty")
    return {"role": role, "content": text}


def user(text: object) -> Record:
    """Make a turn of the user."""
    return {"role": "user", "content": text}


def assistant(text: object) -> Record:
    """Make a turn of the assistant."""
    return {"role": "assistant", "content": text}


def as_turns(value: object, speaker: Callable[[object], Record]) -> list[Any]:
    """Take turns as they are, and a text as one turn of the speaker."""
    return value if isinstance(value, list) else [] if value is None else [speaker(value)]


def transcript(text: str, name: str) -> list[Record]:
    """Cut an HH-RLHF transcript ("Human: …", "Assistant: …", an empty line before each) into turns.

    Raises:
        ValueError: when it starts with something else.
    """
    before, *pieces = _SPEAKER.split(text.strip())
    if before.strip() or not pieces:
        raise ValueError(f"{name}: a transcript starts with 'Human:', this one with {shown(text)}")
    speakers = {"Human": user, "Assistant": assistant}
    return [speakers[who](said.strip()) for who, said in zip(pieces[::2], pieces[1::2], strict=True)]
