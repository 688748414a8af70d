"""What the pages say of a preference set: pairs side by side, and what simple rules alone would get right."""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from curate.report.charts import histogram, scale, summary
from curate.report.words import DASH, number, percent, plural
from curate.rows import hash01

_PAIRS = 10
_CUT, _TITLE = 1200, 90  # characters of a text, and of a prompt in a fold's title
_HALF = 0.5


def pairs(rows: pl.DataFrame | pl.LazyFrame, manifest: dict[str, Any]) -> dict[str, Any] | None:
    """Give some pairs, chosen by hash, and the difference of their lengths; None without pairs."""
    rows = rows.lazy()
    if not {"chosen", "rejected"} <= set(rows.collect_schema()):
        return None
    both = rows.filter(pl.col("chosen").is_not_null() & pl.col("rejected").is_not_null()).collect()
    if not both.height:
        return None
    order = hash01("id", manifest.get("seed") or 0, "pairs")
    few = both.with_columns(_order=order).sort("_order", "id", "chosen").head(_PAIRS)
    return {"figure": _lengths(both), "pairs": [_pair(row) for row in few.iter_rows(named=True)]}


def _lengths(both: pl.DataFrame) -> dict[str, Any] | None:
    more = both.select(pl.col("chosen").str.len_chars().cast(pl.Int64) - pl.col("rejected").str.len_chars()).to_series()
    on, spread = scale([more], [0]), summary(more)
    if on is None or spread is None:
        return None
    low, _, middle, _, high = (number(value) for value in spread)
    longer, shorter = (percent(int(side.sum()), len(more)) for side in (more > 0, more < 0))
    notes = [
        f"The chosen answer is longer in {longer} of {plural(len(more), 'pair')}, shorter in {shorter}.",
        f"Chosen minus rejected: {low} to {high} characters, median {middle}.",
    ]
    chart = histogram([("kept", "Pairs", more)], on, [("equal", 0)], " ".join(notes), "characters more in chosen")
    return {"title": "Length, chosen minus rejected", "notes": notes, "chart": chart}


def _pair(row: dict[str, Any]) -> dict[str, Any]:
    prompt = row.get("prompt") or ""
    return {
        "id": row["id"],
        "title": _cut(" ".join(prompt.split()) or row["id"], _TITLE),
        "prompt": _cut(prompt),
        "sides": [(name, _cut(row[name])) for name in ("chosen", "rejected")],
    }


def _cut(text: str, most: int = _CUT) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def shortcuts(manifest: dict[str, Any]) -> dict[str, Any] | None:
    """Give what simple rules would get right of a preference set (`manifest["shortcuts"]`); None without."""
    result = manifest.get("shortcuts")
    if not result:
        return None
    words, warned, count = result["words"], set(result["warned"]), plural(result["pairs"], "pair")
    measured = [*result["rules"], *([words] if words else [])]
    low = min([0.4, *(math.floor(10 * rule["low"]) / 10 for rule in measured)])
    better = [_rule(rule, low, rule["rule"] in warned) for rule in result["rules"] if rule["low"] > _HALF]
    others = [_rule(rule, low, False) for rule in result["rules"] if rule["low"] <= _HALF]
    if words:
        name = {"name": "linear model on words", "note": "Learnt from other prompts than it is tried on."}
        better.append([name, _accuracy(words, low, "linear_model" in warned), *[DASH] * 3])
    return {
        "verdict": result["verdict"],
        "warned": bool(warned),
        "pairs": count,
        "better": better,
        "others": others,
        "title": f"{plural(len(others), 'rule')} no better than a coin, as far as {count} can tell",
        "sides": _words(words) if words else [],
        "openings": [[o["word"] or DASH, o["chosen"], o["rejected"]] for o in result["openings"]],
    }


def _rule(rule: dict[str, Any], low: float, marked: bool) -> list[Any]:
    name = rule["direction"] or f"{rule['rule'].replace('_', ' ')}: no pair differs"
    shares = (percent(rule[side], 1) for side in ("chosen", "rejected", "ties"))
    return [{"name": name, "note": rule["counts"]}, _accuracy(rule, low, marked), *shares]


def _accuracy(of: dict[str, Any], low: float, marked: bool) -> dict[str, Any]:
    """Give what a rule gets right, and its bar from one half on with its interval, on an axis from `low` to 1."""

    def at(value: float) -> float:
        return 100 * (value - low) / (1 - low)

    start, end = sorted((_HALF, of["accuracy"]))
    return {
        "right": percent(of["accuracy"], 1),
        # Outwards, so that the interval is not made smaller than it is.
        "interval": f"{math.floor(round(100 * of['low'], 2))}–{math.ceil(round(100 * of['high'], 2))} %",
        "kind": "gone" if marked else "pool",
        **{"start": at(start), "width": at(low + end - start), "half": at(_HALF)},
        **{"low": at(of["low"]), "high": at(of["high"])},
    }


def _words(words: dict[str, Any]) -> list[dict[str, Any]]:
    sides = {side: words[side] for side in ("chosen", "rejected") if words[side]}
    most = max((abs(weight) for side in sides.values() for _, weight in side), default=1)
    return [
        {"name": side, "rows": [[word, {"share": abs(w) / most, "weight": w}, f"{abs(w):.2f}"] for word, w in weights]}
        for side, weights in sides.items()
    ]
