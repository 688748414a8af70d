"""One-line rules: a number of a text, and with it the rule that the answer with more of it is the chosen one."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl


class Rule(NamedTuple):
    """A rule: its name, in one sentence what it counts, what it says either way, and the number as an expression."""

    name: str
    counts: str
    more: str
    fewer: str
    number: pl.Expr  # of the text in the column "text"


_TEXT = pl.col("text")

# Sequences as Unicode TS 51 (Emoji, section 1.4) builds them: a picture, or a sign made one by a U+FE0F behind it, with
# its skin tone, joined by U+200D; flags of two letters; keycaps. Four signs are mostly written without their U+FE0F.
_PICTURE = r"(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\x{FE0F}|[☺☹❤♥])\p{Emoji_Modifier}?\x{FE0F}?"
_JOINED = r"(?:\x{200D}\p{Extended_Pictographic}\x{FE0F}?\p{Emoji_Modifier}?)*"
EMOJI = rf"\p{{RI}}\p{{RI}}|[0-9#*]\x{{FE0F}}?\x{{20E3}}|{_PICTURE}{_JOINED}"
_ONESELF = r"\b(?:I|(?i:my|me|mine|myself)|i['’](?:m|ve|ll|d))\b"
_SHORTENED = (
    r"(?i)\b\w+(?:n['’]t|['’](?:re|ve|ll|d|m))\b|\b(?:it|that|what|there|here|he|she|who|how|where|let)['’]s\b"
    r"|\b(?:gonna|wanna|gotta|kinda|sorta|y['’]all)\b"
)
_MACHINE = (
    r"(?i)\b(?:as|i['’]?m|i am|just|being) an? (?:\w+ ){0,3}(?:ai\b|artificial intelligence|language model|chatbot)"
    r"|\b(?:large )?language model\b|\b(?:ai|digital|virtual) (?:assistant|language model)\b"
    r"|\bartificial intelligence\b"
)
_CASUAL = (
    r"(?i)\b(?:oh|ooh|wow|whoa|ha(?:ha)+|lol|omg|yeah|yep|yup|nope|hey|hi|hmm+|ugh|yay|totally|awesome|super|cool"
    r"|honestly|man|dude|guys?|folks|stuff|pretty|okay|ok|btw|tbh)\b"
)
# A sentence ends at a mark before a blank or the end of the text (3.14 and polars.col end nothing), and before a blank
# line also without one, as headings do.
_ENDS = r"[.!?…]+[\"'”’)\]*_]*(?:\s|\z)|[^\s.!?…][ \t]*\n[ \t]*\n|[。！？]"


def _count(pattern: str) -> pl.Expr:
    return _TEXT.str.count_matches(pattern)


_WORDS = _count(r"\S+")
RULES: tuple[Rule, ...] = (
    Rule("emoji", "Counts emoji, one joined of several as one.", "more emoji", "fewer emoji", _count(EMOJI)),
    Rule("characters", "Counts characters.", "more characters", "fewer characters", _TEXT.str.len_chars()),
    Rule("words", "Counts words, that is, what stands between blanks.", "more words", "fewer words", _WORDS),
    Rule(
        "sentence_length",
        "Divides the words by the sentences.",
        "longer sentences",
        "shorter sentences",
        _WORDS / pl.max_horizontal(_count(_ENDS), pl.lit(1)),
    ),
    Rule(
        "paragraphs",
        "Counts blocks of text with blank lines between.",
        "more paragraphs",
        "fewer paragraphs",
        _TEXT.str.strip_chars().str.count_matches(r"\n[ \t]*\n\s*"),
    ),
    Rule("first_person", "Counts I, my, me, mine, myself.", "more of I and my", "less of I and my", _count(_ONESELF)),
    Rule(
        "contractions",
        "Counts words such as don't, it's and gonna.",
        "more contractions",
        "fewer contractions",
        _count(_SHORTENED),
    ),
    Rule(
        "casual_words",
        "Counts words of easy talk such as oh, yeah, awesome and honestly.",
        "more casual words",
        "fewer casual words",
        _count(_CASUAL),
    ),
    Rule(
        "says_ai",
        "Counts phrases such as “as an AI” and “language model”.",
        "more talk of being an AI",
        "less talk of being an AI",
        _count(_MACHINE),
    ),
    Rule("questions", "Counts question marks.", "more question marks", "fewer question marks", _count(r"[?？]")),
    Rule(
        "ends_asking",
        "Looks whether the last mark is a question mark, whatever emoji follow.",
        "a question at the end",
        "no question at the end",
        _TEXT.str.contains(rf"[?？](?:[\s\"'”’)*_]|{EMOJI})*\z").cast(pl.UInt32),
    ),
    Rule(
        "exclamations",
        "Counts exclamation marks, those of code (!=) left out.",
        "more exclamation marks",
        "fewer exclamation marks",
        _count(r"[!！]") - _count("!="),
    ),
    Rule("headings", "Counts markdown headings.", "more headings", "fewer headings", _count(r"(?m)^ {0,3}#{1,6}[ \t]")),
    Rule(
        "bullets",
        "Counts items of lists, numbered or not.",
        "more list items",
        "fewer list items",
        _count(r"(?m)^[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]"),
    ),
    Rule("bold", "Counts stretches in bold.", "more bold", "less bold", _count(r"\*\*[^*\n]+\*\*|__[^_\n]+__")),
    Rule(
        "code",
        "Counts stretches of code, in lines and between lines.",
        "more code",
        "less code",
        _count(r"(?m)^[ \t]*```(?s:.*?)(?:^[ \t]*```|\z)|`[^`\n]+`"),
    ),
    Rule("links", "Counts web addresses.", "more links", "fewer links", _count(r"https?://")),
    Rule("digits", "Counts numbers in figures.", "more numbers", "fewer numbers", _count(r"\d+(?:[.,]\d+)*")),
)


def numbers(text: pl.Series) -> pl.DataFrame:
    """Take the number of every rule for texts: a column a rule.

    >>> numbers(pl.Series(["Oh, I can't wait! 😊"])).select("emoji", "words", "first_person", "contractions").rows()
    [(1, 5, 1, 1)]
    """
    return text.alias("text").to_frame().select(rule.number.alias(rule.name) for rule in RULES)
