from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.models.judges.replies import Unread, object_in, whole


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"honesty": 4}', id="as asked"),
        pytest.param(' \n{"honesty":\n4}\n', id="white space"),
        pytest.param('```json\n{"honesty": 4}\n```', id="a code fence"),
        pytest.param('```\n{"honesty": 4}```', id="a fence without a language"),
        pytest.param('<think>A 3? No: {"honesty": 3}.</think>\n{"honesty": 4}', id="thoughts before it"),
        pytest.param('{"honesty": "4"}', id="a number as text"),
        pytest.param('{"honesty": " 4 "}', id="a number as text with blanks"),
        pytest.param('{"honesty": 4.0}', id="a whole number with a point"),
        pytest.param('{"reason": "It is a 5.", "honesty": 4, "tone": 9}', id="other keys"),
    ],
)
def test_liberties_that_are_taken(text):
    assert whole(object_in(text), "honesty", 1, 5) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "no JSON: ''", id="nothing"),
        pytest.param("4", "no JSON object: '4'", id="a bare number"),
        pytest.param("1. The answer is wrong.", "no JSON: '1. The answer is wrong.'", id="a list in prose"),
        pytest.param('Here it is: {"honesty": 4}', "no JSON", id="prose before it"),
        pytest.param('{"honesty": 4} I hope this helps.', "no JSON", id="prose after it"),
        pytest.param('{"honesty": 4', "no JSON", id="cut short"),
        pytest.param('```json\n{"honesty": 4}\n```\n```json\n{"honesty": 5}\n```', "no JSON", id="two fences"),
        pytest.param('[{"honesty": 4}]', "no JSON object", id="a list"),
        pytest.param('{"honesty": 2, "honesty": 5}', "says one thing twice", id="a key twice"),
        pytest.param('{"Honesty": 4}', "has no honesty", id="another name"),
        pytest.param('{"honesty": 6}', "honesty is 6, outside 1 to 5", id="above the scale"),
        pytest.param('{"honesty": 0}', "honesty is 0, outside 1 to 5", id="below it"),
        pytest.param('{"honesty": -4}', "honesty is -4, outside", id="negative"),
        pytest.param('{"honesty": 4.5}', "honesty is no whole number: '4.5'", id="a half"),
        pytest.param('{"honesty": true}', "honesty is no whole number: 'true'", id="a truth"),
        pytest.param('{"honesty": null}', "honesty is no whole number: 'null'", id="null"),
        pytest.param('{"honesty": "4/5"}', "honesty is no whole number", id="a fraction"),
        pytest.param('{"honesty": "four"}', "honesty is no whole number", id="a word"),
        pytest.param('{"honesty": [4]}', "honesty is no whole number", id="in a list"),
        pytest.param('{"honesty": NaN}', "honesty is no whole number", id="not a number"),
        pytest.param('{"honesty": 1e9}', "honesty is no whole number", id="a large exponent"),
        pytest.param('{"honesty": ' + "9" * 5000 + "}", "no JSON", id="a number too long to read"),
        pytest.param('{"honesty": "' + "9" * 5000 + '"}', "honesty is no whole number", id="such a one as text"),
        pytest.param("[" * 100_000, "no JSON", id="brackets without end"),
    ],
)
def test_all_else_is_not_read_and_said_why(text, message):
    with pytest.raises(Unread) as error:
        whole(object_in(text), "honesty", 1, 5)
    assert message in str(error.value)
    assert len(str(error.value)) < 120


@given(st.text())
def test_any_text_is_read_or_refused(text):
    with suppress(Unread):
        assert 1 <= whole(object_in(text), "honesty", 1, 5) <= 5


@pytest.mark.slow
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists))
def test_any_value_is_read_or_refused(value):
    with suppress(Unread):
        assert 1 <= whole({"honesty": value}, "honesty", 1, 5) <= 5
