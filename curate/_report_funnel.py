"""The funnel of each source, and what became of its domains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from curate._charts import bar, pair
from curate._html import Html, el, join, number, percent, table
from curate._report_steps import SAMPLE, Line, lines

_DOMAINS = 30
_NOTE = (
    "“Removed here” counts the rows that the step is the first to refuse, “fails” all that it refuses, also "
    "where another step had removed them already. “Alone” counts the rows that nothing else refuses: so many more "
    "would be left for the steps below if this one were taken out. Cheap steps judge every row; a step that "
    "looks at the whole pool, or runs a model, is asked only about what is left."
)
_BARS = (("kept", "left"), ("gone", "removed here"))
_SHARES = (("pool", "share of what was read"), ("kept", "share of the set"))


def funnels(manifest: dict[str, Any]) -> Html:
    """Show for each source what every step left, removed first and alone would remove."""
    made = (_funnel(manifest, source, lines(manifest, source)) for source in manifest["counts"])
    return join([el("h2", "Funnel"), el("p", _NOTE, class_="note"), _legend(_BARS), *made])


def _funnel(manifest: dict[str, Any], source: str, steps: list[Line]) -> Html:
    count = manifest["counts"][source]
    read, kept = count["read"], count["kept"]
    heads = [("step", "step"), ("left", "bars"), ("removed here", "n"), ("fails", "n"), ("alone", "n")]
    rows: list[list[object]] = [["read", _bar(read, 0, read), "", "", ""]]
    rows += [_step(step, read) for step in steps]
    total: list[object] = ["kept", _bar(kept, 0, read), "", "", ""]
    said = f"{read:,} read, {kept:,} kept ({percent(kept, read)})"
    caption = f"Funnel of {source}: {said}"
    return join(
        [el("h3", source, " ", el("small", said)), table(caption, heads, rows, total, kind="stack funnel")]
    )


def _step(step: Line, read: int) -> list[object]:
    said = [el("b", f"{step.verb} {step.name}"), el("code", step.label) if step.label != step.name else None]
    name = join([join(said, " "), el("span", step.words, class_="params") if step.words else None])
    if step.first is None:
        return [name, _unasked(step), "", "", ""]
    return [name, _bar(step.left, step.first, read), *map(number, (step.first, step.fails, step.alone))]


def _unasked(step: Line) -> Html:
    why = {"edit": "changes text, removes nothing", "score": "measures, removes nothing"}
    return el("span", why.get(step.verb, "no row was left to ask about"), class_="quiet")


def _bar(left: int, removed: int, read: int) -> Html:
    whole = read or 1
    says = f"{left:,} of {read:,} left" + (f", {removed:,} removed here" if removed else "")
    return join(
        [
            el("span", number(left), class_="left"),
            bar([(left / whole, "kept"), (removed / whole, "gone")], says),
        ]
    )


def domains(ledger: pl.DataFrame, manifest: dict[str, Any]) -> Html | None:
    """Show which domains were read, left by the filters and kept: the largest of the set, the rest summed."""
    found = sorted(
        manifest["domains"], key=lambda d: (-d["kept"], -d["read"], d["source"], d["domain"] or "")
    )
    if not found:
        return None
    left = _available(ledger)
    read, kept = (sum(d[name] for d in found) for name in ("read", "kept"))
    heads = [
        ("domain", "name"),
        ("source", ""),
        ("read", "n"),
        ("left by filters", "n"),
        ("kept", "n"),
        ("share", "bars"),
    ]
    rows = [
        _domain(
            d["domain"] or "(none)",
            d["source"],
            d["read"],
            left.get((d["source"], d["domain"]), 0),
            d["kept"],
            read,
            kept,
        )
        for d in found[:_DOMAINS]
    ]
    rest = found[_DOMAINS:]
    if rest:
        others = sum(left.get((d["source"], d["domain"]), 0) for d in rest)
        sums = [sum(d[name] for d in rest) for name in ("read", "kept")]
        rows.append(_domain(f"{len(rest):,} more", "", sums[0], others, sums[1], read, kept))
    with_rows = sum(1 for d in found if d["kept"])
    caption = f"{len(found):,} domains read, {with_rows:,} of them in the set."
    return join([el("h2", "Domains"), _legend(_SHARES), table(caption, heads, rows, sortable=True)])


def _domain(
    name: str, source: str, read: int, left: int, kept: int, all_read: int, all_kept: int
) -> list[object]:
    says = f"{percent(read, all_read)} of the rows read, {percent(kept, all_kept)} of the rows kept"
    shares = read / (all_read or 1), kept / (all_kept or 1)
    return [name, source, number(read), number(left), number(kept), pair(*shares, says)]


def _legend(keys: Sequence[tuple[str, str]]) -> Html:
    return el("p", *(el("span", el("i", class_=kind), f" {name}") for kind, name in keys), class_="legend")


def _available(ledger: pl.DataFrame) -> dict[tuple[str, str | None], int]:
    """Count by domain the rows that every filter left: those the budget's choice was asked about."""
    if SAMPLE not in ledger.columns:
        return {}
    counted = ledger.filter(pl.col(SAMPLE).is_not_null()).group_by("source", "domain").len()
    return {(source, domain): n for source, domain, n in counted.rows()}
