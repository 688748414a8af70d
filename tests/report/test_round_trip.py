"""Every format gives back the conversation that it was written from, or refuses the row."""

from __future__ import annotations

import json
from collections import Counter
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
WHOLE = {"prompt_completion", "messages", "preference", "implicit"}  # which refuse no row
SCHEMA = {name: pl.String() for name in ("id", "system", "prompt", "response", *SIDES)} | {
    "history": TURNS,
    "label": pl.Boolean(),
    **OPTIONAL,
}
TOOLS = json.dumps([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}])
Row = dict[str, Any]

few = settings(max_examples=15, deadline=None)
many = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
MANY = 10  # conversations an example, 2,000 in all: of longer lists hypothesis draws few that are whole


@st.composite
def dialogues(draw: Any) -> list[Turn]:
    """Draw a conversation that has some of what a turn may have: all at once is more than most formats hold."""
    turns = draw(conversations())
    for field in draw(st.sets(st.sampled_from(["thinking", "loss", "name", "tool_calls"]))):
        turns = [{k: v for k, v in t.items() if k != field} for t in turns if field != "tool_calls" or not _of_call(t)]
    return turns


def _of_call(t: Turn) -> bool:
    return "tool_calls" in t or t["role"] == "tool"


@st.composite
def answers(draw: Any, of: st.SearchStrategy[list[Turn]]) -> Row:
    """Draw a row of one answer, some turn of which is trained on."""
    turns = draw(of.filter(lambda turns: any(_counts(t) for t in turns)))
    return cut(turns) | {"tools": draw(maybe(st.just(TOOLS)))}


@st.composite
def pairs(draw: Any, of: st.SearchStrategy[list[Turn]]) -> Row:
    row = cut(draw(of), "chosen") | {"tools": draw(maybe(st.just(TOOLS)))}
    return row | reply([turn("assistant", draw(WORDS))], "rejected")


def _counts(t: Turn) -> bool:
    return t["role"] == "assistant" and bool(t.get("loss", True))


def table(row: Row) -> pl.DataFrame:
    return pl.DataFrame([{"id": "1", **row}], schema={"id": pl.String(), **{name: SCHEMA[name] for name in row}})


def through(rows: list[Row], format_: str) -> list[tuple[Row, list[Row]]]:
    """Write rows that a format holds and read its records back: each row with those that come of it."""
    lines = [(row, text.split("\n")[:-1]) for row in rows if (text := write(row, format_)) is not None]
    read = iter(as_rows([json.loads(line) for _, some in lines for line in some]))
    return [(row, [next(read) for _ in some]) for row, some in lines]


def write(row: Row, format_: str) -> str | None:
    try:
        return to_jsonl(table(row), format_)
    except ValueError as error:
        assert "has no place for" in str(error) and format_ not in WHOLE
        return None


def as_rows(lines: list[Row]) -> list[Row]:
    if not lines:
        return []
    lines = [{key: value for key, value in line.items() if key != "id"} for line in lines]
    lines = [normalise(line, detect([line])) for line in lines]
    rows, wrong = frame(lines, infer(lines), None)
    assert not wrong
    rows = standardise(rows, "s")
    return rows.select(name for name in SCHEMA if name in rows.columns and name != "id").to_dicts()


def canonical(turns: list[Turn], format_: str = "") -> list[Turn]:
    """Read the arguments of calls; leave out the links that a format tells by the order of the turns."""
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


def check_answers(rows: list[Row]) -> Counter[str]:
    """Check that each format gives back rows of one answer; count those that it holds."""
    count: Counter[str] = Counter()
    for format_ in OF_ANSWERS:
        for row, back in through(rows, format_):
            turns = conversation(row)
            one_each = format_ == "prompt_completion"  # a record for each turn that is trained on
            assert len(back) == (sum(map(_counts, turns)) if one_each else 1)
            if one_each and not _counts(turns[-1]):
                continue
            assert canonical(conversation(back[-1]), format_) == canonical(turns, format_)
            assert back[-1].get("tools") == row.get("tools")
            count[format_] += 1
    return count


def check_pairs(rows: list[Row]) -> Counter[str]:
    """Check that each format gives back both sides of pairs; count those that it holds."""
    count: Counter[str] = Counter()
    for format_ in OF_PAIRS:
        for row, [back] in through(rows, format_):
            for side in SIDES:
                expected = canonical(conversation(row, side), format_)
                assert canonical(conversation(back, side), format_) == expected
            assert back.get("tools") == row["tools"]
            count[format_] += 1
    for row, both in through(rows, "unpaired"):
        for back, side in zip(both, SIDES, strict=True):
            assert canonical(conversation(back)) == canonical(conversation(row, side))
        assert [record["label"] for record in records(table(row), "unpaired")] == [True, False]
    for row, [back] in through(rows, "prompts"):
        assert canonical(question(back)) == canonical(question(row))
    return count


def check_any_to_any(rows: list[Row]) -> None:
    """Check that what came through one format goes through every other."""
    for format_ in OF_ANSWERS:
        between = [back[-1] for row, back in through(rows, format_) if _counts(conversation(row)[-1])]
        check_answers([{name: row.get(name) for name in SCHEMA if name in row} for row in between])


@few
@given(answers(conversations(rich=False)).map(lambda row: row | {"tools": None}))
def test_plain_conversations(row):
    assert check_answers([row]) == dict.fromkeys(OF_ANSWERS, 1)


@few
@given(st.lists(answers(dialogues()), min_size=1, max_size=4))
def test_conversations(rows):
    assert check_answers(rows)["messages"] == len(rows)


@few
@given(answers(dialogues()), st.booleans())
def test_answers_with_a_label(row, label):
    [(_, [back])] = through([row | {"label": label}], "unpaired")
    assert canonical(conversation(back)) == canonical(conversation(row))
    assert (back["label"], back.get("tools")) == (label, row["tools"])


@few
@given(st.lists(pairs(dialogues()), min_size=1, max_size=4))
def test_pairs(rows):
    assert check_pairs(rows)["preference"] == len(rows)


@few
@given(st.lists(answers(dialogues()), min_size=1, max_size=4))
def test_from_any_format_to_any_other(rows):
    check_any_to_any(rows)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "check", "formats"),
    [
        pytest.param(answers(dialogues()), check_answers, OF_ANSWERS, id="answers"),
        pytest.param(pairs(dialogues()), check_pairs, OF_PAIRS, id="pairs"),
    ],
)
def test_two_thousand_conversations(rows, check, formats):
    total: Counter[str] = Counter()

    @many
    @given(st.lists(rows, min_size=MANY, max_size=MANY))
    def each(some):
        total.update(check(some))

    each()
    print(dict(total))
    assert all(total[format_] > 100 for format_ in formats), total


@pytest.mark.slow
@settings(many, max_examples=30)
@given(st.lists(answers(dialogues()), min_size=MANY, max_size=MANY))
def test_three_hundred_from_any_format_to_any_other(rows):
    check_any_to_any(rows)
