import json
import pickle
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curate.filters.voice import claims_human, claims_human_where, refuses, refuses_where, says_ai, says_ai_where

AUTHORED = Path(__file__).parents[2] / "recipes" / "authored" / "train.jsonl"


def holds(filter_: Any, text: str | None) -> Any:
    return pl.DataFrame({"response": [text]}, schema={"response": pl.String}).select(filter_()).item()


CLAIMING = [
    pytest.param("When I was a kid, we had a tree house.", id="childhood"),
    pytest.param("I grew up by the sea.", id="growing up"),
    pytest.param("Back when I was 12, that was normal.", id="an age"),
    pytest.param("As a teenager, I hated it.", id="as a teenager, I"),
    pytest.param("That takes me back to my childhood!", id="my childhood"),
    pytest.param("My wife and I tried it.", id="a wife"),
    pytest.param("My four-year-old daughter loves it.", id="a daughter with an age"),
    pytest.param("My best friend's party was wild.", id="a best friend"),
    pytest.param("A good friend of mine does that.", id="a friend of mine"),
    pytest.param("My friends and family were nice about it.", id="friends and family"),
    pytest.param("My cat Whiskers steals socks.", id="a pet"),
    pytest.param("I ate far too much of it.", id="eating"),
    pytest.param("I actually went to a concert there.", id="an adverb between"),
    pytest.param("I’ve been to Rome twice.", id="a typographic apostrophe"),
    pytest.param("I've had my fair share of bad dates.", id="a fair share"),
    pytest.param("I just finished reading a great novel.", id="just finished reading"),
    pytest.param("I tried it out for the first time last summer.", id="last summer"),
    pytest.param("Two years ago I started pottery.", id="a time before the verb"),
    pytest.param("I usually drink it black.", id="a habit"),
    pytest.param("Sometimes I'll go for a walk to clear up.", id="a walk"),
    pytest.param("I love hiking!", id="love of what needs a body"),
    pytest.param("I'm a big fan of cooking.", id="a fan of what needs a body"),
    pytest.param("I'm such a morning person.", id="a morning person"),
    pytest.param("I'm vegetarian, so I skip it.", id="a diet"),
    pytest.param("As a nurse, I see that daily.", id="as a nurse, I"),
    pytest.param("As a human being, I feel for you.", id="as a human being, I"),
    pytest.param("I'm only human.", id="only human"),
    pytest.param("We humans forget things.", id="we humans"),
    pytest.param("My knees hurt after that.", id="a body"),
    pytest.param("It happened in my kitchen.", id="a kitchen"),
    pytest.param("In my first job, that was a rule.", id="a job"),
    pytest.param("I remember watching it live.", id="a memory"),
    pytest.param("I don't own a car, but my wife does.", id="after what is denied"),
]

NOT_CLAIMING = [
    pytest.param("I'm an AI, I don't have a body.", id="no body"),
    pytest.param("I have no wife or children of my own.", id="no family"),
    pytest.param("I've never been to Paris.", id="never"),
    pytest.param("I can't eat, so you tell me!", id="cannot"),
    pytest.param("If I ate, I would eat that.", id="if"),
    pytest.param("I'd love to go hiking one day.", id="would"),
    pytest.param("How often should I drink water? Every hour.", id="a question people ask"),
    pytest.param("Your wife and your kids may like it.", id="second person"),
    pytest.param("When you were a kid, was it different?", id="your childhood"),
    pytest.param("She grew up in Ohio. He ate it.", id="third person"),
    pytest.param('She wrote: "When I was a kid, my mother cooked."', id="quoted speech"),
    pytest.param("Tell her “I love hiking with my dog”.", id="typographic quotation"),
    pytest.param("> My wife and I had a row.\n\nThat sounds hard.", id="a quoted line"),
    pytest.param("```\nmy_house = eat(my dog)\n```", id="code"),
    pytest.param("I love puns and I think that one is great.", id="taste and opinion"),
    pytest.param("I read your message twice, and I saw that you worry.", id="reading what was asked"),
    pytest.param("I remember that you like tea.", id="what was said before"),
    pytest.param("Hello, my friend! Nice to see you.", id="my friend as a greeting"),
    pytest.param("I'm not human, but I'm curious.", id="not human"),
    pytest.param("I'm all ears!", id="an idiom"),
    pytest.param("I went through your list and found two.", id="going through a list"),
    pytest.param("Halloween is one of my favorite holidays.", id="favourite holidays"),
    pytest.param("Many people love hiking with their kids.", id="people in general"),
]


@pytest.mark.parametrize("text", CLAIMING)
def test_claims_to_be_human(text):
    assert holds(claims_human, text) is True


