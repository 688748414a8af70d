r"""Links to their words, in one Markdown text: the reference to which links.c is equal, byte for byte.

One walk from left to right. Code and formulas are stepped over whole, so that they can stand in a link's words but
never be read as a link. What goes leaves a mark; then the marks are taken out, with the spaces, brackets and lines that
only they filled. No rule looks at a character more than a bounded number of times, so that the time is linear in the
text.
"""

from __future__ import annotations

import re
from collections import deque

# Halves of surrogate pairs, which are in no text that can be written as UTF-8.
_MARK = "\ud800"  # where a link went
_CODE = "\ud801"  # where code stands

_SIGN = re.compile(r"\][(\[:]|://|www\.|<mailto:", re.IGNORECASE | re.ASCII)  # one is in every text that holds a link
_FLAGS = re.VERBOSE | re.MULTILINE | re.IGNORECASE | re.ASCII
_SPACE = r" \t\n\v\f\r\u00a0\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_LETTER = r"0-9A-Za-z\u00c0-\u053f"  # digits, and letters of scripts that have blanks between words
_GAP = r"[ \t\r]*+(?:\n[ \t\r]*+)?+"  # blanks, and one line's end
_ITEM = r"(?:[-*+]|[0-9]{1,9}[.)])[ \t]++"

_SCHEME = r"(?:https?://|ftp://|mailto:|www\.)"
_ABSOLUTE = rf"<?+(?:{_SCHEME}|[/#])"
_PLAIN = rf"[^{_SPACE}<>()]"
_ADDRESS = rf"(?:<[^<>\n]*+>|(?:{_PLAIN}++|\((?:{_PLAIN}++|\({_PLAIN}*+\))*+\))*+)"  # brackets balance, two deep
_TITLE = rf"""(?:(?=[ \t\r\n]){_GAP}(?:"[^"\n]*+"|'[^'\n]*+'|\([^()\n]*+\)))?"""
_TARGET = re.compile(rf"\({_GAP}(?P<absolute>(?={_ABSOLUTE}))?{_ADDRESS}{_TITLE}{_GAP}\)", _FLAGS)
_LABEL = re.compile(r"\[([^\[\]\n]*+)\]")

# What begins at a line's start: a fence, also as the first thing of an item, to its end or the text's; a definition.
_BLOCK = re.compile(
    rf"""[ \t>]*+ (?:
        (?:{_ITEM})*+ (?P<fence>`{{3,}}+|~{{3,}}+) [^`\n]*+ \n
            (?:.*\n)*? (?: [ \t>]*+ (?P=fence) [`~]*+ [ \t\r]*+ $ | .*+ \Z)
      | \[(?P<label>[^\[\]\n^][^\[\]\n]*+)\]: [ \t]*+ {_ABSOLUTE} [^{_SPACE}]*+ {_TITLE} [ \t\r]*+ $)""",
    _FLAGS,
)
_BLANK_LINE = re.compile(r"[ \t\r]*+\n")
# A code span, within its paragraph. The number of ticks is bounded, as for each the search for the end can fail once.
_SPAN = re.compile(r"(`{1,9}+)(?!`)(?:[^`\n]++|\n(?![ \t\r]*+\n)|(?!\1(?!`))`++)*+\1(?!`)")
_TICKS = re.compile(r"`+")
# A trailing bracket belongs to a bare address only with its partner, trailing punctuation never does.
_GROUP = rf"\([^{_SPACE}<>()`]*+\)"
_ALONE = re.compile(
    rf"""<{_SCHEME}[^{_SPACE}<>]*+>
      | (?<![{_LETTER}_@/.]) (?:(?:https?|ftp)://|www\.(?=[0-9A-Za-z_\u0080-\U0010ffff]))
        (?:{_GROUP} | [^{_SPACE}<>()\[\]`]*[^{_SPACE}<>()\[\]`.,;:!?'"*_’”] | [^{_SPACE}<>()\[\]`]++(?={_GROUP}))*+""",
    _FLAGS,
)
_FIRST = re.compile(r"[\n`<\[\]\\$hfwHFW](?:(?<=[^a-zA-Z])|(?=[tT]{1,2}[pP]|[wW]{2}\.))")  # for the walk
_AFTER_WORD = re.compile(rf"(?<=[{_LETTER}])\[")
_WORD = re.compile(r"[A-Za-z_\u0080-\U0010ffff]")

