from typing import Any

import polars as pl
import pytest

from curate.filters import first_person
from curate.filters.voice import first_person_where


def speaks(text: str, **parameters: Any) -> Any:
    return pl.DataFrame({"response": [text]}).select(first_person(**parameters)).item()


SPEAKING = [
    pytest.param("I think it boils.", id="I at the start"),
    pytest.param("It boils, I think.", id="I inside"),
    pytest.param("He is taller than I.", id="I before a full stop"),
    pytest.param("What I'd do is wait.", id="a contraction"),
    pytest.param("What I’d do is wait.", id="a contraction with a typographic apostrophe"),
    pytest.param("Well, i'm sure.", id="a contraction typed small"),
    pytest.param("This is my view.", id="my"),
    pytest.param("My view is this.", id="My with a capital"),
    pytest.param("MY VIEW", id="my in capitals"),
    pytest.param("*I* would not.", id="I between stars"),
    pytest.param("She and I/we tried it.", id="I before a slash that is no I/O"),
    pytest.param('The pipe is 5" wide and I cut it to 3" myself.', id="inch marks quote nothing"),
    pytest.param("It costs $5 and I paid $10.", id="prices are no formula"),
    pytest.param("The dogs' owner and I met the cats' owner.", id="plural apostrophes quote nothing"),
    pytest.param("The type I use is oak.", id="the type, which I use"),
    pytest.param("In the class I took, it was free.", id="the class, which I took"),
    pytest.param("As did I. The rest left.", id="a sentence ends with I"),
    pytest.param("Use `x`, as I do with `y`.", id="between two pieces of code"),
    pytest.param("```\nx = 1\n```\nI ran it.", id="after a code block"),
    pytest.param("> quoted\n\nI disagree.", id="after a quoted line"),
    pytest.param('"So it goes," I said.', id="after a quotation"),
    pytest.param("If x > 3 I stop.", id="a greater-than sign quotes nothing"),
]

NOT_SPEAKING = [
    pytest.param("It boils at sea level.", id="no such word"),
    pytest.param("Let i run from 1 to n.", id="i is an index"),
    pytest.param("Mystery, army, Iowa, PIN I2C", id="parts of words"),
    pytest.param("We think it is ours.", id="we is not asked for"),
    pytest.param("Run `print(I)` first.", id="inline code"),
    pytest.param("Use ``I ` my`` here.", id="inline code with two backticks"),
    pytest.param("```python\nmy = I\n```", id="fenced code"),
    pytest.param("- step\n  ~~~\n  my $x;\n  ~~~", id="fenced code with tildes in a list"),
    pytest.param("```\nmy $x; # left open", id="a fence left open runs to the end"),
    pytest.param("See https://example.org/what-is-my-ip for it.", id="web address"),
    pytest.param('People ask "how do I boil it?" often.', id="quotation marks"),
    pytest.param('A line: "how do\nI boil it?" so.', id="a quotation over a line break"),
    pytest.param("People ask “how do I boil it?” often.", id="typographic quotation marks"),
    pytest.param("The rule 'I don't know, so I ask' helps.", id="single quotation marks around an apostrophe"),
    pytest.param("> I am quoted\n> and my dog too", id="quoted lines"),
    pytest.param("- > I am quoted in a list", id="a quoted line in a list"),
    pytest.param("The sum $I + 1$ is even.", id="formula"),
    pytest.param("Let $\\mathbb{I}\\otimes U$ act, and $ I $ too.", id="formulas with blanks inside"),
    pytest.param("$$\nI = \\int f\n$$", id="displayed formula"),
    pytest.param("\\begin{align} I &= 1 \\end{align}", id="TeX environment"),
    pytest.param("By Ohm's law I = V/R.", id="I as a variable"),
    pytest.param("Apply H ⊗ I to it.", id="I as an operator"),
    pytest.param("With I(x) even, I[0] is odd.", id="I as a function and an array"),
    pytest.param("Multiply by the identity matrix I.", id="the matrix I"),
    pytest.param("The gates X, Y, and I, Z are there.", id="one capital of several"),
    pytest.param("Plot the I-V curve.", id="I-V"),
    pytest.param("After World War I, it fell.", id="World War I"),
    pytest.param("Under Elizabeth I the theatre grew.", id="a queen"),
    pytest.param("A Type I error and a type I error.", id="Type I"),
    pytest.param("Take Calculus I and Physics I first.", id="courses"),
    pytest.param("See parts I, II and I-III, or I and II.", id="I before II"),
    pytest.param("## I. Beginnings\n\nI. First\n(I) one", id="enumeration"),
    pytest.param("Michael I. Jordan wrote it.", id="a middle initial"),
    pytest.param("It waits for I/O, i.e. A.I. needs I.Q. or, I.e. wit.", id="I/O and abbreviations"),
]


@pytest.mark.parametrize("text", SPEAKING)
def test_speaks(text):
    assert speaks(text) is True


@pytest.mark.parametrize("text", NOT_SPEAKING)
def test_does_not_speak(text):
    assert speaks(text) is False


@pytest.mark.parametrize(
    ("text", "ignored"),
    [
        pytest.param("Run `my`.", "code", id="code"),
        pytest.param('"I see."', "quotes", id="quotes"),
        pytest.param("I = V/R", "symbols", id="symbols"),
        pytest.param("World War I", "roman", id="roman"),
        pytest.param("I/O", "i/o", id="i/o"),
        pytest.param("I've seen it.", "contractions", id="contractions"),
    ],
)
def test_each_exception_is_a_choice(text, ignored):
    assert speaks(text, ignore=[]) is True
    assert speaks(text, ignore=[ignored]) is False


@pytest.mark.parametrize(
    ("text", "words", "holds"),
    [
        pytest.param("Tell us more.", ["us"], True, id="us"),
        pytest.param("In the US and in ME.", ["us", "me"], False, id="US and ME are no pronouns"),
        pytest.param("Ours is best.", ["ours", "we"], True, id="any of several"),
        pytest.param("In my opinion, no.", ["in my opinion"], True, id="words may come together"),
        pytest.param("C'est à moi.", ["à"], True, id="a letter outside ASCII has boundaries too"),
        pytest.param("I see.", ["my"], False, id="I only if asked for"),
    ],
)
def test_the_words_are_a_choice(text, words, holds):
    assert speaks(text, words=words) is holds


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        pytest.param({"words": []}, "words is empty", id="no words"),
        pytest.param({"words": ["I", "m.*"]}, "not 'm.\\*'", id="a pattern is no word"),
        pytest.param({"ignore": ["quote"]}, "ignore knows code, quotes.*not 'quote'", id="unknown exception"),
    ],
)
def test_refuses(parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        first_person(**parameters)


def test_null_has_no_verdict():
    assert pl.DataFrame({"response": [None]}, schema={"response": pl.String}).select(first_person()).item() is None


def test_the_span_shows_the_word_and_what_stands_around_it():
    text = "a" * 60 + " says `my` code.\nThen I\tleave " + "b" * 60
    shown = pl.DataFrame({"response": [text]}).select(first_person_where()).item()
    assert shown == "a" * 17 + " says [...] code. Then I leave " + "b" * 33
    assert first_person.span is first_person_where  # type: ignore[attr-defined]


def test_the_span_is_null_where_nobody_speaks():
    assert pl.DataFrame({"response": ["World War I"]}).select(first_person_where()).item() is None
