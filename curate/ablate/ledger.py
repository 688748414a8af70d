"""Filter ablations that need no training: what the ledger says of steps left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from curate.report.steps import measures
from curate.report.words import number, percent
from curate.run.what_if import FAILING, Folder, open_folder

if TYPE_CHECKING:
    from rich.console import Group

SCHEMA = {
    "source": pl.String(),
    "step": pl.String(),
    "verb": pl.String(),
    "filter": pl.String(),
    "asked": pl.Int64(),
    "fails": pl.Int64(),
    "gained": pl.Int64(),
    "share": pl.Float64(),  # of the rows read from the source
    "never_asked": pl.List(pl.String()),
    "length": pl.Float64(),
    "length_left": pl.Float64(),
    "score": pl.Float64(),
    "score_left": pl.Float64(),
}


_CHANGES = {"edit", "score", "answer", "pair"}  # verbs that keep or drop nothing of a finished row


def leave_one_out(out: Path) -> pl.DataFrame:
    """Say for every step of a finished folder what leaving it out would gain, without running anything again.

    A line a source and step that keeps or drops rows: `asked` rows, those it `fails`, and `gained`, those that nothing
    else refuses (the funnel's "alone", but each record once), as a `share` of the rows read: so many more rows to
    choose the set from.

    `never_asked` names the later steps that some of these rows did not reach, since steps that run a model or look at
    the whole pool see only what is left: where it is not empty, `gained` is the most that it can be. `length` (of
    answers, in characters) and `score` are the means of the gained rows, `length_left` and `score_left` those of the
    rows that all steps leave; null where no step measured them.

    Raises OutputError where the folder is not a finished one.
    """
    folder = open_folder(out)
    single = folder.gained(folder.ledger.filter(pl.col(FAILING) == 1))
    by_step = single.partition_by("source", "dropped_by", as_dict=True)
    lines = [line for source in folder.steps for line in _of_source(folder, source, by_step)]
    return pl.DataFrame(lines, schema=SCHEMA)


def _of_source(folder: Folder, source: str, by_step: dict[tuple[Any, ...], pl.DataFrame]) -> Iterator[dict[str, Any]]:
    counts = {row["step"]: row for row in folder.manifest["funnel"] if row["source"] == source}
    columns = _columns(folder, source)
    passing = folder.ledger.filter(pl.col("source") == source, pl.col(FAILING) == 0).collect()
    for step in (step for step in folder.steps[source] if step["verb"] not in _CHANGES):
        label = step["label"]
        count = counts.get(label, {"asked": 0, "fails": 0})
        gained = by_step.get((source, label), passing.clear())
        yield {
            **{"source": source, "step": label, "verb": step["verb"], "filter": step["filter"]},
            **{"asked": count["asked"], "fails": count["fails"], "gained": gained.height},
            "share": gained.height / max(folder.manifest["counts"][source]["read"], 1),
            "never_asked": folder.never_asked(gained, source, label),
            **_means(gained, columns, ""),
            **_means(passing, columns, "_left"),
        }


def _columns(folder: Folder, source: str) -> dict[str, str]:
    """Find the ledger's columns of a source that are lengths of answers, and scores."""
    own = [measure for measure in measures(folder.ledger, folder.manifest) if source in measure.sources]
    lengths = [measure.column for measure in own if measure.is_response_length]
    scores = [measure.column for measure in own if "score" in (measure.of, measure.column)]
    return {name: columns[0] for name, columns in (("length", lengths), ("score", scores)) if columns}


def _means(rows: pl.DataFrame, columns: dict[str, str], suffix: str) -> dict[str, Any]:
    return {f"{name}{suffix}": rows[column].mean() for name, column in columns.items()}


_UPPER = "\N{LESS-THAN OR EQUAL TO} "  # at most so many: later steps were never asked about them
_HEADS = "source,left out,,asked,fails,gained,of read,mean length,of left,score,of left"


def show(frame: pl.DataFrame) -> Group:
    """Put the frame of `leave_one_out` into what `rich` prints."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None)
    for i, name in enumerate(_HEADS.split(",")):
        table.add_column(name, justify="left" if i < 3 else "right", overflow="fold")
    for row in frame.filter(pl.col("asked").max().over("source") > 0).iter_rows(named=True):
        table.add_row(*(Text(cell) for cell in _of_step(row)))
    return Group(table, *(Text(line, style="yellow") for line in _notes(frame)))


def _of_step(row: dict[str, Any]) -> list[str]:
    lengths = [number(row[name] and round(row[name])) for name in ("length", "length_left")]
    scores = [number(row[name]) for name in ("score", "score_left")]
    gained = f"{_UPPER if row['never_asked'] and row['gained'] else ''}{number(row['gained'])}"
    counts = [number(row["asked"]), number(row["fails"]), gained]
    name = "" if row["filter"] == row["step"] else row["filter"]
    return [row["source"], row["step"], name, *counts, percent(row["share"], 1), *lengths, *scores]


def _notes(frame: pl.DataFrame) -> list[str]:
    """Name the steps that were never asked, and the sources without rows."""
    labels = frame["never_asked"].explode(empty_as_null=False).drop_nulls().unique(maintain_order=True).to_list()
    notes = []
    if labels:
        notes.append(
            f"{_UPPER.strip()}: at most so many. These steps see only what the others leave, so they were never asked "
            f"about all of the rows gained: {', '.join(labels)}"
        )
    by_source = frame.with_columns(most=pl.col("asked").max().over("source"))
    unread = by_source.filter(pl.col("most") == 0)["source"].unique(maintain_order=True).to_list()
    silent = by_source.filter(pl.col("most") > 0, pl.col("asked") == 0).select("step", "source")
    notes += [f"no row was read from {', '.join(unread)}"] if unread else []
    return notes + [f"{step} was asked about no row of {source}" for step, source in silent.iter_rows()]
