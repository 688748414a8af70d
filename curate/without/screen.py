"""What leaving out steps and moving thresholds would do, as tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from curate.report.html import number, percent

if TYPE_CHECKING:
    from rich.console import Group

_UPPER = "\N{LESS-THAN OR EQUAL TO} "  # at most so many: later steps were never asked about them


def show(found: pl.DataFrame) -> Group:
    """Put the frame of `leave_one_out` or `thresholds` into what `rich` prints."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    moved = "threshold" in found.columns
    heads, cells = (_MOVED, _of_move) if moved else (_LEFT_OUT, _of_step)
    there = found.filter(pl.col("left" if moved else "asked").max().over("source") > 0)
    made = Table(box=None)
    texts = 2 if moved else 3
    for i, name in enumerate(heads):
        made.add_column(name, justify="left" if i < texts else "right", overflow="fold")
    for row in there.iter_rows(named=True):
        made.add_row(*(Text(cell) for cell in cells(row)))
    return Group(made, *(Text(line, style="yellow") for line in _notes(found)))


_LEFT_OUT = (
    "source",
    "left out",
    "",
    "asked",
    "fails",
    "gained",
    "of read",
    "mean length",
    "of left",
    "score",
    "of left",
)
_MOVED = ("threshold", "source", "left", "gained", "lost", "of the set")


def _of_step(row: dict[str, Any]) -> list[str]:
    lengths = [number(row[name] and round(row[name])) for name in ("length", "length_left")]
    scores = [number(row[name]) for name in ("score", "score_left")]
    counts = [number(row["asked"]), number(row["fails"]), _gained(row)]
    said = "" if row["filter"] == row["step"] else row["filter"]
    return [row["source"], row["step"], said, *counts, percent(row["share"], 1), *lengths, *scores]


def _of_move(row: dict[str, Any]) -> list[str]:
    counts = [number(row["left"]), _gained(row), number(row["lost"]), number(row["lost_of_set"])]
    return [row["threshold"], row["source"], *counts]


def _gained(row: dict[str, Any]) -> str:
    return f"{_UPPER if row['never_asked'] and row['gained'] else ''}{number(row['gained'])}"


def _notes(found: pl.DataFrame) -> list[str]:
    """Say of which steps it is not known what they would have said."""
    labels = found["never_asked"].explode(empty_as_null=False).drop_nulls().unique(maintain_order=True).to_list()
    notes = []
    if labels:
        notes.append(
            f"{_UPPER.strip()}: at most so many. These steps see only what the others leave, so they were never asked "
            f"about all of the rows gained: {', '.join(labels)}"
        )
    if "asked" in found.columns:
        asked = found.with_columns(most=pl.col("asked").max().over("source"))
        unread = asked.filter(pl.col("most") == 0)["source"].unique(maintain_order=True).to_list()
        silent = asked.filter(pl.col("most") > 0, pl.col("asked") == 0).select("step", "source")
        notes += [f"no row was read from {', '.join(unread)}"] if unread else []
        notes += [f"{step} was asked about no row of {source}" for step, source in silent.iter_rows()]
    return notes
