"""Columns: which type each column of a file has, and records put into a frame of those types.

The types come from the first records of a file, so they do not depend on how it is cut into batches. Text,
numbers and truth values keep their kind; lists and objects stay nested when all of them are alike. A column
that is mixed, or empty so far, is kept as JSON text. What shows up later and does not fit is kept too, as
JSON, in the column `misfits`: only a wrong value in a standard column makes a record bad.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import chain
from typing import Any, cast

import polars as pl

from curate.rows import STANDARD
from curate.turns import CALL, OPTIONAL, TURN, TURNS

Record = dict[str, Any]
# None stands for a column kept as JSON text.
Types = dict[str, pl.DataType | None]

# Standard columns, what a row of several turns holds beside them, and the answers of an UltraFeedback row.
FIXED: dict[str, pl.DataType] = (
    STANDARD
    | OPTIONAL
    | {"answers": pl.List(pl.Struct({"response": pl.String(), "score": pl.Float64(), "model": pl.String()}))}
)
_KINDS: dict[pl.DataType, set[type]] = {
    pl.String(): {str},
    pl.Boolean(): {bool},
    pl.Int64(): {int},
    pl.Float64(): {int, float},
}
_WORDS = {pl.String(): "text", pl.Boolean(): "true or false", pl.Int64(): "a whole number", pl.Float64(): "a number"}
_EXACT = 2**53  # every whole number up to here is a double of its own


def describe(value: object) -> str:
    """Say in words what a value is.

    >>> describe(5), describe(None), describe("text"), describe([1])
    ('the number 5', 'nothing', "the text 'text'", 'a list')
    """
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return f"the number {value}" if abs(value) < 1e20 or isinstance(value, float) else "a very large number"
    if isinstance(value, str):
        return f"the text {value if len(value) <= 40 else value[:40] + '…'!r}"
    return "a list" if isinstance(value, list) else "an object" if isinstance(value, dict) else f"{value!r}"[:60]


def infer(records: list[Record]) -> Types:
    """Find the type of every column of some records; standard columns have theirs."""
    names = [name for name in dict.fromkeys(chain.from_iterable(records)) if unicode(name)]
    return {name: FIXED.get(name) or _type([r[name] for r in records if name in r]) for name in names}


def unicode(value: object) -> bool:
    r"""Say whether all text in a value is Unicode: JSON can spell half of a surrogate pair.

    >>> unicode({"a": ["é"]}), unicode("\ud83d")
    (True, False)
    """
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _type(values: Iterable[Any]) -> pl.DataType | None:
    values = [value for value in values if value is not None]
    kinds = set(map(type, values))
    if kinds == {dict}:
        return _struct(values)
    if kinds == {list}:
        inner = _type(chain.from_iterable(values))
        return inner and pl.List(inner)
    dtype = next((kind for kind, allowed in _KINDS.items() if kinds and kinds <= allowed), None)
    return dtype if dtype and all(_fits(value, dtype) for value in values) else None


def _struct(values: list[Record]) -> pl.DataType | None:
    """Keep objects as such only when they all have the same keys: a struct would add or lose the others."""
    keys = values[0].keys()
    if not keys or not unicode(list(keys)) or any(value.keys() != keys for value in values):
        return None
    fields = {key: _type(value[key] for value in values) for key in keys}
    typed = {key: dtype for key, dtype in fields.items() if dtype}
    return pl.Struct(typed) if len(typed) == len(fields) else None


def _fits(value: object, dtype: pl.DataType) -> bool:
    """Say whether a column of this type holds the value as it is, nothing lost."""
    if value is None:
        return True
    if isinstance(dtype, pl.List):
        inner = cast("pl.DataType", dtype.inner)
        return isinstance(value, list) and all(_fits(item, inner) for item in value)
    if isinstance(dtype, pl.Struct):
        fields = {field.name: cast("pl.DataType", field.dtype) for field in dtype.fields}
        part = dtype in (TURN, CALL)  # a turn leaves out the fields that hold nothing
        same = isinstance(value, dict) and (value.keys() <= fields.keys() if part else value.keys() == fields.keys())
        return same and all(_fits(cast("Record", value).get(name), inner) for name, inner in fields.items())
    if type(value) is int:
        low, high = (-(2**63), 2**63 - 1) if dtype == pl.Int64() else (-_EXACT, _EXACT)
        return dtype.is_numeric() and low <= value <= high
    return type(value) in _KINDS[dtype]


def frame(records: list[Record], types: Types, misfits: str | None) -> tuple[pl.DataFrame, dict[int, str]]:
    """Put records into a frame of the given types; also give those that do not go in: position -> reason.

    `misfits` names the column for what fits nowhere else; None when nothing can.
    """
    wrong: dict[int, str] = {}
    moved: dict[int, Record] = {}
    columns: dict[str, pl.Series] = {}
    for name, dtype in types.items():
        values = [record.get(name) for record in records]
        if name == "tools":  # a list of them is a text here
            values = [v if isinstance(v, (str, type(None))) else json.dumps(v, ensure_ascii=False) for v in values]
        if dtype is None:
            values = [None if value is None else json.dumps(value, ensure_ascii=False) for value in values]
        for i in _outside(values, dtype) if dtype else []:
            if name in FIXED:
                wrong.setdefault(i, f"{name}: expected {words(dtype or pl.String())}, got {describe(values[i])}")
            else:
                moved.setdefault(i, {})[name] = values[i]
            values[i] = None
        columns[name] = _series(name, values, dtype or pl.String(), wrong)
    if misfits:
        columns[misfits] = _series(misfits, _misfits(records, types, moved), pl.String(), wrong)
    rows = pl.DataFrame(columns)
    return rows[[i for i in range(len(records)) if i not in wrong]] if wrong else rows, wrong


def _series(name: str, values: list[Any], dtype: pl.DataType, wrong: dict[int, str]) -> pl.Series:
    """Make a column; what is not Unicode shows only here, so that good text need not be searched for it."""
    try:
        return pl.Series(name, values, dtype=dtype)
    except TypeError:  # a list inside an object that begins with a whole number and goes on with others
        return pl.Series(name, [_as_doubles(value, dtype) for value in values], dtype=dtype)
    except UnicodeEncodeError:
        for i, value in enumerate(values):
            if not unicode(value):
                reason = "not Unicode text, it holds half of a surrogate pair (U+D800 to U+DFFF)"
                wrong.setdefault(i, f"{name}: {reason}")
                values[i] = None
        return pl.Series(name, values, dtype=dtype)


def _as_doubles(value: Any, dtype: pl.DataType) -> Any:
    """Write whole numbers as doubles wherever the type is of doubles."""
    if isinstance(value, list) and isinstance(dtype, pl.List):
        return [_as_doubles(item, cast("pl.DataType", dtype.inner)) for item in value]
    if isinstance(value, dict) and isinstance(dtype, pl.Struct):
        types = {field.name: cast("pl.DataType", field.dtype) for field in dtype.fields}
        return {name: _as_doubles(item, types[name]) for name, item in value.items()}
    return float(value) if type(value) is int and dtype == pl.Float64() else value


def _outside(values: list[Any], dtype: pl.DataType) -> list[int]:
    """Find the values a column cannot hold; of plain text only the types are looked at."""
    if dtype in _KINDS and set(map(type, values)) <= _KINDS[dtype] | {type(None)}:
        whole = [value for value in values if type(value) is int] if dtype.is_numeric() else []
        if not whole or (_fits(min(whole), dtype) and _fits(max(whole), dtype)):
            return []
    return [i for i, value in enumerate(values) if not _fits(value, dtype)]


def _misfits(records: list[Record], types: Types, moved: dict[int, Record]) -> list[str | None]:
    """Collect, record by record, the columns that have no place and the values that do not fit theirs."""
    late = set().union(*records) - types.keys()
    values: list[str | None] = [None] * len(records)
    for i, record in enumerate(records) if late else [(i, records[i]) for i in moved]:
        extra = {key: record[key] for key in sorted(late & record.keys()) if record[key] is not None}
        if extra := extra | moved.get(i, {}):
            values[i] = json.dumps(extra, ensure_ascii=False)
    return values


def words(dtype: pl.DataType) -> str:
    """Name a type as one would say it."""
    if dtype == TURNS:
        return "a list of turns, each with a role and its text"
    if isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct):
        return "a list of {" + ", ".join(field.name for field in dtype.inner.fields) + "}"
    return _WORDS.get(dtype, str(dtype))