# What closes a formula, by what opens it; within its paragraph, as in a price nothing does.
_CLOSE = {"$$": "$$", "$": "$", r"\[": r"\]", r"\(": r"\)"}
_PARAGRAPH = re.compile(r"\n[ \t\r]*+\n|\Z")

Cut = tuple[int, int, str]  # from, to, and what stands there instead


def strip(text: str) -> str:
    """Take the links out of a Markdown text and leave their words."""
    if not _SIGN.search(text):
        return text
    links: list[Cut] = []
    codes: list[Cut] = []
    labels: set[bytes] = set()  # that lines of the text define
    references: list[tuple[bytes, list[Cut]]] = []  # what is cut if the label is defined
    brackets: deque[int] = deque(maxlen=16)  # open ones; bounded, as the words in each are looked at
    may_define = "]:" in text
    text = "\n" + text
    at = paragraph = 0  # paragraph: where the one that the walk is in ends
    none = dict.fromkeys(_CLOSE, 0)  # up to where what opens opens no formula
    for sign in _FIRST.finditer(text):
        start, char = sign.start(), sign[0]
        if start < at:
            continue
        at = start + 1
        if char == "[":
            brackets.append(start)
        elif char == "]":
            if brackets:
                at, label, link = _link(text, brackets.pop(), start)
                if label is None:
                    links += link
                elif may_define:
                    references.append((label, link))
        elif char == "\n":
            if _BLANK_LINE.match(text, at):
                brackets.clear()
            elif block := _BLOCK.match(text, at):
                start, at = at, block.end()
                if block["fence"]:
                    codes.append((start, at, _CODE))
                else:
                    links.append((start, at, _MARK))
                    labels.add(_key(block["label"]))
        elif char == "`":
            if span := _SPAN.match(text, start):
                codes.append((start, span.end(), _CODE))
            at = (span or _TICKS.match(text, start) or sign).end()
        elif char in "\\$":
            opening, end = next((sign for sign in _CLOSE if text.startswith(sign, start)), ""), 0
            if opening and start >= none[opening]:
                if paragraph <= start:
                    paragraph = _PARAGRAPH.search(text, start).start()  # type: ignore[union-attr]
                end, none[opening] = _formula(text, start, opening, paragraph)
            at = end or at + (text[at : at + 1] in ("$" if char == "$" else "\\[]`<$"))
        elif alone := _ALONE.match(text, start):
            at = alone.end()
            links.append((start, at, _MARK))
    links += [cut for label, link in references if label in labels for cut in link]
    return _tidy(*_cut(text, links + codes)) if links else text[1:]


def _formula(text: str, start: int, opening: str, paragraph: int) -> tuple[int, int]:
    """Find the end of a formula, 0 if none opens here; also say up to where the same sign opens none either."""
    inside = start + len(opening)
    end = text.find(_CLOSE[opening], inside, paragraph)
    if end < 0:
        return 0, paragraph
    address = text.find("://", inside, end)
    if address >= 0:
        return 0, address
    if opening == "$" and not (_OPEN_DOLLAR.match(text, start) and _CLOSE_DOLLAR.match(text, end)):
        return 0, end
    return end + len(opening), 0


# A $ opens no formula behind a letter or before a blank, and closes none behind a blank or before a letter: prices.
_OPEN_DOLLAR = re.compile(rf"(?<![{_LETTER}])\$(?!\s)", re.ASCII)
_CLOSE_DOLLAR = re.compile(rf"(?<!\s)\$(?![{_LETTER}])", re.ASCII)


