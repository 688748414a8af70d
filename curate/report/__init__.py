"""The report: one HTML file that opens offline and says how a set came about."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import polars as pl

from curate.report import sections as of
from curate.report.headline import headline
from curate.report.page import Section, page
from curate.report.pairs import pairs, shortcuts
from curate.report.steps import near_misses
from curate.report.style import style
from curate.rows import with_ids

if TYPE_CHECKING:
    from curate.run.what_if import Bound

_TEMPLATE, _OFFLINE = "set.html", "This page loads nothing from anywhere."


def report(
    rows: pl.DataFrame | pl.LazyFrame,
    ledger: pl.DataFrame | pl.LazyFrame,
    manifest: dict[str, Any],
    examples: pl.DataFrame | None = None,
    missing: dict[str, str] | None = None,
    bounds: Callable[[], Iterable[Bound]] = tuple,
) -> str:
    """Write the report of a run as one self-contained page.

    `rows` is the set, `ledger` has a row for every row read (both may be lazy: no more is read than the page shows),
    `examples` the texts of some dropped rows (see `curate.run.examples`), `bounds` lists those that a reader may move
    (see `curate.run.what_if.movable`). A section that fails says so in its place; `missing` gets its name and the
    reason. The same arguments give the same bytes: nothing of the clock goes in.
    """
    # As manifest.json has it, so that the report written again from a folder is the same to the byte.
    manifest = json.loads(json.dumps(manifest, default=str))
    name, rows, ledger = manifest["name"], rows.lazy(), ledger.lazy()
    misses = cache(lambda: near_misses(ledger, manifest))
    moves = cache(lambda: list(bounds()))
    sections = [
        Section("table", "Table 1", _TEMPLATE, lambda: of.table_one(manifest)),
        Section("funnel", "Funnel", _TEMPLATE, lambda: of.funnel(manifest)),
        Section("domains", "Domains", _TEMPLATE, lambda: of.domains(manifest)),
        Section("diversity", "Diversity", _TEMPLATE, lambda: of.diversity(manifest)),
        Section("lengths", "Lengths", _TEMPLATE, lambda: of.lengths(rows, ledger, manifest, moves())),
        Section("scores", "Scores", _TEMPLATE, lambda: of.scores(rows, ledger, manifest, moves())),
        Section("style", "Style", _TEMPLATE, lambda: style(rows)),
        *preference(rows, manifest),
        Section("near", "Near misses", _TEMPLATE, lambda: of.near(misses(), examples)),
        Section("examples", "Examples", _TEMPLATE, lambda: of.dropped(rows, ledger, manifest, examples)),
        Section("quarantine", "Quarantine", _TEMPLATE, lambda: of.quarantine(manifest)),
        Section("again", "Make it again", _TEMPLATE, lambda: of.reproduce(manifest)),
    ]
    header = Section("top", name, _TEMPLATE, lambda: headline(rows, manifest, misses()))
    foot = f"{_OFFLINE} Every row's way is in ledger.parquet beside it."
    return page(f"{name}: curate report", header, sections, foot, missing=missing)


def shortcuts_page(name: str, rows: pl.DataFrame, result: Mapping[str, Any]) -> str:
    """Write the page of `curate shortcuts`: the sections about pairs of a run's report."""
    # As manifest.json has it: a tuple becomes a list.
    manifest = json.loads(json.dumps({"shortcuts": result}))
    header = Section("title", name, _TEMPLATE, lambda: {"name": name})
    sections = preference((rows if "id" in rows.columns else with_ids(rows)).lazy(), manifest)
    return page(f"{name}: shortcuts", header, sections, _OFFLINE)


def preference(rows: pl.LazyFrame, manifest: dict[str, Any]) -> list[Section]:
    """List the sections that only a preference set has."""
    return [
        Section("shortcuts", "Shortcuts", _TEMPLATE, lambda: shortcuts(manifest)),
        Section("pairs", "Pairs", _TEMPLATE, lambda: pairs(rows, manifest)),
    ]
