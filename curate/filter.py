"""What a filter is.

A filter is a plain function from parameters to a polars expression; its return annotation says what kind it is. Nothing
else is needed to write one: no class, no registration. Here are the annotations, and the marks a filter may carry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple, TypeAlias, TypeVar

import polars as pl

Property: TypeAlias = Annotated[pl.Expr, "property"]  # Boolean: holds, or does not, for one row
Edit: TypeAlias = Annotated[pl.Expr, "edit"]  # String: the new text of the column it names
Score: TypeAlias = Annotated[pl.Expr, "score"]  # a number for one row


class Choice(NamedTuple):
    """What a selector decides, row by row of the pool it was given: kept or not, and why not.

    `notes` are figures about the choice as a whole, for the manifest: how much of what an exact search finds was found,
    say.
    """

    kept: pl.Series  # Boolean
    why: pl.Series  # String, null where kept
    notes: Mapping[str, float] = MappingProxyType({})


class Scores(NamedTuple):
    """What a score of the whole pool says, row by row of the pool it was given: a number, and why.

    `why` says why a row has no number, or what a number rests on; null where there is nothing to say. `again` marks the
    rows that a later run should ask about once more. `notes` are figures about all rows, as those of a choice.
    """

    value: pl.Series  # Float64
    why: pl.Series  # String
    again: pl.Series | None = None  # Boolean
    notes: Mapping[str, float] = MappingProxyType({})


F = TypeVar("F", bound=Callable[..., Any])


def explains(filter_: Callable[..., Any]) -> Callable[[F], F]:
    """Mark a function as the evidence of a filter: the text that its verdict rests on.

    The function takes any of the filter's parameters, by the same names, and returns a String expression: the offending
    span. It is evaluated only on rows that the step removes, and stands in the ledger's `detail`.
    """

    def mark(evidence: F) -> F:
        filter_.span = evidence  # type: ignore[attr-defined]
        return evidence

    return mark


def measures(filter_: Callable[..., Any]) -> Callable[[F], F]:
    """Mark a function as the measure of a filter: the number that its verdict compares.

    The function takes any of the filter's parameters, by the same names, and returns a numeric expression. It is
    evaluated on every row and stands in the ledger, so that a threshold can be moved without a second run.
    """

    def mark(measure: F) -> F:
        filter_.measure = measure  # type: ignore[attr-defined]
        return measure

    return mark


def costly(filter_: F) -> F:
    """Mark a filter that runs a model: a run asks it only about rows that the steps before it left."""
    filter_.costly = True  # type: ignore[attr-defined]
    return filter_


def reads(*parameters: str | tuple[str, ...]) -> Callable[[F], F]:
    """Mark a selector with its parameters that name columns; a run loads these columns, and stops if one is missing.

    Of a tuple of parameters only the first that is set is read: `("vectors", "column")` for a selector that takes the
    vectors of a column, or else embeds its texts. A selector without this mark gets every column whose name is a value
    of its parameters, and says itself what is missing.

    >>> @reads("by")
    ... def longest(pool: pl.DataFrame, *, by: str = "response") -> Choice: ...
    """

    def mark(selector: F) -> F:
        selector.reads = parameters  # type: ignore[attr-defined]
        return selector

    return mark


def within(group: Callable[..., pl.Series]) -> Callable[[F], F]:
    """Mark a selector whose choice in a group of rows depends on no row outside of it with what numbers the groups.

    The function takes the pool and the selector's other parameters, and gives a whole number of 0 or more for each row.
    A run may then show the selector some groups at a time, so a pool need not fit into memory; `notes` are added up.

    >>> @within(lambda pool, *, by="domain": pool[by].hash())
    ... def first(pool: pl.DataFrame, *, by: str = "domain") -> Choice:
    ...     kept = pool[by].is_first_distinct()
    ...     return Choice(kept, pl.select(pl.when(~kept).then(pl.lit("another is there"))).to_series())
    """

    def mark(selector: F) -> F:
        selector.group = group  # type: ignore[attr-defined]
        return selector

    return mark


class Ranking(NamedTuple):
    """How a selector picks: of each group of rows the first, in an order, up to the group's quota.

    The order is by `best`, the highest first and nulls last, then by `draw`, then by id. `quotas` are made of the
    number of rows in each group, and `why` of `group`, its `quota` and its `size`.
    """

    group: pl.Expr  # String
    best: pl.Expr
    draw: pl.Expr
    quotas: Callable[[dict[str, int]], dict[str, int]]
    why: pl.Expr


def ranks(ranking: Callable[..., Ranking]) -> Callable[[F], F]:
    """Mark a selector that picks the first rows of groups with what makes its `Ranking` of pool and other parameters.

    The first rows of a whole are among the first of its parts, so a run reads the pool a piece at a time and holds no
    more than the quotas.
    """

    def mark(selector: F) -> F:
        selector.ranking = ranking  # type: ignore[attr-defined]
        return selector

    return mark
