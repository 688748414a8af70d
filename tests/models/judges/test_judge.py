"""What every judge that asks a generator promises: it refuses what cannot be, and describes all that it rests on."""

from __future__ import annotations

import json
import math

import pytest

from curate.models.judges import comparison, label, rating, verdict
from tests.models.judges.scripted import scripted

PROMPT = {"prompt": "{conversation}{response}"}
UNLIKE = "at least two different texts"


@pytest.mark.parametrize(
    ("judge", "params", "message"),
    [
        pytest.param(rating, {"aspects": []}, "one or more different names", id="no aspect"),
        pytest.param(rating, {"aspects": ["wit", "wit"]}, "one or more different names", id="an aspect twice"),
        pytest.param(rating, {"aspects": ["a b", "a_b"]}, "one or more different names", id="two aspects with one key"),
        pytest.param(rating, {"aspects": ["reason"]}, "none of them 'reason'", id="the key of the reason"),
        pytest.param(rating, {"aspects": [" "]}, "one or more different names", id="no name"),
        pytest.param(rating, {"low": 5, "high": 5}, "not from 5 to 5", id="no scale"),
        pytest.param(rating, {"high": 1000}, "by 1 to 100", id="a scale too fine"),
        pytest.param(rating, {"samples": 0}, "samples must be 1 or more", id="no sample"),
        pytest.param(rating, {"prompt": "{response}"}, "lacks the placeholder {conversation}", id="no question"),
        pytest.param(rating, {"prompt": "{scale}"}, "unknown placeholder {scale}", id="an unknown placeholder"),
        pytest.param(comparison, {"by": "guess"}, "by is reply or likelihood", id="another way"),
        pytest.param(comparison, {"by": "likelihood", "reason": True}, "a reason comes with a reply", id="no reply"),
        pytest.param(comparison, {"prompt": "{conversation} {first}"}, "lacks the placeholder {second}", id="one only"),
        pytest.param(comparison, {"prompt": "{response}"}, "unknown placeholder {response}", id="a prompt that grades"),
        pytest.param(label, {"labels": ["1"]}, UNLIKE, id="one label"),
        pytest.param(label, {"labels": ["1", "1"]}, UNLIKE, id="a label twice"),
        pytest.param(label, {"labels": ["1", ""]}, UNLIKE, id="an empty label"),
        pytest.param(label, {"labels": ["inside", "outside"]}, "none of them 'outside'", id="the name of the rest"),
        pytest.param(label, {"values": [1.0]}, "6 labels need as many values, not 1", id="too few values"),
        pytest.param(label, {"values": [math.inf] * 6}, "values are finite", id="endless values"),
        pytest.param(label, {"labels": ["a", "b"]}, "prompt is for the labels 1 to 6", id="labels without a prompt"),
        pytest.param(label, {"prompt": "{label}"}, "did you mean 'labels'?", id="a misspelt placeholder"),
        pytest.param(
            verdict,
            {"scale": "truth"},
            "is one of helpfulness, pass, safety, accuracy, quality, complexity, not 'truth'",
            id="no scale",
        ),
        pytest.param(verdict, {"labels": ["a", "b"]}, "is for the labels fail to excellent", id="verdicts unexplained"),
        pytest.param(verdict, {"labels": ["a"]}, "at least two different texts, not ['a']", id="one verdict"),
        pytest.param(verdict, {"values": [1.0]}, "3 labels need as many values, not 1", id="verdicts without values"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(judge, params, message):
    generator, asks = scripted(lambda ask: "{}")
    with pytest.raises(ValueError, match=f"{judge.__name__}: ") as error:
        judge(generator=generator, **params)
    assert message in str(error.value)
    assert not asks


@pytest.mark.parametrize(
    ("judge", "ways"),
    [
        (
            rating,
            [
                *({}, PROMPT, {"aspects": ["honesty"]}, {"aspects": {"honesty": "is honest"}}, {"low": 0}, {"high": 6}),
                *({"reason": True}, {"samples": 2}, {"seed": 1}),
            ],
        ),
        (
            comparison,
            [
                *({}, {"prompt": "{conversation}{first}{second}"}, {"by": "likelihood"}, {"ties": False}),
                *({"reason": True}, {"seed": 1}),
            ],
        ),
        (label, [{}, PROMPT, PROMPT | {"labels": ["a", "b"]}, PROMPT | {"values": [1, 2, 3, 4, 5, 7]}, {"seed": 1}]),
        (verdict, [{}, PROMPT, {"scale": "safety"}, {"values": [1, 2, 3]}, {"reason": True}, {"seed": 1}]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_judge_describes_all_that_its_judgement_rests_on(judge, ways):
    generator, _ = scripted(lambda ask: "{}")
    judges = [judge(generator=generator, **params) for params in ways]
    texts = {json.dumps(one.describe()) for one in judges}
    assert len(texts) == len(ways)
    assert judges[0].describe()["generator"]["backend"] == "scripted"
    assert judges[0].generators == (generator,), "a run keeps their answers"
