"""Texts of turns: what a filter reads under the names `turns`, `assistant_turns`, `user_turns` and `thoughts`.

A filter is an expression over one text. Under one of these names it is asked about every text of that kind that a row
holds: on a frame with a line for each, which has the text under that name, beside it the row's other columns that the
filter reads. Then what it says of a row's lines becomes what it says of the row: it holds if it holds for each, it does
not if it fails one, and has no verdict where there is no text, or none is known to fail and not all to hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from curate.errors import UserError, did_you_mean
from curate.turns import ANSWERS

# The kinds of texts: whose turns they are (None: everyone's), and the fields that hold them.
_KINDS: dict[str, tuple[str | None, tuple[str, ...]]] = {
    "turns": (None, ("content",)),
    "assistant_turns": ("assistant", ("content",)),
    "user_turns": ("user", ("content",)),
    "thoughts": ("assistant", ("thinking", "reasoning_content")),
}
KINDS = tuple(_KINDS)
FIELDS = frozenset(field for _, fields in _KINDS.values() for field in fields)
SINGLE = ("prompt", *ANSWERS)  # of several turns, the last
# What stands among the texts of a kind.
COVERED = {
    "turns": ("user_turns", "assistant_turns", "system", *SINGLE),
    "assistant_turns": ANSWERS,
    "user_turns": ("prompt",),
}
WHOLE = ("messages", "conversations")  # a whole conversation, which counts where no answer or history stands beside it
TURNS = ("history", *(f"{answer}_turns" for answer in ANSWERS))  # turns beside a question and an answer
COLUMNS = ("system", *TURNS, "prompt", *ANSWERS, *WHOLE)  # all that may hold texts of turns
_BRANCHES = ("", "chosen", "rejected")  # two answers to one question: turns of one number
_ROW, AT, _TURN, _NUMBER, _TEXT = "_row", "_at", "_turn", "_number", "_text"


class TurnsError(UserError, ValueError):
    """Say in one sentence why texts of turns cannot be looked at."""


class ColumnError(UserError, LookupError):
    """Say which column is not there, and which may be meant."""


def kind_of(*exprs: pl.Expr) -> str | None:
    """Name the kind of texts that expressions read, if any; raise TurnsError where they are of two kinds.

    >>> kind_of(pl.col("user_turns").str.len_chars() < pl.col("score")), kind_of(pl.col("prompt"))
    ('user_turns', None)
    """
    kinds = sorted({name for expr in exprs for name in expr.meta.root_names() if name in _KINDS})
    if len(kinds) > 1:
        raise TurnsError(f"one filter reads {' and '.join(kinds)}: look at each kind of turns in a step of its own")
    return kinds[0] if kinds else None


def columns_of(names: Iterable[str], there: Collection[str]) -> list[str]:
    """List the columns that it takes to read some, of which a kind of texts may be one.

    Raises ColumnError for one that is not there, or there twice.

    >>> columns_of(["assistant_turns", "score"], ["id", "prompt", "response", "score"])
    ['prompt', 'response', 'score']
    """
    result: dict[str, None] = {}
    names = list(names)
    refuse_twice([name for name in there if name in names])
    for name in names:
        if name in _KINDS:
            result |= dict.fromkeys(column for column in (*COLUMNS, name) if column in there)
        elif name in there:
            result[name] = None
        else:
            raise ColumnError(f"the rows have no column '{name}'; {did_you_mean(name, [*there, *KINDS])}")
    return list(result)


def refuse_twice(names: Collection[str]) -> None:
    """Raise ColumnError where two of some columns have one name: nobody can say which is meant."""
    if len(set(names)) < len(names):
        name = Counter(names).most_common(1)[0][0]
        raise ColumnError(f"the rows have several columns '{name}': give each a name of its own")


class Place(NamedTuple):
    """Where some texts stand: a column of texts, or of turns, and the number of its first turn, for each row."""

    column: str
    field: str | None  # of a turn; None: the column is the text
    first: pl.Expr
    branch: int


def places(schema: Mapping[str, pl.DataType], kind: str) -> list[Place]:
    """List the columns in which rows may hold texts of a kind.

    Raises TurnsError where there is none, or a column has the name of the kind.
    """
    if kind in schema:
        raise TurnsError(f"'{kind}' names the texts of turns, but the rows have a column of that name, too: rename it")
    columns = {name: dtype for name, dtype in schema.items() if name in COLUMNS}
    fields = {name: field for name, dtype in columns.items() if (field := _field(dtype, kind))}
    whole = [name for name in WHOLE if name in columns and _is_turns(columns[name])]
    if whole and not {"history", *ANSWERS} & columns.keys():
        return [Place(name, fields[name], pl.lit(1), 0) for name in whole[:1] if name in fields]
    result = _standard(columns, fields, kind)
    # Where all of some rows is null, or no turn stands in them, its type is not known: they have no such text.
    if not result and not any(_is_turns(dtype) or dtype in (pl.Null, pl.List(pl.Null)) for dtype in columns.values()):
        raise TurnsError(
            f"the rows have no {kind.replace('_', ' ')}: these are texts of prompt, response, chosen, rejected and "
            "history, or of turns {role, content} in messages or conversations"
        )
    return result


def _standard(schema: Mapping[str, pl.DataType], fields: Mapping[str, str], kind: str) -> list[Place]:
    role, named = _KINDS[kind]

    def hold(column: str, speaker: str, first: pl.Expr, branch: int = 0) -> Iterator[Place]:
        if column in fields:
            yield Place(column, fields[column], first, branch)
        elif schema.get(column) == pl.String and "content" in named and role in (None, speaker):
            yield Place(column, None, first, branch)

    system = (pl.col("system").fill_null("") != "").cast(pl.Int32) if schema.get("system") == pl.String else pl.lit(0)
    before = system + _length("history", schema)
    prompts = before + _length("prompt", schema, text=int("prompt" in schema))
    result = [
        *hold("system", "system", pl.lit(1)),
        *([Place("history", fields["history"], system + 1, 0)] if "history" in fields else []),
        *hold("prompt", "user", before + 1),
    ]
    for branch, answer in enumerate(ANSWERS):
        turns = f"{answer}_turns"
        result += [Place(turns, fields[turns], prompts + 1, branch)] if turns in fields else []
        result += hold(answer, "assistant", prompts + pl.max_horizontal(_length(turns, schema), 1), branch)
    return result


def _is_turns(dtype: pl.DataType) -> bool:
    inner = dtype.inner if isinstance(dtype, pl.List) else None
    return isinstance(inner, pl.Struct) and "role" in {field.name for field in inner.fields}


def _field(dtype: pl.DataType, kind: str) -> str | None:
    """Name the field of a column's turns that holds texts of a kind; none where it holds no turns, or they none."""
    if not _is_turns(dtype):
        return None
    fields = {field.name: field.dtype for field in dtype.inner.fields}  # type: ignore[attr-defined]
    return next((name for name in _KINDS[kind][1] if fields.get(name) == pl.String), None)


