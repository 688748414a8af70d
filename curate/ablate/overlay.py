"""Arms laid over what they share: mappings over mappings, deep, with null for what is taken out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import yaml

from curate.places import set_value

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
    key, sign, value = assignment.partition("=")
    head, mark, tail = key.partition(".set.")
    if not mark or not sign or head.split(".")[-2:-1] not in ([block] for block in _BLOCKS):
        set_value(data, assignment)
        return
    here: dict[str, Any] = {}
    set_value(here, f"value={value}")
    inner = data
    for part in [*head.split("."), "set"]:
        inner = inner.setdefault(part, {})
        if not isinstance(inner, dict):
            raise ValueError(f"--set {key}: '{part}' is no mapping")
    inner[tail] = here["value"]


def assign_all(data: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Set dotted keys, each to a value whole, as `curate run --set` would; raise ValueError in words."""
    for key, value in changes.items():
        written = yaml.safe_dump([value], default_flow_style=True, width=math.inf, allow_unicode=True)
        set_value(data, f"{key}={written.strip()[1:-1]}")
