from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.cache import Cache
from curate.evaluate.grades import COMPARISONS, GradesError, pairwise
from curate.evaluate.grades.side_by_side import Cost, compared, cost_of, pairings_of
from curate.evaluate.grades.singly import cases_of
from curate.models.generators.ask import Ask, Failed
from curate.models.judges import Comparison, Judge, as_judge, comparison, rating, verdict
from curate.turns import turn
from tests.evaluate.grades.made import LENGTH, LONGER, PLACE, answers, dialogue
from tests.models.judges.scripted import scripted

SEEN = ["first", "second", "verdict", "flipped", "why"]


@pytest.fixture
def stages(tmp_path) -> Cache:
    return Cache(tmp_path / ".stages")


@pytest.mark.parametrize(
    ("judge", "a", "b", "seen"),
    [
        pytest.param(LONGER, "abc", "a", ("a", "a", "a", False, None), id="a in both orders"),
        pytest.param(LONGER, "a", "abc", ("b", "b", "b", False, None), id="b in both orders"),
        pytest.param(LONGER, "abc", "xyz", ("tie", "tie", "tie", False, None), id="a tie in both orders"),
        pytest.param(PLACE, "abc", "a", ("a", "b", "tie", True, None), id="the place decides: a flip is a tie"),
        pytest.param(PLACE, "abc", "abc", ("tie", "tie", "tie", False, None), id="the same text is a tie unasked"),
        pytest.param(LENGTH, "abc", "a", ("a", "a", "a", False, None), id="by grades"),
        pytest.param(LENGTH, "abc", "xyz", ("tie", "tie", "tie", False, None), id="by equal grades"),
        pytest.param(LONGER, "abc", None, (None, None, None, None, "b has no answer: too long"), id="no answer"),
    ],
)
def test_both_orders_are_judged_and_a_disagreement_is_a_tie(stages, judge, a, b, seen):
    result = pairwise(answers(a), answers(b), judge, stages, names=("x", "y"))
    assert result.schema == pl.Schema(COMPARISONS)
    assert result.select(SEEN).row(0) == seen
    assert result.select("a", "b", "response_a", "response_b").row(0) == ("x", "y", a, b)


def test_one_verdict_alone_is_none(stages):
    def reply(ask):
        text = ask.messages[0]["content"]
        return '{"better": "first"}' if text.index("LONG") < text.index("SHORT") else "hm"

    model, _ = scripted(reply)
    result = pairwise(answers("SHORT"), answers("LONG"), comparison(generator=model), stages)
    assert result.select(SEEN).row(0)[2:4] == (None, None)
    assert result["why"].item() == "the reply is no JSON: 'hm'"


def test_what_only_one_answered_or_answered_to_something_else_is_counted(stages):
    a, b = answers("a", "b", "c"), answers("aa", "bb").vstack(answers("dd").with_columns(id=pl.lit("p9")))
    other = b.with_columns(prompt=pl.when(pl.col("id") == "p1").then(pl.lit("Another?")).otherwise("prompt"))
    result = pairwise(a, other, LONGER, stages)
    assert dict(result.select("id", "why").iter_rows()) == {
        "p0": None,
        "p1": "a and b answered different conversations",
        "p2": "b was not asked this",
        "p9": "a was not asked this",
    }


def test_two_answers_under_one_number_are_not_quietly_one(stages):
    two = answers("a").vstack(answers("b"))
    with pytest.raises(GradesError, match="b answers prompt p0 more than once as sample 0"):
        pairwise(answers("a"), two, LONGER, stages)


def test_dialogues_are_compared_as_long_as_they_are_the_same(stages):
    result = pairwise(dialogue("Yes.", "Well."), dialogue("No.", "Hm."), LONGER, stages)
    assert result["verdict"].to_list() == ["a", None]
    assert result["why"].to_list() == [None, "a and b answered different conversations"]


def test_nothing_is_asked_twice(stages):
    model, asked = scripted(lambda ask: '{"better": "first"}')
    given_ = (answers("a", "b"), answers("aa", "b"))
    first = pairwise(*given_, comparison(generator=model), stages)
    assert len(asked) == 2, "two orders of one pair; the other pair is one text"
    again, _ = scripted(lambda ask: pytest.fail("asked again"))
    assert pairwise(*given_, comparison(generator=again), stages).equals(first)
    assert first["flipped"].to_list() == [True, False]


