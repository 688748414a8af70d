"""Filter ablations that need no training: what the ledger says of steps left out and bounds moved."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from curate.errors import UserError, did_you_mean
from curate.report.steps import SAMPLE, measures
from curate.report.words import number, percent
from curate.run.folder import open_out
from curate.run.ledger import REPEATED, verdicts

if TYPE_CHECKING:
    from rich.console import Group

__all__ = ["ThresholdError", "leave_one_out", "show", "thresholds"]

FAILING = "_failing"  # how many steps a row fails


class ThresholdError(UserError):
    """Say what is wrong with a threshold that is to be moved."""


class Folder(NamedTuple):
    """A folder's manifest, its ledger with `_failing`, and for each source the steps that it takes, in their order."""

    manifest: dict[str, Any]
    ledger: pl.DataFrame
    steps: dict[str, list[dict[str, Any]]]

    def gained(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Take each record once, and none that passes already where it stands a second time: it would be `repeated`."""
        passing = self.ledger.lazy().filter(pl.col(FAILING) == 0).select("id")
        return rows.lazy().unique(["source", "id"]).join(passing, on="id", how="anti").collect()

    def never_asked(self, rows: pl.DataFrame, source: str, label: str) -> list[str]:
        """List the steps after one that some of the rows never reached: their verdicts on these are not known."""
        labels = [step["label"] for step in self.steps[source]]
        later = labels[labels.index(label) + 1 :] if rows.height else []
        return [one for one in later if rows.schema.get(one) == pl.Boolean and rows[one].null_count()]


def open_folder(out: Path) -> Folder:
    """Open an output folder; the budget's choice among rows that all steps left is no step.

    Raises OutputError where the folder is not a finished one.
    """
    manifest, lines = open_out(out)
    ledger = lines.collect()
    labels = [label for label in verdicts(ledger) if label != SAMPLE]
    failed = [(~pl.col(label)).fill_null(False).cast(pl.Int32) for label in labels]
    # The same record twice fails no step, but no step that is left out brings it back.
    again = (pl.col("dropped_by") == REPEATED).fill_null(False).cast(pl.Int32)
    counted = ledger.with_columns(pl.sum_horizontal([again, *failed]).alias(FAILING))
    own = manifest["steps"]
    return Folder(manifest, counted, {name: [*own.get(name, []), *own.get("all", [])] for name in manifest["counts"]})


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
    passing = folder.ledger.filter(pl.col("source") == source, pl.col(FAILING) == 0)
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


MOVES_SCHEMA = {
    "threshold": pl.String(),
    "source": pl.String(),
    "step": pl.String(),
    "left": pl.Int64(),  # rows that all steps leave, as it is
    "gained": pl.Int64(),
    "lost": pl.Int64(),
    "lost_of_set": pl.Int64(),  # of the lost, those that are in the set
    "never_asked": pl.List(pl.String()),
}
_SIGNS: dict[str, Callable[[Any, float], pl.Expr]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}
_MOVE = re.compile(r"\s*(.+?)\s*(>=|<=|>|<)\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*")


class Move(NamedTuple):
    """A threshold to be moved: a measured column of the ledger, `label.column`, a comparison and a number."""

    text: str
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
    parsed = [_parse(text, folder) for text in moves]
    lines = [
        _moved(move, source, folder)
        for move in parsed
        for source, steps in folder.steps.items()
        if move.label in {step["label"] for step in steps}
    ]
    return pl.DataFrame(lines, schema=MOVES_SCHEMA)


def _parse(text: str, folder: Folder) -> Move:
    match = _MOVE.fullmatch(text)
    try:
        name, sign, value = match.groups()  # type: ignore[union-attr]
        number = float(value)
    except (AttributeError, ValueError):
        raise ThresholdError(f"'{text}' is no threshold: write it like 'length.response >= 800'") from None
    measured = _measured(folder)
    if name in measured:
        return Move(text.strip(), measured[name], name, sign, number)
    label = name.partition(".")[0]
    if label in {step["label"] for steps in folder.steps.values() for step in steps} - set(measured.values()):
        columns = ", ".join(measured) or "nothing"
        raise ThresholdError(f"step '{label}' compares no number that is in the ledger; measured: {columns}")
    raise ThresholdError(f"no step measured '{name}'; {did_you_mean(name, list(measured))}")


def _measured(folder: Folder) -> dict[str, str]:
    """List the measured columns, each with its step."""
    labels = {s["label"] for steps in folder.steps.values() for s in steps if s["verb"] in {"keep", "drop"}}
    numbers = [column for column, dtype in folder.ledger.schema.items() if dtype.is_numeric() and "." in column]
    # A label may hold a dot itself: the longest that fits is the step's.
    fits = {c: [label for label in labels if c.startswith(f"{label}.")] for c in numbers}
    return {column: max(own, key=len) for column, own in fits.items() if own}


def _moved(move: Move, source: str, folder: Folder) -> dict[str, Any]:
    rows = folder.ledger.filter(pl.col("source") == source)
    passes = _passes(move, rows, [c for c, label in _measured(folder).items() if label == move.label])
    gained = folder.gained(rows.filter(pl.col(FAILING) == 1, pl.col("dropped_by") == move.label, passes))
    passing = rows.filter(pl.col(FAILING) == 0)
    # A row that the step was never asked about stays, whatever the bound.
    lost = passing.filter(pl.col(move.label).fill_null(False), ~passes)
    return {
        "threshold": move.text,
        "source": source,
        "step": move.label,
        "left": passing.height,
        "gained": gained.height,
        "lost": lost.height,
        "lost_of_set": int(lost["kept"].sum()),
        "never_asked": folder.never_asked(gained, source, move.label),
    }


def _passes(move: Move, rows: pl.DataFrame, columns: list[str]) -> pl.Expr:
    """Make the step's verdict with its bound moved.

    The ledger does not say which bound a row fails, but the numbers of the rows that pass do: what lies below all of
    them fails the lower bound, what lies above all of them the upper one. A step over several columns holds all of them
    to the same bounds.
    """
    passing = rows.filter(pl.col(move.label)).select(columns)
    numbers = [n for column in columns for n in (passing[column].min(), passing[column].max()) if n is not None]
    if not numbers:
        return pl.lit(False)
    low, high = min(numbers), max(numbers)
    measured = pl.col(move.column)
    outside = measured < low if move.sign.startswith(">") else measured > high
    others = [pl.col(column).is_between(low, high) for column in columns if column != move.column]
    fails_only_this = pl.all_horizontal([outside, *others])
    return (_SIGNS[move.sign](measured, move.value) & (pl.col(move.label) | fails_only_this)).fill_null(False)


_UPPER = "\N{LESS-THAN OR EQUAL TO} "  # at most so many: later steps were never asked about them
_LEFT_OUT = "source,left out,,asked,fails,gained,of read,mean length,of left,score,of left"
_MOVED = "threshold,source,left,gained,lost,of the set"


def show(frame: pl.DataFrame) -> Group:
    """Put the frame of `leave_one_out` or `thresholds` into what `rich` prints."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    moved = "threshold" in frame.columns
    heads, cells, texts = (_MOVED, _of_move, 2) if moved else (_LEFT_OUT, _of_step, 3)
    table = Table(box=None)
    for i, name in enumerate(heads.split(",")):
        table.add_column(name, justify="left" if i < texts else "right", overflow="fold")
    read = frame.filter(pl.col("left" if moved else "asked").max().over("source") > 0)
    for row in read.iter_rows(named=True):
        table.add_row(*(Text(cell) for cell in cells(row)))
    return Group(table, *(Text(line, style="yellow") for line in _notes(frame)))


def _of_step(row: dict[str, Any]) -> list[str]:
    lengths = [number(row[name] and round(row[name])) for name in ("length", "length_left")]
    scores = [number(row[name]) for name in ("score", "score_left")]
    counts = [number(row["asked"]), number(row["fails"]), _gained(row)]
    name = "" if row["filter"] == row["step"] else row["filter"]
    return [row["source"], row["step"], name, *counts, percent(row["share"], 1), *lengths, *scores]


def _of_move(row: dict[str, Any]) -> list[str]:
    counts = [number(row["left"]), _gained(row), number(row["lost"]), number(row["lost_of_set"])]
    return [row["threshold"], row["source"], *counts]


def _gained(row: dict[str, Any]) -> str:
    return f"{_UPPER if row['never_asked'] and row['gained'] else ''}{number(row['gained'])}"


def _notes(frame: pl.DataFrame) -> list[str]:
    """Name the steps that were never asked, and the sources without rows."""
    labels = frame["never_asked"].explode(empty_as_null=False).drop_nulls().unique(maintain_order=True).to_list()
    notes = []
    if labels:
        notes.append(
            f"{_UPPER.strip()}: at most so many. These steps see only what the others leave, so they were never asked "
            f"about all of the rows gained: {', '.join(labels)}"
        )
    if "asked" in frame.columns:
        by_source = frame.with_columns(most=pl.col("asked").max().over("source"))
        unread = by_source.filter(pl.col("most") == 0)["source"].unique(maintain_order=True).to_list()
        silent = by_source.filter(pl.col("most") > 0, pl.col("asked") == 0).select("step", "source")
        notes += [f"no row was read from {', '.join(unread)}"] if unread else []
        notes += [f"{step} was asked about no row of {source}" for step, source in silent.iter_rows()]
    return notes
