"""Grades and comparisons as a person reads them: tables, and a sentence for what a table cannot say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from curate.evaluate.grades.agreement import Agreement
from curate.evaluate.grades.side_by_side import Cost
from curate.evaluate.statistics import Comparison, Mean
from curate.report.words import plural

_NONE = "–"
_COUNTS = ("cut", "failed", "ungraded", "refused")


def cost_line(cost: Cost) -> str:
    """Say what judging will cost.

    >>> cost_line(Cost(10, 4, 9000))
    '10 requests to the judge: 6 are answered already or the same as another, 4 to be sent with 9,000 characters'
    """
    if not cost.asks:
        return "the judge asks no model: nothing is sent"
    done = cost.asks - cost.requests
    answered = f"{done:,} are answered already or the same as another, " if done else ""
    return (
        f"{plural(cost.asks, 'request')} to the judge: {answered}"
        f"{cost.requests:,} to be sent with {cost.characters:,} characters"
    )


def grades_table(arms: Sequence[dict[str, Any]]) -> Table:
    """Set the grades of arms beside their lengths and all that has no grade."""
    table = Table("", "grade", "95 %", "worst", "prompts", "answers", "tokens", *_COUNTS)
    for one in arms:
        counts = (f"{one[key]:,}" for key in _COUNTS)
        numbers = (_number(one["grade"]), _span(one["grade"]), _number(one["worst"]))
        table.add_row(_named(one), *numbers, f"{one['prompts']:,}", f"{one['answers']:,}", _length(one), *counts)
    return table


def shares_table(arms: Sequence[dict[str, Any]]) -> Table | None:
    """Set out the share of each label with its interval; None where the judge has no labels."""
    labels = list(dict.fromkeys(label for one in arms for label in one["shares"]))
    if not labels:
        return None
    table = Table("", *labels)
    for one in arms:
        shares = [one["shares"].get(label) for label in labels]
        table.add_row(_named(one), *(f"{_percent(share)} ({_percents(share)})" if share else _NONE for share in shares))
    return table


def _named(one: dict[str, Any]) -> str:
    return f"{one['arm']}, dialogues" if one["dialogues"] else str(one["arm"])


def _length(one: dict[str, Any]) -> str:
    return f"{one['tokens']:.0f}" if one["tokens"] is not None else f"{one['characters'] or 0:.0f} char."


def turns_lines(arms: Sequence[dict[str, Any]]) -> list[str]:
    """Say how the grade goes from turn to turn of the dialogues."""
    return [
        f"{one['arm']}, by turn: " + ", ".join(_number(turn) for turn in one["turns"]) for one in arms if one["turns"]
    ]


def why_lines(name: str, why: Sequence[tuple[str, int]]) -> list[str]:
    """List the reasons why something has no grade or verdict, the commonest first."""
    return [f"{name}: {count:,} × {reason}" for reason, count in why]


def differences_table(comparisons: Sequence[Comparison]) -> Table | None:
    """Set arms beside the first one, by the prompts that both have grades for; None where there is only one."""
    if not comparisons:
        return None
    table = Table("", "difference", "95 %", "at equal length", "prompts", "shown")
    for one in comparisons:
        ends = Mean(one.mean, one.low, one.high, one.prompts)
        even = one.length_controlled
        table.add_row(
            f"{one.arm} – {one.against}",
            f"{one.mean:+.2f}",
            _span(ends),
            f"{even.mean:+.2f} ({_span(even)})" if even else _NONE,
            f"{one.prompts:,}",
            "yes" if one.shown else "no",
        )
    return table


def beside_table(pair: dict[str, Any], *, gold: bool = False) -> Table:
    """Set out how often each of two is better; of a gold set, whose sides mean nothing, only what the order did."""
    table = Table("", "share", "95 %")
    a, b = pair["a"], pair["b"]
    rows = {f"{a} wins": "win", "tie": "tie", f"{b} wins": "lose", f"{a} better, ties as half": "better"}
    order = {"the order decided (a tie)": "flips", "what stood first was chosen": "first"}
    for name, key in (order if gold else rows | order).items():
        table.add_row(name, _percent(pair[key]), _percents(pair[key]))
    return table


def beside_line(pair: dict[str, Any]) -> str:
    """Say how many pairs were judged, and how long the answers of both are."""
    counted = None not in pair["tokens"]
    unit, lengths = ("tokens", pair["tokens"]) if counted else ("characters", pair["characters"])
    texts = [f"{pair[side]} {at or 0:.0f}" for side, at in zip("ab", lengths, strict=True)]
    return (
        f"{pair['judged']:,} of {plural(pair['answers'], 'pair')} judged, over {plural(pair['prompts'], 'prompt')}; "
        f"mean length in {unit}: {', '.join(texts)}"
    )


def agreement_line(name: str, agreed: Agreement) -> str:
    """Say how far a judge agrees with another grader.

    >>> agreement_line("gold", Agreement(Mean(0.75, 0.5, 0.9, 20), 0.5, 20, 1))
    'agreement with gold: 75 % (50 % to 90 %), kappa 0.50, over 20; 1 without a verdict of both'
    """
    kappa = "not defined" if agreed.kappa is None else f"{agreed.kappa:.2f}"
    without = f"; {agreed.without:,} without a verdict of both" if agreed.without else ""
    share = f"{_percent(agreed.agreement)} ({_percents(agreed.agreement)})"
    return f"agreement with {name}: {share}, kappa {kappa}, over {agreed.n:,}{without}"


def _number(mean: Mean | None) -> str:
    return _NONE if mean is None else f"{mean.mean:.2f}"


def _span(mean: Mean | None) -> str:
    return _NONE if mean is None or mean.low is None or mean.high is None else f"{mean.low:.2f} to {mean.high:.2f}"


def _percent(mean: Mean | None) -> str:
    return _NONE if mean is None else f"{mean.mean:.0%}".replace("%", " %")


def _percents(mean: Mean | None) -> str:
    if mean is None or mean.low is None or mean.high is None:
        return _NONE
    return f"{mean.low:.0%} to {mean.high:.0%}".replace("%", " %")
