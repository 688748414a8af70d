"""How diverse the set is, beside random draws of the same size: one number alone would mislead."""

from __future__ import annotations

from typing import Any

from curate.report.html import DASH, Html, el, join, table

_HEADS = [("measure", ""), ("set", "n"), ("random draws, least", "n"), ("greatest", "n"), ("the set is", "")]


def diversity(manifest: dict[str, Any]) -> Html | None:
    """Show the metrics of a run that has vectors, as `curate diversity` prints them."""
    found = manifest.get("diversity")
    if not found:
        return None
    rows: list[list[object]] = [
        [m["metric"].replace("_", " "), *(_show(m.get(k)) for k in ("value", "low", "high")), m.get("band") or DASH]
        for m in found["metrics"]
    ]
    beside = "beside the least and greatest of five random draws of as many rows"
    caption = f"Of {found['column']}, by {found['model']}; {beside}."
    return join([el("h2", "Diversity"), table(caption, _HEADS, rows)])


def _show(value: float | None) -> str:
    return DASH if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.3f}"
