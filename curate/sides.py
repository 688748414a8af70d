"""Sides: what a row asks and answers, once it has its id: blank sides are none, thoughts stand apart."""

from __future__ import annotations

from typing import Any

import polars as pl

from curate.thoughts import SIGNS, may_think, split
from curate.turns import ANSWERS, OPTIONAL, TURNS, Turn, reply


def settle(rows: pl.DataFrame) -> pl.DataFrame:
    """Make blank prompts and answers null, and take the thoughts in answers and earlier turns apart from them.

    Optional columns of turns that hold nothing are left out.

    >>> row = settle(pl.DataFrame({"prompt": ["2+2?"], "response": ["<think>Hm.</think>4"]})).row(0, named=True)
    >>> row["response"], row["response_turns"][0]["thinking"]
    ('4', 'Hm.')
    """
    texts = [name for name in ("prompt", *ANSWERS) if rows.schema.get(name) == pl.String]
    blank = [name for name in texts if not rows[name].str.contains(r"\S").all()]
    rows = rows.with_columns(pl.when(pl.col(name).str.contains(r"\S")).then(name).alias(name) for name in blank)
    for name in (name for name in texts if name in ANSWERS):
        rows = _answer(rows, name)
    for name in ("history", *(f"{answer}_turns" for answer in ANSWERS)):
        if rows.schema.get(name) == TURNS and rows[name].null_count() < rows.height:
            rows = _turns(rows, name)
    return rows.drop(n for n, dtype in OPTIONAL.items() if n in rows.columns and _empty(rows[n], dtype))


def _empty(column: pl.Series, dtype: pl.DataType) -> bool:
    return column.dtype in (dtype, pl.Null) and column.null_count() == len(column)


def _answer(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """Take the thoughts in the texts of answers apart; those that have some already are left alone."""
    marked = rows[name].str.contains(SIGNS).fill_null(False)
    if not marked.any():
        return rows
    more = f"{name}_turns"
    turns = rows[more] if rows.schema.get(more) == TURNS else pl.Series(more, [None] * rows.height, dtype=TURNS)
    texts: list[str | None] = [None] * rows.height
    apart: list[list[Turn] | None] = [None] * rows.height
    at = marked.arg_true()
    for i, text, before in zip(at, rows[name].gather(at), turns.gather(at), strict=True):
        *others, last = before.to_list() if before is not None and len(before) else [{"role": "assistant"}]
        answer = reply([*others, _apart({**last, "content": text})], name)
        texts[i], apart[i] = answer[name], answer[more]
    text = pl.Series(name, texts, dtype=pl.String).zip_with(marked, rows[name])
    return rows.with_columns(text, pl.Series(more, apart, dtype=TURNS).zip_with(marked, turns))


def _turns(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """Take the thoughts in the texts of earlier turns apart."""
    texts = rows[name].list.eval(pl.element().struct["content"]).explode()
    if not texts.str.contains(SIGNS).any():
        return rows
    turns = [None if listed is None else [_apart(turn) for turn in listed] for listed in rows[name].to_list()]
    return rows.with_columns(pl.Series(name, turns, dtype=TURNS))


def _apart(turn: dict[str, Any]) -> Turn:
    """Take the thoughts in a turn of the assistant apart from its text, unless they are so already."""
    turn = {field: value for field, value in turn.items() if value is not None}
    if turn.get("role") != "assistant" or "thinking" in turn or not may_think(turn.get("content") or ""):
        return turn
    thinking, answer = split(turn.pop("content"))
    return turn | {field: text for field, text in (("thinking", thinking), ("content", answer)) if text is not None}
