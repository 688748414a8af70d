"""Rows shown one by one: those that missed narrowly, and examples of what each step dropped."""

from __future__ import annotations

from typing import Any

import polars as pl

from curate.report.html import DASH, Html, el, join, number, percent, plural, table
from curate.report.measures import near_misses
from curate.report.steps import lines
from curate.run.examples import EACH, cut, examples


def near(ledger: pl.DataFrame, manifest: dict[str, Any]) -> Html:
    """Show the rows that one step alone removed, and that by the least."""
    found = near_misses(ledger, manifest)
    title = el("h2", "Near misses")
    if not found.height:
        none = "No row failed just one step by a number, so there is nothing to weigh here."
        return join([title, el("p", none, class_="note")])
    note = (
        "Rows that failed one step only, nearest to its threshold. Whether that threshold is right is best "
        "seen on these; `curate why` with the beginning of an id tells a row's whole way."
    )
    return join([title, el("p", _code(note), class_="note"), _weights(found), _rows(found)])


def _code(said: str) -> Html:
    """Set what stands between backquotes as code."""
    return join(el("code", part) if i % 2 else part for i, part in enumerate(said.split("`")))


def _weights(found: pl.DataFrame) -> Html:
    heads = [("source", ""), ("step", ""), ("failed only this", "n"), ("within a tenth of it", "n")]
    each = found.select("source", "step", "alone", "close").unique(maintain_order=True)
    rows: list[list[object]] = [[s, t, number(alone), number(close)] for s, t, alone, close in each.rows()]
    return table("How many rows a step alone keeps out, and how many of those narrowly.", heads, rows)


def _rows(found: pl.DataFrame) -> Html:
    heads = [
        ("row", ""),
        ("source", ""),
        ("step", ""),
        ("domain", "name"),
        ("measured", "n"),
        ("threshold", "n"),
        ("off by", "n"),
    ]
    rows: list[list[object]] = [
        [
            _short(r["id"]),
            r["source"],
            r["step"],
            r["domain"] or DASH,
            number(r["measured"], 4),
            f"{r['bound']} {number(r['threshold'], 4)}",
            percent(r["distance"], abs(r["threshold"])) if r["threshold"] else number(r["distance"], 4),
        ]
        for r in found.iter_rows(named=True)
    ]
    return table("The nearest five of each source and step.", heads, rows, sortable=True)


def _short(row: str) -> Html:
    return el("code", row[:12], title=row)


def dropped(rows: pl.DataFrame, ledger: pl.DataFrame, manifest: dict[str, Any], given: pl.DataFrame | None) -> Html:
    """Show for each source some rows kept and some that each step dropped first, with text if there is."""
    found = examples(ledger, given)
    note = "Chosen by hashes, not to look good or bad. Texts are as the row-wise steps left them, and cut."
    made = [_source(rows, found, manifest, source) for source in manifest["counts"]]
    return join([el("h2", "Examples"), el("p", note, class_="note"), *made])


def _source(rows: pl.DataFrame, found: pl.DataFrame, manifest: dict[str, Any], source: str) -> Html:
    mine = found.filter(pl.col("source") == source)
    steps = [step for step in lines(manifest, source) if step.first]
    kept = rows.filter(pl.col("source") == source)
    folds = [_fold(f"kept, {plural(kept.height, 'row')}", _kept(kept))] if kept.height else []
    folds += [
        _fold(
            f"{step.verb} {step.label}, {plural(step.first or 0, 'row')} dropped",
            mine.filter(pl.col("step") == step.label),
        )
        for step in steps
    ]
    return join([el("h3", source), *(folds or [el("p", "No row was read.", class_="note")])])


def _kept(rows: pl.DataFrame) -> pl.DataFrame:
    answers = [c for c in ("response", "chosen") if c in rows.columns]
    answer = pl.coalesce(answers) if answers else pl.lit(None, dtype=pl.String)
    texts = [cut(pl.col("prompt")).alias("prompt"), cut(answer).alias("response")]
    return rows.head(EACH).select("id", *texts, detail=pl.lit(None, dtype=pl.String))


def _fold(title: str, rows: pl.DataFrame) -> Html:
    shown = (_example(row) for row in rows.iter_rows(named=True))
    return el("details", el("summary", title), *shown)


def _example(row: dict[str, Any]) -> Html:
    texts = [
        el("div", el("h4", name), el("p", row[name], class_="text", dir="auto"))
        for name in ("prompt", "response")
        if row[name] is not None
    ]
    why = [el("p", line, class_="why") for line in (row["detail"] or "").split("\n") if line]
    return el("article", el("p", _short(row["id"]), class_="id"), *why, *texts)
