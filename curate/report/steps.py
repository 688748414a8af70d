"""The steps of a run as the report tells them: in which order, in which words, and what each removed."""

from __future__ import annotations

from typing import Any, NamedTuple

from curate.report.words import fields
from curate.run.ledger import REPEATED

SAMPLE = "sample"  # the label under which the budget's choice stands in the ledger
_UNSAID = {"seed"}  # the same for the whole run and said at its top


class Line(NamedTuple):
    """One step of a source: what it is, and how many rows it was asked about, refuses, removed and left.

    The counts are None for steps that remove nothing by their nature (edits and scores).
    """

    label: str
    verb: str
    name: str
    words: str
    asked: int | None
    fails: int | None
    first: int | None
    alone: int | None
    left: int


def lines(manifest: dict[str, Any], source: str) -> list[Line]:
    """List a source's steps in the order they were taken, with their counts."""
    counts = {row["step"]: row for row in manifest["funnel"] if row["source"] == source}
    left = manifest["counts"][source]["read"]
    found = []
    for step in _order(manifest, source, counts):
        count = counts.get(step["label"], {})
        left -= count.get("first", 0)
        numbers = {name: count.get(name) for name in ("asked", "fails", "first", "alone")}
        said = words(step["params"])
        found.append(Line(step["label"], step["verb"], step["filter"], said, left=left, **numbers))
    return found


def _order(manifest: dict[str, Any], source: str, counts: dict[str, Any]) -> list[dict[str, Any]]:
    """Put the steps that no recipe lists where they happen: repeats before selects, the budget last."""
    own = list(manifest["steps"].get(source, []))
    pool = next((i for i, step in enumerate(own) if step["verb"] == "select"), len(own))
    repeats = [_unlisted("drop", REPEATED)] if REPEATED in counts else []
    last = [{**_unlisted("select", SAMPLE), "params": _sampling(manifest, source)}] if SAMPLE in counts else []
    order = [*own[:pool], *repeats, *own[pool:], *manifest["steps"].get("all", []), *last]
    listed = {step["label"] for step in order}
    return [*order, *(_unlisted("drop", label) for label in counts if label not in listed)]


def _unlisted(verb: str, label: str) -> dict[str, Any]:
    return {"verb": verb, "filter": label, "label": label, "params": {}}


def _sampling(manifest: dict[str, Any], source: str) -> dict[str, Any]:
    share = next((row for row in manifest["table"] if row["source"] == source), None)
    how = (manifest["recipe"].get("sources") or {}).get(source) or {}
    given = how.get("sample") if isinstance(how, dict) else None
    taken = {"taken": f"{share['taken']:,} of {share['available']:,}"} if share else {}
    return {**taken, **(given if isinstance(given, dict) else {"by": "chance"})}


def words(params: dict[str, Any]) -> str:
    """Put a step's parameters into words; what is left open is not said.

    >>> words({"column": "response", "min": 1200, "max": None, "seed": 7})
    'column response · min 1,200'
    """
    said = {k: v for k, v in params.items() if v is not None and v != [] and k not in _UNSAID}
    return " · ".join(f"{k.replace('_', ' ')} {fields(v)}" for k, v in said.items())


def bounds(params: dict[str, Any]) -> dict[str, float]:
    """Find the numbers among a step's parameters: what its measure can be compared with.

    >>> bounds({"column": "score", "value": 10, "strict": True, "seed": 3})
    {'value': 10.0}
    """
    numbers = {k: v for k, v in params.items() if isinstance(v, int | float) and not isinstance(v, bool)}
    return {k: float(v) for k, v in numbers.items() if k not in _UNSAID}
