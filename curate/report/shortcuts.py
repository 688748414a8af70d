"""Shortcuts of a preference set: what simple rules alone would get right, around the half that a coin gets."""

from __future__ import annotations

import math
from typing import Any

from curate.report.charts import bar
from curate.report.funnel import legend
from curate.report.html import DASH, Html, el, join, number, percent, plural, table

_HEADS = [("rule", "step"), ("right", "bars"), ("takes chosen", "n"), ("takes rejected", "n"), ("ties", "n")]
_HALF = 0.5
_KEYS = (("gone", "too good to be harmless"), ("pool", "the others"))
_NOTE = (
    "Each rule takes one of the two answers of a pair, in the direction that suits the set; a tie is half right. "
    "Bars begin at the half that a coin gets right; the lines on them are 95 % intervals."
)
_MARKED = "Marked are rules that get more than 75 % right, and more than 60 % by the lower end of their interval."


def shortcuts(manifest: dict[str, Any]) -> Html | None:
    """Show what was found of a preference set's shortcuts (`manifest["shortcuts"]`); None without."""
    found = manifest.get("shortcuts")
    if not found:
        return None
    warned = bool(found["warned"])
    return join(
        [
            el("h2", "Shortcuts"),
            el("div", *(el("p", said) for said in found["verdict"]), class_="notices" if warned else "fine"),
            el("h3", "Rules", " ", el("small", f"what each gets right alone, of {plural(found['pairs'], 'pair')}")),
            el("p", _NOTE, f" {_MARKED}" if warned else None, class_="note"),
            legend(_KEYS) if warned else None,
            *_rules(found),
            _words(found["words"]),
            _openings(found["openings"]),
        ]
    )


def _rules(found: dict[str, Any]) -> list[Html]:
    """Show the rules that are better than a coin, and fold away those that may not be."""
    words = found["words"]
    better = [rule for rule in found["rules"] if rule["low"] > _HALF]
    others = [rule for rule in found["rules"] if rule["low"] <= _HALF]
    low = min([0.4, *(math.floor(10 * rule["low"]) / 10 for rule in [*found["rules"], *([words] if words else [])])])
    rows = [_rule(rule, rule["rule"] in found["warned"], low) for rule in better]
    if words:
        name = _name("linear model on words", "Learnt from other prompts than it is tried on.")
        rows.append([name, _right(words, "linear_model" in found["warned"], low), *[DASH] * 3])
    made = [table("Rules that are better than a coin", _HEADS, rows, kind="stack funnel")] if rows else []
    if others:
        title = (
            f"{plural(len(others), 'rule')} no better than a coin, as far as {plural(found['pairs'], 'pair')} can tell"
        )
        rest = table(title, _HEADS, [_rule(rule, False, low) for rule in others], kind="stack funnel")
        made.append(el("details", el("summary", title), rest))
    return made


def _rule(rule: dict[str, Any], marked: bool, low: float) -> list[object]:
    shares = (percent(rule[side], 1) for side in ("chosen", "rejected", "ties"))
    name = rule["direction"] or f"{rule['rule'].replace('_', ' ')}: no pair differs"
    return [_name(name, rule["counts"]), _right(rule, marked, low), *shares]


def _name(name: str, note: str) -> Html:
    return join([el("b", name), el("span", note, class_="params")])


def _right(of: dict[str, Any], marked: bool, low: float) -> Html:
    """Say what a rule gets right, and draw it from one half on, with its interval, on an axis from `low` to 1."""

    def at(value: float) -> str:
        return f"{100 * (value - low) / (1 - low):.2f}%"

    # Outwards, so that the interval is not made smaller than it is.
    interval = f"{math.floor(round(100 * of['low'], 2))}–{math.ceil(round(100 * of['high'], 2))} %"
    start, end = sorted((_HALF, of["accuracy"]))
    drawing = el(
        "svg",
        el("rect", width="100%", height="100%", class_="track"),
        el("rect", x=at(start), width=at(low + end - start), height="100%", class_="gone" if marked else "pool"),
        el("line", x1=at(of["low"]), x2=at(of["high"]), y1="7", y2="7", class_="base", stroke_width="2"),
        el("line", x1=at(_HALF), x2=at(_HALF), y1="0", y2="14", class_="base"),
        role="img",
        aria_label=f"{percent(of['accuracy'], 1)} right, 95 % interval {interval}",
        class_="bar",
        width="100%",
        height="14",
    )
    share = el("span", percent(of["accuracy"], 1), class_="left")
    return join([share, drawing, el("span", interval, class_="quiet")])


def _words(words: dict[str, Any] | None) -> Html | None:
    if not words or not (words["chosen"] or words["rejected"]):
        return None
    note = (
        "The words and pairs of words with the greatest weights, learnt from all pairs: what stands in one answer and "
        "not in the other speaks for that side by its weight."
    )
    most = max(abs(weight) for side in ("chosen", "rejected") for _, weight in words[side])
    sides = [_side(side, words[side], most) for side in ("chosen", "rejected") if words[side]]
    title = el("h3", "Words that tell the sides apart")
    return join([title, el("p", note, class_="note"), el("div", *sides, class_="figures")])


def _side(side: str, words: list[list[Any]], most: float) -> Html:
    rows: list[list[object]] = [
        [
            word,
            bar([(abs(weight) / most, "kept" if side == "chosen" else "pool")], f"weight {weight:g}"),
            f"{abs(weight):.2f}",
        ]
        for word, weight in words
    ]
    return table(f"Towards {side}", [("word", ""), ("weight", "bars"), ("", "n")], rows)


def _openings(openings: list[dict[str, Any]]) -> Html | None:
    if not openings:
        return None
    rows: list[list[object]] = [[o["word"] or DASH, number(o["chosen"]), number(o["rejected"])] for o in openings]
    heads = [("first word", ""), ("chosen begin so", "n"), ("rejected begin so", "n")]
    return join([el("h3", "How answers begin"), table("The opening words that tell most.", heads, rows)])
