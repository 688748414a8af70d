"""Dialogues as public files spell them, read into turns: roles, texts, thoughts, calls of tools, masks."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from curate import thoughts
from curate.sources.columns import Record, describe
from curate.turns import Turn, check, turn

Notes: TypeAlias = Counter[str]  # what could not be held, and how often

ROLES = {
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "bing", "bard", "model", "bot", "ai"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "function", "observation", "ipython", "function_response", "tool_response"), "tool"),
    **dict.fromkeys(("function_call", "tool_call"), "call"),  # a turn of the assistant whose text is the call
}
_ROLE, _TEXT = ("role", "from"), ("content", "value")
_THINKING = ("thinking", "reasoning_content", "reasoning")
_LOSS = ("weight", "train", "loss")
_CALLS = ("tool_calls", "function_call")
_READ = {*_ROLE, *_TEXT, *_THINKING, *_LOSS, *_CALLS, "refusal", "tool_call_id", "name"}
_ARGUMENTS = ("arguments", "parameters", "input")
# The parts that a content may have, and where each has its text; no other part is text.
_PARTS = {
    **dict.fromkeys(("text", "input_text", "output_text"), ("text",)),
    "refusal": ("refusal",),
    "thinking": ("thinking",),
    "reasoning": ("reasoning", "text"),
}
# Columns beside a dialogue that hold what its turns only point at.
MEDIA = ("image", "images", "audio", "audios", "video", "videos")


def user(text: object) -> Record:
    """Make a turn of the user."""
    return {"role": "user", "content": text}


def assistant(text: object) -> Record:
    """Make a turn of the assistant."""
    return {"role": "assistant", "content": text}


def as_turns(value: object, speaker: Callable[[object], Record]) -> list[Any]:
    """Take turns as they are, or the JSON of turns, and a text as one turn of the speaker."""
    value = unpacked(value)
    if isinstance(value, dict):
        return [value]
    return value if isinstance(value, list) else [] if value is None else [speaker(value)]


def unpacked(value: object) -> object:
    """Parse turns, or the tools of a row, that are JSON as a whole or each by itself, as tables of text hold them.

    >>> unpacked('[{"role": "user"}]'), unpacked(['{"role": "user"}']), unpacked("[a] is a list")
    ([{'role': 'user'}], [{'role': 'user'}], '[a] is a list')
    """
    if isinstance(value, list):
        return [_parsed(item) for item in value] if any(isinstance(item, str) for item in value) else value
    turns = _parsed(value)
    same = isinstance(turns, list) and all(isinstance(t, dict) and t.keys() & {*_ROLE} for t in turns)
    return turns if same else value  # the JSON of anything else is a text


def _parsed(value: object) -> object:
    """Parse a text that is the JSON of an object, or of a list of them."""
    if not isinstance(value, str) or not _JSON.match(value):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


_JSON = re.compile(r"\s*(?:\[\s*)?\{\s*\"")
_SPEAKER = re.compile(r"(?:^|\n\n)(Human|Assistant):")


def transcript(text: str, name: str) -> list[Record]:
    """Cut an HH-RLHF transcript ("Human: …", "Assistant: …", an empty line before each) into turns.

    Raises:
        ValueError: when it starts with something else.
    """
    before, *pieces = _SPEAKER.split(text.strip())
    if before.strip() or not pieces:
        raise ValueError(f"{name}: a transcript starts with 'Human:', this one with {describe(text)}")
    speakers = {"Human": user, "Assistant": assistant}
    return [speakers[who](text.strip()) for who, text in zip(pieces[::2], pieces[1::2], strict=True)]


def exchange(turns: object) -> tuple[str, str] | None:
    """Take a conversation that is one question and one answer and nothing but texts, as most are; else none.

    >>> exchange([{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}])
    ('2+2?', '4')
    """
    if not isinstance(turns, list) or len(turns) != 2:
        return None
    texts = []
    for fields, speaker in zip(turns, ("user", "assistant"), strict=True):
        if not isinstance(fields, dict) or len(fields) != 2:
            return None
        role, text = fields.get("role") or fields.get("from"), fields.get("content") or fields.get("value")
        if not isinstance(text, str) or text.isspace() or not isinstance(role, str) or ROLES.get(role) != speaker:
            return None
        texts.append(text)
    return texts[0], texts[1]


def dialogue(turns: object, name: str, notes: Notes, *, after: int = 0) -> list[Turn]:
    """Read a conversation: a list of {role, content} or {from, value}, with all that a turn may have.

    What a turn has and a row cannot hold is left out and counted in `notes`, but for the first `after` turns, which
    somebody else counts. A turn that is the text of a call joins the assistant's turn before it.

    Raises:
        ValueError: names the turn and what is wrong with it.

    >>> dialogue([{"from": "human", "value": "2+2?"}, {"from": "gpt", "value": "4"}], "conversations", Counter())
    [{'role': 'user', 'content': '2+2?'}, {'role': 'assistant', 'content': '4'}]
    """
    turns = unpacked(turns)
    if not isinstance(turns, list) or not turns:
        raise ValueError(f"{name}: expected a list of turns, got {describe(turns)}")
    result: list[Turn] = []
    numbers: list[int] = []
    for number, fields in enumerate(turns, 1):
        role, read = _turn(fields, f"{name}, turn {number}", notes if number > after else Counter())
        if role == "call" and result and _joins(result[-1], read):
            calls = [*result[-1].get("tool_calls", []), *read["tool_calls"]]
            result[-1] = result[-1] | read | {"tool_calls": calls}
        else:
            result.append(read)
            numbers.append(number)
    _check(result, numbers, name)
    return result


def _joins(before: Turn, call: Turn) -> bool:
    """Tell whether the text of a call belongs to the turn before it."""
    both = before.keys() & call.keys() - {"role", "tool_calls"}
    return before["role"] == "assistant" and all(before[field] == call[field] for field in both)


def _check(turns: list[Turn], numbers: list[int], name: str) -> None:
    """Check the order of the turns, and that each but the last says something beside its thoughts."""
    try:
        check(turns)
    except ValueError as error:
        message = re.sub(r"^turn (\d+)", lambda match: f"turn {numbers[int(match[1]) - 1]}", str(error))
        raise ValueError(f"{name}{', ' if message.startswith('turn') else ': '}{message}") from None
    for number, t in zip(numbers[:-1], turns[:-1], strict=True):
        speaks = t["role"] == "assistant" and not t.keys() & {"tool_calls", "thinking"}
        if speaks and thoughts.may_think(t["content"]) and thoughts.split(t["content"]).answer is None:
            raise ValueError(f"{name}, turn {number}: the assistant's text is nothing but thoughts")


def _turn(fields: object, place: str, notes: Notes) -> tuple[str, Turn]:
    """Read one turn; also give its role, which is 'call' where its text is a call of a tool."""
    if not isinstance(fields, dict):
        raise ValueError(f"{place}: expected a role and its text, got {describe(fields)}")
    role = _role(fields, place)
    content = next((fields[key] for key in _TEXT if fields.get(key) is not None), None)
    if len(fields) == 2 and isinstance(content, str) and role != "call":  # by far the most
        return role, {"role": role, "content": content} if content and not content.isspace() else {"role": role}
    text, thinking = _content(content, role, place, notes)
    more = [fields[key] for key in _CALLS if fields.get(key)]
    if role == "call":
        parts = thoughts.split(text or "")
        more, text, thinking = [parts.answer or ""], None, thinking or parts.thinking
    speaker = "assistant" if role == "call" else role
    result = turn(
        speaker,
        text or _text(fields, "refusal", place),
        thinking=thinking or next((t for key in _THINKING if (t := _text(fields, key, place))), None),
        tool_calls=[call for value in more for call in _calls(value, place, notes)],
        tool_call_id=_text(fields, "tool_call_id", place),
        name=_text(fields, "name", place),
        loss=_loss(fields, speaker, place, notes),
    )
    _count(fields, _READ, notes)
    for field in {"thinking", "tool_calls"} & result.keys() if speaker != "assistant" else ():
        notes[f"turns of the {speaker} whose {field!r} is left out"] += 1
        del result[field]
    return role, result


def _role(fields: Record, place: str) -> str:
    name = fields.get("role") or fields.get("from")
    role = (ROLES.get(name) or ROLES.get(name.strip().lower())) if isinstance(name, str) else None
    if role is None:
        raise ValueError(f"{place}: the role {name!r} is none of {', '.join(ROLES)}")
    return role


def _text(fields: Record, key: str, place: str) -> str | None:
    """Take a text; a blank one is none."""
    value = fields.get(key)
    if not isinstance(value, (str, type(None))):
        raise ValueError(f"{place}: {key}: expected text, got {describe(value)}")
    return value if value and value.strip() else None


def _content(value: object, role: str, place: str, notes: Notes) -> tuple[str | None, str | None]:
    """Take a text, or a list of its parts; also the thoughts among them."""
    if isinstance(value, dict) and role in ("tool", "call"):  # what a tool takes or gives may be an object
        value = canonical(value)
    if isinstance(value, (str, type(None))):
        return (value if value and value.strip() else None), None
    if not isinstance(value, list):
        raise ValueError(f"{place}: expected text, got {describe(value)}")
    spoken: list[str] = []
    thought: list[str] = []
    for part in value:
        part = {"type": "text", "text": part} if isinstance(part, str) else part
        kind = part.get("type") if isinstance(part, dict) else None
        if not isinstance(kind, str) or kind not in _PARTS:
            what = f"a part of the kind {kind!r}" if kind else f"{describe(part)} among the parts"
            raise ValueError(f"{place}: {what} is no text, and a row holds nothing else")
        text = next((t for key in _PARTS[kind] if (t := _text(part, key, place))), None)
        (thought if kind in ("thinking", "reasoning") else spoken).extend([text] if text else [])
        _count(part, {"type", *_PARTS[kind]}, notes, "parts")
    return "\n".join(spoken) or None, "\n\n".join(thought) or None


def _count(fields: Record, read: Iterable[str], notes: Notes, what: str = "turns") -> None:
    """Count what is left out: fields that hold something and are not read."""
    for name in sorted(map(str, fields.keys() - set(read))):
        if fields.get(name) not in (None, "", [], {}):
            notes[f"{what} whose {name!r} is left out"] += 1


def _loss(fields: Record, role: str, place: str, notes: Notes) -> bool | None:
    """Read whether the loss of a turn counts; null where it does as for any other."""
    counts = set()
    for key in _LOSS:
        value = fields.get(key)
        if value is None:
            continue
        if isinstance(value, bool) or (isinstance(value, (int, float)) and value in (0, 1)):
            counts.add(bool(value))
        else:
            raise ValueError(f"{place}: {key}: expected 0, 1, true or false, got {describe(value)}")
    if len(counts) > 1:
        raise ValueError(
            f"{place}: {' and '.join(k for k in _LOSS if fields.get(k) is not None)} contradict each other"
        )
    if role != "assistant" and True in counts:
        notes[f"turns of the {role} that are not trained on, though their weight says so"] += 1
    return False if role == "assistant" and False in counts else None


def _calls(value: object, place: str, notes: Notes) -> list[Record]:
    """Read calls of tools: OpenAI's, or {name, arguments}; one or a list, or either as JSON."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError(f"{place}: a call of a tool is not JSON: {describe(value)}") from None
    return [_call(call, place, notes) for call in (value if isinstance(value, list) else [value])]


