"""Several answers of one generator: the best alone, or with a lesser one."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.models.generators.ask import Answer, Failed
from curate.models.judges.judge import Grade
from curate.pairs import best, best_of
from tests.pairs.own import Reply, by_id, conserved, generator, judge, said
from tests.pairs.test_styles import rows

LENGTH, _ = judge(lambda case: len(case.response))


def in_turn(*replies):
    """Reply to the samples of a row one after the other, however they are seeded."""
    left: dict[str, list[Reply]] = {}
    return generator(lambda ask: left.setdefault(said(ask), list(replies)).pop())[0]


def drawn(ask):
    return f"{said(ask)} {'x' * (ask.seed % 7)}"


def test_the_best_graded_is_chosen_and_the_worst_rejected():
    made = best_of(rows("Tea?", "Rain?"), generator=in_turn("a", "bbbb", "cc", "ddd"), judge=LENGTH)
    assert made.columns.row(0, named=True) == {
        "chosen": "bbbb", "rejected": "a", "chosen_score": 4, "rejected_score": 1,
        "chosen_generator": "own", "rejected_generator": "own",
    }  # fmt: skip
    assert made.ledger["gap"].to_list() == [3, 3]
    assert (made.notes["answers"], made.notes["pairs"], made.notes["mean gap"]) == (8, 2, 3)


def test_a_random_one_below_the_best_may_be_rejected():
    many = rows(*(f"{i}?" for i in range(60)))
    made = best_of(many, generator=in_turn("a", "bbbb", "cc", "ddd"), judge=LENGTH, rejected="random")
    assert set(made.columns["chosen"]) == {"bbbb"}
    assert all(10 < count < 30 for count in made.columns["rejected"].value_counts()["count"])
    far = best_of(many, generator=in_turn("a", "bbbb", "cc", "ddd"), judge=LENGTH, rejected="random", min_gap=2)
    assert set(far.columns["rejected"]) == {"a", "cc"}


def test_the_judge_is_asked_once_about_each_text():
    scores, asked = judge(lambda case: len(case.response))
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]
    there = rows("Tea?", system=["Be brief."], history=[turns])
    made = best_of(there, generator=in_turn("No.", "Yes, please.", "No.", ""), judge=scores)
    assert [sorted(case.response for case in call) for call in asked] == [["No.", "Yes, please."]]
    assert [turn["content"] for turn in asked[0][0].messages] == ["Be brief.", "Hi", "Hello.", "Tea?"]
    assert made.columns["chosen"][0] == "Yes, please."
    assert "system" not in made.columns.columns, "it was part of what was asked, and stays"


def test_more_samples_keep_those_that_were_there():
    model, asked = generator(drawn)
    for n in (2, 3):
        best_of(rows("Tea?"), generator=model, judge=LENGTH, n=n)
    assert [len(call) for call in asked] == [2, 1], "the third alone is new"


@pytest.mark.parametrize(
    ("replies", "bounds", "why", "failed"),
    [
        pytest.param(["aa", "bb"], {}, "a tie: all answers have the same grade", False, id="a tie"),
        pytest.param(["a", "aa"], {"min_gap": 2}, "the grades are 1.0 apart at most, below 2", False, id="too near"),
        pytest.param(["aa", "aa"], {}, "only one answer to compare: the same text once more", False, id="the same text"),
        pytest.param(["", ""], {}, "no answer to compare: 2 × empty", False, id="nothing said"),
        pytest.param(["aa", Failed("down", True)], {}, "only one answer to compare: down", True, id="one failed"),
        pytest.param(["a", "aaaa"], {"max_length_ratio": 3}, "no answer far enough below the best is within 3 times its length", False, id="uneven"),
    ],
)  # fmt: skip
def test_a_row_without_a_pair_says_why(replies, bounds, why, failed):
    made = best_of(rows("Tea?"), generator=in_turn(*replies), judge=LENGTH, n=2, **bounds)
    assert (made.why[0], made.failed[0]) == (why, failed)
    assert made.columns["chosen"][0] is None


def test_a_row_that_lacks_an_answer_may_be_a_pair_and_is_asked_about_again():
    made = best_of(rows("Tea?"), generator=in_turn("a", Failed("down", True), "aaa"), judge=LENGTH, n=3)
    assert (made.why[0], made.failed[0], made.again[0]) == (None, False, True)
    assert made.notes["failed"] == 1


@pytest.mark.parametrize(
    ("grade", "why"),
    [
        pytest.param(Grade(None, why="no JSON"), "no grade: no JSON", id="not understood"),
        pytest.param(Grade(None), "no grade: the judge did not say why", id="no reason"),
        pytest.param(float("nan"), "no grade: the score is no number", id="no number"),
        pytest.param(float("inf"), "no grade: the score is no number", id="nothing compares with infinity"),
    ],
)
def test_an_answer_without_a_grade_is_out_of_the_choice(grade, why):
    scores, _ = judge(lambda case: grade if case.response == "bbbb" else len(case.response))
    made = best_of(rows("Tea?"), generator=in_turn("a", "bbbb", "cc"), judge=scores, n=3)
    assert made.columns["chosen"][0] == "cc"
    assert made.notes["without a grade"] == 1
    two = best_of(rows("Tea?"), generator=in_turn("a", "bbbb"), judge=scores, n=2)
    assert (two.why[0], two.failed[0]) == (f"only one answer to compare: {why}", True)


def test_the_parts_of_a_grade_are_in_the_ledger():
    scores, _ = judge(lambda case: Grade(len(case.response), {"honesty": 2.5} if case.response == "a" else {}))
    made = best_of(rows("Tea?"), generator=in_turn("a", "bbbb"), judge=scores, n=2)
    assert made.ledger.select("chosen_grade_honesty", "rejected_grade_honesty").row(0) == (None, 2.5)
    assert best(rows("Tea?"), generator=in_turn("a"), judge=scores, n=1).ledger["grade_honesty"][0] == 2.5


def test_a_judge_that_lost_an_answer_is_an_error():
    short, _ = judge(len)
    short = type(short)(lambda cases: [], {})
    with pytest.raises(ValueError, match="0 grades for 2 answers"):
        best_of(rows("Tea?"), generator=in_turn("a", "b"), judge=short, n=2)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param({"n": 1}, "n must be 2 or more", id="one answer is no pair"),
        pytest.param({"min_gap": -1}, "min_gap must be 0 or more, not -1", id="negative gap"),
        pytest.param({"max_length_ratio": 0.5}, "must be 1 or more, not 0.5", id="a ratio below 1"),
    ],
)
def test_best_of_refuses(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        best_of(rows("Tea?"), generator=in_turn(), judge=LENGTH, **change)


def test_best_keeps_the_best_and_its_grade():
    made = best(rows("Tea?", None), generator=in_turn("a", "bbbb", "cc", Failed("too long", False)), judge=LENGTH)
    assert made.columns.rows() == [("bbbb", 4.0), (None, None)]
    assert made.why.to_list() == [None, "no answer: no prompt"]
    assert made.ledger.select("score", "mean_grade", "graded").row(0) == (4, pytest.approx(7 / 3), 3)
    assert (made.notes["score"], made.notes["mean grade"], made.notes["failed"]) == (4, 2.333, 1)


def test_the_best_may_not_be_good_enough():
    made = best(rows("Tea?"), generator=in_turn("a", "bbbb"), judge=LENGTH, n=2, min_score=5)
    assert (made.why[0], made.columns["response"][0]) == ("the best grade is 4.0, below 5", None)
    assert made.ledger["score"][0] == 4, "how near it came is known"
    assert best(rows("Tea?"), generator=in_turn("a", "bbbb"), judge=LENGTH, n=2, min_score=4).why[0] is None


def test_one_sample_is_as_good_as_any():
    assert best(rows("Tea?"), generator=in_turn("a"), judge=LENGTH, n=1).columns["response"][0] == "a"
    with pytest.raises(ValueError, match="n must be 1 or more, not 0"):
        best(rows("Tea?"), generator=in_turn(), judge=LENGTH, n=0)


REPLIES: list[Reply] = [
    "Yes.",
    "No.",
    "Perhaps so.",
    "",
    Answer("Cut", "length", 5, 9),
    Failed("down", True),
    Failed("long", False),
]
prompts = st.lists(st.sampled_from(["Tea?", "Rain?", "Snow?", None]), max_size=8)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    prompts=prompts, order=st.randoms(), gap=st.sampled_from([0, 1, 3]), rejected=st.sampled_from(["worst", "random"])
)
def test_the_laws_of_pairs(prompts, order, gap, rejected):
    def make(frame):
        model, _ = generator(lambda ask: REPLIES[ask.seed % len(REPLIES)])
        scores, _ = judge(lambda case: Grade(None, why="?") if case.response == "No." else len(case.response) % 5)
        return best_of(frame, generator=model, judge=scores, min_gap=gap, rejected=rejected)

    there = rows(*prompts)
    places = list(range(len(prompts)))
    order.shuffle(places)
    made = make(there)
    assert conserved(there, made, "chosen", "rejected")
    assert by_id(there, made) == by_id(there[places], make(there[places]))
    pairs = made.columns.filter(made.why.is_null())
    assert (pairs["chosen_score"] >= pairs["rejected_score"] + gap).all()
    assert (pairs["chosen_score"] > pairs["rejected_score"]).all()
    assert (pairs["chosen"] != pairs["rejected"]).all()


@settings(max_examples=30, deadline=None)
@given(prompts=prompts, n=st.integers(1, 5))
def test_the_laws_of_the_best(prompts, n):
    model, _ = generator(lambda ask: REPLIES[ask.seed % len(REPLIES)])
    there = rows(*prompts)
    made = best(there, generator=model, judge=LENGTH, n=n)
    assert conserved(there, made, "response", "score")
    assert (made.ledger["score"] >= made.ledger["mean_grade"]).all()


def test_frames_keep_their_types_when_empty():
    made = best_of(rows("Tea?").clear(), generator=in_turn(), judge=LENGTH)
    assert {made.columns.schema["chosen_score"], made.ledger.schema["gap"]} == {pl.Float64()}
    assert best(rows("Tea?").clear(), generator=in_turn(), judge=LENGTH).columns.schema["response"] == pl.String
