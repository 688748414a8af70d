"""Pairs side by side, and how much longer the chosen answers are."""

from __future__ import annotations

from typing import Any

import polars as pl

from curate.report.charts import Panel, histogram
from curate.report.histogram import counts, scale, summary
from curate.report.html import Html, el, join, number, percent, plural
from curate.rows import hash01

_SHOWN = 10
_CUT = 1200  # characters of a text
_TITLE = 90  # characters of a prompt in a fold's title


def pairs(rows: pl.DataFrame, manifest: dict[str, Any]) -> Html | None:
    """Show some pairs of a preference set, chosen by hash, and the difference of their lengths; None without pairs."""
    if not {"chosen", "rejected"} <= set(rows.columns):
        return None
    both = rows.filter(pl.col("chosen").is_not_null() & pl.col("rejected").is_not_null())
    if not both.height:
        return None
    few = (
        both.with_columns(_turn=hash01("id", manifest.get("seed") or 0, "pairs"))
        .sort("_turn", "id", "chosen")
        .head(_SHOWN)
    )
    note = "Chosen by hashes, not to look good or bad; long texts are cut."
    return join(
        [
            el("h2", "Pairs"),
            _lengths(both),
            el("h3", "Side by side"),
            el("p", note, class_="note"),
            *(_pair(row) for row in few.iter_rows(named=True)),
        ]
    )


def _lengths(both: pl.DataFrame) -> Html | None:
    more = both.select(pl.col("chosen").str.len_chars().cast(pl.Int64) - pl.col("rejected").str.len_chars()).to_series()
    on, found = scale([more], [0]), summary(more)
    if on is None or found is None:
        return None
    low, _, middle, _, high = (number(value) for value in found)
    longer, shorter = (more > 0).sum(), (more < 0).sum()
    said = [
        f"The chosen answer is longer in {percent(int(longer), len(more))} of {plural(len(more), 'pair')}, "
        f"shorter in {percent(int(shorter), len(more))}.",
        f"Chosen minus rejected: {low} to {high} characters, median {middle}.",
    ]
    drawing = histogram(
        [Panel("Pairs", counts(more, on), "kept")], on, [("equal", 0)], " ".join(said), "characters more in chosen"
    )
    caption = el("figcaption", el("b", "Length, chosen minus rejected"), *(el("span", line) for line in said))
    return el("figure", caption, drawing)


def _pair(row: dict[str, Any]) -> Html:
    prompt = row.get("prompt") or ""
    title = " ".join(prompt.split()) or row["id"]
    sides = [el("div", el("h4", name), _text(row[name])) for name in ("chosen", "rejected")]
    return el(
        "details",
        el("summary", title if len(title) <= _TITLE else f"{title[:_TITLE]}…"),
        el(
            "article",
            el("p", el("code", row["id"][:12], title=row["id"]), class_="id"),
            *([el("h4", "prompt"), _text(prompt)] if prompt else []),
            el("div", *sides, class_="figures"),
        ),
    )


def _text(said: str) -> Html:
    return el("p", said if len(said) <= _CUT else f"{said[:_CUT]}…", class_="text", dir="auto")
