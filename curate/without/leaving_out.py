"""What each step alone keeps out: the rows that would be left too if it were taken out of the recipe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from curate.report.measures import measures
from curate.without.pool import FAILING, Folder, gained_by, labels_after, never_asked, open_folder

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
    single = gained_by(folder, folder.ledger.filter(pl.col(FAILING) == 1)).partition_by(
        "source", "dropped_by", as_dict=True
    )
    lines = [line for source in folder.steps for line in _of_source(folder, source, single)]
    return pl.DataFrame(lines, schema=SCHEMA)


def _of_source(folder: Folder, source: str, single: dict[tuple[Any, ...], pl.DataFrame]) -> Iterator[dict[str, Any]]:
    counts = {row["step"]: row for row in folder.manifest["funnel"] if row["source"] == source}
    steps, columns = folder.steps[source], _columns(folder, source)
    left = folder.ledger.filter(pl.col("source") == source, pl.col(FAILING) == 0)
    for step in (step for step in steps if step["verb"] not in _CHANGES):
        label = step["label"]
        count = counts.get(label, {"asked": 0, "fails": 0})
        gained = single.get((source, label), left.clear())
        yield {
            **{"source": source, "step": label, "verb": step["verb"], "filter": step["filter"]},
            **{"asked": count["asked"], "fails": count["fails"], "gained": gained.height},
            "share": gained.height / max(folder.manifest["counts"][source]["read"], 1),
            "never_asked": never_asked(gained, labels_after(steps, label)),
            **_means(gained, columns, ""),
            **_means(left, columns, "_left"),
        }


def _columns(folder: Folder, source: str) -> dict[str, str]:
    """Find the ledger's columns of a source that are lengths of answers, and scores."""
    own = [measure for measure in measures(folder.ledger, folder.manifest) if source in measure.sources]
    lengths = [measure.column for measure in own if measure.is_response_length]
    scores = [measure.column for measure in own if "score" in (measure.of, measure.column)]
    return {name: found[0] for name, found in (("length", lengths), ("score", scores)) if found}


def _means(rows: pl.DataFrame, columns: dict[str, str], suffix: str) -> dict[str, Any]:
    return {f"{name}{suffix}": rows[column].mean() for name, column in columns.items()}
