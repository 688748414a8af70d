"""Formats as tables: the JSON lines of a set as Parquet, in the types in which `datasets` and trainers read them.

Turns of role and content alone are structs, which every reader of Parquet knows. Where a set has turns that hold more,
all are texts of JSON, and the card says so (`features`): a field that a turn lacks is not one that is null, and no call
gets the names of another's arguments.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias, cast

import polars as pl
from pydantic_core import to_json

from curate.turns import OPTIONAL, TURN, TURNS

Fields: TypeAlias = Mapping[str, pl.DataType]

TEXT, FLAG, JSON = pl.String(), pl.Boolean(), pl.Object()  # JSON: any value of it
MESSAGE = pl.Struct({"role": TEXT, "content": TEXT})  # in a set whose turns hold no more
MESSAGES = pl.List(MESSAGE)
INPUT = pl.Struct({"messages": MESSAGES})  # of OpenAI's preferences
_OPTIONAL = ("tools", "system", "history")  # fields that records have only where the rows of a set hold some
_MORE = TURN.to_schema().keys() - {"role", "content"}
_PIECE = 16 * 2**20  # bytes of lines that are a table at a time


def fields_of(rows: pl.LazyFrame, fields: Fields) -> dict[str, pl.DataType]:
    """Give the fields that the records of a set have, of those that a format may have, with their types there.

    >>> pair = pl.LazyFrame({"prompt": ["2+2?"], "response": ["4"], "tools": ["[]"]})
    >>> fields_of(pair, {"messages": MESSAGES, "system": TEXT, "tools": JSON})
    {'messages': List(Object), 'tools': Object}
    """
    schema = rows.collect_schema()
    held = [pl.col(name).is_not_null().any() for name in _OPTIONAL if name in schema]
    more = pl.any_horizontal(pl.element().struct[name].is_not_null() for name in _MORE)
    rich = pl.col("history").list.eval(more).list.any().any() if schema.get("history") == TURNS else pl.lit(False)
    facts = rows.select(*held, rich=rich).collect(engine="streaming").row(0, named=True)
    plain = OPTIONAL.keys().isdisjoint(schema) and not facts["rich"]
    absent = {name for name in _OPTIONAL if not facts.get(name)}
    return {name: dtype if plain else _rich(dtype) for name, dtype in fields.items() if name not in absent}


def _rich(dtype: pl.DataType) -> pl.DataType:
    if isinstance(dtype, pl.List):
        return pl.List(_rich(_inner(dtype)))
    return JSON if dtype in (MESSAGE, INPUT) else dtype


def _inner(dtype: pl.List) -> pl.DataType:
    return cast("pl.DataType", dtype.inner)


def _parts(dtype: pl.Struct) -> Fields:
    return cast("Fields", dtype.to_schema())


def features(fields: Fields) -> list[dict[str, Any]]:
    """Name fields and types as a dataset card does (`dataset_info`), of records with an id in front.

    >>> features({"label": FLAG, "tools": JSON})
    [{'name': 'label', 'dtype': 'bool'}, {'name': 'tools', 'dtype': 'json'}]
    """
    return [{"name": name, **_feature(dtype)} for name, dtype in fields.items()]


def _feature(dtype: pl.DataType) -> dict[str, Any]:
    if isinstance(dtype, pl.Struct):
        return {"struct": features(_parts(dtype))}
    if isinstance(dtype, pl.List):
        inner = _feature(_inner(dtype))
        return {"list": inner.get("dtype") or inner.get("struct") or inner}
    return {"dtype": {TEXT: "string", FLAG: "bool", JSON: "json"}[dtype]}


def tables(lines: Path, fields: Fields) -> Iterator[pl.DataFrame]:
    """Read a file of JSON lines as tables of these fields, a piece at a time; at least one, however empty."""
    with lines.open(encoding="utf-8", newline="\n") as file:
        yield _table(file.readlines(_PIECE), fields)
        while some := file.readlines(_PIECE):
            yield _table(some, fields)


def _table(lines: list[str], fields: Fields) -> pl.DataFrame:
    stored = pl.Struct({name: _stored(dtype) for name, dtype in fields.items()})
    if stored != pl.Struct(fields):
        lines = [to_json(_texts(json.loads(line), pl.Struct(fields))).decode() for line in lines]
    return pl.Series(lines, dtype=pl.String).str.json_decode(stored).struct.unnest()


def _stored(dtype: pl.DataType) -> pl.DataType:
    if isinstance(dtype, pl.List):
        return pl.List(_stored(_inner(dtype)))
    if isinstance(dtype, pl.Struct):
        return pl.Struct({name: _stored(field) for name, field in _parts(dtype).items()})
    return TEXT if dtype == JSON else dtype


def _texts(value: Any, dtype: pl.DataType) -> Any:
    """Write what is JSON in a value as text."""
    if value is None:
        return None
    if isinstance(dtype, pl.List):
        return [_texts(item, _inner(dtype)) for item in value]
    if isinstance(dtype, pl.Struct):
        return {name: _texts(value.get(name), field) for name, field in _parts(dtype).items()}
    return to_json(value).decode() if dtype == JSON else value
