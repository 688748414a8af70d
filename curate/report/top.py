"""The top of the report: what the set is, what is not as asked, and Table 1."""

from __future__ import annotations

from typing import Any

import polars as pl

from curate.report.html import Html, el, join, number, percent, plural, table


def headline(rows: pl.DataFrame, manifest: dict[str, Any]) -> Html:
    """Say the set's name, in one sentence what it is made of, and its figures."""
    read = sum(count["read"] for count in manifest["counts"].values())
    sources = sum(1 for row in manifest["table"] if row["taken"])
    facts = {
        "rows": number(rows.height),
        "rows read": number(read),
        "kept": percent(rows.height, read),
        "source" if sources == 1 else "sources": number(sources),
        "seed": manifest["seed"],
    }
    tiles = (el("div", el("dt", name), el("dd", value)) for name, value in facts.items())
    return el(
        "header",
        el("p", "curate report", class_="kicker"),
        el("h1", manifest["name"]),
        el("p", sentence(rows, manifest), class_="lede"),
        el("dl", *tiles, class_="facts"),
        notices(rows, manifest),
    )


def sentence(rows: pl.DataFrame, manifest: dict[str, Any]) -> str:
    """Say in one sentence what the set is made of."""
    parts = sorted((row for row in manifest["table"] if row["taken"]), key=lambda row: -row["taken"])
    if not parts:
        return "The set is empty."
    pairs = bool(rows.height) and rows["chosen"].is_not_null().all() if "chosen" in rows.columns else False
    what = (
        ("pair of answers", "pairs of answers") if pairs else ("prompt with its answer", "prompts with their answers")
    )
    named = [f"{row['taken']:,} from {row['source']}" for row in parts[:6]]
    rest = sum(row["taken"] for row in parts[6:])
    if rest:
        named.append(f"{rest:,} from {plural(len(parts) - 6, 'more source')}")
    listed = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    return f"{plural(rows.height, *what)}: {listed}."


def notices(rows: pl.DataFrame, manifest: dict[str, Any]) -> Html:
    """Say loudly what is not as asked, or that all is."""
    said = list(_wrong(rows, manifest))
    if not said:
        return el("p", "Every source gave what it was asked for, and every record could be read.", class_="fine")
    items = (el("li", el("strong", what), " ", how) for what, how in said)
    return el("section", el("h2", "Not as asked"), el("ul", *items), class_="notices")


def _wrong(rows: pl.DataFrame, manifest: dict[str, Any]) -> list[tuple[str, str]]:
    said = [("Not there:", f"{name}: {reason}") for name, reason in manifest["absent"].items()]
    size = manifest.get("size")
    if size is not None and rows.height != size:
        said.append(("Size:", f"{plural(rows.height, 'row')} where the recipe asks for {size:,}."))
    short = [row for row in manifest["table"] if row["taken"] < row["asked"]]
    if short:
        said.append(("Short:", _short(short, manifest["table"])))
    bad = {name: count["quarantined"] for name, count in manifest["counts"].items() if count["quarantined"]}
    if bad:
        each = ", ".join(f"{n:,} of {name}" for name, n in bad.items())
        said.append(("Quarantined:", f"{plural(sum(bad.values()), 'record')} could not be read: {each}."))
    if manifest.get("limit") is not None:
        said.append(("A trial:", f"at most {plural(manifest['limit'], 'row')} of each part of a source were read."))
    return said


def _short(short: list[dict[str, Any]], rows: list[dict[str, Any]]) -> str:
    less = ", ".join(f"{row['source']} gave {row['taken']:,} of {row['asked']:,}" for row in short)
    more = ", ".join(f"{r['source']} (+{r['taken'] - r['asked']:,})" for r in rows if r["taken"] > r["asked"])
    return f"{less}; what was missing came from {more}." if more else f"{less}; the set is smaller for it."


def table_one(rows: pl.DataFrame, manifest: dict[str, Any]) -> Html:
    """Make Table 1: a line a source."""
    heads = [
        ("source", ""),
        ("asked", "n"),
        ("available", "n"),
        ("taken", "n"),
        ("prompt words", "n"),
        ("response words", "n"),
    ]
    body = [
        [
            r["source"],
            number(r["asked"]),
            number(r["available"]),
            _taken(r),
            number(r["prompt_words"]),
            number(r["response_words"]),
        ]
        for r in manifest["table"]
    ]
    totals = [number(sum(r[name] for r in manifest["table"])) for name in ("asked", "available", "taken")]
    means = [number(_mean_words(rows, names)) for names in (("prompt",), ("response", "chosen"))]
    caption = "Table 1. Rows asked of each source, left by its filters, and taken; mean length of what was taken."
    return join([el("h2", "What the set is made of"), table(caption, heads, body, ["all", *totals, *means])])


def _taken(row: dict[str, Any]) -> Html:
    change = row["taken"] - row["asked"]
    mark = (
        el("span", f"{change:+,}".replace("-", "\N{MINUS SIGN}"), class_="less" if change < 0 else "more")
        if change
        else None
    )
    return join([number(row["taken"]), mark], " ")


def _mean_words(rows: pl.DataFrame, names: tuple[str, ...]) -> float | None:
    there = [name for name in names if name in rows.columns]
    if not there:
        return None
    mean: float | None = rows.select(pl.coalesce(there).str.count_matches(r"\S+").mean()).item()
    return mean
