"""How diverse the set is, beside random draws of the same size: one number alone would mislead."""

from __future__ import annotations

from typing import Any

from curate.report.funnel import legend
from curate.report.html import DASH, Html, el, join, table

_HEADS = [("measure", ""), ("set", "n"), ("random draws, least", "n"), ("greatest", "n"), ("the set is", "")]


def diversity_section(manifest: dict[str, Any]) -> Html | None:
    """Show the metrics of a run that has vectors, as `curate diversity` prints them, and a map of pool and set."""
    found = manifest.get("diversity")
    if not found:
        return None
    rows: list[list[object]] = [
        [m["metric"].replace("_", " "), *(_show(m.get(k)) for k in ("value", "low", "high")), m.get("band") or DASH]
        for m in found["metrics"]
    ]
    beside = "beside the least and greatest of five random draws of as many rows"
    caption = f"Of {found['column']}, by {found['model']}; {beside}."
    return join([el("h2", "Diversity"), table(caption, _HEADS, rows), *_map(found["map"])])


def _map(points: list[list[float]]) -> list[Html]:
    """Draw the pool and over it the set, along the two principal axes of their vectors."""
    dots = [
        el("circle", cx=f"{1 + 98 * x:.1f}%", cy=f"{1 + 98 * (1 - y):.1f}%", r="2", class_="kept" if chosen else "pool")
        for x, y, chosen in points
    ]
    kept = sum(int(point[2]) for point in points)
    says = f"Map of {kept:,} rows of the set over {len(points) - kept:,} of the rest of the pool"
    drawing = el("svg", *dots, role="img", aria_label=says, class_="map", width="100%", height="360")
    note = "Pool and set along their two principal axes: the broad lie of the texts, not who is whose neighbour."
    return [
        el("h3", "Map"),
        legend((("pool", "left over"), ("kept", "in the set"))),
        drawing,
        el("p", note, class_="note"),
    ]


def _show(value: float | None) -> str:
    return DASH if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.3f}"
