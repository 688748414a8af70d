"""The report: one HTML file that opens offline and says how a set came about."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from curate.report.diversity_part import diversity_section
from curate.report.domains import domains
from curate.report.end import quarantine, reproduce
from curate.report.figures import lengths, scores
from curate.report.funnel import funnels
from curate.report.html import Build, built, page
from curate.report.pairs import pairs
from curate.report.rows import dropped, near
from curate.report.shortcuts import shortcuts
from curate.report.top import headline, table_one


def report(
    rows: pl.DataFrame,
    ledger: pl.DataFrame,
    manifest: dict[str, Any],
    examples: pl.DataFrame | None = None,
    missing: dict[str, str] | None = None,
) -> str:
    """Write the report of a run as one self-contained page.

    `rows` is the set, `ledger` has a row for every row read, `examples` the texts of some dropped ones (see
    `curate.run.examples.samples`). A section that fails says so in its place; `missing` gets its
    name and the reason. The same arguments give the same bytes: nothing of the clock goes in.
    """
    # As manifest.json has it, so that the report written again from a folder is the same to the byte.
    manifest = json.loads(json.dumps(manifest, default=str))
    sections: list[tuple[str, str, Build]] = [
        ("table", "Table 1", lambda: table_one(rows, manifest)),
        ("funnel", "Funnel", lambda: funnels(manifest)),
        ("domains", "Domains", lambda: domains(ledger, manifest)),
        ("diversity", "Diversity", lambda: diversity_section(manifest)),
        ("lengths", "Lengths", lambda: lengths(rows, ledger, manifest)),
        ("scores", "Scores", lambda: scores(rows, ledger, manifest)),
        ("shortcuts", "Shortcuts", lambda: shortcuts(manifest)),
        ("pairs", "Pairs", lambda: pairs(rows, manifest)),
        ("near", "Near misses", lambda: near(ledger, manifest)),
        ("examples", "Examples", lambda: dropped(rows, ledger, manifest, examples)),
        ("quarantine", "Quarantine", lambda: quarantine(manifest)),
        ("again", "Make it again", lambda: reproduce(manifest)),
    ]
    gone: dict[str, str] = {} if missing is None else missing
    there = built(sections, gone)
    top = built([("top", manifest["name"], lambda: headline(rows, manifest))], gone)
    foot = "This page loads nothing from anywhere. Every row's way is in ledger.parquet beside it."
    return page(f"{manifest['name']}: curate report", top[0][2], there, foot)
