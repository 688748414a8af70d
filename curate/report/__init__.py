"""The report: one HTML file that opens offline and says how a set came about."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from curate.report.diversity import diversity
from curate.report.domains import domains
from curate.report.end import quarantine, reproduce
from curate.report.figures import lengths, scores
from curate.report.funnel import funnels
from curate.report.html import Html
from curate.report.page import page
from curate.report.pairs import pairs
from curate.report.rows import dropped, near
from curate.report.shortcuts import shortcuts
from curate.report.top import headline, table_one


def report(
    rows: pl.DataFrame, ledger: pl.DataFrame, manifest: dict[str, Any], examples: pl.DataFrame | None = None
) -> str:
    """Write the report of a run as one self-contained page.

    `rows` is the set, `ledger` has a row for every row read, `examples` the texts of some dropped ones (see
    `curate.examples.samples`). The same arguments give the same bytes: nothing of the clock goes in.
    """
    # As manifest.json has it, so that the report written again from a folder is the same to the byte.
    manifest = json.loads(json.dumps(manifest, default=str))
    sections: list[tuple[str, str, Html | None]] = [
        ("table", "Table 1", table_one(rows, manifest)),
        ("funnel", "Funnel", funnels(manifest)),
        ("domains", "Domains", domains(ledger, manifest)),
        ("diversity", "Diversity", diversity(manifest)),
        ("lengths", "Lengths", lengths(rows, ledger, manifest)),
        ("scores", "Scores", scores(rows, ledger, manifest)),
        ("shortcuts", "Shortcuts", shortcuts(manifest)),
        ("pairs", "Pairs", pairs(rows, manifest)),
        ("near", "Near misses", near(ledger, manifest)),
        ("examples", "Examples", dropped(rows, ledger, manifest, examples)),
        ("quarantine", "Quarantine", quarantine(manifest)),
        ("again", "Make it again", reproduce(manifest)),
    ]
    there = [(anchor, name, part) for anchor, name, part in sections if part is not None]
    foot = "This page loads nothing from anywhere. Every row's way is in ledger.parquet beside it."
    return page(f"{manifest['name']}: curate report", headline(rows, manifest), there, foot)
