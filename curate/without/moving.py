"""What a threshold that is moved would gain and lose, read from the numbers that steps measured."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.errors import UserError
from curate.places import did_you_mean
from curate.without.pool import FAILING, Folder, gained_by, labels_after, never_asked, open_folder

SCHEMA = {
    "threshold": pl.String(),
    "source": pl.String(),
    "step": pl.String(),
    "left": pl.Int64(),  # rows that all steps leave, as it is
    "gained": pl.Int64(),
    "lost": pl.Int64(),
    "lost_of_set": pl.Int64(),  # of the lost, those that are in the set
    "never_asked": pl.List(pl.String()),
}
_MOVE = re.compile(r"\s*(.+?)\s*(>=|<=|>|<)\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*")


class ThresholdError(UserError):
    """Say what is wrong with a threshold that is to be moved."""


class Move(NamedTuple):
    """A threshold to be moved: a measured column of the ledger, `label.column`, a comparison and a number."""

    said: str
    label: str
    column: str
    sign: str
    value: float


def thresholds(out: Path, moves: Sequence[str]) -> pl.DataFrame:
    """Say what moved thresholds would gain and lose, each for itself, without running anything again.

    Args:
        out: A finished output folder.
        moves: Such as "length.response >= 800": a measured column of the ledger and what is to pass. It takes the
            place of the step's bound on that side (`>=` and `>`: the lower one), or is put there where there was none;
            what the step asks on the other side and of other columns, and all other steps, stay as they are.

    Returns a line a move and source that takes the step: rows `left` by all steps as it is, rows `gained` and `lost`,
    of these `lost_of_set`, and the later steps that gained rows were `never_asked` by, so that `gained` is the most
    that it can be.

    Raises OutputError where the folder is not a finished one, ThresholdError for a move that cannot be read or a
    column that no step measured.
    """
    folder = open_folder(out)
    settled = [_settled(move, folder) for move in moves]
    lines = [_moved(move, source, folder) for move in settled for source in _sources(move, folder)]
    return pl.DataFrame(lines, schema=SCHEMA)


def _settled(said: str, folder: Folder) -> Move:
    found = _MOVE.fullmatch(said)
    try:
        name, sign, value = found.groups()  # type: ignore[union-attr]
        number = float(value)
    except (AttributeError, ValueError):
        raise ThresholdError(f"'{said}' is no threshold: write it like 'length.response >= 800'") from None
    measured = _measured(folder)
    if name in measured:
        return Move(said.strip(), measured[name], name, sign, number)
    label = name.partition(".")[0]
    if label in {step["label"] for steps in folder.steps.values() for step in steps} - set(measured.values()):
        known = ", ".join(measured) or "nothing"
        raise ThresholdError(f"step '{label}' compares no number that is in the ledger; measured: {known}")
    raise ThresholdError(f"no step measured '{name}'; {did_you_mean(name, list(measured))}")


def _measured(folder: Folder) -> dict[str, str]:
    """List the measured columns, each with its step."""
    labels = {s["label"] for steps in folder.steps.values() for s in steps if s["verb"] in {"keep", "drop"}}
    numbers = [column for column, dtype in folder.ledger.schema.items() if dtype.is_numeric() and "." in column]
    # A label may hold a dot itself: the longest that fits is the step's.
    fits = {c: [label for label in labels if c.startswith(f"{label}.")] for c in numbers}
    return {column: max(found, key=len) for column, found in fits.items() if found}


def _sources(move: Move, folder: Folder) -> list[str]:
    return [name for name, steps in folder.steps.items() if move.label in {step["label"] for step in steps}]


def _moved(move: Move, source: str, folder: Folder) -> dict[str, Any]:
    rows = folder.ledger.filter(pl.col("source") == source)
    passes = _passes(move, rows, [c for c, label in _measured(folder).items() if label == move.label])
    gained = gained_by(folder, rows.filter(pl.col(FAILING) == 1, pl.col("dropped_by") == move.label, passes))
    left = rows.filter(pl.col(FAILING) == 0)
    # A row that the step was never asked about is left by it, whatever its bound.
    lost = left.filter(pl.col(move.label).fill_null(False), ~passes)
    return {
        "threshold": move.said,
        "source": source,
        "step": move.label,
        "left": left.height,
        "gained": gained.height,
        "lost": lost.height,
        "lost_of_set": int(lost["kept"].sum()),
        "never_asked": never_asked(gained, labels_after(folder.steps[source], move.label)),
    }


def _passes(move: Move, rows: pl.DataFrame, columns: list[str]) -> pl.Expr:
    """Make the step's verdict with its bound moved.

    The ledger does not say which bound a row fails, but the numbers of the rows that pass do: what lies below all of
    them fails the lower bound, what lies above all of them the upper one. A step over several columns holds all of them
    to the same bounds.
    """
    passing = rows.filter(pl.col(move.label)).select(columns)
    numbers = [
        value for column in columns for value in (passing[column].min(), passing[column].max()) if value is not None
    ]
    measured = pl.col(move.column)
    asked = {">=": measured >= move.value, ">": measured > move.value}
    asked |= {"<=": measured <= move.value, "<": measured < move.value}
    if not numbers:
        return pl.lit(False)
    low, high = min(numbers), max(numbers)
    outside = measured < low if move.sign.startswith(">") else measured > high
    others = [pl.col(column).is_between(low, high) for column in columns if column != move.column]
    fails_only_this = pl.all_horizontal([outside, *others])
    return (asked[move.sign] & (pl.col(move.label) | fails_only_this)).fill_null(False)
