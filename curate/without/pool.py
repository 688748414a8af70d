"""A finished output folder seen as rows that each step alone keeps out, and rows that all steps left."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.ledger import REPEATED, verdicts
from curate.report.steps import SAMPLE
from curate.work import open_out

FAILING = "_failing"  # how many steps a row fails


class Folder(NamedTuple):
    """A folder's manifest, its ledger with `_failing`, and for each source the steps that it takes, in their order."""

    manifest: dict[str, Any]
    ledger: pl.DataFrame
    steps: dict[str, list[dict[str, Any]]]


def open_folder(out: Path) -> Folder:
    """Open an output folder; the budget's choice among rows that all steps left is no step.

    Raises OutputError where the folder is not a finished one.
    """
    manifest, ledger = open_out(out)
    labels = [label for label in verdicts(ledger) if label != SAMPLE]
    failed = [(~pl.col(label)).fill_null(False).cast(pl.Int32) for label in labels]
    # The same record twice fails no step, but no step that is left out brings it back.
    again = (pl.col("dropped_by") == REPEATED).fill_null(False).cast(pl.Int32)
    counted = ledger.with_columns(pl.sum_horizontal([again, *failed]).alias(FAILING))
    own = manifest["steps"]
    return Folder(manifest, counted, {name: [*own.get(name, []), *own.get("all", [])] for name in manifest["counts"]})


def gained_by(folder: Folder, rows: pl.DataFrame) -> pl.DataFrame:
    """Take each record once, and none that is left already where it stands a second time: it would be `repeated`."""
    left = folder.ledger.lazy().filter(pl.col(FAILING) == 0).select("id")
    return rows.lazy().unique(["source", "id"]).join(left, on="id", how="anti").collect()


def never_asked(rows: pl.DataFrame, later: list[str]) -> list[str]:
    """List the later steps that some of the rows never reached: what these would have said is not known."""
    there = [label for label in later if rows.height and rows.schema.get(label) == pl.Boolean]
    return [label for label in there if rows[label].null_count()]


def labels_after(steps: list[dict[str, Any]], label: str) -> list[str]:
    """List the labels of the steps after one."""
    labels = [step["label"] for step in steps]
    return labels[labels.index(label) + 1 :]
