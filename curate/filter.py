"""What a filter is, and how to apply one to whatever holds the rows.

A filter is a plain function from parameters to a polars expression; its return annotation says what kind it is. Nothing
else is needed to write one: no class, no registration. Here are the annotations, the two marks a filter may carry, and
the five verbs that apply filters to a string, a list, a polars, pandas, Arrow or Hugging Face table.
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
