"""Read what a judge replied: strictly, with the few liberties that are listed, and never a guess."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from curate.models.generators.ask import Answer, Failed

_THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_FENCED = re.compile(r"\A```(?:json)?[ \t]*\n(.*?)\n?[ \t]*```\Z", re.DOTALL | re.IGNORECASE)
_WHOLE = re.compile(r"-?\d{1,9}(?:\.0+)?")
_SHOWN = 60  # characters of a reply shown beside the reason why it could not be read


class Unread(Exception):
    """Say why a reply could not be read."""


def object_in(text: str) -> Mapping[str, Any]:
    r"""Read a reply that is one JSON object.

    Allowed around it, and nothing else: white space, a block of thoughts in <think> before it, one code fence. A key
    that stands twice is no answer. Raise Unread.

    >>> object_in('```json\n{"honesty": 4}\n```')
    {'honesty': 4}
    """
    bare = _THOUGHT.sub("", text).strip()
    fenced = _FENCED.match(bare)
    try:
        found = json.loads(fenced[1] if fenced else bare, object_pairs_hook=_once)
        json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair, which no file can hold
    except (ValueError, RecursionError):
        raise Unread(f"the reply is no JSON: {shown(text)}") from None
    if not isinstance(found, dict):
        raise Unread(f"the reply is no JSON object: {shown(text)}")
    return found


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Unread("the reply says one thing twice")
    return found


def whole(found: Mapping[str, Any], key: str, low: int, high: int) -> int:
    """Take a whole number from `low` to `high` out of a reply; one written as text, or as 4.0, is allowed.

    Raise Unread for all else: a missing one, one outside the scale, a half, a word, true.

    >>> whole({"honesty": "4"}, "honesty", 1, 5)
    4
    """
    if key not in found:
        raise Unread(f"the reply has no {key}")
    value = found[key]
    text = value.strip() if isinstance(value, str) else "" if isinstance(value, bool) else str(value)
    if not _WHOLE.fullmatch(text):
        raise Unread(f"{key} is no whole number: {shown(json.dumps(value, ensure_ascii=False))}")
    number = int(text.partition(".")[0])
    if not low <= number <= high:
        raise Unread(f"{key} is {number}, outside {low} to {high}")
    return number


def schema_of(key: str, known: Sequence[str], *, reason: bool = False) -> dict[str, Any]:
    """Make the JSON Schema of a reply that chooses one of a few texts, after a sentence of reasons if wanted."""
    properties: dict[str, Any] = {"reason": {"type": "string"}} if reason else {}
    properties |= {key: {"type": "string", "enum": list(known)}}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def form_of(key: str, known: Sequence[str], *, reason: bool = False) -> str:
    """Say in words what `schema_of` says as data, for a prompt.

    >>> print(form_of("verdict", ["fail", "pass"]))
    Reply with JSON of this form and nothing else, with one of "fail", "pass":
    {"verdict": "…"}
    """
    first = '"reason": "one short sentence", ' if reason else ""
    shown = ", ".join(json.dumps(name, ensure_ascii=False) for name in known)
    return f'Reply with JSON of this form and nothing else, with one of {shown}:\n{{{first}"{key}": "…"}}'


def chosen(answer: Answer | Failed, key: str, known: Sequence[str]) -> str:
    """Read which of a few texts a reply chooses; raise Unread where there is none, or none can be read."""
    if isinstance(answer, Failed):
        raise Unread(answer.reason)
    try:
        return one_of(object_in(answer.text), key, known)
    except Unread as why:
        raise Unread(f"{cut(answer)}{why}") from None


def cut(answer: Answer) -> str:
    """Say of a reply that it was cut, where it was."""
    return "cut at the generator's limit of tokens: " if answer.finish_reason == "length" else ""


def one_of(found: Mapping[str, Any], key: str, known: Sequence[str]) -> str:
    """Take one of a few texts out of a reply, letter by letter; white space around it is allowed.

    Raise Unread for all else: a missing one, another text, a text with one of them in it, a number.

    >>> one_of({"verdict": "pass "}, "verdict", ["fail", "pass"])
    'pass'
    """
    if key not in found:
        raise Unread(f"the reply has no {key}")
    value = found[key]
    if not isinstance(value, str) or value.strip() not in known:
        said = shown(json.dumps(value, ensure_ascii=False))
        raise Unread(f"{key} is none of {', '.join(known)}: {said}")
    return value.strip()


def shown(text: str) -> str:
    r"""Cut a reply to what fits beside a reason, on one line.

    >>> shown("Well,\nit is good.")
    "'Well, it is good.'"
    """
    line = " ".join(text.split())
    return f"'{line if len(line) <= _SHOWN else line[:_SHOWN] + '…'}'"
