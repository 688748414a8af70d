"""The form of a judge's reply, and its reading: strict, with the few liberties that are listed, and never a guess."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from curate.models.generators.ask import Answer, Failed, Result
from curate.models.judges.judge import Comparison, Grade
from curate.thoughts import split

V = TypeVar("V")
J = TypeVar("J", Grade, Comparison)

_FENCED = re.compile(r"\A```(?:json)?[ \t]*\n(.*?)\n?[ \t]*```\Z", re.DOTALL | re.IGNORECASE)
_WHOLE = re.compile(r"-?\d{1,9}(?:\.0+)?")
_LENGTH = 60  # characters of a reply beside the reason why it could not be read


class Unread(Exception):
    """Say why a reply could not be read."""


def object_in(text: str) -> Mapping[str, Any]:
    r"""Read a reply that is one JSON object.

    Allowed around it, and nothing else: white space, thoughts before it, one code fence. A key that stands twice is no
    answer. Raise Unread.

    >>> object_in('```json\n{"honesty": 4}\n```')
    {'honesty': 4}
    """
    bare = text.strip()
    bare = bare if bare.startswith(("{", "```")) else split(text).answer or ""
    fenced = _FENCED.match(bare)
    try:
        reply = json.loads(fenced[1] if fenced else bare, object_pairs_hook=_once)
        json.dumps(reply, ensure_ascii=False).encode()  # half a surrogate pair, which no file can hold
    except (ValueError, RecursionError):
        raise Unread(f"the reply is no JSON: {_excerpt(text)}") from None
    if not isinstance(reply, dict):
        raise Unread(f"the reply is no JSON object: {_excerpt(text)}")
    return reply


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise Unread("the reply says one thing twice")
    return dict(pairs)


def whole(reply: Mapping[str, Any], key: str, low: int, high: int) -> int:
    """Take a whole number from `low` to `high` out of a reply; one written as text, or as 4.0, is allowed.

    Raise Unread for all else: a missing one, one outside the scale, a half, a word, true.

    >>> whole({"honesty": "4"}, "honesty", 1, 5)
    4
    """
    if key not in reply:
        raise Unread(f"the reply has no {key}")
    value = reply[key]
    text = value.strip() if isinstance(value, str) else "" if isinstance(value, bool) else str(value)
    if not _WHOLE.fullmatch(text):
        raise Unread(f"{key} is no whole number: {_excerpt(json.dumps(value, ensure_ascii=False))}")
    number = int(text.partition(".")[0])
    if not low <= number <= high:
        raise Unread(f"{key} is {number}, outside {low} to {high}")
    return number


def schema_of(choices: Mapping[str, Sequence[str] | Sequence[int]], *, reason: bool = False) -> dict[str, Any]:
    """Make the JSON Schema of a reply that chooses one value a key, after a sentence of reasons if wanted."""
    properties: dict[str, Any] = {"reason": {"type": "string"}} if reason else {}
    for key, values in choices.items():
        # Of numbers too an enumeration, where minimum and maximum would do: more servers hold to it.
        kind = "integer" if isinstance(values[0], int) else "string"
        properties[key] = {"type": kind, "enum": list(values)}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def form_of(key: str, values: Sequence[str], *, reason: bool = False) -> str:
    """Say in words what `schema_of` says as data, for a prompt.

    >>> print(form_of("verdict", ["fail", "pass"]))
    Reply with JSON of this form and nothing else, with one of "fail", "pass":
    {"verdict": "…"}
    """
    first = '"reason": "one short sentence", ' if reason else ""
    listed = ", ".join(json.dumps(name, ensure_ascii=False) for name in values)
    return f'Reply with JSON of this form and nothing else, with one of {listed}:\n{{{first}"{key}": "…"}}'


def one_of(reply: Mapping[str, Any], key: str, values: Sequence[str]) -> str:
    """Take one of a few texts out of a reply, letter by letter; white space around it is allowed.

    Raise Unread for all else: a missing one, another text, a text with one of them in it, a number.

    >>> one_of({"verdict": "pass "}, "verdict", ["fail", "pass"])
    'pass'
    """
    if key not in reply:
        raise Unread(f"the reply has no {key}")
    value = reply[key]
    if not isinstance(value, str) or value.strip() not in values:
        raise Unread(f"{key} is none of {', '.join(values)}: {_excerpt(json.dumps(value, ensure_ascii=False))}")
    return value.strip()


def parse(answer: Answer, read: Callable[[Mapping[str, Any]], V]) -> V:
    """Read the JSON object of an answer; raise Unread, with the word that the answer was cut where it was."""
    try:
        return read(object_in(answer.text))
    except Unread as why:
        cut = "cut at the generator's limit of tokens: " if answer.finish_reason == "length" else ""
        raise Unread(f"{cut}{why}") from None


def logprobs_of(answer: Answer, labels: Sequence[str]) -> dict[str, float]:
    """Give the log-probability of each label, minus infinity where the answer has none; raise Unread without any."""
    if answer.labels is None:
        raise Unread("the generator does not tell how likely labels are")
    logs = {label: answer.labels.get(label, -math.inf) for label in labels}
    logs = {label: -math.inf if math.isnan(log) else log for label, log in logs.items()}
    if not math.isfinite(max(logs.values())):
        raise Unread(f"none of the labels {', '.join(labels)} is among the likely answers")
    return logs


def judgement(kind: type[J], result: Result, read: Callable[[Answer], J]) -> J:
    """Read an answer as a grade or a comparison; where none can be read, give the reason why."""
    if isinstance(result, Failed):
        return kind(None, {}, result.reason, result.again)
    try:
        return read(result)
    except Unread as why:
        return kind(None, {}, str(why))


def _excerpt(text: str) -> str:
    r"""Cut a reply to what fits beside a reason, on one line.

    >>> _excerpt("Well,\nit is good.")
    "'Well, it is good.'"
    """
    line = " ".join(text.split())
    return f"'{line if len(line) <= _LENGTH else line[:_LENGTH] + '…'}'"
