"""What if a bound were another one: asked of a ledger, which has every verdict and every measure; nothing runs again.

What a ledger does not hold is not known here. A step that runs a model or looks at the whole pool was asked only about
the rows that the steps before it left: it is not asked again about rows that a moved bound lets through, so what is
gained is then the most that it can be, and what it dropped in favour of a row that is lost stays dropped.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import polars as pl

from curate.errors import UserError, did_you_mean
from curate.recipe.step import bounds
from curate.report.steps import SAMPLE
from curate.run.folder import open_out
from curate.run.ledger import OVERRIDES, REPEATED, verdicts

FAILING = "_failing"  # how many steps a row fails
_LONG = 2_000_000  # rows: to look at the bounds of more takes memory that a run does not
_FEW = 3  # ways that are said of each source


class ThresholdError(UserError):
    """Say what is wrong with a threshold that is to be moved."""


class Folder(NamedTuple):
    """A manifest, its ledger with `_failing`, and for each source the steps that it takes, in their order."""

    manifest: dict[str, Any]
    ledger: pl.LazyFrame
    steps: dict[str, list[dict[str, Any]]]

    def gained(self, rows: pl.LazyFrame) -> pl.DataFrame:
        """Take each record once, and none that passes already where it stands a second time: it would be `repeated`."""
        passing = self.ledger.filter(pl.col(FAILING) == 0).select("id")
        return rows.unique(["source", "id"]).join(passing, on="id", how="anti").collect()

    def never_asked(self, rows: pl.DataFrame, source: str, label: str) -> list[str]:
        """List the steps after one that some of the rows never reached: their verdicts on these are not known."""
        labels = [step["label"] for step in self.steps[source]]
        later = labels[labels.index(label) + 1 :] if rows.height else []
        return [one for one in later if rows.schema.get(one) == pl.Boolean and rows[one].null_count()]


def open_folder(out: Path) -> Folder:
    """Open an output folder; raise OutputError where it is not a finished one."""
    manifest, ledger = open_out(out)
    return of(manifest, ledger.drop("detail").collect().lazy())


def of(manifest: dict[str, Any], ledger: pl.LazyFrame) -> Folder:
    """Make of a manifest and a ledger what can be asked; the budget's choice among the rows left is no step.

    A row that was accepted by hand passes whatever is measured, so it is as one that no step was asked about.
    """
    labels = [label for label in verdicts(ledger) if label != SAMPLE]
    if OVERRIDES in labels:
        by_hand = pl.col(OVERRIDES).fill_null(False)
        ledger = ledger.with_columns(pl.when(~(by_hand & pl.col(label))).then(label) for label in labels)
    failed = [(~pl.col(label)).fill_null(False).cast(pl.Int32) for label in labels]
    # The same record twice fails no step, but no step that is left out brings it back.
    again = (pl.col("dropped_by") == REPEATED).fill_null(False).cast(pl.Int32)
    counted = ledger.drop("detail", strict=False).with_columns(pl.sum_horizontal([again, *failed]).alias(FAILING))
    own = manifest["steps"]
    return Folder(manifest, counted, {name: [*own.get(name, []), *own.get("all", [])] for name in manifest["counts"]})


SCHEMA = {
    "threshold": pl.String(),
    "source": pl.String(),
    "step": pl.String(),
    "left": pl.Int64(),  # rows that all steps leave, as it is
    "gained": pl.Int64(),
    "lost": pl.Int64(),
    "lost_of_set": pl.Int64(),  # of the lost, those that are in the set
    "never_asked": pl.List(pl.String()),
    "not_redone": pl.List(pl.String()),
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
    of these `lost_of_set`; the later steps that gained rows were `never_asked` by, so that `gained` is the most that it
    can be; and the later selects that are `not_redone`, each of which may keep another row in place of one that is
    lost, so that `lost` is then the most that it can be.

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
    return pl.DataFrame(lines, schema=SCHEMA)


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
    schema = folder.ledger.collect_schema()
    numbers = [column for column, dtype in schema.items() if dtype.is_numeric() and "." in column]
    # A label may hold a dot itself: the longest that fits is the step's.
    fits = {c: [label for label in labels if c.startswith(f"{label}.")] for c in numbers}
    return {column: max(own, key=len) for column, own in fits.items() if own}


def _own(folder: Folder, label: str) -> list[str]:
    return [column for column, of in _measured(folder).items() if of == label]


def _moved(move: Move, source: str, folder: Folder) -> dict[str, Any]:
    rows = folder.ledger.filter(pl.col("source") == source)
    columns = _own(folder, move.label)
    step = next(step for step in folder.steps[source] if step["label"] == move.label)
    passes = _passes(move, columns, _edges(rows, step, columns))
    gained = folder.gained(rows.filter(pl.col(FAILING) == 1, pl.col("dropped_by") == move.label, passes))
    passing = rows.filter(pl.col(FAILING) == 0).collect()
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
        "not_redone": [one["label"] for one in _after(folder, source, move.label) if lost.height and _is_select(one)],
    }


def _after(folder: Folder, source: str, label: str) -> list[dict[str, Any]]:
    steps = folder.steps[source]
    return steps[[step["label"] for step in steps].index(label) + 1 :]


def _is_select(step: dict[str, Any]) -> bool:
    return bool(step["verb"] == "select")


def _edges(rows: pl.LazyFrame, step: dict[str, Any], columns: list[str]) -> tuple[float, float]:
    """Find between which numbers a step lets rows pass.

    The ledger does not say which bound a row fails, but the numbers of the rows that pass do: what lies below all of
    them fails the lower bound, what lies above all of them the upper one. Where none passes the recipe's numbers tell.
    A step over several columns holds all of them to the same bounds.
    """
    some = rows.filter(pl.col(step["label"])).select(columns)
    least, greatest = some.min().collect().row(0), some.max().collect().row(0)
    numbers = [n for n in (*least, *greatest) if n is not None] or list(bounds(step).values())
    return (min(numbers), max(numbers)) if numbers else (float("nan"), float("nan"))


def _outside(column: str, columns: list[str], edges: tuple[float, float], *, below: bool) -> pl.Expr:
    """Find the rows that fail a step by one column alone, on one side."""
    low, high = edges
    beyond = pl.col(column) < low if below else pl.col(column) > high
    return pl.all_horizontal([beyond, *(pl.col(c).is_between(low, high) for c in columns if c != column)])


def _passes(move: Move, columns: list[str], edges: tuple[float, float]) -> pl.Expr:
    """Make the step's verdict with its bound moved."""
    fails_only_this = _outside(move.column, columns, edges, below=move.sign.startswith(">"))
    moved = _SIGNS[move.sign](pl.col(move.column), move.value)
    return (moved & (pl.col(move.label) | fails_only_this)).fill_null(False)


