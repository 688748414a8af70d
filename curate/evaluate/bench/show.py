"""What the command prints: a table of before and after, in percent where that is what the numbers are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from curate.report.words import plural

_HEADS = ("measure", "prompts", "before", "after", "difference", "95 % interval", "")


def tables(found: Mapping[str, Any]) -> list[Table]:
    """Lay out what `bench` found: a table for each model after, or one of the model before alone."""
    before = {row["task"]: row for row in found["tasks"]}
    if not found["after"]:
        table = _table(found["before"], ("measure", "prompts", "value", "standard error"))
        for row in before.values():
            table.add_row(
                row["task"], row["measure"], f"{row['n']:,}", _value(row["value"], row), _value(row["stderr"], row)
            )
        return [table]
    return [_after(found["before"], before, after) for after in found["after"]]


def _after(name: str, before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Any]) -> Table:
    table = _table(f"{name}, then {after['model']}", _HEADS)
    for row in after["tasks"]:
        values = (_value(each["value"], row) for each in (before[row["task"]], row))
        table.add_row(row["task"], row["measure"], f"{row['n']:,}", *values, *_difference(row, row))
    share = {"share": True}
    for i, row in enumerate(after["averages"]):
        values = (_value(row[when], share) for when in ("before", "after"))
        if i == 0:
            table.add_section()
        table.add_row(row["name"], plural(row["tasks"], "task"), "", *values, *_difference(row, share))
    return table


def _difference(row: Mapping[str, Any], scale: Mapping[str, Any]) -> tuple[str, str, str]:
    inside = "-" if row["low"] is None else f"{_value(row['low'], scale, '+')} to {_value(row['high'], scale, '+')}"
    return _value(row["difference"], scale, "+"), inside, row["how"]


def _table(title: str, heads: tuple[str, ...]) -> Table:
    table = Table("task", title=title, title_justify="left")
    for head in heads:
        table.add_column(head, justify="left" if head in ("measure", "") else "right")
    return table


def _value(value: float | None, row: Mapping[str, Any], sign: str = "") -> str:
    if value is None:
        return "-"
    return format(100 * value, f"{sign}.1f") if row["share"] else format(value, f"{sign}.4g")
