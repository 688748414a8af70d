from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from curate.cache import Cache
from curate.evaluate.grades import GRADES, grade
from curate.evaluate.grades.singly import _lean
from curate.models.judges import Case, Grade, Judge, Pairing, function, verdict
from curate.turns import turn
from tests.evaluate.grades.made import LENGTH, LONGER, answers, dialogue
from tests.models.judges.scripted import scripted

HI = [turn("user", "Hi")]


@pytest.fixture
def stages(tmp_path) -> Cache:
    return Cache(tmp_path / ".stages")


def test_every_answer_has_a_line_a_grade_or_the_reason_why_not(stages):
    result = grade(answers("a", None, "abc"), None, LENGTH, stages, arm="mine", seed=3)
    assert result.schema == pl.Schema(GRADES)
    assert result["score"].to_list() == [1.0, None, 3.0]
    assert result["why"].to_list() == [None, "no answer: too long", None]
    assert set(result.select("arm", "seed", "judge").rows()) == {("mine", 3, "length")}


def test_arms_that_the_answers_name_stay(stages):
    two = answers("a", "ab").with_columns(arm=pl.Series(["x", "y"]), seed=pl.Series([1, 2]))
    assert grade(two, None, LENGTH, stages, arm="z").select("arm", "seed").rows() == [("x", 1), ("y", 2)]


def test_a_judge_sees_what_stood_before(stages):
    seen: list[list[str]] = []

    def watch(cases):
        seen.extend([turn["content"] for turn in case.messages] for case in cases)
        return [Grade(0.0) for _ in cases]

    judge = Judge(watch, {"judge": "watch"})
    grade(dialogue("Yes.", "No."), None, judge, stages)
    assert seen == [["Turn 0?"], ["Turn 0?", "Yes.", "Turn 1?"]]
    bare = answers("a").drop("system", "history")
    known = pl.DataFrame({"id": ["p0", "p1"], "system": ["Be brief.", "Be long."]})
    grade(bare, known, judge, stages)
    assert seen[-1] == ["Be brief.", "Question 0?"]


def test_parts_are_text_in_the_table(stages):
    model, _ = scripted(lambda ask: '{"verdict": "pass"}')
    (row,) = grade(answers("a"), None, verdict(generator=model), stages).to_dicts()
    assert (row["score"], row["parts"]) == (1.0, '{"fail": 0.0, "pass": 1.0, "excellent": 0.0}')


def test_the_same_answer_is_judged_once_wherever_it_stands(stages):
    model, asked = scripted(lambda ask: '{"verdict": "pass"}')
    judge = verdict(generator=model)
    grade(answers("a", "b"), None, judge, stages)
    grade(answers("a", "b", "c"), None, judge, stages, arm="other")
    assert len(asked) == 3
    again, none = scripted(lambda ask: pytest.fail("asked again"))
    assert grade(answers("a", "b", "c"), None, verdict(generator=again), stages)["score"].to_list() == [1.0] * 3
    assert none == []


def test_what_a_judge_could_not_do_now_is_tried_again(stages):
    calls: list[int] = []

    def moody(cases):
        calls.append(len(cases))
        return [Grade(None, why="busy", again=True) if len(calls) == 1 else Grade(1.0) for _ in cases]

    judge = Judge(moody, {"judge": "moody"})
    assert grade(answers("a"), None, judge, stages)["why"].to_list() == ["busy"]
    assert grade(answers("a"), None, judge, stages)["score"].to_list() == [1.0]
    assert grade(answers("a"), None, judge, stages)["score"].to_list() == [1.0]
    assert calls == [1, 1]


def test_a_function_typed_in_is_never_taken_from_the_last_time(stages):
    scope: dict[str, Any] = {}
    exec("def typed(response): return len(response)", scope)
    assert grade(answers("ab"), None, function(scope["typed"]), stages)["score"].item() == 2
    exec("def typed(response): return -1", scope)
    assert grade(answers("ab"), None, function(scope["typed"]), stages)["score"].item() == -1


def test_a_judge_that_compares_grades_none_and_says_so(stages):
    result = grade(answers("a"), None, replace(LONGER, name="mine"), stages)
    assert result.select("score", "why", "judge").row(0) == (
        None,
        "this judge compares two answers and grades none",
        "mine",
    )


def test_no_answers_are_no_grades(stages):
    assert grade(answers(), None, LENGTH, stages).height == 0


CALLED = [
    turn("assistant", tool_calls=[{"id": "1", "name": "weather", "arguments": "{}"}]),
    turn("tool", "12", tool_call_id="1"),
]


@pytest.mark.parametrize(
    ("response", "turns", "case", "why"),
    [
        pytest.param("4", [], ("4", []), None, id="a text"),
        pytest.param("<think>hm</think>4", [], ("4", []), None, id="thoughts in the text"),
        pytest.param("4", [turn("assistant", thinking="hm")], ("4", []), None, id="thoughts beside it"),
        pytest.param("12.", [*CALLED, turn("assistant")], ("12.", CALLED), None, id="calls before it"),
        pytest.param("<think>hm", [], None, "no answer: the model's thoughts were cut before an answer", id="thoughts"),
    ],
)
def test_a_judge_sees_the_conversation_and_no_thoughts(tmp_path, response, turns, case, why):
    seen = []

    def grades(cases):
        seen.extend(cases)
        return [Grade(1.0) for _ in cases]

    history = [turn("user", "Hi", name="ann"), turn("assistant", "Yes?", thinking="hm")]
    rows = answers(response, history=history, response_turns=turns or None, tools="[]")
    graded = grade(rows, None, Judge(grades, {"judge": "own"}), Cache(tmp_path))
    assert graded["why"].to_list() == [why]
    assert [(one.response, one.turns) for one in seen] == ([case] if case else [])
    for one in seen:
        asked = [history[0], turn("assistant", "Yes?"), turn("user", "Question 0?")]
        assert (one.messages, one.tools) == (asked, "[]")


def test_keys_of_plain_cases_are_what_they_were():
    plain = [Case("1", HI, "Hello!"), Case("1", HI, ""), Pairing("1", HI, "a", "b")]
    assert json.dumps(list(map(_lean, plain))) == json.dumps([["1", HI, "Hello!"], ["1", HI, ""], ["1", HI, "a", "b"]])
    rich = [Case("1", HI, "Hello!", CALLED), Case("1", HI, "Hello!", (), "[]"), Pairing("1", HI, "a", "b", (), CALLED)]
    assert list(map(len, map(_lean, rich))) == [4, 5, 6]