class Bound(NamedTuple):
    """A bound of a step on one source, and by their numbers the rows that it alone decides about.

    `gained` are the numbers of the rows that nothing but this bound keeps out, `lost` those of the rows that pass every
    step, `left` of them. A bound `below` is the least number that passes; a `strict` one does not pass itself.
    """

    source: str
    label: str
    column: str
    below: bool
    strict: bool
    was: float
    left: int
    gained: pl.Series
    lost: pl.Series
    open: list[str]  # later steps that were not asked about what is gained, and selects that are not done again

    def change(self, value: float) -> int:
        """Count the rows more, or fewer, that pass every step with another number in the place of this bound."""
        if value == self.was:
            return 0
        # The numbers are in order: those from a place on are above the bound.
        side: Literal["left", "right"] = "right" if self.strict is self.below else "left"
        gained, lost = (int(numbers.search_sorted(value, side)) for numbers in (self.gained, self.lost))
        if self.below:
            return len(self.gained) - gained if value < self.was else -lost
        return gained if value > self.was else lost - len(self.lost)


def movable(manifest: dict[str, Any], ledger: pl.LazyFrame) -> Iterator[Bound]:
    """List the bounds of steps whose measure is in a ledger, with what moving each of them alone would change.

    None of a ledger that is too long to be looked at for that.
    """
    if sum(count["read"] for count in manifest["counts"].values()) > _LONG:
        return
    folder = of(manifest, ledger)
    # Rows that fail two steps are decided about by neither; ids are only compared, and texts of 32 digits take memory.
    few = folder.ledger.filter(pl.col(FAILING) <= 1).select(
        *("source", "dropped_by", FAILING, pl.col("id").hash()), *verdicts(ledger), *_measured(folder)
    )
    every = few.collect(engine="streaming")
    # Each record once, and none that passes where it stands a second time, as `Folder.gained` has it.
    passes = every.filter(pl.col(FAILING) == 0)["id"].implode()
    new = pl.col("id").is_first_distinct() & ~pl.col("id").is_in(passes)
    for source, steps in folder.steps.items():
        rows = every.filter(pl.col("source") == source)
        passing = rows.filter(pl.col(FAILING) == 0)
        for step in steps:
            own = _own(folder, step["label"])
            if step["verb"] not in {"keep", "drop"} or not own:
                continue
            single = rows.filter(pl.col(FAILING) == 1, pl.col("dropped_by") == step["label"])
            edges, sides = _sides(rows.lazy(), step, own)
            for column, below, was in sides:
                gained = single.filter(_outside(column, own, edges, below=below)).filter(new)
                lost = passing.filter(pl.col(step["label"]).fill_null(False))
                selects = [one["label"] for one in _after(folder, source, step["label"]) if _is_select(one)]
                later = dict.fromkeys([*folder.never_asked(gained, source, step["label"]), *selects])
                if not gained.height and (column, not below, was) in sides:
                    continue  # one number and all that pass are equal to it: it bounds the other side
                more, fewer = (frame[column].drop_nulls().drop_nans().sort() for frame in (gained, lost))
                strict = step["verb"] == "drop"
                yield Bound(source, step["label"], column, below, strict, was, passing.height, more, fewer, list(later))


