"""The part of the page about the arms' data: is it only the property in question that differs?"""

from __future__ import annotations

from typing import Any

from curate.report.html import DASH, Html, el, join, number, percent, plural, table

_NOTE = (
    "Means over an arm's seeds, each of which draws a set of its own. Lengths are characters a row; diversity is the "
    "Vendi score, the number of rows that would be as diverse if no two were alike."
)
_COLUMNS = (
    ("rows", "rows", 0),
    ("prompt_chars", "prompt", 0),
    ("response_chars", "response", 0),
    ("response_tokens", "response tokens", 0),
    ("diversity", "diversity", 1),
)


def data(ablation: dict[str, Any]) -> Html | None:
    """Show the properties of each arm's data, and the sources they come from; None where no set was made."""
    sets = _sets(ablation)
    if not sets:
        return None
    heads = [("arm", "arm"), *((name, "n") for _, name, _ in _COLUMNS), ("near-duplicates", "n"), ("sets", "n")]
    made = table("The data of each arm.", heads, [_row(name, own) for name, own in sets.items()])
    note = join([_NOTE, *(f" {why}." for why in _unmeasured(sets))])
    return join([el("h2", "Data"), el("p", note, class_="note"), made, _sources(sets), _leaks(ablation)])


def _sets(ablation: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Collect each arm's sets, one a seed; an arm that trains on several has a line for each of them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for arm in ablation["arms"]:
        for job in arm.get("jobs") or []:
            several = job.get("sets") or {}
            named = several if len(several) > 1 else {"": job["set"]} if job.get("set") else {}
            for name, own in named.items():
                found.setdefault(f"{arm['arm']}: {name}" if name else arm["arm"], []).append(own)
    return found


def _unmeasured(sets: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Say why a property has no number."""
    whys = {
        f"No {name.replace('_', '-')}: {why}"
        for own in sets.values()
        for one in own
        for name, why in (one.get("why") or {}).items()
    }
    return sorted(why.rstrip(".") for why in whys)


def _row(name: str, own: list[dict[str, Any]]) -> list[object]:
    cells = [_mean(own, key, digits) for key, _, digits in _COLUMNS]
    near = [one["near_duplicates"] for one in own if one.get("near_duplicates") is not None]
    distinct = len({one.get("ids_sha256") for one in own})
    sets = f"{distinct} of {plural(len(own), 'seed')}"
    return [name, *cells, percent(sum(near), len(near)) if near else DASH, sets]


def _mean(own: list[dict[str, Any]], key: str, digits: int) -> str:
    values = [one[key] for one in own if one.get(key) is not None]
    return number(round(sum(values) / len(values), digits), digits) if values else DASH


def _sources(sets: dict[str, list[dict[str, Any]]]) -> Html | None:
    names = sorted({name for own in sets.values() for one in own for name in one.get("sources") or {}})
    if not names:
        return None
    rows: list[list[object]] = []
    for arm, own in sets.items():
        counts = [sum((one.get("sources") or {}).get(name, 0) for one in own) for name in names]
        rows.append([arm, *(percent(n, sum(counts)) for n in counts)])
    return table("Shares of the sources.", [("arm", "arm"), *((name, "n") for name in names)], rows)


def _leaks(ablation: dict[str, Any]) -> Html | None:
    """Name the test prompts that stand in a set, and the rows they stand in."""
    overlap = ablation.get("overlap")
    if overlap is None:
        return None
    rows: list[list[object]] = [
        [arm, one["id"], one["how"], one["of"]] for arm, pairs in overlap.items() for one in pairs
    ]
    if not rows:
        return el("p", "No test prompt was found in a set.", class_="note")
    heads = [("arm", "arm"), ("test prompt", ""), ("how", ""), ("row of the set", "")]
    found = table("Test prompts that stand in a set.", heads, rows[:100])
    return el("details", el("summary", plural(len(rows), "test prompt"), " found in sets"), found)
