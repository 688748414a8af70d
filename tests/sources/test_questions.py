"""Questions about documented things."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.sources._questions import question, task


@pytest.mark.parametrize(
    ("summary", "doing"),
    [
        pytest.param("Compute the mean.", "compute the mean", id="imperative"),
        pytest.param("Computes a mean", "compute a mean", id="third person"),
        pytest.param("Return the largest value.", "get the largest value", id="code returns, people get"),
        pytest.param("Find indices of zeros.", "find indices of zeros", id="a bare plural"),
        pytest.param("Check whether `x` is set.", "check whether `x` is set", id="a clause"),
    ],
)
def test_a_summary_that_says_what_to_do_is_a_task(summary, doing):
    assert task(summary) == doing


@pytest.mark.parametrize(
    "summary",
    [
        pytest.param("The mean of a list.", id="no verb"),
        pytest.param("Return whether it is set.", id="get whether is no English"),
        pytest.param("Compute mean.", id="no article"),
        pytest.param("Compute the mean. Or not.", id="two sentences"),
        pytest.param("Fill self with the values.", id="words that point out of the summary"),
        pytest.param("Compute", id="a verb alone"),
        pytest.param("Compute the " + "very " * 30 + "long mean.", id="too long"),
        pytest.param("", id="empty"),
    ],
)
def test_other_summaries_are_not(summary):
    assert task(summary) is None


@given(st.from_regex(r"[a-z]{1,8}(\.[A-Za-z]{1,8}){1,3}", fullmatch=True), st.text(max_size=80))
def test_every_question_names_the_thing_and_is_whole(name, summary):
    for kind in ("class", "function", "method", "attribute"):
        asked = question(name, kind, summary)
        assert f"`{name}`" in asked
        assert asked[0].isupper()
        assert asked[-1] in "?."
        assert asked == question(name, kind, summary)
