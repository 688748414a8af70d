"""What a filter is, and how to apply one to whatever holds the rows.

A filter is a plain function from parameters to a polars expression; its return annotation says what kind it is. Nothing
else is needed to write one: no class, no registration. Here are the annotations, and the marks a filter may carry.

The column of a filter may be all turns of a conversation: `turns`, `assistant_turns`, `user_turns` or `thoughts`
(`curate.texts`). A table holds these in the standard columns, or in `messages` or `conversations`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple, TypeAlias, TypeVar

import polars as pl

from curate import texts
from curate.cache import key_of, library, own_code, versions
from curate.rows import literal

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


_PID = os.getpid()  # the process in which polars' threads can run
_threads = False


def _before_fork() -> None:
    """Note whether polars' threads run, which the first query starts; on a system that does not say, take it so."""
    global _threads
    tasks = Path("/proc/self/task")
    _threads = not tasks.is_dir() or any(re.match(r"polars-\d", task.read_text()) for task in tasks.glob("*/comm"))


def _in_child() -> None:
    """A child can start threads of its own as long as none were lost on the way."""
    global _PID
    _PID = _PID if _threads else os.getpid()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_in_child)


def apply(expr: pl.Expr, data: Any) -> Any:
    """Evaluate a filter: on a text its value, on a list the list of values, on a table the column of values.

    Of several turns in a row a property holds if it holds for each, a number is their mean, texts are a list. Raise
    TypeError when a text is given to an expression over several columns, or the type is none we know.

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
    values = texts.value(_table(expr, data), expr)
    match _host(data):
        case "pandas":
            return _pandas_series(values, data)
        case "pyarrow":
            return values.to_arrow()
        case "datasets":
            return values.to_list()
    return values


def keep(data: Any, expr: pl.Expr) -> Any:
    """Keep the rows where a property holds, for each of its texts; a null verdict does not hold. Lazy frames stay lazy.

    Raise TurnsError for an expression over two kinds of turns, or rows that have none.

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
            return _polars(expr, data, lambda rows: rows.filter(texts.value(rows, expr)), pl.DataFrame.filter)
        case "datasets":
            return data.filter(batched(expr), batched=True)
        case "pandas":
            return data[apply(expr, data).fillna(False).astype(bool)]
        case "pyarrow":
            return data.filter(apply(expr, data))
    raise _unknown(data)


def drop(data: Any, expr: pl.Expr) -> Any:
    """Keep the rows where a property does not hold, for none of its texts; one that could not be judged goes too.

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
    if _host(data) in ("str", "list"):
        return apply(expr, data)
    if _host(data) == "polars":
        return _polars(expr, data, lambda rows: rows.with_columns(texts.edited(rows, expr)), pl.DataFrame.with_columns)
    if _host(data) == "datasets":
        return data.map(batched(expr, expr.meta.output_name()), batched=True)
    for column in _edited(expr, _table(expr, data)):
        data = _replaced(data, column)
    return data


def _edited(expr: pl.Expr, rows: pl.DataFrame) -> list[pl.Series]:
    """Make the columns that an edit replaces: the one that it names, or those that hold the turns it names."""
    return texts.edited(rows, expr) if texts.kind_of(expr) else [rows.select(expr).to_series()]


def _replaced(data: Any, column: pl.Series) -> Any:
    name = column.name
    if _host(data) == "pandas":
        return data.assign(**{name: _pandas_series(column, data)})
    if name in data.column_names:
        return data.set_column(data.column_names.index(name), name, column.to_arrow())
    return data.append_column(name, column.to_arrow())


def _polars(expr: pl.Expr, data: Any, of_turns: Callable[[Any], Any], plain: Callable[..., Any]) -> Any:
    """Apply to a polars frame what is right for texts of turns, or the method that is for plain columns."""
    if isinstance(data, pl.DataFrame):
        texts.columns_of(expr.meta.root_names(), data.columns)
    if texts.kind_of(expr):
        # What comes later in a lazy query is not brought before it: it may take columns away that hold turns.
        late: Any = {"predicate_pushdown": False, "projection_pushdown": False, "slice_pushdown": False}
        return data.map_batches(of_turns, **late) if isinstance(data, pl.LazyFrame) else of_turns(data)
    return getattr(data, plain.__name__)(expr)


class batched:  # noqa: N801 - used like a function; a class only so that it pickles with its expression
    """Make a filter a function of a batch, for hosts that map one: `dataset.filter(batched(good), batched=True)`.

    Called with a mapping of columns to lists it returns the list of values, or `{name: values}` when a name is given;
    where that is a kind of turns, all columns that hold them.
    It pickles, and its pickle is the same as long as all that a verdict rests on is (the expression, modules of the
    user's own, the library, packages), so Hugging Face caches hit, and never give an old result. In a process forked
    after polars ran a query it raises RuntimeError, since polars' threads do not survive a fork and the worker would
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
        columns = texts.columns_of(self.expr.meta.root_names(), list(batch.keys()))
        frame = pl.DataFrame({c: batch[c] for c in columns}, strict=False)
        if self.name in texts.KINDS:
            return {column.name: column.to_list() for column in texts.edited(frame, self.expr)}
        values = texts.value(frame, self.expr)
        if self.name is not None:
            return {self.name: values.to_list()}
        return values.fill_null(False).to_list() if values.dtype == pl.Boolean else values.to_list()


def _not_forked() -> None:
    """Raise RuntimeError in a process forked after polars ran a query, where the next one may wait for ever."""
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


def _of_texts(expr: pl.Expr, data: list[Any]) -> pl.Series:
    columns = sorted(set(expr.meta.root_names()))
    if len(columns) != 1:
        raise TypeError(f"this filter reads {', '.join(columns) or 'no column'}: give it a table with these columns")
    return pl.DataFrame({columns[0]: pl.Series(data, dtype=pl.String)}).select(expr).to_series()


def _table(expr: pl.Expr, data: Any) -> pl.DataFrame:
    """Take the columns an expression reads out of a table, as polars."""
    host = _host(data)
    if host not in ("polars", "pandas", "pyarrow", "datasets"):
        raise _unknown(data)
    columns = texts.columns_of(expr.meta.root_names(), _names(data))
    frame: Any
    match host:
        case "polars":
            frame = data.lazy().select(map(literal, columns)).collect()
        case "pandas":
            frame = pl.from_pandas(data[columns])
        case "pyarrow":
            frame = pl.from_arrow(data.select(columns))
        case _:
            frame = pl.DataFrame({c: data[c][:] for c in columns}, strict=False)
    return pl.DataFrame(frame)


def _names(data: Any) -> list[str]:
    """List the columns of a table."""
    if isinstance(data, pl.LazyFrame):
        return data.collect_schema().names()
    return list(data.column_names if hasattr(data, "column_names") else data.columns)


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
