"""What a filter is, and how to apply one to whatever holds the rows.

A filter is a plain function from parameters to a polars expression; its return annotation says what kind it is. Nothing
else is needed to write one: no class, no registration. Here are the annotations, the two marks a filter may carry, and the
five verbs that apply filters to a string, a list, a polars, pandas, Arrow or Hugging Face table.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeAlias, TypeVar

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable

Property: TypeAlias = Annotated[pl.Expr, "property"]  # Boolean: holds, or does not, for one row
Edit: TypeAlias = Annotated[pl.Expr, "edit"]  # String: the new text of the column it names
Score: TypeAlias = Annotated[pl.Expr, "score"]  # a number for one row


class Choice(NamedTuple):
    """What a selector decides, row by row of the pool it was given: kept or not, and why not."""

    kept: pl.Series  # Boolean
    why: pl.Series  # String, null where kept


F = TypeVar("F", bound=Callable[..., Any])


def explains(filter_: Callable[..., Any]) -> Callable[[F], F]:
    """Mark a function as the evidence of a filter: what its verdict rests on.

    The function takes any of the filter's parameters, by the same names, and returns an expression. A number is measured
    for every row and stored in the ledger (thresholds can then be moved without a second run); a text is the offending
    span, taken only from rows that the verdict removes.
    """

    def mark(evidence: F) -> F:
        filter_.evidence = evidence  # type: ignore[attr-defined]
        return evidence

    return mark


def costly(filter_: F) -> F:
    """Mark a filter that runs a model: a run asks it only about rows that the steps before it left."""
    filter_.costly = True  # type: ignore[attr-defined]
    return filter_
