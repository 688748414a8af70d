from typing import Any

import polars as pl
import pytest

from curate.filters import matches, prompt_from_title_or_body, replace_opening, self_contained
from curate.filters.text import matches_where, self_contained_fault


def one(expression: pl.Expr, **values: str | None) -> Any:
    return (
        pl.DataFrame({k: [v] for k, v in values.items()}, schema=dict.fromkeys(values, pl.String))
        .select(expression)
        .item()
    )


@pytest.mark.parametrize(
    ("text", "pattern", "holds"),
    [
        pytest.param("Step 1", r"Step \d", True, id="found"),
        pytest.param("step 1", r"Step \d", False, id="capitals count"),
        pytest.param("step 1", r"(?i)Step \d", True, id="unless told otherwise"),
        pytest.param("a\nb", "^b", False, id="the start of the text"),
        pytest.param("a\nb", "(?m)^b", True, id="the start of a line"),
        pytest.param(None, "a", None, id="null has no verdict"),
    ],
)
def test_matches(text, pattern, holds):
    assert one(matches("x", pattern), x=text) is holds


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        pytest.param("(a", "'\\(a' is no regular expression for polars: unclosed group$", id="unclosed group"),
        pytest.param("(?<=a)b", "look-behind, is not supported$", id="look-around"),
        pytest.param("a{99999}{9999}", "exceeds size limit", id="too large"),
    ],
)
def test_matches_says_what_is_wrong_with_a_pattern(pattern, reason):
    with pytest.raises(ValueError, match=reason):
        matches("x", pattern)


@pytest.mark.parametrize(
    ("text", "pattern", "span"),
    [
        pytest.param("a b c", "b", "a b c", id="short text whole"),
        pytest.param("-" * 99 + "hit" + "+" * 99, "h.t", "-" * 40 + "hit" + "+" * 40, id="40 characters each side"),
        pytest.param("é" * 50 + "x", "x", "é" * 40 + "x", id="characters, not bytes"),
        pytest.param("x 1 x 2", r"\d|x 2", "x 1 x 2", id="the first place, alternatives kept together"),
        pytest.param("a\n\nb", "b", "a b", id="on one line"),
        pytest.param("abc", "z", None, id="nothing found"),
    ],
)
def test_the_span_of_a_match(text, pattern, span):
    assert one(matches_where("x", pattern), x=text) == span


@pytest.mark.parametrize(
    "title",
    [
        pytest.param("Why does ice float on water?", id="question"),
        pytest.param("What is Altbier?", id="three words"),
        pytest.param("How milk changes the taste of tea", id="question without its mark"),
        pytest.param("Difference between stout and porter", id="difference between"),
        pytest.param("In which order are spices added", id="preposition first"),
        pytest.param("Prove that there is no largest prime", id="request"),
        pytest.param("Good drinks for a winter evening?", id="a mark makes a question"),
        pytest.param('What does "this" mean in "this is it"?', id="quoted words are named"),
        pytest.param("What does `this` refer to?", id="code is named"),
        pytest.param("Do people drink less these days?", id="these days"),
        pytest.param("What are you looking forward to this weekend?", id="this weekend"),
        pytest.param("Is a glass filled from below colder?", id="from below"),
        pytest.param("How do I clean my kettle?", id="my thing, understood anyway"),
    ],
)
def test_self_contained(title):
    assert one(self_contained_fault("title"), title=title) == ""
    assert one(self_contained("title"), title=title) is True


@pytest.mark.parametrize(
    ("title", "fault"),
    [
        pytest.param("Genetic algorithm?", "only 2 words", id="too short"),
        pytest.param("Which is better, tea or …", "breaks off", id="ellipsis"),
        pytest.param("How do I get from here to...", "breaks off", id="three dots"),
        pytest.param("Teaching fractions in small groups", "asks nothing", id="a topic"),
        pytest.param("Why does this happen?", 'points elsewhere: "this"', id="this"),
        pytest.param("What do these symbols mean?", 'points elsewhere: "these"', id="these"),
        pytest.param("What is wrong in the following proof?", 'points elsewhere: "the following"', id="following"),
        pytest.param("Can somebody explain the above formula?", 'points elsewhere: "the above"', id="above"),
        pytest.param("What is going on here?", 'points elsewhere: "here?"', id="here"),
        pytest.param("Why is my sorting code slow?", 'points elsewhere: "my sorting code"', id="my code"),
        pytest.param("How to solve Exercise 2.4?", 'points elsewhere: "Exercise 2"', id="an exercise of a book"),
        pytest.param("It boils over, why?", 'points elsewhere: "It"', id="it as the opening"),
        pytest.param("Is my tea too weak, please help", 'points elsewhere: "please help"', id="a cry for help"),
    ],
)
def test_not_self_contained(title, fault):
    assert one(self_contained_fault("title"), title=title) == fault
    assert one(self_contained("title"), title=title) is False