def _call(call: object, place: str, notes: Notes) -> Record:
    function = call.get("function") if isinstance(call, dict) else None
    flat = not isinstance(function, dict)
    fields = call if flat else function
    if not isinstance(call, dict) or not isinstance(fields, dict):
        raise ValueError(f"{place}: expected a call of a tool, {{name, arguments}}, got {describe(call)}")
    kind = call.get("type")
    if kind not in (None, "function", "tool_use", "tool_call", "function_call"):
        raise ValueError(f"{place}: a call of the kind {kind!r} cannot be held")
    if (name := _text(fields, "name", place)) is None:
        raise ValueError(f"{place}: a call of a tool has no name")
    number = call.get("id")
    result = {
        "id": str(number) if type(number) is int else _text(call, "id", place),
        "name": name,
        "arguments": canonical(next((fields[key] for key in _ARGUMENTS if fields.get(key) is not None), None)),
    }
    own = {"id", "type"} | ({"name", *_ARGUMENTS} if flat else {"function"})
    _count(call, own, notes, "calls")
    if not flat:
        _count(fields, {"name", *_ARGUMENTS}, notes, "calls")
    return {key: held for key, held in result.items() if held is not None}


def canonical(value: object) -> str | None:
    """Write JSON, or the text of JSON, in one form; a text that is no JSON stays as it is.

    >>> canonical({"city": "Åbo"}), canonical('{"city":"Åbo"}'), canonical("{city"), canonical(None)
    ('{"city": "Åbo"}', '{"city": "Åbo"}', '{city', None)
    """
    if value is None:
        return None
    try:
        return json.dumps(json.loads(value) if isinstance(value, str) else value, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def tools(record: Record) -> str | None:
    """Take the tools of a row out of it, from `tools` or the older `functions`, as JSON; none if there are none.

    Raises:
        ValueError: when a text is no JSON.
    """
    for key in ("tools", "functions"):
        value = unpacked(record.pop(key, None))
        if isinstance(value, str) and value.strip():
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                raise ValueError(f"{key}: expected a list of tools, or its JSON, got {describe(value)}") from None
        if not value or value == "null" or (isinstance(value, str) and not value.strip()):
            continue
        listed = value if isinstance(value, list) else [value]
        if key == "functions":
            listed = [{"type": "function", "function": function} for function in listed]
        return canonical(listed)
    return None


def refuse_media(record: Record) -> None:
    """Raise ValueError for a record whose turns point at images or sounds beside them."""
    if name := next((name for name in MEDIA if record.get(name)), None):
        raise ValueError(f"{name}: the dialogue has more than text, and a row holds nothing else")
