"""Paths into a config: as messages spell them, as `--set` takes them, and what stands there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
_SHORT = 60  # characters of a value that a message repeats
_LISTED = 10  # keys listed at once
_PLAIN = re.compile(r"[^\W\d][\w:/@-]*")  # a key that stands in a path without quotes
_PART = re.compile(
    r"""\[(?P<index>\d{1,9})\] | \["(?P<quoted>(?:[^"\\]|\\.)*)"\] | \.?(?P<bare>[^.=\[\]"]+)""", re.VERBOSE
)


def spell(path: KeyPath) -> str:
    """Write a path as a person reads it, and as `--set` takes it: `parse_path` gives the same path again.

    >>> print(spell(("sources", "wikihow", "steps", 3, "keep")), spell(("texts", "a b.txt", "x")))
    sources.wikihow.steps[3].keep texts["a b.txt"].x
    """
    return "".join(map(_part, path)).removeprefix(".")


def _part(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    if _PLAIN.fullmatch(part):
        return f".{part}"
    return f"[{json.dumps(part, ensure_ascii=not part.isprintable())}]"


def parse_path(text: str) -> KeyPath:
    """Read a path: keys with dots between, `[3]` for an item of a list, `["a.b"]` for a key that is no plain word.

    Raise ValueError in words for anything else.

    >>> parse_path('sources.mine.steps[0].keep["own.module:f"].max')
    ('sources', 'mine', 'steps', 0, 'keep', 'own.module:f', 'max')
    """
    path, end = scan(text)
    if end < len(text):
        raise ValueError(f"{short(text)} is no path, see {short(text[end:])}: write it like steps[0].keep.length.max")
    return path


def scan(text: str) -> tuple[KeyPath, int]:
    """Read a path as far as it goes, and say where it ends."""
    path: list[str | int] = []
    end = 0
    while (match := _PART.match(text, end)) and (match[0][0] != ".") == (end == 0 or match[0][0] == "["):
        if match["index"] is not None:
            path.append(int(match["index"]))
        elif match["bare"] is not None:
            path.append(match["bare"])
        else:
            try:
                path.append(json.loads(f'"{match["quoted"]}"', strict=False))
            except ValueError:
                break
        end = match.end()
    return tuple(path), end


def short(value: object) -> str:
    """Write a value as Python does, cut to what a line of a message holds."""
    text = repr(value)
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"


def existing(path: Sequence[str | int], data: Any) -> KeyPath:
    """Take out of a checker's path what is no key or item of the data, such as its names for kinds of values."""
    kept: list[str | int] = []
    for i, part in enumerate(path):
        is_item = isinstance(data, list | tuple) and isinstance(part, int) and part < len(data)
        if is_item or (isinstance(data, Mapping) and part in data):
            data = data[part]
        elif not (isinstance(data, Mapping) and i == len(path) - 1 and isinstance(part, str) and part != "[key]"):
            continue
        kept.append(part)
    return tuple(kept)


def put(data: dict[str, Any], path: KeyPath, value: Any) -> KeyPath:
    """Set what stands at a path, and return the path as the data has it; raise ValueError in words when it cannot be.

    What is on the way is copied: an anchor's other uses stay as they are. Keys that are missing are made; a name alone
    (`keep: length`) becomes one with parameters where the path goes on into it.
    """
    here: Any = data
    exact: list[str | int] = []
    for i, part in enumerate(path):
        at: Any = _at(here, part, path[:i])
        exact.append(at)
        if i == len(path) - 1:
            here[at] = value
            break
        below = here[at] if isinstance(here, list) else here.get(at)
        if isinstance(below, dict | list):
            here[at] = copy(below)
        elif below is None or below == path[i + 1]:
            here[at] = {} if below is None else {below: {}}
        else:
            raise ValueError(f"{spell(path[: i + 1])} holds {kind_of(below)}, and nothing below it can be set")
        here = here[at]
    return tuple(exact)


def _at(here: Any, part: str | int, above: KeyPath) -> str | int:
    """Find the key or the number of an item that a part of a path means."""
    where = spell(above) or "the file"
    if isinstance(here, dict):
        if isinstance(part, int):
            raise ValueError(f"{where} holds keys, not a list: {_keys(here)}")
        return part
    index = int(part) if isinstance(part, str) and part.isdecimal() and len(part) < 10 else part
    if not isinstance(index, int) or index >= len(here):
        last = f", [0] to [{len(here) - 1}]" if here else ""
        raise ValueError(f"{where} is a list of {len(here)} items{last}: there is no {cut(str(part))}")
    return index


def _keys(data: dict[str, Any]) -> str:
    return ", ".join(map(str, list(data)[:_LISTED])) or "none"


def kind_of(value: Any) -> str:
    """Say in words what a value is."""
    kinds = {dict: "keys with values", list: "a list", str: f"the text {short(value)}", type(None): "nothing"}
    return kinds.get(type(value), f"the value {short(value)}")


def cut(text: str) -> str:
    """Cut a text to what a line of a message holds, with signs that cannot be shown as escapes."""
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"
