"""Domains: which were read, what the filters left of them, and which are in the set."""

from __future__ import annotations

from typing import Any, NamedTuple

import polars as pl

from curate.report.charts import pair
from curate.report.funnel import legend
from curate.report.html import DASH, Html, el, join, number, percent, table
from curate.report.steps import SAMPLE

_SHOWN = 30
_KEYS = (("pool", "share of what was read"), ("kept", "share of the set"))


class _Domain(NamedTuple):
    name: str
    source: str
    read: int
    left: int
    asked: int | None  # its quota, where its source is sampled by domain
    kept: int


def domains(ledger: pl.DataFrame, manifest: dict[str, Any]) -> Html | None:
    """Show the domains with most rows in the set, and the rest summed."""
    found = sorted(_found(ledger, manifest), key=lambda d: (-d.kept, -d.read, d.source, d.name))
    if not found:
        return None
    shown, rest = found[:_SHOWN], found[_SHOWN:]
    if rest:
        shown.append(_sum(f"{len(rest):,} more", rest))
    whole = _sum("all", found)
    # The largest share fills its bar: against the whole, most of many domains could not be seen.
    most = max(max(_shares(d, whole)) for d in shown) or 1
    heads = [
        ("domain", "name"),
        ("source", ""),
        ("read", "n"),
        ("left by filters", "n"),
        ("asked", "n"),
        ("kept", "n"),
        ("share", "bars"),
    ]
    with_rows = sum(1 for d in found if d.kept)
    caption = f"{len(found):,} domains read, {with_rows:,} of them in the set."
    rows = [_row(d, whole, most) for d in shown]
    return join([el("h2", "Domains"), legend(_KEYS), table(caption, heads, rows, sortable=True)])


def _found(ledger: pl.DataFrame, manifest: dict[str, Any]) -> list[_Domain]:
    left = _left(ledger)
    asked = {(q["source"], q["domain"]): q["asked"] for q in manifest["quotas"]}
    return [
        _Domain(d["domain"] or "(none)", d["source"], d["read"], left.get(name, 0), asked.get(name), d["kept"])
        for d in manifest["domains"]
        for name in [(d["source"], d["domain"])]
    ]


def _left(ledger: pl.DataFrame) -> dict[tuple[str, str | None], int]:
    """Count by domain the rows that every filter left: those the budget's choice was asked about."""
    if SAMPLE not in ledger.columns:
        return {}
    counted = ledger.filter(pl.col(SAMPLE).is_not_null()).group_by("source", "domain").len()
    return {(source, domain): n for source, domain, n in counted.rows()}


def _sum(name: str, of: list[_Domain]) -> _Domain:
    asked = [d.asked for d in of if d.asked is not None]
    read, left, kept = (sum(counts) for counts in zip(*((d.read, d.left, d.kept) for d in of), strict=True))
    return _Domain(name, "", read, left, sum(asked) if asked else None, kept)


def _shares(domain: _Domain, whole: _Domain) -> tuple[float, float]:
    return domain.read / (whole.read or 1), domain.kept / (whole.kept or 1)


def _row(domain: _Domain, whole: _Domain, most: float) -> list[object]:
    read, kept = _shares(domain, whole)
    says = f"{percent(domain.read, whole.read)} of the rows read, {percent(domain.kept, whole.kept)} of the rows kept"
    counts = (DASH if n is None else number(n) for n in (domain.read, domain.left, domain.asked, domain.kept))
    return [domain.name, domain.source, *counts, pair(read / most, kept / most, says)]