def _link(text: str, start: int, end: int) -> tuple[int, bytes | None, list[Cut]]:
    """Read on after words in brackets: where the walk goes on, the label that must be defined, and what to cut then."""
    image, after, label = text[start - 1] == "!", end + 1, None
    if target := _TARGET.match(text, after):
        # f[x](t) is a link only with an address that looks it.
        if target["absolute"] is None and _AFTER_WORD.match(text, start):
            return after, label, []
        after = target.end()
    elif second := _LABEL.match(text, after):
        after = second.end()
        # The definition may stand elsewhere, but an index is no link: x[i][j], [1][2].
        worded = second[1] and not _AFTER_WORD.match(text, start) and _WORD.search(text, start, end)
        if not (image or worded):
            label = _key(second[1] or text[start + 1 : end])
    elif _WORD.search(text, start, end):
        label = _key(text[start + 1 : end])
    else:
        return after, label, []
    if image:
        return after, label, [(start - 1, after, _MARK)]
    return after, label, [(start, start + 1, ""), (end, after, "" if end > start + 1 else _MARK)]


def _key(label: str) -> bytes:
    return b" ".join(label.encode().lower().split())  # as bytes: of ASCII alone


def _cut(text: str, cuts: list[Cut]) -> tuple[str, list[str]]:
    """Make the cuts; return the text with marks, and the code that two marks stand for."""
    pieces: list[str] = []
    codes: list[str] = []
    at = 0
    for start, end, instead in sorted(cuts):
        if start < at:
            continue  # in an image
        pieces += text[at:start], instead
        if instead == _CODE:
            codes.append(text[start:end])
        at = end
    return "".join(pieces) + text[at:], codes


_FILLED = re.compile(rf"{_MARK}[ \t]*+[)\]}}\"'*~”’]")
_ONLY = re.compile(rf"[ \t>]*+(?:{_ITEM})?+[ \t{_MARK}]*+[.,;:]?[ \t\r]*+")
_SPACES = re.compile(rf"(?<![ \t])([ \t]*+){_MARK}[ \t{_MARK}]*+")


def _tidy(text: str, codes: list[str]) -> str:
    """Take the marks out: with brackets and lines that hold nothing else, and with the spaces too many."""
    lines: list[str] = []
    gap = False  # the last line taken out is still to be joined over
    for line in text.split("\n"):
        if _MARK in line:
            if _FILLED.search(line):
                line = _without_empty(line)
            if _ONLY.fullmatch(line):
                gap = True
                continue
            line = _SPACES.sub(_space, line)
        # Of the blank lines before and after what went, one stays; none at the beginning, where lines[0] is blank.
        if gap and _blank(line) and _blank(lines[-1]):
            continue
        gap = False
        lines.append(line)
    while gap and len(lines) > 1 and _blank(lines[-1]):
        lines.pop()
    rest = iter(codes)
    return re.sub(_CODE, lambda _: next(rest), "\n".join(lines[1:]))


def _blank(line: str) -> bool:
    return not line.strip(" \t\r")


def _without_empty(line: str) -> str:
    """Take out the brackets, emphasis and quotation marks that only marks fill, from the inside."""
    rest: list[str] = []
    for char in line:
        rest.append(char)
        if char in ")]}":
            start = len(rest) - 1
            while start and rest[start - 1] in (" ", "\t", _MARK):
                start -= 1
            if start and rest[start - 1] in "([{" and _MARK in rest[start:]:
                rest[start - 1 :] = [_MARK]
        elif "".join(rest[-3:]) in _EMPTY:
            rest[-3:] = [_MARK]
        elif "".join(rest[-5:]) == f"~~{_MARK}~~":
            rest[-5:] = [_MARK]
        while rest[-2:] == [_MARK, _MARK]:
            rest.pop()
    return "".join(rest)


_EMPTY = {f"{opening}{_MARK}{closing}" for opening, closing in ("**", '""', "''", "“”", "‘’")}


def _space(mark: re.Match[str]) -> str:
    before = mark.string[mark.start() - 1 : mark.start()]
    after = mark.string[mark.end() : mark.end() + 1]
    if not before:
        return mark[1]  # the line's indentation
    return "" if not after or before in "([{" or after in ".,;:!?)]}\r" else " "
