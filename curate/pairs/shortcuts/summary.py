"""Shortcuts in words: the verdict, the lines of a card, the rows of a table."""

from __future__ import annotations

import math

from curate.errors import code, markdown
from curate.pairs.shortcuts.result import RuleScore, Share, Shortcuts, Words
from curate.pairs.shortcuts.scoring import wilson

WARN = 0.75  # a rule that gets more pairs right than this,
SURE = 0.6  # and more than this by the lower end of its interval, is warned of
_WIDE = 0.05  # an interval that reaches further than this to either side is called wide
_SHARED = 0.9  # of fewer prompts than this a pair, pairs are said to share prompts
_NAMED = 6
_TABLE = 8  # rules shown on a card


def warned(report: Shortcuts) -> list[str]:
    """Name the rules that get too much right: over 75 %, and over 60 % by the lower end of the interval.

    The last one named is `linear_model`, where that is as good.
    """
    words: list[tuple[str, RuleScore | Words]] = [("linear_model", report["words"])] if report["words"] else []
    named = [*((rule["rule"], rule) for rule in report["rules"]), *words]
    return [name for name, of in named if of["accuracy"] > WARN and of["low"] > SURE]


def verdict(report: Shortcuts) -> list[str]:
    """Say in sentences what the figures mean: the best rule, the words, and how far to trust the figures."""
    sentences = [_rules(report), _words(report), _doubts(report)]
    return [sentence for sentence in sentences if sentence]


def _rules(report: Shortcuts) -> str:
    best, *others = report["rules"]
    if best["rule"] not in report["warned"]:
        what = f"the best, “{best['direction']}”, gets {_with_interval(best)}" if best["direction"] else "all are ties"
        return f"No one-line rule stands out: {what}."
    right = f"{percent(best['accuracy'])} right"
    text = (
        f"A rule that takes the answer with {best['direction']} gets {right} by itself: a model may learn that instead "
        "of what you mean."
    )
    more = [f"{r['direction']} ({percent(r['accuracy'])})" for r in others if r["rule"] in report["warned"]]
    if len(more) > _NAMED:
        more = [*more[:_NAMED], f"{len(more) - _NAMED} more"]
    return f"{text} So do {', '.join(more)}." if more else text


def _words(report: Shortcuts) -> str:
    words = report["words"]
    if words is None:
        reason = report["no_words"] or ""
        return f"{reason[:1].upper()}{reason[1:]}."
    of = f" (learnt from {words['pairs']:,} of the pairs)" if words["pairs"] < report["pairs"] else ""
    text = f"A linear model on words gets {_with_interval(words)} on prompts that it has not seen{of}"
    if "linear_model" in report["warned"]:
        text += ": wording alone tells the two sides apart"
    alike = words["alike"]
    if alike:
        text += (
            f". Where the answers are nearly of one length it gets {_with_interval(alike)} ({alike['pairs']:,} pairs)"
        )
    return f"{text}."


def _doubts(report: Shortcuts) -> str:
    sentences = []
    low, high = wilson(report["pairs"] / 2, report["pairs"])
    if (high - low) / 2 > _WIDE:
        points = round(50 * (high - low))
        pairs = _pairs(report["pairs"])
        sentences.append(f"With {pairs} intervals are wide (± {points} points): read the figures as hints.")
    if report["prompts"] < _SHARED * report["pairs"]:
        sentences.append(
            f"The pairs share {report['prompts']:,} prompts, so that the figures are less certain than intervals say."
        )
    if report["left_out"]:
        sentences.append(f"{report['left_out']:,} rows without both answers are left out.")
    return " ".join(sentences)


def rows_of(report: Shortcuts) -> list[tuple[str, ...]]:
    """Give the rows of a table: rule, direction, accuracy, interval, shares of chosen, rejected and ties.

    The last row is that of the linear model on words, if there is one.
    """
    rows: list[tuple[str, ...]] = [
        (
            spaced(rule["rule"]),
            rule["direction"] or "no pair differs",
            percent(rule["accuracy"]),
            interval(rule),
            *(percent(rule[side]) for side in ("chosen", "rejected", "ties")),
        )
        for rule in report["rules"]
    ]
    words = report["words"]
    if words:
        rows.append(("linear model", "words, learnt", percent(words["accuracy"]), interval(words), "", "", ""))
    return rows


def card_lines(report: Shortcuts) -> list[str]:
    """Write the lines of a card, in Markdown: the verdict, the best rules, the words either way."""
    table = [*rows_of(report)[:_TABLE], *(rows_of(report)[-1:] if report["words"] else [])]
    lines = [
        *(line for sentence in report["verdict"] for line in (markdown(sentence), "")),
        "| rule | the answer with | right | 95 % interval | ties |",
        "|---|---|---:|---|---:|",
        *(
            f"| {markdown(rule)} | {markdown(with_)} | {right} | {between} | {ties} |"
            for rule, with_, right, between, _, _, ties in table
        ),
    ]
    words = report["words"]
    if words:
        for side in ("chosen", "rejected"):
            listed = ", ".join(code(word) for word, _ in words[side])
            lines += ["", f"Words towards {side}: {listed or 'none'}."]
    return lines


def _with_interval(of: RuleScore | Words | Share) -> str:
    return f"{percent(of['accuracy'])} right ({interval(of)})"


def interval(of: RuleScore | Words | Share) -> str:
    """Write an interval, rounded outwards: 61–73 %."""
    return f"{math.floor(round(100 * of['low'], 2))}–{math.ceil(round(100 * of['high'], 2))} %"


def percent(share: float) -> str:
    """Write a share; what is not all is not rounded to all, nor something to nothing.

    >>> percent(0.934), percent(0.9987), percent(1.0), percent(0.0002), percent(0)
    ('93 %', '99.9 %', '100 %', '0.02 %', '0 %')
    """
    for digits in (0, 1, 2):
        text = f"{100 * share:.{digits}f}"
        if (float(text) in (0, 100)) == (share in (0, 1)):
            break
    return f"{text} %"


def spaced(name: str) -> str:
    """Write a rule's name as words."""
    return name.replace("_", " ")


def _pairs(n: int) -> str:
    return f"{n:,} pair{'s' if n != 1 else ''}"
