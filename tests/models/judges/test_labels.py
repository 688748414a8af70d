from __future__ import annotations

import json
import math

import pytest

from curate.models.generators.ask import Answer, Failed
from curate.models.judges import Grade, label
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
    generator, asked = scripted(lambda ask: "")
    label(generator=generator).grade([case("Yes."), case("No."), case("Yes.", row="other")])
    assert [ask.labels for ask in asked] == [("1", "2", "3", "4", "5", "6")] * 2
    assert asked[0].schema is None
    assert "one of 1, 2, 3, 4, 5, 6, and" in asked[0].messages[0]["content"]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        pytest.param({"labels": ["1"]}, "at least two different texts", id="one"),
        pytest.param({"labels": ["1", "1"]}, "at least two different texts", id="the same twice"),
        pytest.param({"labels": ["1", ""]}, "at least two different texts", id="an empty one"),
        pytest.param({"labels": ["inside", "outside"]}, "none of them 'outside'", id="the name of what is left"),
        pytest.param({"values": [1.0]}, "6 labels need as many values, not 1", id="too few values"),
        pytest.param({"values": [math.inf] * 6}, "values are finite", id="endless values"),
        pytest.param({"labels": ["a", "b"]}, "the packaged prompt is for the labels 1 to 6", id="labels it has not"),
        pytest.param({"prompt": "{label}"}, "did you mean 'labels'?", id="an unknown placeholder"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(params, said):
    generator, _ = scripted(lambda ask: "")
    with pytest.raises(ValueError, match="label: ") as error:
        label(generator=generator, **params)
    assert said in str(error.value)


def test_describe_says_all_that_a_grade_rests_on():
    generator, _ = scripted(lambda ask: "")
    own = {"prompt": "{conversation}{response}"}
    ways = [{}, own, own | {"labels": ["a", "b"]}, own | {"values": [1, 2, 3, 4, 5, 7]}, {"seed": 1}]
    about = [json.dumps(label(generator=generator, **params).describe()) for params in ways]
    assert len(set(about)) == len(ways)