def _sides(
    rows: pl.LazyFrame, step: dict[str, Any], own: list[str]
) -> tuple[tuple[float, float], list[tuple[str, bool, float]]]:
    """Find between which numbers a step lets rows pass, and of each of its columns the bound below and that above."""
    low, high = edges = _edges(rows, step, own)
    limits = bounds(step).values()
    under, over = [n for n in limits if n <= low], [n for n in limits if n >= high]
    sides = [(True, max(under))] if under else []
    sides += [(False, min(over))] if over else []
    return edges, [(column, below, was) for column in own for below, was in sides]


def reach(manifest: dict[str, Any], ledger: pl.LazyFrame) -> list[dict[str, Any]]:
    """Say what alone would make up for what is missing: a bound moved how far, or a step left out, source by source.

    A line a way, at most three a source, those that reach the size first: `source`, its `missing` rows, `step`,
    `move` (as `thresholds` takes it; or "without STEP", or "STEP: n 90" of a select that keeps a fixed number), `was`
    (the recipe's number), `rows` gained, `at_most` where later steps were not asked about all of them.
    """
    folder = of(manifest, ledger)
    table = [row for row in manifest["table"] if row["source"] not in manifest["absent"]]
    together = sum(row["asked"] - row["taken"] for row in manifest["table"])
    redistribute = manifest["recipe"].get("shortfall") == "redistribute"
    lines = []
    for row in table:
        missing = together if redistribute else row["asked"] - row["available"]
        if missing > 0:
            ways = [way for step in folder.steps[row["source"]] for way in _ways(folder, row, step, missing)]
            lines += sorted(ways, key=partial(_rank, missing))[:_FEW]
    return [{name: value for name, value in line.items() if name != "distance"} for line in lines]


def _rank(missing: int, way: dict[str, Any]) -> tuple[bool, float]:
    """Order ways: those that reach the size by how near they are, then the others by how far they go."""
    reaches = way["rows"] >= missing
    return not reaches, way["distance"] if reaches else -way["rows"]


def _ways(folder: Folder, row: dict[str, Any], step: dict[str, Any], missing: int) -> Iterator[dict[str, Any]]:
    """List what a step could let through, the nearest rows first and no more than are missing."""
    source, label = row["source"], step["label"]
    # A later select with a number of its own lets no more through, whatever comes to it.
    if step["verb"] not in {"keep", "drop", "select"} or any(map(_fixed, _after(folder, source, label))):
        return
    rows = folder.ledger.filter(pl.col("source") == source)
    single = rows.filter(pl.col(FAILING) == 1, pl.col("dropped_by") == label)
    own, limits = _own(folder, label), bounds(step)
    common = {"source": source, "missing": missing, "step": label}
    if _fixed(step) or not own or not limits:
        gained = _room(folder, row, folder.gained(single))
        if gained.height:
            more = min(gained.height, missing)
            move = f"{label}: n {step['params']['n'] + more}" if _fixed(step) else f"without {label}"
            count = more if _fixed(step) else gained.height
            at_most = bool(folder.never_asked(gained, source, label))
            yield {**common, "move": move, "was": limits.get("n"), "rows": count, "at_most": at_most, "distance": 1.0}
        return
    edges, sides = _sides(rows, step, own)
    for column, below, bound in sides:
        gained = folder.gained(single.filter(_outside(column, own, edges, below=below)))
        gained = _room(folder, row, gained.sort(column, "id", descending=[below, False])).head(missing)
        if not gained.height:
            continue
        value = gained[column][-1]
        # As many as that number lets through, which may be more than are missing.
        beyond = pl.col(column) >= value if below else pl.col(column) <= value
        gained = _room(folder, row, folder.gained(single.filter(_outside(column, own, edges, below=below), beyond)))
        yield {
            **common,
            "move": f"{column} {'>=' if below else '<='} {value:.10g}",
            "was": bound,
            "rows": gained.height,
            "at_most": bool(folder.never_asked(gained, source, label)),
            "distance": abs(value - bound) / (abs(bound) or 1.0),
        }


def _fixed(step: dict[str, Any]) -> bool:
    return _is_select(step) and step["params"].get("n") is not None


def _room(folder: Folder, row: dict[str, Any], rows: pl.DataFrame) -> pl.DataFrame:
    """Leave out rows of domains that give no more, where the source's sample takes a number of each."""
    sample = (folder.manifest["recipe"]["sources"][row["source"]] or {}).get("sample") or {}
    cap = sample.get("per_domain")
    if cap is None or sample.get("by") != "domain":
        return rows
    passing = folder.ledger.filter(pl.col("source") == row["source"], pl.col(FAILING) == 0)
    there = passing.group_by("domain").agg(_there=pl.len()).collect()
    rows = rows.join(there, on="domain", how="left", nulls_equal=True, maintain_order="left")
    place = pl.int_range(pl.len()).over("domain") + pl.col("_there").fill_null(0)
    return rows.filter(place < cap).drop("_there")
