"""The part of the page about the arms' differences, prompt by prompt: the forest plot, and who won how many prompts."""

from __future__ import annotations

from typing import Any

from curate.ablate.report.sentences import shown, signed
from curate.ablate.report.strips import axis, interval, ruler, strip
from curate.report.html import DASH, Html, bar, el, join, legend, number, table


def differences(results: dict[str, Any]) -> Html | None:
    """Show each arm's paired difference to the arm it is compared with; None where there is nothing to compare."""
    if not results["differences"]:
        return None
    against = results["against"]
    note = (
        f"Each prompt's mean grade less {against}'s on the same prompt: what a prompt's difficulty adds to both falls "
        "out. p is Holm's, over all arms compared; a difference is shown where it is below .05. The thin grey line is "
        "the difference at equal length of the answers. “Could show” is the difference that so many prompts would "
        "have found four times of five."
    )
    return join([el("h2", "Differences"), el("p", note, class_="note"), _forest(results), _wins(results)])


def _forest(results: dict[str, Any]) -> Html:
    found = results["differences"]
    on = axis([one for pair in found for one in (pair, pair["length_controlled"])], zero=0.0)
    heads = [("arm", "arm"), (f"worse or better than {results['against']}", "bars"), ("difference", "n")]
    heads += [
        ("95 % interval", "n"),
        ("p (Holm)", "n"),
        ("at equal length", "n"),
        ("could show", "n"),
        ("prompts", "n"),
    ]
    rows = [_row(one, on) for one in found]
    foot: list[object] = ["", ruler(on), *[""] * (len(heads) - 2)]
    return table(f"Difference to {results['against']}, paired by prompt.", heads, rows, foot, kind="stack strips")


def _row(one: dict[str, Any], on: Any) -> list[object]:
    kind = "three" if not one["shown"] else "one" if one["mean"] > 0 else "two"
    level = one["length_controlled"]
    cells: list[object] = [signed(one["mean"]), interval(one), _p(one["p_holm"])]
    cells += [f"{signed(level['mean'])} ({interval(level)})" if level else DASH]
    cells += [DASH if one["smallest"] is None else shown(one["smallest"]), number(one["prompts"])]
    return [one["arm"], strip(one, on, kind, level), *cells]


def _p(value: float | None) -> str:
    """Write a p value.

    >>> _p(0.0004), _p(0.0312), _p(None) == DASH
    ('< .001', '0.031', True)
    """
    if value is None or value != value:
        return DASH
    return "< .001" if value < 0.001 else f"{value:.3f}"


def _wins(results: dict[str, Any]) -> Html:
    against = results["against"]
    rows: list[list[object]] = []
    for one in results["differences"]:
        counts = [one["win"], one["tie"], one["lose"]]
        whole = sum(counts) or 1
        said = f"{one['arm']} wins {counts[0]}, ties {counts[1]}, loses {counts[2]} prompts"
        drawn = bar([(n / whole, kind) for n, kind in zip(counts, ("kept", "pool", "gone"), strict=True)], said)
        rows.append([one["arm"], drawn, *map(number, counts)])
    heads = [("arm", "arm"), ("prompts", "bars"), ("wins", "n"), ("ties", "n"), ("loses", "n")]
    made = table(
        f"Prompts on which an arm's mean grade is above, equal to or below {against}'s.",
        heads,
        rows,
        kind="stack strips",
    )
    return join([legend((("kept", "wins"), ("pool", "ties"), ("gone", "loses"))), made])
