"""Apply a filter to whatever holds the rows: a text, a list, a frame, a table, a stream, a data set.

The column of a filter may be all turns of a conversation: `turns`, `assistant_turns`, `user_turns` or `thoughts`
(`curate.texts`). A table holds these in the standard columns, or in `messages` or `conversations`.

Each library that holds rows is a *host* (`curate.apply.hosts`). A host whose rows are all in memory says how to read
and write them, and the verbs do the rest; one that holds them in pieces has each verb done on every piece.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar, get_type_hints

import polars as pl

from curate import texts
from curate.apply.forks import check
from curate.apply.hosts import Table, find
from curate.cache import key_of, library, own_code, versions
from curate.filter import Choice, Edit, Property, Score
from curate.rows import identify, no_text, without_categories


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
    _ready(expr)
    if isinstance(data, str):
        return apply(expr, [data])[0]
    host = find(data)
    return host.column(data, values(host, data, expr)) if isinstance(host, Table) else host.apply(expr, data)


def keep(data: Any, expr: pl.Expr | Choice) -> Any:
    """Keep the rows where a property holds, for each of its texts; a null verdict does not hold.

    The rows come back as what they were in, in their order, with all else in them as it was; what is lazy or a stream
    stays so. What a selector has chosen of these very rows will do as well, where they are in memory. Raise TurnsError
    for an expression over two kinds of turns, or rows that have none, and TypeError for a choice of other rows.

    >>> from curate.filters import length
    >>> keep(["short", "long enough"], length("response", min=6))
    ['long enough']
    """
    if isinstance(expr, Choice):
        return _chosen(data, expr)
    _ready(expr)
    host = find(data)
    if isinstance(host, Table):
        return host.take(data, holds(host, data, expr))
    return host.keep(data, expr)


def _chosen(data: Any, choice: Choice) -> Any:
    host = find(data)
    if not isinstance(host, Table):
        raise TypeError(f"a choice is of rows in memory, which {type(data).__name__} does not give")
    if len(data) != len(choice.kept):
        raise TypeError(f"the choice is of {len(choice.kept)} rows, and here are {len(data)}")
    return host.take(data, choice.kept)


def drop(data: Any, expr: pl.Expr) -> Any:
    """Keep the rows where a property does not hold, for none of its texts; one that could not be judged goes too.

    >>> from curate.filters import length
    >>> drop(["short", "long enough"], length("response", min=6))
    ['short']
    """
    _ready(expr)
    return keep(data, ~expr)


def edit(data: Any, expr: pl.Expr) -> Any:
    """Replace the column that an edit names by its new text; a text or a list of texts comes back edited.

    The column keeps its type. One that is not there yet is added, so `edit(data, score.alias("words"))` writes a score
    beside the rows.

    >>> from curate.filters import html_to_markdown
    >>> edit("<p>Use <code>len</code></p>", html_to_markdown())
    'Use `len`'
    """
    _ready(expr)
    if isinstance(data, str):
        return edit([data], expr)[0]
    host = find(data)
    return host.put(data, edits(host, data, expr)) if isinstance(host, Table) else host.edit(data, expr)


def select(data: Any, selector: Callable[..., Choice], /, **parameters: Any) -> Any:
    """Keep the rows that a selector chooses; it sees all of them, so they have to be in memory.

    It is asked as in a run: rows without a column `id` get the ids that a run would give them, rows that are equal in
    everything count once, and the order of the rows does not matter. Raise TypeError where the rows come in pieces.

    >>> from curate.filters import exact_duplicates
    >>> rows = pl.DataFrame({"prompt": ["Why?", " why? ", "How?"], "score": [3, 8, 1]})
    >>> select(rows, exact_duplicates, column="prompt")["score"].to_list()
    [8, 1]
    """
    check()
    host, name = find(data), getattr(selector, "__name__", type(selector).__name__)
    if _gives(selector) in (Property, Edit, Score):
        raise TypeError(f"{name} is no selector: it gives an expression, where select needs a Choice")
    if isinstance(data, list) and not data:  # of texts or of dicts, nobody can tell
        return []
    pool = host if isinstance(host, Table) else host.whole
    if pool is None or pool.names is None:
        raise TypeError(
            f"{name} looks at the whole pool at once, which {type(data).__name__} does not give: make a frame or a "
            "table of the rows first, or use a recipe"
        )
    there = pool.names(data)
    texts.refuse_twice(there)
    rows = pool.read(data, there)
    own = "id" in rows.columns
    ids = pl.DataFrame([rows["id"] if own else identify(rows)["id"]]).with_row_index("at")
    ids = (ids if own else ids.unique("id", keep="first")).sort("id", "at")
    choice = selector(rows.drop("id", strict=False)[ids["at"]].insert_column(0, ids["id"]), **parameters)
    if not isinstance(choice, Choice):
        raise TypeError(f"{name} is no selector: it gives {type(choice).__name__}, where select needs a Choice")
    kept = pl.repeat(False, rows.height, dtype=pl.Boolean, eager=True)
    return pool.take(data, kept.scatter(ids["at"].filter(choice.kept), True))


def _gives(function: Callable[..., Any]) -> Any:
    """Say what a function is annotated to give."""
    with suppress(Exception):  # an annotation may hold names that only type checkers know
        return get_type_hints(function, include_extras=True).get("return")
    return None


class batched:  # noqa: N801 - used like a function; a class only so that it pickles with its expression
    """Make a filter a function of a batch, for hosts that map one: `dataset.filter(batched(good), batched=True)`.

    Called with a mapping of columns to lists, a pandas or polars frame, an Arrow table or record batch, it returns the
    list of values, or `{name: values}` when a name is given; where that is a kind of turns, all columns that hold them.
    It pickles, and its pickle is the same as long as all that a verdict rests on is (the expression, modules of the
    user's own, the library, packages), so Hugging Face caches hit, and never give an old result. In a process that was
    forked from one in which polars had run it raises RuntimeError: it would hang there for ever.

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
        _ready(self.expr)
        host = find(batch)
        if not isinstance(host, Table):
            raise TypeError(f"a batch is a mapping of columns to lists, a frame or a table, not {type(batch).__name__}")
        if self.name in texts.KINDS:
            columns = edits(host, batch, self.expr)
            new = host.put(batch, columns) if isinstance(batch, Mapping) else {c.name: c.to_list() for c in columns}
            return {column.name: new[column.name] for column in columns}
        result = values(host, batch, self.expr)
        if self.name is not None:
            return {self.name: result.to_list()}
        return (_filled(result) if result.dtype == pl.Boolean else result).to_list()


def values(host: Table, data: Any, expr: pl.Expr) -> pl.Series:
    """Evaluate an expression on each row of a table."""
    return _evaluate(host, data, expr, texts.value)


def holds(host: Table, data: Any, expr: pl.Expr) -> pl.Series:
    """Tell for each row of a table whether a property is known to hold; raise TypeError for another kind of filter."""
    verdicts = values(host, data, expr)
    if verdicts.dtype not in (pl.Boolean, pl.Null):
        raise TypeError(
            f"keep and drop need a filter that is true or false for each row, and this one gives {verdicts.dtype}"
        )
    return _filled(verdicts)


def _filled(verdicts: pl.Series) -> pl.Series:
    # A query takes longer than a small batch has.
    return verdicts.fill_null(False) if verdicts.null_count() else verdicts


def edits(host: Table, data: Any, expr: pl.Expr) -> list[pl.Series]:
    """Make the columns that an edit replaces: the one that it names, or those that hold the turns it names."""
    turns = host.names is not None and texts.kind_of(expr)
    return _evaluate(host, data, expr, texts.edited) if turns else [values(host, data, expr)]


T = TypeVar("T")


def _evaluate(host: Table, data: Any, expr: pl.Expr, do: Callable[[pl.DataFrame, pl.Expr], T]) -> T:
    names = list(dict.fromkeys(expr.meta.root_names()))
    if host.names is not None:
        names = texts.columns_of(names, host.names(data))
    elif len(names) == 1 or (isinstance(data, list | tuple) and not data):  # of dicts, too
        do = _plain
    else:
        raise TypeError(f"this filter reads {', '.join(sorted(names))}: give it a table with these columns")
    rows = without_categories(host.read(data, names))
    try:
        result = do(rows, expr)
    except (pl.exceptions.PolarsError, ValueError) as error:
        # A column of nothing but nulls has no type where values alone tell it (numbers in pandas); most filters ask
        # for text.
        untyped = [n for n, dtype in rows.schema.items() if dtype in _NOTHING and rows[n].null_count() == rows.height]
        if not untyped:
            if words := no_text(error, rows, names):
                raise TypeError(words) from None
            raise
        result = do(rows.with_columns(rows[name].cast(pl.String) for name in untyped), expr)
    if isinstance(result, pl.Series) and len(result) != rows.height:
        raise TypeError(
            f"a filter gives a value for each row by itself, and this one gives {len(result)} for {rows.height} rows"
        )
    return result


_NOTHING = (pl.Null, pl.Float64)


def _plain(rows: pl.DataFrame, expr: pl.Expr) -> Any:
    """Evaluate an expression whatever its column is called: a text alone stands in no conversation."""
    return rows.select(expr).to_series()


def _ready(expr: Any) -> None:
    """Raise TypeError for what is no filter, and RuntimeError where none can run."""
    if isinstance(expr, Choice):
        raise TypeError(
            "this is what a selector has chosen: give the selector itself, curate.select(data, selector, …)"
        )
    if callable(expr):
        name = getattr(expr, "__name__", type(expr).__name__)
        raise TypeError(f"{name} is a function: call it, as {name}('response'), or give a selector to curate.select")
    if not isinstance(expr, pl.Expr):
        raise TypeError(
            f"a filter makes a polars expression, and {type(expr).__name__} is none: write apply(filter, data), "
            "keep(data, filter) or edit(data, filter)"
        )
    if not expr.meta.root_names():
        raise TypeError("this filter reads no column, so it cannot judge a row")
    check()
