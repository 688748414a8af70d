"""Filters of this library as steps of other pipelines: what the modules of all hosts share.

A step is `Keep`, `Drop` or `Edit`. The first two take properties by name: the parameters of a filter, as in a recipe
(`{"length": {"column": "text", "min": 50}}`), or an expression under a name of your own
(`{"has a question": pl.col("text").str.contains("?", literal=True)}`). The name is the reason that the host reports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import polars as pl
import polars.selectors as cs

from curate import apply, edit
from curate.errors import UserError
from curate.recipe import registry, step
from curate.recipe.verbs import KINDS, VERBS
from curate.texts import KINDS as KINDS_OF_TURNS
from curate.texts import columns_of

Properties: TypeAlias = Mapping[str, pl.Expr | Mapping[str, Any]]
NO_VALUE = "no value to judge"


class HostError(UserError, ValueError):
    """A step of another pipeline cannot be made as it is asked for."""


class Rule(NamedTuple):
    """What a row is asked: it passes where `passes` is true; `reason` says what it fails."""

    reason: str
    passes: pl.Expr


def rules(verb: str, properties: Properties) -> list[Rule]:
    """Make the rules of a step that keeps or drops rows.

    Args:
        verb: keep or drop.
        properties: by name, the parameters of a filter or an expression that is true or false for each row.

    Raises HostError, in words, for what is no property, as a selector, and for parameters that a filter refuses.

    >>> [rule.reason for rule in rules("drop", {"first_person": {"column": "text"}, "old": pl.col("year") < 2000})]
    ['first_person', 'old']
    >>> rules("keep", {"farthest": {"n": 10}})
    Traceback (most recent call last):
    curate.hosts.HostError: 'farthest' is a selector, which sees the whole pool; a step of a pipeline sees a batch at a time and needs a property
    """  # noqa: E501
    if not isinstance(properties, Mapping) or not properties:
        raise HostError(f"{verb} takes properties by name, as {{'length': {{'column': 'text', 'min': 50}}}}")
    return [rule for name, value in properties.items() for rule in _rules(verb, str(name), value)]


def _rules(verb: str, name: str, value: Any) -> list[Rule]:
    if isinstance(value, pl.Expr):
        return [Rule(name, value if verb == "keep" else ~value)]
    return [Rule(name, ask.verdict) for ask in step.asks(_step(verb, name, value))]


def edits(filters: Properties) -> list[pl.Expr]:
    """Make the expressions of a step that edits texts, each under the name of what it replaces.

    Raises HostError as `rules` does.

    >>> [expr.meta.output_name() for expr in edits({"strip_links": {"column": ["prompt", "response"]}})]
    ['prompt', 'response']
    """
    if not isinstance(filters, Mapping) or not filters:
        raise HostError("edit takes filters by name, as {'strip_links': {'column': 'text'}}")
    result = []
    for name, value in filters.items():
        result += [value] if isinstance(value, pl.Expr) else step.edits(_step("edit", str(name), value))
    return result


def _step(verb: str, name: str, params: Any) -> step.Step:
    """Build a filter's step as a recipe does, with every problem in one sentence."""
    try:
        function = registry.find("filters", name)
    except LookupError as error:
        raise HostError(str(error)) from None
    kind = VERBS[verb].name
    if not registry.is_a(function, kind):
        other = KINDS.get(registry.kind_of(function))
        what = other.noun if other else "no filter"
        pool = (
            ", which sees the whole pool; a step of a pipeline sees a batch at a time and"
            if other and other.alone
            else " and"
        )
        raise HostError(f"'{name}' is {what}{pool} needs {VERBS[verb].noun}")
    checked, wrong = registry.check(registry.parameters(function), params)
    if wrong:
        raise HostError("; ".join(": ".join([".".join(map(str, (name, *path))), message]) for path, message in wrong))
    try:
        return step.build(verb, name, name, function, checked, "")
    except (ValueError, TypeError) as error:
        raise HostError(f"{name}: {error}") from None


def columns(exprs: Iterable[pl.Expr], there: Iterable[str]) -> list[str]:
    """Name the columns that some expressions read; raise ColumnError for one that is not there."""
    return columns_of([name for expr in exprs for name in expr.meta.root_names()], list(there))


def names_read(exprs: Iterable[pl.Expr]) -> list[str]:
    """Name the columns that some expressions read by their names; a kind of turns may stand in any of several."""
    names = {name for expr in exprs for name in expr.meta.root_names()}
    return sorted(names.difference(KINDS_OF_TURNS))


def reasons(rules: Iterable[Rule], rows: pl.DataFrame) -> list[str | None]:
    """Say of each row why it is out: the first rule that it fails; None where it stays.

    A rule without a value fails, and the reason says so.

    >>> rows = pl.DataFrame({"text": ["long enough", "short", None]})
    >>> reasons(rules("keep", {"length": {"column": "text", "min": 6}}), rows)
    [None, 'length', 'length: no value to judge']
    """
    result: list[str | None] = [None] * rows.height
    for rule in rules:
        passes = _typed(partial(apply, rule.passes), rows)
        if passes.dtype not in (pl.Boolean, pl.Null):
            raise HostError(f"'{rule.reason}' gives {passes.dtype}, where true or false is needed")
        for i in passes.fill_null(False).not_().arg_true():
            result[i] = result[i] or (rule.reason if passes[i] is False else f"{rule.reason}: {NO_VALUE}")
    return result


def edited(exprs: Iterable[pl.Expr], rows: pl.DataFrame) -> pl.DataFrame:
    """Edit one after the other, and give the columns that hold what was edited.

    >>> rows = pl.DataFrame({"n": [1], "text": ["see [the docs](https://example.org)"]})
    >>> edited(edits({"strip_links": {"column": "text"}}), rows).to_dicts()
    [{'text': 'see the docs'}]
    """
    names: list[str] = []
    for expr in exprs:
        rows = _typed(partial(edit, expr=expr), rows)
        names += columns_of([expr.meta.output_name()], rows.columns)
    return rows.select(dict.fromkeys(names).keys())


def _typed(do: Callable[[pl.DataFrame], Any], rows: pl.DataFrame) -> Any:
    """Ask a batch; a column of it that holds nothing has no type, and is text where an expression needs one."""
    try:
        return do(rows)
    except pl.exceptions.PolarsError:
        nothing = cs.expand_selector(rows, cs.by_dtype(pl.Null))
        if not nothing:
            raise
        return do(rows.with_columns(pl.col(nothing).cast(pl.String)))
