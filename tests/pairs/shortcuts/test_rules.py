"""What each rule counts, and what it does not."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.pairs.shortcuts.rules import RULES, numbers

COUNTED = [
    ("emoji", "Fine 😊 and 🎉!", 2),
    ("emoji", "🤷‍♂️ 👍🏽 🇩🇪 1️⃣", 4),
    ("emoji", "I ❤ it, I ❤️ it ☺", 3),
    ("emoji", "👨‍👩‍👧‍👦", 1),
    ("characters", "né!", 3),
    ("words", "One, two - three.\n\nFour", 5),
    ("sentence_length", "One two. Three four five six.", 3),
    ("sentence_length", "Pi is 3.14 here", 4),
    ("sentence_length", "A heading\n\nTwo words.", 2),
    ("paragraphs", "One.\n\nTwo.\n \nThree.\n", 2),
    ("first_person", "I think my cat saw me; i'm sure. It is mine.", 5),
    ("contractions", "Don't: it's what we'd say, they’re gonna see", 5),
    ("casual_words", "Oh yeah, that is awesome", 3),
    ("says_ai", "As an AI language model, I am a language model.", 2),
    ("says_ai", "As a professional AI I help.", 1),
    ("says_ai", "I'm an artificial intelligence.", 1),
    ("questions", "Why? How??", 3),
    ("ends_asking", "Fine. And you? 😊\n", 1),
    ("ends_asking", 'She asked "why?"', 1),
    ("exclamations", "Yes! No!! 1 != 2", 3),
    ("headings", "# One\ntext\n### Two", 2),
    ("bullets", "- one\n* two\n  1. three\n2) four\n• five", 5),
    ("bold", "**one** and __two__", 2),
    ("code", "```\na\nb\n```\nand `c`", 2),
    ("links", "See https://example.org and http://example.org/a", 2),
    ("digits", "In 1999 it was 3.14 or 1,000", 3),
]
NOT_COUNTED = [
    ("emoji", "© 2024, 5 * 3 #1 ™ ↔ a → b", "signs and figures"),
    ("first_person", "The index i and the Ivy; Mymy", "letters inside words"),
    ("contractions", "The dog's bowl, the dogs' bowls", "possessives"),
    ("casual_words", "Ohio is a coolant; management", "words that only begin so"),
    ("says_ai", "She said it as an aide.", "a word that begins so"),
    ("ends_asking", "Why? Because.", "a question before the end"),
    ("headings", "#tag and C# is", "hashes without a blank or not at the beginning"),
    ("bullets", "a - b\n-5 degrees\n2001. A year", "dashes and numbers within lines"),
    ("bold", "2 ** 3 and snake__case", "operators"),
    ("links", "example.org", "names"),
]


@pytest.mark.parametrize(
    ("rule", "text", "number"), [pytest.param(*case, id=f"{case[0]}: {case[1]}") for case in COUNTED]
)
def test_what_is_counted(rule, text, number):
    assert numbers(pl.Series([text]))[rule].item() == number


@pytest.mark.parametrize(
    ("rule", "text"), [pytest.param(*case[:2], id=f"{case[0]}: {case[2]}") for case in NOT_COUNTED]
)
def test_what_is_not_counted(rule, text):
    assert numbers(pl.Series([text]))[rule].item() == 0


def test_every_rule_is_said_in_a_sentence_and_both_directions_and_tested():
    for rule in RULES:
        assert rule.counts.endswith(".") and len(rule.counts) < 90
        assert rule.more and rule.fewer and rule.more != rule.fewer
    assert {rule.name for rule in RULES} == {case[0] for case in COUNTED}


def test_an_empty_text_has_a_number_for_every_rule():
    assert not any(numbers(pl.Series([""])).row(0))


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(st.text(max_size=80), max_size=8))
def test_a_texts_numbers_do_not_depend_on_the_texts_beside_it(texts):
    together = numbers(pl.Series(texts, dtype=pl.String))
    assert together.rows() == [numbers(pl.Series([text])).row(0) for text in texts]
    assert all(number >= 0 for row in together.rows() for number in row)
