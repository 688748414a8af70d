from __future__ import annotations

import json

import pytest

from curate.models.generators.ask import Answer, Failed
from curate.models.judges import Grade, label, verdict
from tests.models.judges.scripted import case, scripted


def graded(reply, **params) -> Grade:
    generator, _ = scripted(lambda ask: reply)
    (grade,) = verdict(generator=generator, **params).grade([case("It scatters.")])
    return grade


@pytest.mark.parametrize(
    ("reply", "params", "score"),
    [
        pytest.param('{"verdict": "fail"}', {}, 0, id="fail"),
        pytest.param('{"verdict": "excellent"}', {}, 2, id="excellent"),
        pytest.param('{"verdict": "unsafe"}', {"scale": "safety"}, 0, id="unsafe"),
        pytest.param('{"verdict": "4"}', {"scale": "helpfulness"}, 4, id="from 1 to 6"),
        pytest.param('{"verdict": "pass"}', {"values": [0, 5, 10]}, 5, id="values of one's own"),
        pytest.param('{"reason": "So.", "verdict": "pass"}', {"reason": True}, 1, id="after a reason"),
        pytest.param('<think>Pass?</think> {"verdict": " fail "}', {}, 0, id="after a thought"),
        pytest.param(
            '{"verdict": "b"}',
            {"labels": ["a", "b"], "prompt": "{conversation}{response}{labels}"},
            2,
            id="labels of one's own",
        ),
    ],
)
def test_the_score_is_the_value_of_the_label(reply, params, score):
    grade = graded(reply, **params)
    assert grade.score == score
    assert sorted(grade.parts.values())[-2:] == [0.0, 1.0]


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        pytest.param("1. The response is wrong.", "the reply is no JSON: '1. The response is wrong.'", id="prose"),
        pytest.param("pass", "the reply is no JSON: 'pass'", id="the bare label"),
        pytest.param("2", "the reply is no JSON object: '2'", id="a number"),
        pytest.param('{"grade": "pass"}', "the reply has no verdict", id="another key"),
        pytest.param('{"verdict": "Pass"}', "verdict is none of fail, pass, excellent: '\"Pass\"'", id="another case"),
        pytest.param('{"verdict": "not a pass"}', "verdict is none of fail, pass, excellent: '\"not a pass\"'", id="a sentence"),
        pytest.param('{"verdict": 1}', "verdict is none of fail, pass, excellent: '1'", id="its value"),
        pytest.param('{"verdict": "fail", "verdict": "pass"}', "the reply says one thing twice", id="twice"),
        pytest.param(Answer('{"verd', "length", 9, 9), "cut at the generator's limit of tokens: the reply is no JSON: '{\"verd'", id="cut"),
    ],
)  # fmt: skip
def test_what_is_no_verdict_is_no_grade(reply, why):
    assert graded(reply) == Grade(None, {}, why)


def test_a_reply_that_failed_may_be_asked_for_again():
    assert graded(Failed("busy", again=True)) == Grade(None, {}, "busy", True)


def test_structured_output_is_asked_for_and_nothing_twice():
    generator, asked = scripted(lambda ask: '{"verdict": "safe"}')
    verdict(generator=generator, scale="safety", reason=True).grade([case("Yes."), case("Yes.", row="r2")])
    assert len(asked) == 1
    assert asked[0].schema == {
        "type": "object",
        "properties": {"reason": {"type": "string"}, "verdict": {"type": "string", "enum": ["unsafe", "safe"]}},
        "required": ["reason", "verdict"],
        "additionalProperties": False,
    }
    assert 'with one of "unsafe", "safe"' in asked[0].messages[0]["content"]


@pytest.mark.parametrize("scale", ["helpfulness", "pass", "safety"])
@pytest.mark.parametrize("judge", [label, verdict])
def test_every_packaged_scale_serves_both_judges(scale, judge):
    generator, asked = scripted(lambda ask: "")
    judge(generator=generator, scale=scale).grade([case("THE ANSWER", "THE QUESTION")])
    text = asked[0].messages[0]["content"]
    assert "THE ANSWER" in text
    assert "THE QUESTION" in text
    assert "Reply with" in text
    assert not text.startswith("#")


@pytest.mark.parametrize(
    ("params", "said"),
    [
        pytest.param({"scale": "truth"}, "scale is one of helpfulness, pass, safety, not 'truth'", id="no such scale"),
        pytest.param({"labels": ["a", "b"]}, "the packaged prompt is for the labels fail to excellent", id="no prompt"),
        pytest.param({"labels": ["a"]}, "at least two different texts, not ['a']", id="one label"),
        pytest.param({"values": [1.0]}, "3 labels need as many values, not 1", id="too few values"),
        pytest.param({"prompt": "{response}"}, "lacks the placeholder {conversation}", id="nothing to judge"),
        pytest.param({"prompt": "{from}"}, "unknown placeholder {from}", id="an unknown placeholder"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(params, said):
    generator, _ = scripted(lambda ask: "")
    with pytest.raises(ValueError, match="verdict: ") as error:
        verdict(generator=generator, **params)
    assert said in str(error.value)


def test_describe_says_all_that_a_grade_rests_on():
    generator, _ = scripted(lambda ask: "")
    own = {"prompt": "{conversation}{response}"}
    ways = [{}, own, {"scale": "safety"}, {"values": [1, 2, 3]}, {"reason": True}, {"seed": 1}]
    about = [json.dumps(verdict(generator=generator, **params).describe()) for params in ways]
    assert len(set(about)) == len(ways)
