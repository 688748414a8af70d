"""Training formats: a curated row as the records that trainers read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import polars as pl
from pydantic_core import to_json

from curate.turns import OPTIONAL, answer, conversation, question

Row: TypeAlias = dict[str, Any]

# All that the formats hold; a set may have many columns more.
_COLUMNS = ("id", "system", "history", "prompt", "response", "chosen", "rejected", "instruction", "input", *OPTIONAL)


def records(rows: pl.DataFrame, format_: str) -> Iterator[Row]:
    """Turn rows into records of a format (`FORMATS`), each with the row's `id` in front.

    Raise ValueError when a row lacks what the format holds: nothing is left out without a word.

    >>> rows = pl.DataFrame({"id": ["1"], "prompt": ["Hi?"], "response": ["Hello."]})
    >>> next(records(rows, "messages"))["messages"][1]
    {'role': 'assistant', 'content': 'Hello.'}
    """
    convert, needs = FORMATS[format_]
    for row in rows.select(name for name in _COLUMNS if name in rows.columns).iter_rows(named=True):
        lacking = [name for name in needs if row.get(name) is None]
        if lacking:
            raise ValueError(f"row {row['id']} has no {lacking[0]}, which the format '{format_}' needs")
        for record in convert(row):
            yield {"id": row["id"], **record}


def to_jsonl(rows: pl.DataFrame, format_: str) -> str:
    """Write rows as JSON lines of a format."""
    return b"".join(to_json(record) + b"\n" for record in records(rows, format_)).decode()


def _messages(row: Row) -> Iterator[Row]:
    yield {"messages": conversation(row)}


def _prompt_completion(row: Row) -> Iterator[Row]:
    """Give one record an assistant turn, so that each answer of a dialogue is trained on."""
    turns = next(_messages(row))["messages"]
    for i, turn in enumerate(turns):
        if turn["role"] == "assistant":
            yield {"prompt": turns[:i], "completion": [turn]}


def _alpaca(row: Row) -> Iterator[Row]:
    if row.get("history"):
        raise ValueError(f"row {row['id']} is a dialogue, which the format 'alpaca' cannot hold")
    instruction, context = row.get("instruction") or row["prompt"], row.get("input") or ""
    middle = f"### Input:\n{context}\n\n" if context else ""
    text = f"### Instruction:\n{instruction}\n\n{middle}### Response:\n{row['response']}"
    yield {"instruction": instruction, "input": context, "output": row["response"], "text": text}


def _sharegpt(row: Row) -> Iterator[Row]:
    names = {"system": "system", "user": "human", "assistant": "gpt"}
    turns = next(_messages(row))["messages"]
    yield {"conversations": [{"from": names[t["role"]], "value": t["content"]} for t in turns]}


def _preference(row: Row) -> Iterator[Row]:
    yield {
        "prompt": question(row),
        "chosen": answer(row, "chosen"),
        "rejected": answer(row, "rejected"),
    }


# Each format: how a row becomes records, and the columns it cannot do without.
FORMATS: dict[str, tuple[Callable[[Row], Iterator[Row]], tuple[str, ...]]] = {
    "prompt_completion": (_prompt_completion, ("prompt", "response")),
    "messages": (_messages, ("prompt", "response")),
    "alpaca": (_alpaca, ("prompt", "response")),
    "sharegpt": (_sharegpt, ("prompt", "response")),
    "preference": (_preference, ("prompt", "chosen", "rejected")),
}
