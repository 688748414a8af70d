"""Judges by named labels: `label` by their likelihood, `verdict` by the one that a reply names."""

from __future__ import annotations

import math

import pytest

from curate.models.generators.ask import Answer, Failed
from curate.models.judges import Grade, label, verdict
from tests.models.judges.scripted import case, scripted


def logs(**likely: float) -> dict[str, float]:
    return {name.lstrip("_"): math.log(p) if p else -math.inf for name, p in likely.items()}


def graded(likely: dict[str, float] | None, **params) -> Grade:
    generator, _ = scripted(lambda ask: Answer("", "stop", 10, 1, likely))
    (grade,) = label(generator=generator, **params).grade([case("It scatters.")])
    return grade


@pytest.mark.parametrize(
    ("likely", "score", "outside"),
    [
        pytest.param(logs(_3=0.5, _4=0.5), 3.5, 0.0, id="between two"),
        pytest.param(logs(_1=0.1, _6=0.3), 4.75, 0.6, id="scaled to a sum of one"),
        pytest.param(logs(_2=1e-9), 2.0, 1.0, id="hardly a label at all"),
        pytest.param(dict.fromkeys("123456", -800.0), 3.5, 1.0, id="too small for a float"),
        pytest.param(logs(_1=0, _5=0.2), 5.0, 0.8, id="one impossible"),
        pytest.param(logs(_2=0.25, _4=0.25) | {"5": math.nan}, 3.0, 0.5, id="one no number"),
        pytest.param(logs(_5=1.0000001), 5.0, 0.0, id="a rounding error above one"),
    ],
)
def test_the_score_is_the_value_expected_over_the_labels(likely, score, outside):
    grade = graded(likely)
    assert grade.score == pytest.approx(score)
    assert grade.parts["outside"] == pytest.approx(outside, abs=1e-6)
    assert sum(grade.parts[name] for name in "123456") == pytest.approx(1)


@pytest.mark.parametrize(
    ("params", "score"),
    [
        pytest.param({"labels": ["fail", "pass", "excellent"]}, 2.25, id="by position"),
        pytest.param({"labels": ["fail", "pass", "excellent"], "values": [0, 1, 1]}, 0.75, id="by value"),
        pytest.param({"labels": ["excellent", "pass", "fail"], "values": [10.0, 0.5, -2.0]}, 4.625, id="in any order"),
    ],
)
def test_labels_have_values(params, score):
    params |= {"prompt": "{conversation} {response} {labels}"}
    assert graded(logs(fail=0.1, **{"pass": 0.1}, excellent=0.2), **params).score == pytest.approx(score)


@pytest.mark.parametrize(
    ("reply", "grade"),
    [
        pytest.param(
            Answer("4", "stop", 9, 1),
            Grade(None, {}, "the generator does not tell how likely labels are"),
            id="a generator without log-probabilities",
        ),
        pytest.param(
            Answer("", "stop", 9, 1, {}),
            Grade(None, {}, "none of the labels 1, 2, 3, 4, 5, 6 is among the likely answers"),
            id="labels that a server left out",
        ),
        pytest.param(
            Answer("", "stop", 9, 1, dict.fromkeys("123456", math.nan)),
            Grade(None, {}, "none of the labels 1, 2, 3, 4, 5, 6 is among the likely answers"),
            id="no numbers",
        ),
        pytest.param(Failed("silence", again=True), Grade(None, {}, "silence", True), id="no reply"),
    ],
)
def test_without_a_likely_label_there_is_no_grade_and_a_reason(reply, grade):
    generator, _ = scripted(lambda ask: reply)
    assert label(generator=generator).grade([case("Yes.")]) == [grade]


def test_nothing_but_the_labels_is_asked_for():
    generator, requests = scripted(lambda ask: "")
    label(generator=generator).grade([case("Yes."), case("No."), case("Yes.", row="other")])
    assert [ask.labels for ask in requests] == [("1", "2", "3", "4", "5", "6")] * 2
    assert requests[0].schema is None
    assert "one of 1, 2, 3, 4, 5, 6, and" in requests[0].messages[0]["content"]


def verdict_of(reply, **params) -> Grade:
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
    grade = verdict_of(reply, **params)
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
    assert verdict_of(reply) == Grade(None, {}, why)


def test_a_reply_that_failed_may_be_asked_for_again():
    assert verdict_of(Failed("busy", again=True)) == Grade(None, {}, "busy", True)


def test_structured_output_is_asked_for_and_nothing_twice():
    generator, requests = scripted(lambda ask: '{"verdict": "safe"}')
    verdict(generator=generator, scale="safety", reason=True).grade([case("Yes."), case("Yes.", row="r2")])
    assert len(requests) == 1
    assert requests[0].schema == {
        "type": "object",
        "properties": {"reason": {"type": "string"}, "verdict": {"type": "string", "enum": ["unsafe", "safe"]}},
        "required": ["reason", "verdict"],
        "additionalProperties": False,
    }
    assert 'with one of "unsafe", "safe"' in requests[0].messages[0]["content"]


@pytest.mark.parametrize("scale", ["helpfulness", "pass", "safety"])
@pytest.mark.parametrize("judge", [label, verdict])
def test_every_packaged_scale_serves_both_judges(scale, judge):
    generator, requests = scripted(lambda ask: "")
    judge(generator=generator, scale=scale).grade([case("THE ANSWER", "THE QUESTION")])
    text = requests[0].messages[0]["content"]
    assert "THE ANSWER" in text
    assert "THE QUESTION" in text
    assert "Reply with" in text
    assert not text.startswith("#")
