"""Steps that look at turns: asked about each text of a row, and what they say of these made one verdict of the row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import polars as pl

from curate import texts
from curate.recipe.step import Ask, Step, asks, edits, looks_at, scores, spans
from curate.texts import AT


class Answers(NamedTuple):
    """What steps say of rows: verdicts and measures as the ledger has them, and why, where they looked at turns.

    `why` has for such a step `{label} at`, the place of the first text that fails, `{label} more`, whether the row has
    more than one, and `{label} reason`, what was measured there.
    """

    values: pl.DataFrame
    why: pl.DataFrame


def answers(rows: pl.DataFrame, steps: Sequence[Step]) -> Answers:
    """Ask keep and drop steps about rows, each about each of its columns or turns."""
    questions = {step.label: asks(step) for step in steps}
    rows = _with_single(rows, [ask.kind for some in questions.values() for ask in some])
    of_turns = [label for label, some in questions.items() if any(_several(rows, ask) for ask in some)]
    exprs = []
    for label, some in questions.items():
        if label in of_turns:
            exprs += [ask.verdict.alias(_verdict(ask)) for ask in some if not _several(rows, ask)]
        else:
            exprs.append(pl.all_horizontal([ask.verdict for ask in some]).alias(label))
        exprs += [number for ask in some if not _several(rows, ask) for number in ask.values()]
    values = _evaluate(rows, exprs)
    several = [ask for some in questions.values() for ask in some if _several(rows, ask)]
    for kind in sorted({ask.kind for ask in several if ask.kind}):
        values = _beside(values, _fold(rows, kind, [ask for ask in several if ask.kind == kind]))
    for label in of_turns:
        verdicts = pl.all_horizontal(_verdict(ask) for ask in questions[label])
        values = values.with_columns(verdicts.alias(label), *_why(label, questions[label], rows))
    names = [n for label, some in questions.items() for n in (label, *(m for ask in some for m in ask.measured))]
    why = values.select(f"{label} {mark}" for label in of_turns for mark in ("at", "more", "reason"))
    return Answers(values[names], why)


def _with_single(rows: pl.DataFrame, kinds: Iterable[str | None]) -> pl.DataFrame:
    """Give rows as columns the kinds of turns of which none has more than one text.

    Steps are asked about these as about any column, so that rows of single turns cost no more.
    """
    names = sorted({kind for kind in kinds if kind})
    return texts.aliased(rows, {kind: column for kind in names if (column := texts.only(rows, kind))})


def _evaluate(rows: pl.DataFrame, exprs: list[pl.Expr]) -> pl.DataFrame:
    """Evaluate expressions over rows, which may have columns of any name."""
    return rows.with_columns(exprs)[[expr.meta.output_name() for expr in exprs]] if exprs else pl.DataFrame()


def _beside(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Put frames side by side; one without columns has no height."""
    return one.hstack(other) if one.width else other


def _several(rows: pl.DataFrame, ask: Ask) -> bool:
    return ask.kind is not None and ask.kind not in rows.columns


def _verdict(ask: Ask) -> str:
    return f"{ask.name} verdict"


def _fold(rows: pl.DataFrame, kind: str, some: list[Ask]) -> pl.DataFrame:
    """Ask about each text of a kind, and make of the answers for a row's texts those for the row."""
    exprs = [e for ask in some for e in (ask.verdict.alias(_verdict(ask)), *ask.values()[:1])]
    beside = dict.fromkeys(name for expr in exprs for name in expr.meta.root_names())
    lines = texts.lines(rows, kind, beside)
    return lines.fold(lines.values(exprs), [fold for ask in some for fold in _folds(ask)])


def _folds(ask: Ask) -> list[pl.Expr]:
    passes = pl.col(_verdict(ask))
    place, more = pl.col(AT).filter(~passes).first(), pl.len() > 1
    result = [passes.all(ignore_nulls=False), place.alias(f"{ask.name} at"), more.alias(f"{ask.name} more")]
    if ask.measure is None:
        return result
    number = pl.col(ask.measured[0])
    result.append(number.filter(~passes).first().alias(f"{ask.name} number"))
    if ask.bound is None:
        least, greatest = ask.measured
        return [*result, number.min().alias(least), number.max().alias(greatest)]
    # The worst of the texts that fail is the farthest from the bound, of those that pass the nearest.
    distance = (number - ask.bound).abs()
    rank = pl.when(passes).then(distance).otherwise(-1 - distance)
    return [*result, number.filter(rank == rank.min()).first().alias(ask.name)]


def _why(label: str, some: list[Ask], rows: pl.DataFrame) -> list[pl.Expr]:
    """Say of a step over several turns where the first text stands that fails, and what was measured there."""
    several = [ask for ask in some if _several(rows, ask)]
    at = pl.min_horizontal([f"{ask.name} at" for ask in several])
    numbers = [f"{ask.name} number" if ask in several else ask.measured[0] for ask in some if ask.measure is not None]
    listed = [texts.branch_of(at), *(pl.col(name).cast(pl.String) for name in numbers)]
    return [
        at.alias(f"{label} at"),
        pl.any_horizontal([f"{ask.name} more" for ask in several]).alias(f"{label} more"),
        pl.concat_str(listed, separator=" ", ignore_nulls=True).replace("", None).alias(f"{label} reason"),
    ]


def spans_of(rows: pl.DataFrame, step: Step, at: pl.Series | None) -> pl.DataFrame:
    """Show the texts that a step's verdict rests on; of rows with several turns, those of the turn at a place."""
    exprs = {expr.meta.output_name(): (expr, texts.kind_of(expr)) for expr in spans(step)}
    rows = _with_single(rows, [kind for _, kind in exprs.values()])
    plain = [expr for expr, kind in exprs.values() if kind is None or kind in rows.columns]
    result = _evaluate(rows, plain)
    for name, (expr, kind) in exprs.items():
        if name in result.columns or kind is None:
            continue
        if at is None:  # of the rows asked none has several turns, and these have no text at all
            shown = rows.select(pl.repeat(None, pl.len(), dtype=pl.String).alias(name))
        else:
            lines = texts.lines(rows, kind, expr.meta.root_names())
            lines = lines.filter((lines.at == at.gather(lines.row)).fill_null(False))
            shown = lines.fold(lines.values([expr]), [pl.col(name).first()])
        result = _beside(result, shown)
    return result


def edit(rows: pl.DataFrame, step: Step) -> pl.DataFrame:
    """Apply an edit to columns, and to turns where they stand."""
    exprs = edits(step)
    rows = rows.with_columns(expr for expr in exprs if texts.kind_of(expr) is None)
    for expr in exprs:
        if texts.kind_of(expr):
            rows = rows.with_columns(texts.edited(rows, expr))
    return rows


def score(rows: pl.DataFrame, steps: Iterable[Step]) -> pl.DataFrame:
    """Add the columns of score steps; of several turns the mean."""
    exprs = [expr for step in steps for expr in scores(step)]
    of_turns = [texts.value(rows, expr) for expr in exprs if texts.kind_of(expr)]
    return rows.with_columns(*(expr for expr in exprs if texts.kind_of(expr) is None), *of_turns)


def unseen(rows: pl.DataFrame, step: Step) -> pl.Series | None:
    """Tell which rows hold texts that a step leaves unseen: it looks at one turn alone, and they have more like it."""
    if not texts.has_turns(rows):
        return None
    columns = looks_at(step)
    return texts.has_more(rows, columns) if columns else None
