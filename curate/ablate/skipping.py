"""Steps left out of a recipe by their labels, before it is checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from curate.ablate.keys import ALL
from curate.labels import AS, SAMPLE, labels
from curate.paths import KeyPath
from curate.places import Places, did_you_mean
from curate.reading import items

_T = TypeVar("_T")
_CHOOSE = {"keep", "drop", "select", "score"}
# A test prompt in the training set makes the measurement void: no arm is meant to try that.
_STAYS = {"contaminated", "semantically_contaminated"}


def _filter(step: Any) -> str:
    body = step[_verb(step)]
    return str(next(iter(body)) if isinstance(body, dict) else body)


def _verb(step: Any) -> str:
    return str(next(key for key in step if key != AS))


def skip(data: dict[str, Any], places: Places, wanted: Iterable[str]) -> dict[str, Any]:
    """Leave steps out, by label; return the recipe without them, `places` going with it.

    `all` leaves out every step that keeps, drops, selects or scores rows, and the `sample` blocks: what is left is a
    random draw. Edits and made answers stay, since without them there is no text, and so do the checks for
    contamination. Raise LookupError for a label that no step has.
    """
    known = labels(data)
    if wanted == ALL:
        out = {path for path, label in known.items() if label == SAMPLE or _chooses(data, path)}
    else:
        for label in wanted:
            if label not in known.values():
                raise LookupError(
                    f"no step has the label '{label}'; {did_you_mean(label, sorted(set(known.values())))}"
                )
        out = {path for path, label in known.items() if label in set(wanted)}
    return _without(data, places, out)


def _chooses(data: dict[str, Any], path: KeyPath) -> bool:
    step: Any = data
    for part in path:
        step = step[part]
    return _verb(step) in _CHOOSE and _filter(step) not in _STAYS


def _without(data: dict[str, Any], places: Places, out: set[KeyPath]) -> dict[str, Any]:
    """Build the recipe anew where something goes: lists may be shared by an anchor."""
    data = {**data, "sources": {n: dict(s) if isinstance(s, dict) else s for n, s in items(data.get("sources"))}}
    for path in out:
        if path[-1] == SAMPLE:
            del data["sources"][path[1]][SAMPLE]
    for where in {path[:-1] for path in out if path[-1] != SAMPLE}:
        holder = data["sources"][where[1]] if len(where) > 1 else data
        stays = [i for i in range(len(holder["steps"])) if (*where, i) not in out]
        _move_lines(places, where, stays)
        holder["steps"] = [holder["steps"][i] for i in stays]
    return data


def _move_lines(places: Places, where: KeyPath, stays: list[int]) -> None:
    """Let what is said of a step name the line on which it stands, though its number is another one now."""
    places.lines, places.files = _moved(places.lines, where, stays), _moved(places.files, where, stays)


def _moved(known: dict[KeyPath, _T], where: KeyPath, stays: list[int]) -> dict[KeyPath, _T]:
    new, depth = {old: i for i, old in enumerate(stays)}, len(where)
    found = {path: place for path, place in known.items() if path[:depth] != where or len(path) == depth}
    for path, place in known.items():
        if path[:depth] == where and len(path) > depth and path[depth] in new:
            found[(*where, new[int(path[depth])], *path[depth + 1 :])] = place
    return found
