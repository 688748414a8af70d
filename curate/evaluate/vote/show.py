"""What the maker of a vote sees on the screen: what was drawn, and what the votes say, as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.table import Table

from curate.report.words import plural


def summary(key: Mapping[str, Any]) -> str:
    """Say in a line what stands in a page, and what was left out."""
    pairs = Counter((item["a"], item["b"]) for item in key["items"].values())
    counts = ", ".join(f"{n} of {a} and {b}" for (a, b), n in pairs.items())
    missing = [f"{n} left out: {why}" for why, n in key["left_out"].items()]
    return "; ".join([f"{plural(len(key['items']), 'comparison')}: {counts}", *missing])


def tables(counts: Mapping[str, Any]) -> list[Table]:
    """Lay out what `read` counted: models, pairs where there are several, voters, and who agrees with whom."""
    rates = [_rates("Models", [(row["model"], row) for row in counts["models"]])]
    if len(counts["pairs"]) > 1:
        rates.append(_rates("Pairs", [(f"{row['a']} against {row['b']}", row) for row in counts["pairs"]]))
    agreed = [(" and ".join(row["voters"]), row) for row in counts["agreement"]]
    if counts["judge"]:
        agreed += [(f"{row['voter']} and the judge", row) for row in counts["judge"]["voters"]]
        agreed.append(("all votes and the judge", counts["judge"]["all"]))
    return [*rates, _voters(counts), *([_agreement(agreed)] if agreed else [])]


def _rates(title: str, rows: list[tuple[str, Mapping[str, Any]]]) -> Table:
    clustered = any("by_prompt" in row for _, row in rows)
    heads = ["chosen", "of", "ties", "selection rate", "95 % interval", *(["… of prompts"] if clustered else [])]
    table = _table(title, heads)
    for name, row in rows:
        numbers = [f"{row[key]:,}" for key in ("chosen", "decided", "ties")]
        more = [_interval(row["by_prompt"]) if "by_prompt" in row else "-"] if clustered else []
        table.add_row(name, *numbers, _percent(row.get("rate")), _interval(row), *more)
    return table


def _voters(counts: Mapping[str, Any]) -> Table:
    table = _table("Voters", ["votes", "ties", "the first one chosen", "95 % interval"])
    for row in [*counts["voters"], {"voter": "all", "votes": counts["votes"], **counts["position"]}]:
        table.add_row(row["voter"], f"{row['votes']:,}", f"{row['ties']:,}", _percent(row.get("rate")), _interval(row))
    return table


def _agreement(rows: list[tuple[str, Mapping[str, Any]]]) -> Table:
    table = _table("Agreement", ["on", "ties discounted", "95 % interval", "kappa"])
    for name, row in rows:
        kappa = "-" if row["kappa"] is None else f"{row['kappa']:.2f}"
        table.add_row(name, f"{row['n']:,}", _percent(row.get("agreement")), _interval(row), kappa)
    return table


def _table(title: str, heads: list[str]) -> Table:
    table = Table("", title=title, title_justify="left")
    for head in heads:
        table.add_column(head, justify="right")
    return table


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _interval(row: Mapping[str, Any]) -> str:
    return "-" if row.get("low") is None else f"{row['low']:.1%} to {row['high']:.1%}"