@pytest.mark.parametrize("text", NOT_CLAIMING)
def test_claims_nothing_human(text):
    assert holds(claims_human, text) is False


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("As an AI, I don't eat.", id="as an AI"),
        pytest.param("As an AI language model developed to help, I cannot taste.", id="as an AI language model"),
        pytest.param("You know, I'm just a chatbot.", id="just a chatbot"),
        pytest.param("I am a large language model.", id="a large language model"),
        pytest.param("I'm an artificial intelligence.", id="artificial intelligence"),
        pytest.param("i'm an ai, so no holidays for me!", id="small letters"),
        pytest.param("For an AI like me, that's a puzzle.", id="an AI like me"),
        pytest.param("As a digital assistant, I never sleep.", id="a digital assistant"),
        pytest.param("I was trained on a lot of text.", id="trained on text"),
    ],
)
def test_says_that_an_ai_speaks(text):
    assert holds(says_ai, text) is True


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("As an AI researcher, I read a lot.", id="an AI researcher"),
        pytest.param("I'm an AI engineer.", id="an AI engineer"),
        pytest.param("An AI wrote this poem.", id="some AI"),
        pytest.param("It runs as a computer program on a server.", id="some program"),
        pytest.param('Films love the line "As an AI, I obey".', id="a quotation"),
        pytest.param("I'm not an AI.", id="denied"),
        pytest.param("I'm a fan of AI.", id="a fan of AI"),
        pytest.param("I was trained to be a nurse.", id="trained as people are"),
    ],
)
def test_does_not_say_that_an_ai_speaks(text):
    assert holds(says_ai, text) is False


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("I can't help with that.", id="can't help"),
        pytest.param("I'm sorry, but I cannot do it.", id="sorry, but I cannot"),
        pytest.param("I’m sorry, I can’t assist you there.", id="typographic apostrophes"),
        pytest.param("Unfortunately, I am unable to provide that.", id="unfortunately"),
        pytest.param("As an AI, I cannot give medical advice.", id="as an AI"),
        pytest.param("I must respectfully decline.", id="declining"),
        pytest.param("That sounds hard. I won't write the letter, though.", id="in the second sentence"),
        pytest.param("That's not something I can help with.", id="not something I can"),
    ],
)
def test_refuses(text):
    assert holds(refuses, text) is True


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("I can't help but smile at that!", id="help but"),
        pytest.param("I can't wait to help you plan it.", id="can't wait"),
        pytest.param("I can't recommend it enough.", id="praise"),
        pytest.param("I cannot agree more.", id="agreement"),
        pytest.param("Sorry to hear that. Here is a plan.", id="sympathy"),
        pytest.param("Sure. Boil it. Salt it. I can't help with the wine.", id="a limit further down"),
        pytest.param('Say: "I can\'t help with that".', id="a quotation"),
        pytest.param("You can't help with that.", id="second person"),
    ],
)
def test_does_not_refuse(text):
    assert holds(refuses, text) is False


FILTERS = [(claims_human, claims_human_where), (says_ai, says_ai_where), (refuses, refuses_where)]


@pytest.mark.parametrize(("filter_", "span"), FILTERS)
def test_null_has_no_verdict_and_the_parts_belong_together(filter_, span):
    assert holds(filter_, None) is None
    assert filter_.span is span
    frame = pl.DataFrame({"response": ["As an AI, I can't help with my childhood.", "No."]})
    for made in (filter_(), span()):
        assert frame.select(pickle.loads(pickle.dumps(made))).equals(frame.select(made))


def test_a_span_shows_the_claim_and_hides_nothing_around_it():
    text = "x" * 50 + ' "quoted" and my wife laughed ' + "y" * 50
    shown = pl.DataFrame({"response": [text]}).select(claims_human_where()).item()
    assert shown == "x" * 29 + " [...] and my wife laughed " + "y" * 31


def test_any_column_may_be_asked():
    frame = pl.DataFrame({"chosen": ["My wife laughed."], "rejected": ["As an AI, I do not laugh."]})
    said = frame.select(a=claims_human("chosen"), b=claims_human("rejected"), c=says_ai("rejected"))
    assert said.row(0) == (True, False, True)


def test_the_answers_that_the_authors_wrote_claim_no_life_but_in_letters_and_stories():
    rows = [json.loads(line) for line in AUTHORED.read_text(encoding="utf-8").splitlines()]
    frame = pl.DataFrame({"response": [row["response"] for row in rows], "domain": [row["domain"] for row in rows]})
    assert frame.select(claims_human().sum()).item() <= 3
    assert frame.select(says_ai().sum()).item() == 0
    declined = frame.filter(refuses())
    assert declined.height >= 11
    assert set(declined["domain"]) == {"safety"}


def test_on_real_pairs_the_two_sides_differ_as_they_should(data):
    pairs = pl.read_ndjson(data / "human_like_pairs_sample.jsonl")
    found = pairs.select(
        life=claims_human("chosen").sum(),
        formal_life=claims_human("rejected").sum(),
        ai=says_ai("rejected").sum(),
        human_like_ai=says_ai("chosen").sum(),
    )
    assert pairs.height == 200
    life, formal_life, ai, human_like_ai = found.row(0)
    assert life >= 105
    assert formal_life == 0
    assert ai >= 175
    assert human_like_ai <= 15
