"""Whether a text speaks of the page it stood on: the answers beside it, the site, phrases of your own."""

from __future__ import annotations

import re

import polars as pl

from curate.filter import Property, explains
from curate.filters._regex import CODE, FORMULAS, ascii_boundaries, found_outside, leave_out, span

_SAID = r"(?:mentioned|said|noted|stated|pointed out|suggested|explained|commented|posted|written)"
_SAYS = r"(?:mentioned|mentions|pointed out|points out|said|says|noted|notes|suggested|suggests|commented)"
_HAVE = r"(?:has |have )?(?:already |also |previously |correctly |rightly )?"
_OTHERS = r"(?:others?|someone else|everyone else|people (?:here )?have)"
_RATED = r"(?:accepted|existing|previous|earlier|linked|current|top|(?:top|highest|most)[- ](?:up)?voted)"
_POST = r"(?:answer|comment|post|reply|response)s?"
# A user: @name, a capital (but "Let's answer" names nobody), or small letters and a number, as jo17.
_USER = r"(?:(?:^|[^\w/.])@\w[\w.-]*|\b(?:[A-KM-Z]\w*|L(?:[^e\W]\w*|e(?:[^t\W]\w*)?)?|[a-z]+\d+))"

_AS = r"as (?:was |has been |I |I have |we |we have )?"
_WHERE = r"(?:the |an? |my |your |other |another |some |previous )+"

_PRESETS: dict[str, list[str]] = {
    "other_answers": [
        rf"(?i:\b{_AS}(?:already |previously )?mentioned\b)",
        rf"(?i:\b{_AS}(?:already|previously) {_SAID}\b)",
        rf"(?i:\b{_AS}{_SAID} (?:above|below|before|earlier|previously|by others?)\b)",
        rf"(?i:\b{_SAID} (?:\w+ )?in {_WHERE}(?:comment|answer|post)s?\b)",
        rf"(?i:\b{_OTHERS} (?:here )?{_HAVE}(?:answered|{_SAID})\b)",
        r"(?i:\bas others (?:say|note|explain|suggest|point)\b|\b(?:what|like) others (?:have|said)\b)",
        rf"\b[Aa]s (?:user )?{_USER} {_HAVE}{_SAYS}\b",
        r"(?i:\bother (?:\w+ )?(?:answer(?:er)?s?|posters?|repl(?:y|ies)|commenters?|comments?)\b)",
        rf"(?i:\b{_RATED} (?:\w+ )?answers?\b|\b(?:in|by|from|see|to|with) another \[?answer\b)",
        r"(?i:\b(?:one|some|many|most|all|both|any|each|several) of the (?:\w+ )?answers\b)",
        r"(?i:\b(?:see|from|per|by|read) (?:also )?(?:this|that) \[?(?:\w+ )?answer\b|\[this answer\])",
        r"(?i:\b(?:in|see|per) my (?:\w+ )?answers?\b|\ba separate answer\b)",
        r"(?i:\banswers? (?:above|below|posted)\b|\banswers here\b|\b(?:above|below) answers?\b)",
        r"\banswers? (?:from|by) \[?(?:@|[A-Z][a-z])",
        rf"{_USER}['’]s? (?:own |excellent |great |good |nice |helpful )?{_POST}\b",
        r"(?i:\b(?:in|from|see|to) (?:the|a|your|his|her|their|my) comments?\b)",
        r"(?i:\bcomments? (?:above|below)\b)",
        r"(?:^|[^\w/.])@[A-Za-z]\w{2,}",
    ],
    "site": [
        r"(?i:\bstack ?exchange\b|\b(?:on|at|from) stack overflow\b)",
        r"\bStack ?[Oo]verflow\b|\bstackoverflow\b",
        r"\bMath ?Overflow\b|\bServer ?Fault\b|\bAsk ?Ubuntu\b|\bCross ?Validated\b",
        r"\b[A-Za-z]+\.SE\b|\bM?SE (?:answer|question|post|site)s?\b|(?i:\bsubreddits?\b|\bQ&A sites?\b)",
        r"(?i:\b(?:this|our|sister) (?:site|forum|board|thread|subreddit|stack)s?\b)",
        r"(?i:\b(?:up|down)[- ]?vot(?:es?|ed|ing)\b|\bmeta post\b)|\bon [Mm]eta\b",
        r"\bOPs?\b|(?i:\boriginal poster\b|\bthe asker\b)",
        r"(?i:\b(?:duplicate|closed|migrated) questions?\b|\bquestion is (?:a duplicate|off[- ]topic)\b)",
        r"(?i:\baccept (?:this|my|an|the) answer\b|\benough rep(?:utation)?\b)",
        r"(?i:\boff[- ]topic (?:here|for this)\b)",
    ],
}


