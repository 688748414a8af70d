from typing import Any

import polars as pl
import pytest

from curate.filters import mentions
from curate.filters.voice import mentions_where


def found(text: str, phrases: list[str]) -> Any:
    return pl.DataFrame({"response": [text]}).select(mentions("response", phrases)).item()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("As mentioned, it boils.", id="as mentioned"),
        pytest.param("as I have already mentioned", id="as I have already mentioned"),
        pytest.param("As noted above, it boils.", id="as noted above"),
        pytest.param("As others have said, no.", id="as others have said"),
        pytest.param("Someone else has already suggested tea.", id="someone else has suggested"),
        pytest.param("As Ann pointed out, no.", id="as a name pointed out"),
        pytest.param("The other two answers are wrong.", id="other answers"),
        pytest.param("See the accepted answer.", id="the accepted answer"),
        pytest.param("The most upvoted answer says so.", id="the most upvoted answer"),
        pytest.param("The answer below is right.", id="the answer below"),
        pytest.param("One of the previous answers has it.", id="one of the answers"),
        pytest.param("Ann's answer has it.", id="a name's answer"),
        pytest.param("Jonas’ excellent answer has it.", id="a name's answer, typographic"),
        pytest.param("Lee's answer has it.", id="a name that begins like Let"),
        pytest.param("Adding to [jo17's answer](https://example.org/1)", id="a user's answer, linked"),
        pytest.param("It was explained in the comments.", id="in the comments"),
        pytest.param("Thanks @ann for it.", id="a user addressed"),
        pytest.param("See this [answer](https://example.org/2).", id="see this answer"),
    ],
)
def test_other_answers(text):
    assert found(text, ["other_answers"]) is True


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("The answer is 42.", id="an answer to the question itself"),
        pytest.param("Let's answer this with data.", id="let's answer"),
        pytest.param("Short answer: yes.", id="short answer"),
        pytest.param("Students check their answers twice.", id="answers in an exam"),
        pytest.param("Not all keep it as well as others.", id="as well as others"),
        pytest.param("It works as stated on the label.", id="as stated elsewhere"),
        pytest.param("Write to ann@example.org.", id="a mail address"),
        pytest.param("Put `@property` above it.", id="a decorator in code"),
        pytest.param("Use\n```\n@cache\n```\nhere.", id="a decorator in a code block"),
        pytest.param("Others prefer tea.", id="others do other things"),
    ],
)
def test_not_other_answers(text):
    assert found(text, ["other_answers"]) is False


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        pytest.param("Ask on stack exchange.", True, id="in small letters"),
        pytest.param("This Math StackExchange post", True, id="in one word"),
        pytest.param("See Stack Overflow.", True, id="the other site"),
        pytest.param("I saw it on stack overflow.", True, id="the other site in small letters"),
        pytest.param("It is on Physics.SE.", True, id="a site's short name"),
        pytest.param("Everyone on this site knows.", True, id="this site"),
        pytest.param("Feel free to down-vote.", True, id="votes"),
        pytest.param("As the OP wrote.", True, id="OP"),
        pytest.param("Deep recursion ends in a stack overflow.", False, id="the crash"),
        pytest.param("An op amp and an operator.", False, id="op in small letters"),
        pytest.param("The vote of the parliament", False, id="another vote"),
        pytest.param("The building site is closed.", False, id="another site"),
        pytest.param("See [here](https://stackoverflow.com/q/1).", False, id="the address of a link"),
        pytest.param("The distance $|OP|$ grows.", False, id="points in a formula"),
    ],
)
def test_site(text, holds):
    assert found(text, ["site"]) is holds


@pytest.mark.parametrize(
    ("text", "phrase", "holds"),
    [
        pytest.param("Stack  Exchange", "stack exchange", True, id="any capitals and blanks"),
        pytest.param("other\nanswer", "other answer", True, id="over a line break"),
        pytest.param("another answer", "other answer", False, id="whole words only, at the start"),
        pytest.param("other answers", "other answer", False, id="whole words only, at the end"),
        pytest.param("other answers", "other answer*", True, id="a star for the rest of a word"),
        pytest.param("Use C++ here", "c++", True, id="signs at the edge"),
        pytest.param("Don’t do it", "don't", True, id="a typographic apostrophe"),
        pytest.param("a.b", "a b", False, id="nothing but blanks between words"),
        pytest.param("axb", "a.b", False, id="a phrase is no pattern"),
        pytest.param("voilà tout", "voilà", True, id="letters outside ASCII"),
    ],
)
def test_a_phrase_of_your_own(text, phrase, holds):
    assert found(text, [phrase]) is holds


@pytest.mark.parametrize(
    ("phrases", "sentence"),
    [
        pytest.param([], "needs phrases", id="none"),
        pytest.param(["  "], "blank", id="blank"),
        pytest.param(["*"], "blank", id="a star alone"),
        pytest.param(["other_answer"], "no preset 'other_answer': the presets are other_answers, site", id="misspelt"),
    ],
)
def test_refuses(phrases, sentence):
    with pytest.raises(ValueError, match=sentence):
        mentions(phrases=phrases)


def test_the_span_and_null():
    frame = pl.DataFrame({"response": ["Well, as mentioned by `x`, no.", "no", None]})
    assert mentions.span is mentions_where  # type: ignore[attr-defined]
    assert frame.select(mentions_where()).to_series().to_list() == [
        "Well, as mentioned by [...], no.",
        None,
        None,
    ]
    assert frame.select(mentions()).to_series().to_list() == [True, False, None]
