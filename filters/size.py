"""How long a text is, and how large a number is."""

from __future__ import annotations

from typing import Literal

import polars as pl

from curate.filter import Property, measures
from curate.filters.words.runs import count


def length(
    column: str = "response",
    *,
    min: int | None = None,
    max: int | None = None,
    unit: Literal["chars", "words"] = "chars",
) -> Property:
    """Hold if a text has at least `min` and at most `max` characters (or words), both bounds included.

    LIMA keeps answers of 1,200 to 4,096 characters (section 2.1). A character is a Unicode code point; a word is a run
    of letters and figures, parted by a hyphen but not by an apostrophe, and in scripts without blanks each letter is
    one. One bound may be left open, not both.

    Raises ValueError if there is no bound, a bound is negative, or `min` is above `max`.

    >>> import polars as pl
    >>> frame = pl.DataFrame({"response": ["Yes.", "Because warm air rises.", None]})
    >>> frame.select(length(min=2, unit="words")).to_series().to_list()
    [False, True, None]
    """
    if min is None and max is None:
        raise ValueError("length needs a bound: give min, max or both")
    for name, bound in (("min", min), ("max", max)):
        if bound is not None and bound < 0:
            raise ValueError(f"{name} must be 0 or more, not {bound}")
    if min is not None and max is not None and min > max:
        raise ValueError(f"min ({min}) is above max ({max}): no text could pass")
    measured = length_measured(column, unit)
    if min is None:
        return measured <= max
    return measured >= min if max is None else (measured >= min) & (measured <= max)


@measures(length)
def length_measured(column: str = "response", unit: Literal["chars", "words"] = "chars") -> pl.Expr:
    """Measure the length of a text in characters or words."""
    if unit not in ("chars", "words"):
        raise ValueError(f'unit is "chars" or "words", not {unit!r}')
    return pl.col(column).str.len_chars() if unit == "chars" else count(pl.col(column))


def at_least(column: str, value: float) -> Property:
    """Hold if a number is `value` or more, as in LIMA's "a score of at least 10" (section 2.1).

    Text is read as a number where it is one (all of a CSV file is text), true and false as 1 and 0. What is no number,
    or NaN, has no verdict, like a null.

    >>> import polars as pl
    >>> frame = pl.DataFrame({"score": [9, 10, float("nan"), None]}, strict=False)
    >>> frame.select(at_least("score", 10)).to_series().to_list()
    [False, True, None, None]
    """
    return number(column) >= value


def at_most(column: str, value: float) -> Property:
    """Hold if a number is `value` or less; NaN and null have no verdict.

    >>> import polars as pl
    >>> pl.DataFrame({"score": [9.5, 10, 11]}).select(at_most("score", 10)).to_series().to_list()
    [True, True, False]
    """
    return number(column) <= value


@measures(at_least)
@measures(at_most)
def number(column: str) -> pl.Expr:
    """Take the number itself; NaN, which polars orders above everything, and what is no number as null."""
    return pl.col(column).cast(pl.Float64, strict=False).fill_nan(None)