def _length(column: str, schema: Mapping[str, pl.DataType], text: int = 0) -> pl.Expr:
    """Count the turns in a column, which may be a text or not there."""
    listed = isinstance(schema.get(column), pl.List)
    return pl.col(column).list.len().fill_null(0).cast(pl.Int32) if listed else pl.lit(text)


def only(rows: pl.DataFrame, kind: str) -> str | None:
    """Name the column that holds all texts of a kind, at most one a row; None where rows may have several.

    Where there is such a column a filter can be asked about it as about any other.

    >>> only(pl.DataFrame({"prompt": ["Hi"], "response": ["Hm."], "history": [None]}), "assistant_turns")
    'response'
    """
    filled = [p for p in places(rows.schema, kind) if rows[p.column].null_count() < rows.height]
    single = len(filled) == 1 and filled[0].field is None and filled[0].column != "system"
    return filled[0].column if single else None


def aliased(rows: pl.DataFrame, columns: Mapping[str, str]) -> pl.DataFrame:
    """Give rows some kinds of texts as columns, each the same as the one that holds all of them."""
    return rows.with_columns(rows[column].alias(kind) for kind, column in columns.items())


def where_text(kind: str | None, expr: pl.Expr) -> pl.Expr:
    """Leave rows without a text of the kind without a value."""
    return expr if kind is None else pl.when(pl.col(kind).is_not_null()).then(expr)


class Lines(NamedTuple):
    """A line for each text of a kind: its frame, the row that each stands in, its place, and how many rows there are.

    A place is 3 times the number of the turn in its conversation, plus 1 in a chosen and 2 in a rejected answer.
    """

    frame: pl.DataFrame
    row: pl.Series
    at: pl.Series
    height: int

    def values(self, exprs: Sequence[pl.Expr]) -> pl.DataFrame:
        """Evaluate expressions on each line."""
        names = [expr.meta.output_name() for expr in exprs]
        return self.frame.with_columns(exprs)[names]

    def fold(self, values: pl.DataFrame, folds: Sequence[pl.Expr]) -> pl.DataFrame:
        """Make of the values of a row's lines, which stand in the order of the turns beside `AT`, one of each fold.

        All are null for a row without lines.
        """
        beside = values.with_columns(self.row.alias(_ROW), self.at.alias(AT)).sort(_ROW, AT)
        whole = pl.DataFrame({_ROW: pl.int_range(self.height, dtype=pl.UInt32, eager=True)})
        folded = beside.group_by(_ROW).agg(folds)
        return whole.join(folded, on=_ROW, how="left", maintain_order="left").drop(_ROW)

    def filter(self, which: pl.Series) -> Lines:
        """Take some of the lines."""
        return Lines(self.frame.filter(which), self.row.filter(which), self.at.filter(which), self.height)


