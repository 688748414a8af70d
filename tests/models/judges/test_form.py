from __future__ import annotations

import pytest

from curate.models.judges import rules
from tests.models.judges.scripted import case

LONG = " ".join(f"word{n}" for n in range(1000))


def part(check, response: str, prompt: str = "Why?", **bounds) -> float:
    (grade,) = rules(checks=[check], **bounds).grade([case(response, prompt)])
    assert grade.score == grade.parts[check]
    return grade.score


@pytest.mark.parametrize(
    ("words", "score"),
    [
        pytest.param(0, 0.0, id="nothing"),
        pytest.param(5, 0.5, id="half of the least"),
        pytest.param(10, 1.0, id="the least"),
        pytest.param(40, 1.0, id="the most"),
        pytest.param(60, 0.5, id="half over the most"),
        pytest.param(80, 0.0, id="twice the most"),
        pytest.param(999, 0.0, id="far too long"),
    ],
)
def test_length(words, score):
    assert part("length", " ".join(LONG.split()[:words]), min_words=10, max_words=40) == score


@pytest.mark.parametrize(
    "text",
    [
        "Done.",
        "Is it?",
        "Yes!\n",
        'She said "no."',
        "(It is.)",
        "**So.**",
        "Und so weiter…",
        "完了。",
        "```\nx = 1\n```",
    ],
)
def test_ended(text):
    assert part("ended", text) == 1


@pytest.mark.parametrize("text", ["", "and then", "first,", "1. Take a pan\n2.  ", "x = [", "The end. And"])
def test_not_ended(text):
    assert part("ended", text) == 0


@pytest.mark.parametrize(
    ("text", "score"),
    [
        pytest.param("one two three", 1.0, id="too short to repeat"),
        pytest.param("one two three four five six", 1.0, id="nothing twice"),
        pytest.param("so it is. So it is. So it is.", 0.5, id="in circles, whatever the case and stops"),
        pytest.param("go " * 101, 1 / 98, id="one word"),
    ],
)
def test_unrepeated(text, score):
    assert part("unrepeated", text) == pytest.approx(score)


@pytest.mark.parametrize(
    ("prompt", "text", "score"),
    [
        pytest.param("How can I?", "So.", 1.0, id="a prompt about nothing"),
        pytest.param("Store BASIL leaves?", "Basil is green.", 1 / 3, id="one word of three"),
        pytest.param("Basil?", "Parsley.", 0.0, id="another subject"),
        pytest.param(" ".join(LONG.split()[:50]), "word1 word2 word3 word4 word5", 1.0, id="five are enough"),
    ],
)
def test_on_subject(prompt, text, score):
    assert part("on_subject", text, prompt) == pytest.approx(score)


def test_the_subject_is_the_last_turn():
    dialogue = case("Basil.", "Basil?", ("user", "Trains and stations"), ("assistant", "Yes?"))
    assert rules(checks=["on_subject"]).grade([dialogue])[0].score == 1


def test_the_score_is_the_mean_of_what_is_checked():
    (grade,) = rules(checks=["ended", "on_subject"]).grade([case("Basil", "Basil?")])
    assert grade.parts == {"ended": 0.0, "on_subject": 1.0}
    assert grade.score == 0.5


@pytest.mark.parametrize(
    ("params", "message"),
    [
        pytest.param({"checks": []}, "one or more of length, ended", id="none"),
        pytest.param({"checks": ["ended", "ended"]}, "each once", id="one twice"),
        pytest.param({"checks": ["truth"]}, "one or more of length, ended", id="an unknown one"),
        pytest.param({"min_words": 0}, "not 0 and 300", id="no least"),
        pytest.param({"min_words": 9, "max_words": 8}, "not 9 and 8", id="crossed bounds"),
    ],
)
def test_what_cannot_be_is_refused(params, message):
    with pytest.raises(ValueError, match="rules: ") as error:
        rules(**params)
    assert message in str(error.value)


def test_describe_holds_checks_and_bounds():
    assert rules(max_words=100).describe() == {
        "judge": "rules",
        "checks": ["length", "ended", "unrepeated", "on_subject"],
        "min_words": 20,
        "max_words": 100,
    }
