"""Lengths and scores: what was measured, in the pool and in the set, with the thresholds between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from curate._charts import Panel, histogram
from curate._histogram import counts, scale, summary
from curate._html import Html, el, join, number, plural
from curate._report_measures import Measure, measures

_CHARTS = 12


def lengths(rows: pl.DataFrame, ledger: pl.DataFrame, manifest: dict[str, Any]) -> Html:
    """Show how long the responses are in characters: in the set, and in the pool where a step measured it."""
    measured = [m for m in measures(ledger, manifest) if m.is_response_length]
    name = "Length of responses"
    answers = [c for c in ("response", "chosen") if c in rows.columns]
    kept = (
        rows.select(pl.coalesce(answers).str.len_chars()).to_series()
        if answers
        else pl.Series([], dtype=pl.UInt32)
    )
    pool = measured[0].numbers(ledger) if measured else None
    marks = sorted(measured[0].thresholds, key=lambda mark: mark[1]) if measured else []
    why = (
        None
        if measured
        else "No step of this recipe measured the pool's responses in characters, so only the set is shown."
    )
    shown = _figure(name, kept, pool, marks, "characters")
    return join([el("h2", name), el("p", why, class_="note") if why else None, shown or _nothing()])


def scores(rows: pl.DataFrame, ledger: pl.DataFrame, manifest: dict[str, Any]) -> Html | None:
    """Show everything else that was measured, and the rows' own score if no step looked at it."""
    found = [m for m in measures(ledger, manifest) if not m.is_response_length]
    kept = ledger.filter("kept")
    figures = [_measured(measure, ledger, kept) for measure in found[:_CHARTS]]
    if "score" in rows.columns and not any(m.of == "score" for m in found):
        figures.append(_figure("score", rows["score"], None, [], "score"))
    there = [figure for figure in figures if figure is not None]
    if not there:
        return None
    more = (
        f"{plural(len(found) - _CHARTS, 'more measure')} in ledger.parquet." if len(found) > _CHARTS else None
    )
    return join(
        [
            el("h2", "Scores and measures"),
            el("div", *there, class_="figures"),
            el("p", more, class_="note") if more else None,
        ]
    )


def _measured(measure: Measure, ledger: pl.DataFrame, kept: pl.DataFrame) -> Html | None:
    of = f"{measure.label} of {measure.of}" if measure.of else measure.label
    marks = sorted(measure.thresholds, key=lambda mark: mark[1])
    unit = str(measure.params.get("unit") or measure.of or measure.label)
    return _figure(of, measure.numbers(kept), measure.numbers(ledger), marks, unit)


def _figure(
    name: str, kept: pl.Series, pool: pl.Series | None, marks: Sequence[tuple[str, float]], unit: str
) -> Html | None:
    groups = [("pool", "the pool", pool)] if pool is not None else []
    groups = [
        (kind, title, s)
        for kind, title, s in [*groups, ("kept", "the set", kept)]
        if s is not None and summary(s)
    ]
    on = scale([s for _, _, s in groups], [value for _, value in marks])
    if on is None:
        return None
    panels = [Panel(title, counts(s, on), kind) for kind, title, s in groups]
    said = [_said(title, s) for _, title, s in groups]
    says = f"Histogram of {name}. " + " ".join(said)
    beyond = sum(int(((s < on.low) | (s >= on.high)).sum()) for _, _, s in groups)
    tail = f"{plural(beyond, 'row')} beyond the axis counted in the outermost bars." if beyond else None
    caption = el(
        "figcaption", el("b", name), *(el("span", line) for line in said), el("span", tail) if tail else None
    )
    return el("figure", caption, histogram(panels, on, marks, says, unit))


def _said(title: str, numbers: pl.Series) -> str:
    found = summary(numbers)
    if found is None:
        return f"{title}: none."
    low, first, middle, third, high = (number(value, 2) for value in found)
    n = numbers.drop_nulls().len()
    return f"{title}: {plural(n, 'row')}, {low} to {high}, median {middle}, middle half {first} to {third}."


def _nothing() -> Html:
    return el("p", "There is nothing to show.", class_="note")
