"""Why each row of a table would be in or out, step by step, without a run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from curate.apply.hosts import Table, find
from curate.recipe.load import parse_steps
from curate.recipe.step import Step
from curate.rows import identify, without_categories
from curate.run.parts import pass_batch
from curate.run.step_error import StepError

_LONGEST = 60  # characters of a property's text that name its column


def explain(data: Any, steps: pl.Expr | Mapping[str, pl.Expr] | Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Tell for each row of a table whether it would be kept, what drops it and why, and what every step says of it.

    `steps` are those of a recipe, `[{"keep": {"length": {"min": 40}}}, ...]`, or properties by name. A property alone
    is taken apart at its `&`, each part under polars' own words for it. Every step judges every row, so what each would
    drop alone can be counted; a model is asked only about rows that the steps before it leave.

    The frame has a row for each of the data's, in their order: `kept`, `dropped_by` (the first step that fails), `why`
    (numbers measured there, and the text that the verdict rests on), then for each step its verdict or score and what
    it measures. Raise RecipeError for steps with mistakes, all of them, TypeError for what is no table in memory, and
    StepError for a step that looks at the whole pool or for a column that is not there.

    >>> rows = pl.DataFrame({"response": ["Too short.", "I think it rains."]})
    >>> told = explain(rows, [{"keep": {"length": {"min": 12}}}, {"drop": {"first_person": {}}}])
    >>> told.rows()
    [(False, 'length', '10.0', False, 10.0, True), (False, 'first_person', 'I think it rains.', True, 17.0, False)]
    >>> from curate.filters import length
    >>> explain(rows, {"long": length(min=12)})["dropped_by"].to_list()
    ['long', None]
    """
    host = find(data)
    if not isinstance(host, Table) or host.names is None:
        raise TypeError(f"explain takes a frame or a table in memory, not {type(data).__name__}")
    rows = without_categories(host.read(data, host.names(data)))
    plan = list(_named(steps)) if isinstance(steps, pl.Expr | Mapping) else parse_steps(steps)
    for step in plan:
        if step.alone:
            raise StepError(f"{step.place}: {step.name} looks at the whole pool: `curate.select` does that")
    defaults = [pl.lit("").alias(name) for name in ("source", "domain") if name not in rows.columns]
    rows = rows.drop("id", strict=False).insert_column(0, identify(rows)["id"]).with_columns(defaults)
    ledger = pass_batch(rows, plan).ledger
    first = pl.col("detail").list.first()
    why = pl.concat_str(first.struct.field("reason", "span"), separator=" ", ignore_nulls=True).replace("", None)
    return ledger.select("kept", "dropped_by", why.alias("why"), pl.exclude(*_LEDGER))


_LEDGER = ("id", "source", "domain", "kept", "dropped_by", "detail")


def _named(steps: pl.Expr | Mapping[str, pl.Expr]) -> Iterator[Step]:
    """Make a step of each property."""
    named = dict(zip(*_words(list(_parts(steps))), strict=True)) if isinstance(steps, pl.Expr) else steps
    for name, expr in named.items():
        yield Step("keep", name, name, lambda expr=expr: expr, {}, None, "explain")


def _parts(expr: pl.Expr) -> Iterator[pl.Expr]:
    """Take a property apart at its `&`."""
    operands = expr.meta.pop()[::-1]
    if len(operands) == 2 and (operands[0] & operands[1]).meta.eq(expr):
        for operand in operands:
            yield from _parts(operand)
    else:
        yield expr


def _words(parts: list[pl.Expr]) -> tuple[list[str], list[pl.Expr]]:
    texts = [re.sub(r"\s+", " ", str(part))[:_LONGEST] for part in parts]
    return [f"{number}: {text}" for number, text in enumerate(texts, 1)], parts
