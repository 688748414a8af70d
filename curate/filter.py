"""What a filter is, and how to apply one to whatever holds the rows.

A filter is a plain function from parameters to a polars expression; its return annotation says what kind it is. Nothing
else is needed to write one: no class, no registration. Here are the annotations, and the marks a filter may carry.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple, TypeAlias, TypeVar

import polars as pl

from curate.cache import key_of, library, own_code, versions

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


_PID = os.getpid()


def apply(expr: pl.Expr, data: Any) -> Any:
    """Evaluate a filter: on a text its value, on a list the list of values, on a table the column of values.

    Raise TypeError when a text is given to an expression over several columns, or the type is none we know.

    >>> from curate.filters import length, strip_links
    >>> apply(length("response", max=5), "hello"), apply(length("response", max=5), ["hello", "hello there", None])
    (True, [True, False, None])
    >>> apply(strip_links("response"), "see [the docs](https://example.org)")
    'see the docs'
    """
    _not_forked()
    if isinstance(data, str):
        return apply(expr, [data])[0]
    if isinstance(data, list):
        return _of_texts(expr, data).to_list()
    values = _table(expr, data).select(expr).to_series()
    match _host(data):
        case "pandas":
            return _pandas_series(values, data)
        case "pyarrow":
            return values.to_arrow()
        case "datasets":
            return values.to_list()
    return values


def keep(data: Any, expr: pl.Expr) -> Any:
    """Keep the rows where a property holds; a null verdict does not hold. Lazy frames stay lazy.

    >>> from curate.filters import length
    >>> keep(["short", "long enough"], length("response", min=6))
    ['long enough']
    """
    _not_forked()
    match _host(data):
        case "list":
            mask = _of_texts(expr, data).to_list()
            return [text for text, holds in zip(data, mask, strict=True) if holds]
        case "polars":
            return data.filter(expr)
        case "datasets":
            return data.filter(batched(expr), batched=True)
        case "pandas":
            return data[apply(expr, data).fillna(False).astype(bool)]
        case "pyarrow":
            return data.filter(apply(expr, data))
    raise _unknown(data)


def drop(data: Any, expr: pl.Expr) -> Any:
    """Keep the rows where a property does not hold; a row with a null verdict goes too: it could not be judged.

    >>> from curate.filters import length
    >>> drop(["short", "long enough"], length("response", min=6))
    ['short']
    """
    return keep(data, ~expr)


def edit(data: Any, expr: pl.Expr) -> Any:
    """Replace the column that an edit names by its new text; a text or a list of texts comes back edited.

    >>> from curate.filters import html_to_markdown
    >>> edit("<p>Use <code>len</code></p>", html_to_markdown())
    'Use `len`'
    """
    _not_forked()
    name = expr.meta.output_name()
    match _host(data):
        case "str" | "list":
            return apply(expr, data)
        case "polars":
            return data.with_columns(expr)
        case "datasets":
            return data.map(batched(expr, name), batched=True)
        case "pandas":
            return data.assign(**{name: apply(expr, data)})
        case "pyarrow":
            column = apply(expr, data)
            if name in data.column_names:
                return data.set_column(data.column_names.index(name), name, column)
            return data.append_column(name, column)
    raise _unknown(data)


class batched:  # noqa: N801 - used like a function; a class only so that it pickles with its expression
    """Make a filter a function of a batch, for hosts that map one: `dataset.filter(batched(good), batched=True)`.

    Called with a mapping of columns to lists it returns the list of values, or `{name: values}` when a name is given.
    It pickles, and its pickle is the same as long as all that a verdict rests on is (the expression, modules of the
    user's own, the library, packages), so Hugging Face caches hit, and never give an old result. In a process forked
    after polars was loaded it raises RuntimeError, since polars' threads do not survive a fork and the worker would
    hang for ever.

    >>> from curate.filters import length
    >>> batched(length("response", max=5))({"response": ["hello", "hello there"]})
    [True, False]
    """

    def __init__(self, expr: pl.Expr, name: str | None = None) -> None:
        self.expr = expr
        self.name = name
        self.rests_on = key_of([library(), versions(), own_code()])

    def __call__(self, batch: Any) -> Any:
        """Evaluate the filter on one batch."""
        _not_forked()
        frame = pl.DataFrame({c: batch[c] for c in self.expr.meta.root_names()}, strict=False)
        values = frame.select(self.expr).to_series()
        if self.name is not None:
            return {self.name: values.to_list()}
        return values.fill_null(False).to_list() if values.dtype == pl.Boolean else values.to_list()


def _not_forked() -> None:
    """Raise RuntimeError in a process forked after polars was loaded, where a query may wait for ever."""
    if os.getpid() != _PID:
        raise RuntimeError(
            "a polars filter cannot run in a forked worker: leave out num_proc (polars uses every core by itself) "
            "or start workers with the 'spawn' method"
        )


def _host(data: Any) -> str:
    """Name the library that holds the rows, without importing it."""
    if isinstance(data, str | list):
        return type(data).__name__
    return type(data).__module__.partition(".")[0]


def _unknown(data: Any) -> TypeError:
    return TypeError(
        f"cannot apply a filter to {type(data).__name__}: give a text, a list of texts, a polars or pandas frame, "
        "an Arrow table or a Hugging Face dataset"
    )


def _of_texts(expr: pl.Expr, texts: list[Any]) -> pl.Series:
    columns = sorted(set(expr.meta.root_names()))
    if len(columns) != 1:
        raise TypeError(f"this filter reads {', '.join(columns) or 'no column'}: give it a table with these columns")
    return pl.DataFrame({columns[0]: pl.Series(texts, dtype=pl.String)}).select(expr).to_series()


def _table(expr: pl.Expr, data: Any) -> pl.DataFrame:
    """Take the columns an expression reads out of a table, as polars."""
    columns = list(dict.fromkeys(expr.meta.root_names()))
    frame: Any
    match _host(data):
        case "polars":
            frame = data.lazy().select(columns).collect()
        case "pandas":
            frame = pl.from_pandas(data[columns])
        case "pyarrow":
            frame = pl.from_arrow(data.select(columns))
        case "datasets":
            frame = pl.DataFrame({c: data[c][:] for c in columns}, strict=False)
        case _:
            raise _unknown(data)
    return pl.DataFrame(frame)


def _pandas_series(values: pl.Series, data: Any) -> Any:
    import pandas as pd

    return pd.Series(values.to_list(), index=data.index, name=values.name, dtype=_pandas_type(values))


def _pandas_type(values: pl.Series) -> str | None:
    """Choose a pandas type that can hold nulls beside Booleans; pandas infers the others well."""
    return "boolean" if values.dtype == pl.Boolean else None


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
