"""Why a step cannot be applied, in one sentence: which step, where it stands, and what would be right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from curate.errors import UserError, did_you_mean, missing_package
from curate.recipe.step import Step, edits, expressions
from curate.rows import kind, no_text
from curate.texts import KINDS, TurnsError


class StepError(UserError):
    """Say in one sentence which step cannot be applied, where it stands, and what would be right."""


def explain_all(steps: Sequence[Step], at: int, rows: pl.DataFrame, error: BaseException) -> str:
    """Say why the step at a place cannot be applied, and which of those after it read columns that are not there."""
    made = {name for step in steps[:at] for name in _made(step)}
    sentences = [explain(steps[at], rows, error)]
    for step in steps[at:]:
        names = [c for c in columns_of(step) if c not in made and c not in rows.columns and c not in KINDS]
        sentences += [f"{_at(step)}: {no_column(name, rows.columns)}" for name in names]
        made |= set(_made(step))
    return "\n".join(dict.fromkeys(sentences))


def _made(step: Step) -> list[str]:
    """Name the columns that a step may add."""
    if step.verb == "edit":
        return [expr.meta.output_name() for expr in edits(step)]
    return [step.label] if step.verb == "score" else []


def columns_of(step: Step) -> list[str]:
    """Name the columns that a row-wise step reads."""
    read = [*(step.columns or ()), *(c for e in expressions(step) for c in e.meta.root_names())]
    return list(dict.fromkeys(read))


def _at(step: Step) -> str:
    return f"{step.place}: {step.verb} {step.name}"


def explain(step: Step, rows: pl.DataFrame, error: BaseException) -> str:
    """Say in one sentence why a row-wise step cannot be applied to these rows."""
    at, read = _at(step), columns_of(step)
    kinds = {column: pl.lit(None, dtype=pl.String) for column in read if column in KINDS}
    columns = [column for column in read if column not in kinds]
    for column in columns:
        if column not in rows.columns:
            return f"{at}: {no_column(column, rows.columns)}"
    if isinstance(error, TurnsError):
        return f"{at}: {error}"
    exprs = [e.alias(str(i)) for i, e in enumerate(expressions(step))]
    results = rows.head(0).lazy().with_columns(**kinds).select(exprs)
    if step.judges and (odd := [t for t in _types(results) if t != pl.Boolean]):
        return f"{at}: gives {kind(odd[0])}, where true or false is needed of each row"
    return f"{at}: {misfit(error, rows, columns)}"


def _types(frame: pl.LazyFrame) -> list[pl.DataType]:
    try:
        return frame.collect_schema().dtypes()
    except pl.exceptions.PolarsError:
        return []


def no_column(column: str, columns: Iterable[str]) -> str:
    """Say that a column is not there, and which one may be meant."""
    others = [*(c for c in columns if c not in {"id", "source"}), *KINDS]
    return f"reads the column '{column}', which these rows do not have; {did_you_mean(column, others)}"


def taken(label: str) -> str:
    """Say that a score has the name of a column that is there."""
    return f"these rows have a column '{label}' already, which would be lost: give the score another name with `as`"


def misfit(error: BaseException, rows: pl.DataFrame, columns: Iterable[str]) -> str:
    """Say an error in one line; an engine's own word on types is led in by what the columns hold."""
    if package := missing_package(error):
        return package
    first = (str(error) or "it says no more").strip().splitlines()[0]
    if isinstance(error, pl.exceptions.PolarsError):
        if words := no_text(error, rows, columns):
            return words
        holds = [f"'{c}' holds {kind(rows.schema[c])}" for c in dict.fromkeys(columns) if c in rows.columns]
        return ": ".join([*([", ".join(holds)] if holds else []), first])
    in_words = isinstance(error, ValueError | UserError | ModuleNotFoundError)
    return first if in_words else f"{type(error).__name__}: {first}"
