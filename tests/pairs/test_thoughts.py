"""Thoughts of the models that answer: kept or dropped, counted, and no answer by themselves."""

from __future__ import annotations

import json

import polars as pl
import pytest

from curate.models.generators.ask import Answer
from curate.models.judges.judge import Case
from curate.pairs import best, best_of, judged, respond, styles, votes
from curate.pairs.samples import CALLS, UNANSWERED
from curate.turns import TURNS, answer, turn
from tests.pairs.own import Reply, conserved, generator, judge, said
from tests.pairs.test_styles import rows

TAGS = "<think>hm</think>4"
COUNTED = Answer("4", "stop", 10, 9, None, "hm hm", 2)


def turns(*thoughts: str | None) -> list[list[dict[str, str | None]] | None]:
    series = pl.Series([t and [turn("assistant", thinking=t)] for t in thoughts], dtype=TURNS)
    return series.to_list()


@pytest.mark.parametrize(
    ("reply", "thinking"),
    [
        pytest.param(TAGS, "hm", id="in tags"),
        pytest.param(COUNTED, "hm hm", id="apart"),
        pytest.param("4", None, id="none"),
    ],
)
def test_thoughts_are_dropped_or_kept(reply, thinking):
    drop = respond(rows("2+2?"), generator=generator(lambda ask: reply)[0])
    keep = respond(rows("2+2?"), generator=generator(lambda ask: reply)[0], thoughts="keep")
    assert drop.columns.to_dict(as_series=False) == {"response": ["4"]}
    assert keep.columns["response"].to_list() == ["4"]
    assert keep.columns["response_turns"].to_list() == turns(thinking)
    assert drop.notes.get("with thoughts", 0) == (thinking is not None)
    row = keep.columns.row(0, named=True)
    assert answer(row) == [turn("assistant", "4", thinking=thinking)]


def test_tokens_of_thoughts_are_counted_where_the_engine_counts_them():
    there = rows("a", "b")
    replies: dict[str, Reply] = {"a": COUNTED, "b": TAGS}
    made = respond(there, generator=generator(lambda ask: replies[said(ask)])[0])
    assert made.notes == {
        "answers": 2, "with thoughts": 2, "prompt tokens": 20, "tokens": 14, "tokens of thoughts": 2, "rows answered": 2,
    }  # fmt: skip
    assert made.ledger["thinking_tokens"].to_list() == [2, None]
    nothing = respond(there, generator=generator(lambda ask: TAGS)[0])
    assert "tokens of thoughts" not in nothing.notes and "thinking_tokens" not in nothing.ledger.columns


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        pytest.param(Answer("<think>hm", "length", 9, 9), UNANSWERED, id="cut by length"),
        pytest.param(Answer("<think>hm", "stop", 9, 9), UNANSWERED, id="cut by a stop"),
        pytest.param(Answer("", "stop", 9, 9, None, "hm"), UNANSWERED, id="a field of its own, and nothing else"),
        pytest.param(Answer("", "length", 9, 9, None, None, 9), UNANSWERED, id="thoughts that nobody is shown"),
        pytest.param(Answer("", "length", 9, 9), "cut off at the limit of tokens", id="no thoughts"),
        pytest.param(Answer("I look.", "tool_calls", 9, 9), CALLS, id="a call of a tool"),
    ],
)
@pytest.mark.parametrize("cut", ["drop", "keep"])
def test_thoughts_alone_are_no_answer(reply, why, cut):
    there = rows("2+2?")
    made = respond(there, generator=generator(lambda ask: reply)[0], thoughts="keep", cut=cut)
    if why.startswith("cut off") and cut == "keep":
        why = "empty"
    assert made.why.to_list() == [why]
    assert made.columns["response_turns"].to_list() == [None]
    assert conserved(there, made, "response")


def test_pairs_have_the_thoughts_of_both_sides():
    replies = {"Warm": "<think>w</think>Hi!", "Cold": "Good day."}
    made = styles(
        rows("Hi?"),
        generator=generator(lambda ask: replies[ask.messages[0]["content"]])[0],
        chosen="Warm",
        rejected="Cold",
        thoughts="keep",
    )
    assert made.columns.select("chosen", "rejected").row(0) == ("Hi!", "Good day.")
    assert [made.columns[f"{side}_turns"].to_list() for side in ("chosen", "rejected")] == [turns("w"), turns(None)]


@pytest.mark.parametrize("make", [best, best_of, judged])
def test_a_judge_sees_answers_and_not_thoughts(make):
    texts = iter(["<think>a very long thought</think>A.", "<think>b</think>Better."] * 2)
    own, cases = judge(lambda case: len(case.response))
    if make is judged:
        who = {"generators": [generator(lambda ask: next(texts), model=model)[0] for model in ("x", "y")]}
    else:
        who = {"generator": generator(lambda ask: next(texts))[0], "n": 2}
    made = make(rows("Tea?"), judge=own, thoughts="keep", **who)
    assert sorted(case.response for call in cases for case in call) == ["A.", "Better."]
    side = "response" if make is best else "chosen"
    assert made.columns[side].to_list() == ["Better."]
    assert made.columns[f"{side}_turns"].to_list() == turns("b")


CALL = {"id": "1", "name": "weather", "arguments": '{"city": "Bergen"}'}
HISTORY = [
    turn("user", "Weather?", name="ann"),
    turn("assistant", thinking="look it up", tool_calls=[CALL]),
    turn("tool", "12", tool_call_id="1", name="weather"),
    turn("assistant", "12 degrees.", thinking="so", loss=False),
]
TOOLS = json.dumps([{"type": "function", "function": {"name": "weather", "parameters": {}}}])


def dialogue() -> pl.DataFrame:
    row = {"id": "1", "prompt": "And now?", "history": HISTORY, "tools": TOOLS, "prompt_name": "ann"}
    row |= {"response": "old", "response_turns": [turn("assistant", thinking="old")]}
    schema = {"history": TURNS, "response_turns": TURNS}
    return pl.DataFrame([row], schema_overrides=schema, infer_schema_length=None)


def test_whole_turns_are_asked_without_thoughts_and_masks():
    model, asked = generator(lambda ask: "13.")
    own, cases = judge(lambda case: 1)
    best(dialogue(), generator=model, judge=own, n=1)
    expected = [
        HISTORY[0],
        turn("assistant", tool_calls=[CALL]),
        HISTORY[2],
        turn("assistant", "12 degrees."),
        turn("user", "And now?", name="ann"),
    ]
    [[ask]] = asked
    assert (list(ask.messages), ask.tools) == (expected, TOOLS)
    assert cases == [[Case("1", expected, "13.", tools=TOOLS)]]


@pytest.mark.parametrize(("thoughts", "kept"), [("drop", None), ("keep", "new")])
def test_a_new_answer_takes_away_what_the_old_one_had(thoughts, kept):
    made = respond(dialogue(), generator=generator(lambda ask: "<think>new</think>13.")[0], thoughts=thoughts)
    assert made.columns["response_turns"].to_list() == turns(kept)


def test_votes_keep_what_an_answer_is_beside_its_text():
    other = {"response": "Just boil it.", "score": -2.0, "license": None}
    row = {"id": "1", "response": "Some 75 degrees.", "score": 9.0, "answers": [other]}
    plain = pl.DataFrame([row])
    rich = plain.with_columns(response_turns=pl.Series([[turn("assistant", thinking="hm")]], dtype=TURNS))
    assert "chosen_turns" not in votes(plain).columns.columns
    made = votes(rich).columns
    assert (made["chosen_turns"].to_list(), made["rejected_turns"].to_list()) == (turns("hm"), turns(None))
