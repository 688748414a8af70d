"""Grades and comparisons as a person reads them: tables, and a sentence for what a table cannot say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from curate.evaluate.grades.agree import Agreed
from curate.evaluate.grades.cost import Cost
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
    known = cost.asks - cost.requests
    done = f"{known:,} are answered already or the same as another, " if known else ""
    return (
        f"{plural(cost.asks, 'request')} to the judge: {done}"
        f"{cost.requests:,} to be sent with {cost.characters:,} characters"
    )


def grades_table(found: Sequence[dict[str, Any]]) -> Table:
    """Set the grades of arms beside their lengths and all that has no grade."""
    table = Table("", "grade", "95 %", "worst", "prompts", "answers", "tokens", *_COUNTS)
    for one in found:
        counts = (f"{one[key]:,}" for key in _COUNTS)
        numbers = (_number(one["grade"]), _span(one["grade"]), _number(one["worst"]))
        table.add_row(_named(one), *numbers, f"{one['prompts']:,}", f"{one['answers']:,}", _length(one), *counts)
    return table


def shares_table(found: Sequence[dict[str, Any]]) -> Table | None:
    """Set out the share of each label with its interval; None where the judge has no labels."""
    labels = list(dict.fromkeys(label for one in found for label in one["shares"]))
    if not labels:
        return None
    table = Table("", *labels)
    for one in found:
        shares = [one["shares"].get(label) for label in labels]
        table.add_row(_named(one), *(f"{_percent(share)} ({_percents(share)})" if share else _NONE for share in shares))
    return table


def _named(one: dict[str, Any]) -> str:
    return f"{one['arm']}, dialogues" if one["dialogues"] else str(one["arm"])


def _length(one: dict[str, Any]) -> str:
    return f"{one['tokens']:.0f}" if one["tokens"] is not None else f"{one['characters'] or 0:.0f} char."


def turns_lines(found: Sequence[dict[str, Any]]) -> list[str]:
    """Say how the grade goes from turn to turn of the dialogues."""
    return [
        f"{one['arm']}, by turn: " + ", ".join(_number(turn) for turn in one["turns"]) for one in found if one["turns"]
    ]


def why_lines(name: str, why: Sequence[tuple[str, int]]) -> list[str]:
    """List the reasons why something has no grade or verdict, the commonest first."""
    return [f"{name}: {count:,} × {reason}" for reason, count in why]


def differences_table(found: Sequence[Comparison]) -> Table | None:
    """Set arms beside the first one, by the prompts that both have grades for; None where there is only one."""
    if not found:
        return None
    table = Table("", "difference", "95 %", "at equal length", "prompts", "shown")
    for one in found:
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


def beside_table(found: dict[str, Any], *, gold: bool = False) -> Table:
    """Set out how often each of two is better; of a gold set, whose sides mean nothing, only what the order did."""
    table = Table("", "share", "95 %")
    a, b = found["a"], found["b"]
    rows = {f"{a} wins": "win", "tie": "tie", f"{b} wins": "lose", f"{a} better, ties as half": "better"}
    order = {"the order decided (a tie)": "flips", "what stood first was chosen": "first"}
    for name, key in (order if gold else rows | order).items():
        table.add_row(name, _percent(found[key]), _percents(found[key]))
    return table


def beside_line(found: dict[str, Any]) -> str:
    """Say how many pairs were judged, and how long the answers of both are."""
    known = None not in found["tokens"]
    unit, lengths = ("tokens", found["tokens"]) if known else ("characters", found["characters"])
    said = [f"{found[side]} {at or 0:.0f}" for side, at in zip("ab", lengths, strict=True)]
    return (
        f"{found['judged']:,} of {plural(found['answers'], 'pair')} judged, over {plural(found['prompts'], 'prompt')}; "
        f"mean length in {unit}: {', '.join(said)}"
    )


def agreed_line(name: str, agreed: Agreed) -> str:
    """Say how far a judge agrees with another grader.

    >>> agreed_line("gold", Agreed(Mean(0.75, 0.5, 0.9, 20), 0.5, 20, 1))
    'agreement with gold: 75 % (50 % to 90 %), kappa 0.50, over 20; 1 without a verdict of both'
    """
    kappa = "not defined" if agreed.kappa is None else f"{agreed.kappa:.2f}"
    without = f"; {agreed.without:,} without a verdict of both" if agreed.without else ""
    found = agreed.agreement
    return f"agreement with {name}: {_percent(found)} ({_percents(found)}), kappa {kappa}, over {agreed.n:,}{without}"


def _number(found: Mean | None) -> str:
    return _NONE if found is None else f"{found.mean:.2f}"


def _span(found: Mean | None) -> str:
    return _NONE if found is None or found.low is None or found.high is None else f"{found.low:.2f} to {found.high:.2f}"


def _percent(found: Mean | None) -> str:
    return _NONE if found is None else f"{found.mean:.0%}".replace("%", " %")


def _percents(found: Mean | None) -> str:
    if found is None or found.low is None or found.high is None:
        return _NONE
    return f"{found.low:.0%} to {found.high:.0%}".replace("%", " %")