def test_grades_that_are_missing_are_no_verdict():
    def reply(ask):
        return Failed("busy", again=True) if "long" in ask.messages[0]["content"] else '{"verdict": "pass"}'

    model, asked = scripted(reply)
    pairings = pairings_of(answers("short"), answers("very long"))
    assert compared(verdict(generator=model), pairings) == [Comparison(None, {}, "busy", True)] * 2
    assert len(asked) == 2, "an answer is graded once, in whatever order it stands"


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(st.tuples(st.text("ab", max_size=4), st.text("ab", max_size=4)), max_size=5))
def test_turning_the_sides_turns_the_verdicts(pairs):
    import tempfile
    from pathlib import Path

    a, b = answers(*(one for one, _ in pairs)), answers(*(other for _, other in pairs))
    with tempfile.TemporaryDirectory() as folder:
        stages = Cache(Path(folder))
        judge = Judge(LONGER.grade, {"judge": "longer", "code": None}, compare=LONGER.compare)
        forth = pairwise(a, b, judge, stages)["verdict"].to_list()
        back = pairwise(b, a, judge, stages)["verdict"].to_list()
    assert [{"a": "b", "b": "a", "tie": "tie"}[one] for one in back] == forth


CASES = cases_of(answers("a", "b", "a", None).with_columns(prompt=answers("", "", "", "")["id"].str.slice(0, 1)))


def test_it_counts_what_would_be_sent_and_sends_nothing():
    model, asked = scripted(lambda ask: '{"verdict": "pass"}')
    judge = verdict(generator=model)
    cost = cost_of(judge, CASES)
    assert (cost.asks, cost.requests, asked) == (3, 2, [])
    judge.grade(CASES)
    assert cost.characters == sum(len(turn["content"]) for ask in asked for turn in ask.messages)
    assert cost_of(judge, CASES) == Cost(3, 0, 0), "the journal knows them all"


def test_samples_and_orders_are_counted():
    model, _ = scripted(lambda ask: "")
    assert cost_of(rating(generator=model, samples=3), CASES[:2]).requests == 6
    pairings = pairings_of(answers("a", "b", "c"), answers("aa", "bb", "c"))
    assert cost_of(comparison(generator=model), pairings).requests == 4
    assert cost_of(verdict(generator=model), pairings).requests == 4, "each answer once, by its grade"


def test_a_judge_without_a_model_sends_nothing():
    assert cost_of(LENGTH, CASES) == Cost(0, 0, 0)
    assert cost_of(LONGER, pairings_of(answers("a"), answers("b"))) == Cost(0, 0, 0)


def test_a_function_that_asks_a_model_is_counted_as_far_as_it_goes():
    def asks(response: str, helper) -> float:
        first = helper.ask([Ask([{"role": "user", "content": response}], 0)])
        return float(first[0].text)

    model, asked = scripted(lambda ask: "3")
    judge = as_judge(asks, {"helper": model})
    assert cost_of(judge, CASES) == Cost(3, 2, 2)
    assert [grade.score for grade in judge.grade(CASES)] == [3.0] * 3
    assert len(asked) == 2


def test_the_generator_is_itself_again_whatever_happens():
    def stopped(response: str, helper) -> float:
        helper.ask([])
        raise KeyboardInterrupt

    model, _ = scripted(lambda ask: "3")
    with pytest.raises(KeyboardInterrupt):
        cost_of(as_judge(stopped, {"helper": model}), CASES)
    assert "ask" not in vars(model)


CALLED = [
    turn("assistant", tool_calls=[{"id": "1", "name": "weather", "arguments": "{}"}]),
    turn("tool", "12", tool_call_id="1"),
]


def test_answers_are_compared_with_their_calls_and_without_thoughts(stages):
    a, b = (
        answers("<think>long, long thoughts</think>No.", response_turns=None),
        answers("12.", response_turns=[*CALLED, turn("assistant")]),
    )
    [one, other] = pairings_of(a, b)
    assert (one.first, one.second, one.first_turns, one.second_turns) == ("No.", "12.", [], CALLED)
    assert (other.first, other.second, other.first_turns, other.second_turns) == ("12.", "No.", CALLED, [])
    assert pairwise(a, b, LENGTH, stages)["verdict"].to_list() == ["tie"]


def test_the_same_text_after_other_thoughts_is_a_tie_unasked(stages):
    a, b = answers("<think>hm</think>4"), answers("<think>so</think>4")
    assert pairwise(a, b, PLACE, stages).select("verdict", "flipped").row(0) == ("tie", False)


def test_thoughts_alone_have_no_verdict(stages):
    result = pairwise(answers("<think>hm"), answers("4"), PLACE, stages)
    assert result["why"].to_list() == ["a has no answer: the model's thoughts were cut before an answer"]
