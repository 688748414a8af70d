"""Every format gives back the conversation that it was written from, or refuses the row."""

from __future__ import annotations

import json
from collections import Counter
from importlib.util import find_spec
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curate.report.formats import records, to_jsonl
from curate.rows import standardise
from curate.sources.columns import frame, infer
from curate.sources.shapes import detect, normalise
from curate.turns import OPTIONAL, TURNS, Turn, conversation, cut, question, reply, turn
from tests.conversations import WORDS, conversations, maybe

OF_ANSWERS = ("prompt_completion", "messages", "openai", "sharegpt", "alpaca")
OF_PAIRS = ("preference", "implicit", "openai", "sharegpt", "hh")
SIDES = ("chosen", "rejected")
# Formats that hold all that a row may have: they refuse none.
WHOLE = {"prompt_completion", "messages", "preference", "implicit"}
SCHEMA = {name: pl.String() for name in ("id", "system", "prompt", "response", *SIDES)} | {"history": TURNS, **OPTIONAL}
TOOLS = json.dumps([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}])
Row = dict[str, Any]

few = settings(max_examples=40, deadline=None)
many = settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
rich = pytest.mark.skipif(not find_spec("curate.sources.dialogue"), reason="shapes read roles and texts alone")


@st.composite
def turns_with(draw: Any) -> list[Turn]:
    """Draw a conversation that has some of what a turn may have: all at once is more than most formats hold."""
    turns = draw(conversations())
    for field in draw(st.sets(st.sampled_from(["thinking", "loss", "name", "tool_calls"]))):
        turns = [{k: v for k, v in t.items() if k != field} for t in turns if field != "tool_calls" or not _of_call(t)]
    return turns


def _of_call(t: Turn) -> bool:
    return "tool_calls" in t or t["role"] == "tool"


@st.composite
def pairs(draw: Any, of: st.SearchStrategy[list[Turn]]) -> Row:
    row = cut(draw(of), "chosen") | {"tools": draw(maybe(st.just(TOOLS)))}
    return row | reply([turn("assistant", draw(WORDS))], "rejected")


def rows_of(row: Row) -> pl.DataFrame:
    row = {"id": "1", **row}
    return pl.DataFrame([row], schema={name: SCHEMA[name] for name in row})


def written(row: Row, format_: str) -> list[Row] | None:
    """Write a row and read the records back as rows; None where the format has no place for it."""
    try:
        lines = to_jsonl(rows_of(row), format_)
    except ValueError as error:
        assert "has no place for" in str(error) and format_ not in WHOLE
        return None
    return [read(json.loads(line)) for line in lines.split("\n")[:-1]]


def read(record: Row) -> Row:
    record.pop("id", None)
    record = normalise(record, detect([record]))
    rows, wrong = frame([record], infer([record]), None)
    assert not wrong
    row = standardise(rows, "s").row(0, named=True)
    return {name: row[name] for name in SCHEMA if name in row and name != "id"}


def told(turns: list[Turn], format_: str) -> list[Turn]:
    """Write arguments in one way; leave out links that the order of the turns tells, for formats that have none."""
    result = []
    for t in turns:
        t = dict(t)
        if "tool_calls" in t:
            t["tool_calls"] = [{**call, "arguments": json.loads(call["arguments"])} for call in t["tool_calls"]]
        if format_ in ("openai", "sharegpt") and t["role"] == "tool":
            t.pop("name", None)
        if format_ == "sharegpt":
            t.pop("tool_call_id", None)
            for call in t.get("tool_calls", []):
                call.pop("id", None)
        result.append(t)
    return result


def check_answers(turns: list[Turn], tools: str | None, formats: tuple[str, ...] = OF_ANSWERS) -> list[str]:
    """Check that each format gives back a row of one answer; name those that hold it."""
    row = cut(turns) | {"tools": tools}
    counting = [t for t in turns if t["role"] == "assistant" and t.get("loss", True)]
    if not counting:
        return []
    held = []
    for format_ in formats:
        back = written(row, format_)
        if back is None or (format_ == "prompt_completion" and turns[-1] is not counting[-1]):
            continue
        assert len(back) == (len(counting) if format_ == "prompt_completion" else 1)
        assert told(conversation(back[-1]), format_) == told(turns, format_)
        assert back[-1].get("tools") == tools
        held.append(format_)
    return held


def check_pairs(row: Row) -> list[str]:
    """Check that each format gives back both sides of a pair; name those that hold it."""
    held = []
    for format_ in OF_PAIRS:
        back = written(row, format_)
        if back is None:
            continue
        for side in SIDES:
            assert told(conversation(back[0], side), format_) == told(conversation(row, side), format_)
        assert back[0].get("tools") == row["tools"]
        held.append(format_)
    for alone, side in zip(written(row, "unpaired") or [], SIDES, strict=True):
        assert told(conversation(alone), "") == told(conversation(row, side), "")
    assert [r["label"] for r in records(rows_of(row), "unpaired")] == [True, False]
    [asked] = written(row, "prompts") or []
    assert told(question(asked), "") == told(question(row), "")
    return held


@few
@given(conversations(rich=False))
def test_plain_conversations(turns):
    assert set(check_answers(turns, None)) == set(OF_ANSWERS)


@rich
@few
@given(pairs(conversations(rich=False)).map(lambda row: row | {"tools": None}))
def test_plain_pairs(row):
    assert set(check_pairs(row)) >= {"preference", "implicit", "openai"}


@rich
@few
@given(turns_with(), maybe(st.just(TOOLS)))
def test_conversations(turns, tools):
    check_answers(turns, tools)


@rich
@few
@given(pairs(turns_with()))
def test_pairs(row):
    check_pairs(row)


@rich
@settings(few, max_examples=15)
@given(turns_with(), maybe(st.just(TOOLS)))
def test_from_any_format_to_any_other(turns, tools):
    check_all_ways(turns, tools)


def check_all_ways(turns: list[Turn], tools: str | None) -> None:
    row = cut(turns) | {"tools": tools}
    for first in check_answers(turns, tools):
        [*_, between] = written(row, first) or []
        after = conversation(between)
        assert set(check_answers(after, between.get("tools"))) <= set(OF_ANSWERS)


@rich
@pytest.mark.slow
def test_two_thousand_conversations():
    held: Counter[str] = Counter()

    @many
    @given(turns_with(), maybe(st.just(TOOLS)))
    def each(turns, tools):
        held.update(check_answers(turns, tools))

    each()
    print(held)
    assert all(held[format_] > 200 for format_ in OF_ANSWERS), held


@rich
@pytest.mark.slow
def test_two_thousand_pairs():
    held: Counter[str] = Counter()

    @many
    @given(pairs(turns_with()))
    def each(row):
        held.update(check_pairs(row))

    each()
    print(held)
    assert all(held[format_] > 100 for format_ in OF_PAIRS), held
