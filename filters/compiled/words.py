"""What a word is, for all filters that count or compare words: the reference that words.c is held equal to.

A word is a run of letters, marks and figures, in small letters; apostrophes within it vanish, and a point between two
figures stays (`3.5`). In scripts without blanks, and among pictures, each character with its marks is a word. A sign
is part of a word: of the one that it ends (`C++`, `C#`, `5 %`), else of the next (`3 + 4` is `3`, `+4`; `-3`, `$5`,
`.NET`, `!x`). `+ = ^ %` and the symbols of mathematics and money are signs everywhere; `* / - < > & | ~` between
figures or lone letters, `< >` and their arrows between blanks; `- < > ~ $ # . !` before what they open (`- # . !` a
word, the others a figure). All else is punctuation, which parts words and is nothing itself: also what Markdown makes
of signs (bullets, headings, quotes, emphasis, rules). Texts are in NFC and small letters beforehand, see `runs.plain`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from curate.filters.compiled.classes import EVEN, LOWER, SHAPES, SMALL

_SEED, _TURN, _64 = 0xCBF29CE484222325, 0x9E3779B97F4A7C15, 2**64 - 1

_SIGNS = r"(?:[-+*/=<>^~%&|#$sc]|!(?==))+"
_TOKEN = re.compile(
    rf"(?P<first>^[ \t]*(?P<opening>{_SIGNS}))|(?P<signs>{_SIGNS})"
    r"|(?P<word>[a0](?:[a0mj]|(?<=0)\.(?=0))*|u[mj]*)|(?P<point>(?<![^ \t\n(])[.!](?=[a0]))",
    re.MULTILINE,
)
_OPERAND = re.compile(r"[ (\[{]{0,4}-?(?:0|a(?!a))")  # a figure or a lone letter

_UNEVEN = re.compile("[^" + "".join(f"{chr(first)}-{chr(last)}" for first, last in EVEN) + "]")
_WHITE = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")


class Word(NamedTuple):
    """A word as it is compared, whether a sign is in it, and where it stands."""

    text: str
    signed: bool
    start: int
    end: int


class _Last(NamedTuple):
    """The last word before a sign: where it ends, whether it can be calculated with, whether a figure ends it."""

    end: int = -1
    operand: bool = False
    figure: bool = False

    @classmethod
    def of(cls, shape: str, end: int) -> _Last:
        bare = shape.replace("m", "").replace("j", "")
        return cls(end, bool(re.search(r"0$|(?<!a)a$", bare)), bare.endswith("0"))


def words(text: str) -> list[Word]:
    """List the words of a text in their order.

    >>> [word.text for word in words("Don't **stop**: 3 - 4 in C++, x=-5.")]
    ['dont', 'stop', '3', '-4', 'in', 'c++', 'x', '=-5']
    """
    shape, letters = text.translate(SHAPES), text.translate(LOWER)
    result: list[Word] = []
    pending, opens, closes, last = "", 0, 0, _Last()
    for token in _TOKEN.finditer(shape):
        start, end = token.span() if token["first"] is None else token.span("opening")
        if token["word"]:
            word = "".join(c for c, kind in zip(letters[start:end], token["word"], strict=True) if kind != "j")
            result.append(Word(pending + word, bool(pending), opens if pending else start, end))
            pending, last = "", _Last.of(token["word"], end)
            continue
        places = [start] if token["point"] else _kept(shape, start, end, last, first=token["first"] is not None)
        sign = "".join(letters[at] for at in places)
        if places and not token["point"] and _ends_word(shape, places, end, last):
            result[-1] = Word(result[-1].text + sign, True, result[-1].start, places[-1] + 1)
            last = last._replace(end=end, figure=False)
        elif places:
            opens, pending = (opens if pending else places[0]), pending + sign
            closes = places[-1] + 1
    return [*result, Word(pending, True, opens, closes)] if pending else result


def _kept(shape: str, start: int, end: int, last: _Last, first: bool) -> list[int]:
    """Give the places of a run of signs that carry meaning there; `first` if the line begins with it."""
    run, length = shape[start:end], end - start
    before, after = shape[start - 1 : start] if start else " ", shape[end : end + 1] or " "
    heads, rules = first and after in " \t\n" and set(run) <= set("#*-+>"), length > 3 and set(run) == {run[0]}
    if heads or rules:
        return []
    operand = bool(_OPERAND.match(shape, end))
    if any(sign in _STRONG for sign in run):
        return [start + at for at in range(length) if _in_strong(run, at, operand, after == "0")]
    gap = shape[last.end : start] if 0 <= start - last.end <= 4 else "many"
    infix = last.operand and operand and not gap.strip(" )]}")
    weak = length <= 3 and _weak(run, before, after, last.end == start, infix, operand, first)
    return list(range(start, end)) if weak else []


_STRONG = "+=^%sc"


def _in_strong(run: str, at: int, operand: bool, figure: bool) -> bool:
    """Tell what belongs to the strong signs of a run: not what Markdown or HTML put beside them."""
    sign, previous, following, ends = run[at], run[at - 1 : at], run[at + 1 : at + 2], at + 1 == len(run)
    return (
        sign in _STRONG
        or (sign in "<>!-*/&|~" and following == "=")
        or (sign == ">" and previous == "=")
        or (sign == "-" and ends and operand and previous != "" and previous in _STRONG)
        or (sign == "$" and ends and figure)
    )


def _weak(run: str, before: str, after: str, touches: bool, infix: bool, operand: bool, first: bool) -> bool:
    """Tell whether a run of signs that are punctuation elsewhere carries meaning here.

    It may touch the word before it, stand between things to calculate with (`infix`), have one behind it (`operand`),
    and be the first of its line.
    """
    opens, figure = after in "a0u", after == "0"
    spaced = before in " \t\n", after in " \t\n"
    if run in ("&&", "||") or (run in ("$", "-$") and figure) or (run == "#" and touches != opens):
        return True
    if all(spaced) and not first and ("<" in run or ">" in run):
        return True
    if spaced[0] == spaced[1] and infix:
        return run not in ("</", "/>") and (run != "|" or not spaced[0])
    if touches or not opens or before in ")]}":
        return False
    if run in ("-", "--"):
        return figure or not first or operand
    return figure and (run in ("~", "<") or (run == ">" and not first))


def _ends_word(shape: str, places: list[int], end: int, last: _Last) -> bool:
    """Tell whether a sign belongs to the word before it."""
    first, closing = places[0], places[-1] + 1 < end or shape[end : end + 1] not in ("a", "0")
    signs = {shape[at] for at in places}
    touches = last.end == first and signs <= set("+#%c")
    follows = last.figure and signs <= set("%c") and shape[last.end : first] == " "
    return closing and (touches or follows)


def is_even(text: str) -> bool:
    """Tell whether a text is in NFC for sure, and `fold` knows all its small letters."""
    return not _UNEVEN.search(text)


def fold(text: str) -> str:
    """Put a text in small letters, with one blank for each white space, and none at its ends."""
    return _WHITE.sub(" ", text.translate(SMALL)).strip(" ")


def count(text: str) -> int:
    """Count the words of a text."""
    return len(words(text))


def hashes(text: str) -> list[int]:
    """List the hashes of the words of a text."""
    return [_hashed(word.text) & ~1 | word.signed for word in words(text)]


def marked_runs(text: str, slots: str) -> list[int]:
    """List the number of words, then the place and the hash of each run of three words whose slot holds a `1`.

    A run's slot are the bits from the 32nd on, as many as it takes for the number of slots.
    """
    listed = hashes(text)
    result = [len(listed)]
    for place, (a, b, c) in enumerate(zip(listed, listed[1:], listed[2:], strict=False)):
        run = (a * _TURN * _TURN + b * _TURN + c) & _64
        if slots[run >> 32 & len(slots) - 1] == "1":
            result += [place, run]
    return result


def compared(texts: str) -> list[int]:
    """Compare the words of two texts, given as the size of the first in bytes, a colon, and both.

    Gives the number of different words that both have and that one has at least, and the same for words with a sign.
    """
    size, _, both = texts.partition(":")
    raw = both.encode()
    one, other = ({*hashes(raw[part].decode())} for part in (slice(int(size)), slice(int(size), None)))
    either = one | other
    return [len(one & other), len(either), sum(word & 1 for word in one & other), sum(word & 1 for word in either)]


@lru_cache(maxsize=100_000)
def _hashed(word: str) -> int:
    """Hash a word to 64 bits, eight of its bytes at a time; the lowest bit is kept for the sign."""
    value, raw = _SEED, word.encode()
    for at in range(0, len(raw) + 1, 8):
        value = (value ^ int.from_bytes(raw[at : at + 8], "little")) * _TURN & _64
        value ^= value >> 32
    value = value * _TURN & _64
    return value ^ value >> 29