def turn_of(at: pl.Expr) -> pl.Expr:
    """Give the number of the turn at a place, counted in the whole conversation from 1."""
    return (at // len(_BRANCHES)).cast(pl.Int32)


def branch_of(at: pl.Expr) -> pl.Expr:
    """Name the answer that a place stands in where a row may have two; null elsewhere."""
    names = {i: name or None for i, name in enumerate(_BRANCHES)}
    return (at % len(_BRANCHES)).replace_strict(names, return_dtype=pl.String)


def lines(rows: pl.DataFrame, kind: str, beside: Iterable[str] = ()) -> Lines:
    """Make a line of each text of a kind, with some columns of its row beside it.

    >>> rows = pl.DataFrame({"prompt": ["And now?"], "history": [[{"role": "user", "content": "Hi"}]]})
    >>> result = lines(rows, "user_turns")
    >>> result.frame["user_turns"].to_list(), result.at.to_list()
    (['Hi', 'And now?'], [3, 6])
    """
    return _together(rows, kind, [texts for _, _, texts in _pieces(rows, kind)], beside)


def _together(rows: pl.DataFrame, kind: str, pieces: list[pl.DataFrame], beside: Iterable[str]) -> Lines:
    empty = pl.DataFrame(schema={_ROW: pl.UInt32, AT: pl.Int32, _TEXT: pl.String})
    texts = pl.concat([empty, *(piece.select(_ROW, AT, _TEXT) for piece in pieces)])
    names = [name for name in dict.fromkeys(beside) if name != kind]
    others = rows[names][texts[_ROW]].get_columns() if names else []
    return Lines(pl.DataFrame([*others, texts[_TEXT].alias(kind)]), texts[_ROW], texts[AT], rows.height)


def _pieces(rows: pl.DataFrame, kind: str) -> Iterator[tuple[Place, pl.DataFrame, pl.DataFrame]]:
    """List the columns that hold texts of a kind: their turns or texts, and of these the texts with their `_NUMBER`."""
    role = _KINDS[kind][0]
    row = pl.int_range(pl.len(), dtype=pl.UInt32).alias(_ROW)
    for place in places(rows.schema, kind):
        column = pl.col(place.column)
        if rows[place.column].null_count() == rows.height:
            continue
        first = place.first.cast(pl.Int32).alias(AT)
        if place.field is None:
            every = rows.select(row, first, column.alias(_TEXT)).with_row_index(_NUMBER)
            own = pl.col(_TEXT) != "" if place.column == "system" else pl.col(_TEXT).is_not_null()
        else:
            every = rows.select(row, first, column.alias(_TURN)).filter(pl.col(_TURN).list.len() > 0)
            every = every.with_columns(pl.int_ranges(pl.col(_TURN).list.len(), dtype=pl.Int32).alias(_NUMBER))
            every = every.explode(_TURN, _NUMBER).with_columns(pl.col(AT) + pl.col(_NUMBER)).drop(_NUMBER)
            turn = pl.col(_TURN).struct
            every = every.with_row_index(_NUMBER).with_columns(turn.field(place.field).alias(_TEXT))
            own = pl.col(_TEXT).is_not_null() if place.column not in WHOLE else pl.col(_TEXT) != ""
            own &= pl.lit(True) if role is None else turn.field("role") == role
        every = every.with_columns(pl.col(AT) * len(_BRANCHES) + place.branch)
        yield place, every, every.filter(own)


def value(rows: pl.DataFrame, expr: pl.Expr) -> pl.Series:
    """Evaluate an expression for each row, one that reads texts of turns too.

    Of a row with several a property holds if it holds for each of them, a number is their mean, and texts are a list.
    """
    kind, name = kind_of(expr), expr.meta.output_name()
    if kind is None:
        return rows.select(expr).to_series()
    if column := only(rows, kind):
        single = aliased(rows, {kind: column}).select(where_text(kind, expr).alias(name)).to_series()
        if single.dtype != pl.String:
            return single
    of = lines(rows, kind, expr.meta.root_names())
    values, own = of.values([expr.alias(_TEXT)]), pl.col(_TEXT)
    dtype = values.schema[_TEXT]
    fold = own.all(ignore_nulls=False) if dtype == pl.Boolean else own.mean() if dtype.is_numeric() else own
    return of.fold(values, [fold]).to_series().alias(name)


def edited(rows: pl.DataFrame, expr: pl.Expr) -> list[pl.Series]:
    """Edit the texts of a kind where they stand: return the columns that hold them, all else in them as it is.

    Raises TurnsError for an expression that does not read the kind of texts whose name it has.
    """
    kind = kind_to_edit(expr)
    if column := only(rows, kind):
        single = aliased(rows, {kind: column}).select(where_text(kind, expr).alias(column)).to_series()
        return [_as_text(single, kind)]
    pieces = list(_pieces(rows, kind))
    of = _together(rows, kind, [texts for _, _, texts in pieces], expr.meta.root_names())
    new = _as_text(of.values([expr.alias(kind)])[kind], kind)
    columns, start = [], 0
    for place, every, texts in pieces:
        some = new[start : start + texts.height]
        start += texts.height
        whole = every[_TEXT].scatter(texts[_NUMBER], some) if texts.height < every.height else some
        columns.append(_put_back(rows[place.column], place.field, every, whole))
    return columns


def _as_text(values: pl.Series, kind: str) -> pl.Series:
    if values.dtype not in (pl.String, pl.Null):
        raise TurnsError(f"an edit of {kind} gives {values.dtype}, where text is needed")
    return values.cast(pl.String)


def kind_to_edit(expr: pl.Expr) -> str:
    """Name the kind of texts that an edit replaces; raise TurnsError where it does not read these."""
    kind, name = kind_of(expr), expr.meta.output_name()
    if kind is None or kind != name:
        raise TurnsError(f"an edit of '{name}' reads {kind or 'no turns'}: it can replace only the texts that it reads")
    return kind


def _put_back(column: pl.Series, field: str | None, every: pl.DataFrame, texts: pl.Series) -> pl.Series:
    """Put texts into a column, or into a field of its turns."""
    if field is None:
        return texts.alias(column.name)
    turns = every[_TURN].struct.unnest().with_columns(texts.alias(field)).to_struct(_TURN)
    lists = pl.DataFrame([every[_ROW], turns]).group_by(_ROW, maintain_order=True).agg(_TURN)
    # Taken from behind the column, as polars does not replace lists within one.
    new = pl.int_range(len(column), len(column) + lists.height, dtype=pl.UInt32, eager=True)
    taken = pl.int_range(len(column), dtype=pl.UInt32, eager=True).scatter(lists[_ROW], new)
    return pl.concat([column, lists[_TURN].alias(column.name).cast(column.dtype)]).gather(taken)


def joined(rows: pl.DataFrame, kind: str) -> pl.Series:
    r"""Join a row's texts of a kind, in the order of its turns, with an empty line between two; null where it has none.

    >>> rows = pl.DataFrame({"prompt": ["And now?"], "history": [[{"role": "user", "content": "Hi"}]]})
    >>> joined(rows, "turns").to_list()
    ['Hi\n\nAnd now?']
    """
    if column := only(rows, kind):
        return rows[column].alias(kind)
    of = lines(rows, kind)
    return of.fold(of.frame, [pl.col(kind).str.join("\n\n")])[kind]


def with_texts(rows: pl.DataFrame, names: str | Iterable[str] | None) -> pl.DataFrame:
    """Give rows the kinds of texts among some names that they lack as columns, each row's texts joined."""
    listed = [names] if isinstance(names, str) else names or ()
    kinds = [name for name in dict.fromkeys(listed) if name in KINDS and name not in rows.columns]
    return rows.with_columns(joined(rows, kind) for kind in kinds)


def turns_there(schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """Tell for each row whether it has turns beside a question and an answer."""
    return pl.any_horizontal(pl.lit(False), *(pl.col(name).is_not_null() for name in TURNS if name in schema))


def has_turns(rows: pl.DataFrame) -> bool:
    """Tell whether any row has turns beside a question and an answer."""
    return bool(rows.select(turns_there(rows.schema).any()).item())


def has_more(rows: pl.DataFrame, columns: Iterable[str]) -> pl.Series:
    """Tell which rows hold texts beside those of some columns, of the same speakers, in other turns."""
    more: list[pl.Series] = []
    for column in columns:
        kind, turns = ("user_turns", "history") if column == "prompt" else ("assistant_turns", f"{column}_turns")
        more += [t[_ROW] for place, _, t in _pieces(rows, kind) if place.field and place.column in ("history", turns)]
    every = pl.int_range(rows.height, dtype=pl.UInt32, eager=True)
    return every.is_in(pl.concat(more).unique().implode()) if more else every < 0
