"""Arms laid over what they share: mappings over mappings, deep, with null for what is taken out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from curate.paths import parse_path, put, spell
from curate.places import parse_assignment, set_value

_BLOCKS = ("sets", "train")  # what has a `set:` of dotted keys


def lay(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one mapping over another, deep: what is no mapping replaces, null takes a key out.

    A null where there is no such key stays: it is a value then, such as a setting that is left out on purpose.

    >>> lay({"sets": {"data": {"skip": ["length"], "set": {"size": 9}}}}, {"sets": {"data": {"skip": None}}})
    {'sets': {'data': {'set': {'size': 9}}}}
    """
    merged = dict(under)
    for key, value in over.items():
        below = under.get(key)
        if value is None and key in under:
            del merged[key]
        elif isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[key] = lay(below, value)
        else:
            merged[key] = value
    return merged


def assign(data: dict[str, Any], assignment: str) -> None:
    """Set one KEY=VALUE of an ablation; what follows `sets.NAME.set.` or `train.NAME.set.` is one key of that `set`.

    Raise ValueError in words when it cannot be.

    >>> data = {"sets": {"data": {}}}
    >>> assign(data, "sets.data.set.sources.wikihow.take=5")
    >>> data["sets"]["data"]["set"]
    {'sources.wikihow.take': 5}
    """
    path, value = parse_assignment(assignment)
    at = next((i for i, part in enumerate(path) if part == "set" and path[max(i - 2, 0)] in _BLOCKS and i > 1), None)
    if at is None or at + 1 == len(path):
        set_value(data, assignment)
        return
    inner = path[at + 1 :]
    key = str(inner[0]) if len(inner) == 1 else spell(inner)
    try:
        put(data, (*path[: at + 1], key), value)
    except ValueError as error:
        raise ValueError(f"--set {spell(path)}: {error}") from None


def assign_all(data: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Set dotted keys, each to a value whole, as `curate run --set` would; raise ValueError in words."""
    for key, value in changes.items():
        try:
            put(data, parse_path(key), value)
        except ValueError as error:
            raise ValueError(f"{spell((key,))}: {error}") from None
