"""Lengths and scores: what was measured, in the pool and in the set, with the thresholds between."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import polars as pl

from curate.report.charts import Panel, histogram
from curate.report.histogram import Scale, counts, finite, scale, summary
from curate.report.html import Html, el, join, number, plural
from curate.report.measures import Measure, measures

_CHARTS = 12


class _Group(NamedTuple):
    kind: str  # its colour's class
    name: str
    numbers: pl.Series


def lengths(rows: pl.DataFrame, ledger: pl.DataFrame, manifest: dict[str, Any]) -> Html:
    """Show how long the responses are in characters: in the set, and in the pool where a step measured it."""
    measured = next((m for m in measures(ledger, manifest) if m.is_response_length), None)
    answers = [c for c in ("response", "chosen") if c in rows.columns]
    kept = rows.select(pl.coalesce(answers).str.len_chars()).to_series() if answers else pl.Series([], dtype=pl.Int64)
    groups = [_Group("kept", "The set", kept)]
    note = None
    if measured:
        groups.insert(0, _Group("pool", "The pool", measured.numbers(ledger)))
    else:
        note = "No step measured the length of the pool's responses in characters, so this is the set alone."
    name = "Length of responses"
    marks = measured.thresholds if measured else ()
    shown = _figure(name, groups, marks, "characters", titled=False)
    return join([el("h2", name), _note(note), shown or _note("There is nothing to show.")])


def scores(rows: pl.DataFrame, ledger: pl.DataFrame, manifest: dict[str, Any]) -> Html | None:
    """Show everything else that was measured, and the rows' own score if no step looked at it."""
    found = [m for m in measures(ledger, manifest) if not m.is_response_length]
    kept = ledger.filter("kept")
    figures = [_measured(measure, ledger, kept) for measure in found[:_CHARTS]]
    if "score" in rows.columns and not any(m.of == "score" for m in found):
        figures.append(_figure("score", [_Group("kept", "The set", rows["score"])], (), "score"))
    there = [figure for figure in figures if figure is not None]
    if not there:
        return None
    more = f"{plural(len(found) - _CHARTS, 'more measure')} in ledger.parquet." if len(found) > _CHARTS else None
    return join([el("h2", "Scores and measures"), el("div", *there, class_="figures"), _note(more)])


def _note(said: str | None) -> Html | None:
    return el("p", said, class_="note") if said else None


def _measured(measure: Measure, ledger: pl.DataFrame, kept: pl.DataFrame) -> Html | None:
    name = f"{measure.of}, measured by {measure.label}" if measure.of else measure.label
    unit = str(measure.params.get("unit") or measure.of or measure.label)
    pool, chosen = measure.numbers(ledger), measure.numbers(kept)
    return _figure(
        name, [_Group("pool", "The pool", pool), _Group("kept", "The set", chosen)], measure.thresholds, unit
    )


def _figure(
    name: str,
    groups: list[_Group],
    thresholds: Iterable[tuple[str, float]],
    unit: str,
    *,
    titled: bool = True,
) -> Html | None:
    """Draw groups of numbers over one axis, and say in words what is drawn; None without numbers."""
    groups = [group._replace(numbers=finite(group.numbers)) for group in groups]
    marks = sorted(thresholds, key=lambda mark: mark[1])
    on = scale([group.numbers for group in groups], [value for _, value in marks])
    if on is None:
        return None
    said = [_said(group) for group in groups]
    drawn = [Panel(g.name, counts(g.numbers, on), g.kind) for g in groups if g.numbers.len()]
    chart = histogram(drawn, on, marks, f"Histogram of {name}. {' '.join(said)}", unit)
    tail = _tail(groups, on)
    title = el("b", name) if titled else None
    return el("figure", el("figcaption", title, *(el("span", line) for line in (*said, tail) if line)), chart)


def _said(group: _Group) -> str:
    found = summary(group.numbers)
    if found is None:
        return f"{group.name}: none."
    low, first, middle, third, high = (number(value, 2) for value in found)
    rows = plural(group.numbers.len(), "row")
    return f"{group.name}: {rows}, {low} to {high}, median {middle}, middle half {first} to {third}."


def _tail(groups: list[_Group], on: Scale) -> str | None:
    beyond = sum(int(((g.numbers < on.low) | (g.numbers >= on.high)).sum()) for g in groups)
    return f"The outermost bars hold {plural(beyond, 'row')} from beyond the axis." if beyond else None
