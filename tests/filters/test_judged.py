"""Rows graded by a judge: what it is shown, and what becomes of a reply that is no grade."""

from __future__ import annotations

import polars as pl
import pytest

from curate.filters import judged
from curate.models.generators.ask import Answer, Failed
from curate.models.judges import function, label, verdict
from tests.models.judges.scripted import scripted

ROWS = pl.DataFrame(
    {
        "id": ["1", "2", "3", "4"],
        "prompt": ["Why is the sky blue?", "And the sea?", " ", None],
        "response": ["Air scatters blue light most.", "<think>Hm.", "It is so.", "No."],
        "history": [None, None, None, None],
    }
)


@pytest.mark.parametrize(
    ("reply", "score", "why", "again"),
    [
        pytest.param('{"verdict": "4"}', 4.0, None, False, id="a grade"),
        pytest.param("1. The response is wrong", None, "no grade: the reply is no JSON", False, id="prose with a number is no 1.0"),
        pytest.param('{"verdict": "9"}', None, "no grade: verdict is none of", False, id="off the scale"),
        pytest.param(Answer('{"verdict": "4', "length", 1, 1), None, "no grade: cut at the generator's limit", False, id="cut"),
        pytest.param(Failed("the server was down", again=True), None, "no grade: the server was down", True, id="asked again"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_no_score_and_says_why(reply, score, why, again):
    generator, asked = scripted(lambda ask: reply)
    scores = judged(ROWS, judge=verdict(generator=generator, scale="accuracy"))
    assert len(asked) == 1  # nothing is asked about the others
    assert scores.value.to_list() == [score, None, None, None]
    assert (scores.why[0] or "").startswith(why or "") and (scores.why[0] is None) == (why is None)
    assert scores.why[1:].to_list() == ["no grade: there is no answer", *["no grade: there is no prompt"] * 2]
    assert scores.again is not None and scores.again.to_list() == [again, False, False, False]
    assert scores.notes == {"graded": float(score is not None), "without a grade": 4.0 - (score is not None)}


def test_a_judge_is_shown_the_conversation_and_the_column_that_is_graded():
    generator, asked = scripted(lambda ask: '{"verdict": "5"}')
    before = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hi."}]
    pair = pl.DataFrame(
        {
            "id": ["1"],
            "prompt": ["Why?"],
            "chosen": ["So."],
            "rejected": ["No."],
            "history": [before],
            "tools": ["[sum]"],
        }
    )
    judged(pair, judge=verdict(generator=generator, scale="quality"), column="rejected")
    said = asked[0].messages[0]["content"]
    assert "No." in said and "So." not in said and said.index("[sum]") < said.index("Hello.") < said.index("Why?")


def test_complexity_is_asked_of_the_request_alone_and_grades_are_expected_values():
    generator, asked = scripted(
        lambda ask: Answer("", "stop", 1, 1, {"5": -0.6931471805599453, "6": -0.6931471805599453})
    )
    scores = judged(ROWS.head(1), judge=label(generator=generator, scale="complexity"))
    assert scores.value.to_list() == pytest.approx([5.5])
    said = asked[0].messages[0]["content"]
    assert "Why is the sky blue?" in said and "scatters" not in said


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_nothing_can_be_compared_with_is_no_score(number):
    def odd(response: str) -> float:
        return number

    assert judged(ROWS.head(1), judge=function(odd)).value.to_list() == [None]


def test_a_column_that_is_not_there_is_told():
    with pytest.raises(ValueError, match="judged: the rows have no column 'chosen'"):
        judged(ROWS, judge=function(lambda response: 1.0), column="chosen")
