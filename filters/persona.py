"""Who an answer says it is: a human with a life of their own, an AI, or one that declines to answer."""

from __future__ import annotations

import polars as pl

from curate.filter import Property, explains
from curate.filters.words.claims import HUMAN, UNSAID
from curate.filters.words.persona import AI, NOT_AI, NOT_REFUSED, REFUSAL
from curate.filters.words.regex import found_outside, leave_out, span


def claims_human(column: str = "response") -> Property:
    """Hold if a text claims what only a human has: a body, a childhood, a family, a job, days that were lived through.

    "When I was a kid", "my wife and I", "I ate", "my kitchen", "I love hiking", "as a mother, I", "I just finished
    reading". Taste and opinion are no such claim ("I love puns"), nor is what is denied ("I don't have a family"),
    supposed ("if I ate", "should I eat"), quoted ("…", > …) or said of others ("your wife"). The question is not looked
    at, so a story or a letter told in the first person counts as a claim. English only.

    For the honesty that arXiv 2501.05032 asks of human-like answers (ethics: say that it is an AI). Measured: of 200
    human-like answers of a Llama 3 it finds 108, of which 105 claim so by reading (wrong: a fair share of chats); of
    the 200 formal ones beside them none. In 80 answers written to claim no life it finds 3, a letter, a story and a
    sentence on grammar. Of 3,060 Stack Exchange answers, which humans wrote, 3.6 %; 44 of 45 read do claim a life. Of
    60 human-like answers that it let pass some 10 hint at one in other words ("I recommend it to friends").

    >>> import polars as pl
    >>> said = ["When I was a kid, we had a dog.", "I'm an AI, so I have no childhood.", "Your wife may like it.", None]
    >>> pl.DataFrame({"response": said}).select(claims_human()).to_series().to_list()
    [True, False, False, None]
    """
    return found_outside(column, HUMAN, UNSAID)


@explains(claims_human)
def claims_human_where(column: str = "response") -> pl.Expr:
    """Show the first claim with 40 characters on either side; what was left out there is [...]."""
    return span(_rest(column, UNSAID), HUMAN)


def says_ai(column: str = "response") -> Property:
    """Hold if a text says that an AI speaks: "as an AI, I", "I'm just a chatbot", "I was trained on".

    Code and quotations are not looked into, and people who work with AI are none ("as an AI researcher, I"). An answer
    that only implies it ("I have no personal preferences") does not say it. English only.
    """
    return found_outside(column, AI, NOT_AI)


@explains(says_ai)
def says_ai_where(column: str = "response") -> pl.Expr:
    """Show the words with 40 characters on either side; what was left out there is [...]."""
    return span(_rest(column, NOT_AI), AI)


def refuses(column: str = "response") -> Property:
    """Hold if a text begins by declining: "I can't help with that", "I'm sorry, but I cannot", "I won't write".

    Only the first two sentences are looked at, so that advice with a limit ("I can't give legal advice, but") further
    down is none. "I can't help but smile" and "I can't wait" decline nothing. English only. Measured: 11 of the 13
    packaged answers that decline (the others do so in words of their own) and none of the other 67; of 3,060 Stack
    Exchange answers 1, wrongly ("I can't tell you the exact amount").

    >>> import polars as pl
    >>> said = ["I'm sorry, but I can't help with that.", "I can't help but smile!", "Wait. Salt it. I can't help."]
    >>> pl.DataFrame({"response": said}).select(refuses()).to_series().to_list()
    [True, False, False]
    """
    return found_outside(column, REFUSAL, NOT_REFUSED)


@explains(refuses)
def refuses_where(column: str = "response") -> pl.Expr:
    """Show the text up to the refusal, and 40 characters after it; what was left out there is [...]."""
    return span(_rest(column, NOT_REFUSED), REFUSAL)


def _rest(column: str, stretches: list[list[str]]) -> pl.Expr:
    text = pl.col(column)
    for patterns in stretches:
        text = leave_out(text, patterns)
    return text