def mentions(
    column: str = "response",
    phrases: list[str] = ["other_answers", "site"],  # noqa: B006  (a list, as recipes write it; never changed)
) -> Property:
    """Hold if a text mentions one of the phrases.

    LIMA drops answers that refer to other answers ("as mentioned", "stack exchange" and the like; section
    2.1). A phrase is plain text: any capitals, any white space between its words, whole words only; `*`
    stands for the rest of a word ("other answer*", "upvot*"). Code, formulas and web addresses are not looked
    into. Two names in the list stand for many phrases, gathered from real answers:

    - other_answers: as mentioned, as others have said, the other answers, the accepted answer, one of
      the answers, Ann's answer, as Ann pointed out, in the comments, @ann;
    - site: Stack Exchange, Stack Overflow (in small letters only after "on": the crash is none), Math.SE,
      this site, this thread, upvotes, on meta, the OP, duplicate question.

    Of 2,250 answers with a score of 5 or more from six Stack Exchange sites, 8.8 % mention other_answers and
    3.0 % site, together 11.1 %. By reading, 95 of 100 hits of the first and 62 of 67 of the second were right
    (wrong: Bob's answer in a story, "this site" linked to another one). Of 150 unflagged places with words
    such as answer, comment or site, 9 did refer to the page; the list has grown by most of these since.

    Raises ValueError if there are no phrases, or one is blank or looks like the name of a preset there is
    not.

    >>> import polars as pl
    >>> said = ["As mentioned by Ann, boil it.", "A stack overflow crashes it.", "I saw it on Math.SE."]
    >>> pl.DataFrame({"response": said}).select(mentions()).to_series().to_list()
    [True, False, True]
    >>> pl.DataFrame({"response": said}).select(mentions(phrases=["crash*"])).to_series().to_list()
    [False, True, False]
    """
    return found_outside(column, _any_of(phrases), [[CODE, FORMULAS]])


@explains(mentions)
def mentions_where(
    column: str = "response",
    phrases: list[str] = ["other_answers", "site"],  # noqa: B006
) -> pl.Expr:
    """Show the first phrase found with 40 characters on either side; code and addresses there are [...]."""
    return span(_looked_into(column), _any_of(phrases))


def _looked_into(column: str) -> pl.Expr:
    return leave_out(pl.col(column), [CODE, FORMULAS])


def _any_of(phrases: list[str]) -> str:
    if not phrases:
        raise ValueError("mentions needs phrases to look for")
    return "|".join(ascii_boundaries("|".join(_PRESETS[p])) if p in _PRESETS else _plain(p) for p in phrases)


def _plain(phrase: str) -> str:
    """Write a phrase as a pattern."""
    words = phrase.split()
    if not words or set(phrase) <= set("* "):
        raise ValueError(f"a phrase is blank: {phrase!r}")
    if re.fullmatch(r"[a-z]+(?:_[a-z]+)+", phrase):
        raise ValueError(f"there is no preset {phrase!r}: the presets are {', '.join(_PRESETS)}; a phrase has blanks")
    pattern = r"\s+".join(re.escape(word).replace(r"\*", r"\w*").replace("'", "['’]") for word in words)
    # A boundary is asked for only where the phrase has a letter at its edge: "C++" and "@ann" have one side
    # free.
    start, end = (r"\b" if re.match(r"\w", edge) else "" for edge in (phrase.strip()[0], phrase.strip()[-1]))
    return f"(?i:{start}{pattern}{end})"