def test_self_contained_asks_for_more_words_and_leaves_null():
    assert one(self_contained("title", min_words=4), title="What is Altbier?") is False
    assert one(self_contained("title"), title=None) is None
    with pytest.raises(ValueError, match="min_words must be 1 or more"):
        self_contained(min_words=0)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("This article explains it.", "The answer explains it.", id="the opening"),
        pytest.param("This article", "The answer", id="nothing else"),
        pytest.param("  This article's aim", "  The answer's aim", id="blanks before it stay"),
        pytest.param("This articles", "This articles", id="only whole words"),
        pytest.param("this article", "this article", id="only in these capitals"),
        pytest.param("Well. This article", "Well. This article", id="not inside"),
        pytest.param("This article, this article", "The answer, this article", id="once"),
        pytest.param(None, None, id="null stays null"),
    ],
)
def test_replace_opening(before, after):
    assert one(replace_opening(old="This article", new="The answer"), response=before) == after


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        pytest.param("A.", "B", "Ab", "Ab", id="old is no pattern"),
        pytest.param("Q:", "$1 $x", "Q: why", "$1 $x why", id="new is no pattern"),
        pytest.param("Hi ", "", "Hi you", "you", id="new may be empty"),
    ],
)
def test_replace_opening_takes_both_as_they_are(old, new, before, after):
    assert one(replace_opening(old=old, new=new), response=before) == after


def test_replace_opening_needs_an_opening():
    with pytest.raises(ValueError, match="old is blank"):
        replace_opening(old=" ", new="x")


@pytest.mark.parametrize(
    ("title", "body", "prompts"),
    [
        pytest.param("T", "B", {"T", "B"}, id="either, by the row"),
        pytest.param("T", None, {"T"}, id="no body"),
        pytest.param("T", " \n", {"T"}, id="blank body"),
        pytest.param(None, "B", {"B"}, id="no title"),
        pytest.param("", None, {None}, id="neither"),
    ],
)
def test_prompt_from_title_or_body(title, body, prompts):
    frame = pl.DataFrame({"id": [str(i) for i in range(50)]}).with_columns(
        title=pl.lit(title, dtype=pl.String), body=pl.lit(body, dtype=pl.String)
    )
    assert set(frame.select(prompt_from_title_or_body()).to_series()) == prompts


def test_prompt_from_title_or_body_is_half_and_half_and_moves_with_the_seed():
    frame = pl.DataFrame({"id": [str(i) for i in range(4000)]}).with_columns(title=pl.lit("T"), body=pl.lit("B"))
    first, second = (frame.select(prompt_from_title_or_body(seed=s)).to_series() for s in (1, 2))
    assert 1880 < (first == "T").sum() < 2120
    assert 1880 < (first == second).sum() < 2120
    assert first.name == "prompt"
    backwards = frame.reverse().select(prompt_from_title_or_body(seed=1)).to_series()
    assert backwards.reverse().equals(first)


@pytest.mark.parametrize(
    ("title", "holds"),
    [
        pytest.param(
            "What goes wrong when students swap two quantifiers? How to fix this?", True, id="a second question"
        ),
        pytest.param("Why do exams fail? How can this be improved?", True, id="this is what the first says"),
        pytest.param("Why does this fail? How can it be improved?", False, id="the first points elsewhere"),
        pytest.param("What do the quoted terms mean in this context? How are they used?", False, id="so does this"),
    ],
)
def test_a_second_question_may_point_to_the_first(title, holds):
    assert one(self_contained("x"), x=title) is holds
