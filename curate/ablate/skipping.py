"""Steps left out of a recipe by their labels, before it is checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, TypeVar

from curate.ablate.keys import ALL
from curate.places import KeyPath, Places, did_you_mean
from curate.reading import items

_T = TypeVar("_T")
SAMPLE = "sample"
_CHOOSE = {"keep", "drop", "select", "score"}
# A test prompt in the training set makes the measurement void: no arm is meant to try that.
_STAYS = {"contaminated", "semantically_contaminated"}


def labels(data: dict[str, Any]) -> dict[KeyPath, str]:
    """Name the steps of a recipe as its ledger does, by where they stand; `sample` is the block of a source.

    >>> step = {"keep": {"length": {"min": 1}}}
    >>> list(labels({"sources": {"a": {"steps": [step, step]}}, "steps": [step]}).values())
    ['length', 'length_2', 'length_3']
    """
    found: dict[KeyPath, str] = {}
    used: Counter[str] = Counter()
    for name, source in items(data.get("sources")):
        given = source if isinstance(source, dict) else {}
        own: Counter[str] = Counter()
        found |= _of_list(given.get("steps"), ("sources", name, "steps"), own)
        if given.get(SAMPLE) is not None:
            found[("sources", name, SAMPLE)] = SAMPLE
        used |= own
    return found | _of_list(data.get("steps"), ("steps",), used)


def _of_list(steps: Any, path: KeyPath, used: Counter[str]) -> dict[KeyPath, str]:
    found: dict[KeyPath, str] = {}
    for i, step in enumerate(steps if isinstance(steps, list) else []):
        name = _filter(step)
        if name:
            short = name.rpartition(":")[2]
            used[short] += 1
            found[(*path, i)] = short if used[short] == 1 else f"{short}_{used[short]}"
    return found


def _filter(step: Any) -> str:
    body = next(iter(step.values())) if isinstance(step, dict) and len(step) == 1 else None
    if isinstance(body, dict) and len(body) == 1:
        return str(next(iter(body)))
    return body if isinstance(body, str) else ""


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
    return next(iter(step)) in _CHOOSE and _filter(step) not in _STAYS


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
