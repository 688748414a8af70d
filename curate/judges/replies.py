"""Read what a judge replied: strictly, with the few liberties that are listed, and never a guess."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

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


def shown(text: str) -> str:
    r"""Cut a reply to what fits beside a reason, on one line.

    >>> shown("Well,\nit is good.")
    "'Well, it is good.'"
    """
    line = " ".join(text.split())
    return f"'{line if len(line) <= _SHOWN else line[:_SHOWN] + '…'}'"
