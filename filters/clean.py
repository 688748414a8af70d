"""Edits that clean a text and leave what it says alone."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from functools import partial
from html import unescape as resolved
from html.entities import html5
from importlib import import_module
from typing import Any

import polars as pl

from curate.filter import Edit
from curate.filters.safety import ALL, NAMES, checked
from curate.filters.words.code import outside_code
from curate.filters.words.personal import HINTS, Kind, find
from curate.rows import text_of


def _edited(column: str, hint: str, edit: Callable[[str], str]) -> pl.Expr:
    """Edit texts in Python, but only those in which a pattern is found that is quick to look for."""
    edited: pl.Expr = pl.col(column).map_batches(
        partial(_edit, hint=hint, edit=edit), return_dtype=pl.String, is_elementwise=True
    )
    return edited


def _edit(texts: pl.Series, hint: str, edit: Callable[[str], str]) -> pl.Series:
    texts = text_of(texts)
    rows = texts.str.contains(hint).fill_null(False).arg_true()
    return texts.clone().scatter(rows, [edit(text) for text in texts.gather(rows)]) if len(rows) else texts


def fix_unicode(column: str = "response") -> Edit:
    """Mend text that was read in a wrong encoding (`cafÃ©`), and take out controls that show nothing.

    ftfy (Speer 2019) decides, and does nothing else here: quotation marks, ligatures, full-width letters, HTML
    and line ends stay as they are. What cannot be told for sure stays; U+FFFD stays, as nobody knows what was there.

    Needs `pip install 'curate-lm[unicode]'`; raises ModuleNotFoundError saying so.

    >>> frame = pl.DataFrame({"response": ["A cafÃ©, isnâ€™t it?", "A café, isn’t it?", None]})
    >>> frame.select(fix_unicode()).to_series().to_list()
    ['A café, isn’t it?', 'A café, isn’t it?', None]
    """
    _ftfy()
    return _edited(column, r"[^\t\n\r -~]", _fix)


def _ftfy() -> Any:
    try:
        return import_module("ftfy")
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError("the edit fix_unicode needs ftfy: pip install 'curate-lm[unicode]'") from missing


def _fix(text: str) -> str:
    fixed: str = _ftfy().fix_text(
        text,
        unescape_html=False,
        fix_latin_ligatures=False,
        fix_character_width=False,
        uncurl_quotes=False,
        fix_line_breaks=False,
        normalization=None,
    )
    return fixed


_BLANK = r"[ \t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]"
# A run of white space is looked at from its start alone, or each of its blanks would be looked at again and again.
_SPACES = rf"(?<!\s)(?P<end>\s+\Z)|(?<!{_BLANK})(?P<breaks>(?:{_BLANK}*\r?\n)+)|(?<=\S){_BLANK}+"


def collapse_whitespace(column: str = "response") -> Edit:
    r"""Make one blank of several, one empty line of several; no white space ends a line or the text.

    Code stays byte for byte: fenced blocks, lines that begin with four blanks or a tab, `<pre>`, and spans between
    ticks. The indentation of other lines stays too, and so do paragraphs and single line breaks, which become
    `\n`. Lost are the two blanks of Markdown's hard line break, and columns that are drawn with blanks alone.

    >>> frame = pl.DataFrame({"response": ["Boil  it. \n\n\n\n  -  Wait.\n\n    x  =  3"]})
    >>> print(frame.select(collapse_whitespace()).item())
    Boil it.
    <BLANKLINE>
      - Wait.
    <BLANKLINE>
        x  =  3
    """
    return _edited(column, r"[^\S\n ]|  |[ ]\n|\n\n\n|\A\s|\s\z", _collapse)


def _narrow(match: re.Match[str]) -> str:
    if match["end"] is not None:
        return ""
    return "\n" * min(2, match["breaks"].count("\n")) if match["breaks"] else " "


_collapse = outside_code(_SPACES, _narrow)


_ENTITY = r"&(?:(?:amp|#0*38|#[xX]0*26);)*(?P<last>#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
_PASSES = 8


def unescape(column: str = "response") -> Edit:
    """Turn character references of HTML into what they stand for: `&amp;` into `&`, `&#8217;` into `’`.

    Also those that were written twice (`&amp;lt;`). References without their semicolon stay, as in the address
    `?a=1&copy=2`, and so does code. A text that speaks of references outside of code loses them. Use it for text that
    is not HTML; `html_to_markdown` does the same for text that is.

    >>> frame = pl.DataFrame({"response": ["Salt &amp;amp; pepper", "Write `&amp;` for &amp;", None]})
    >>> frame.select(unescape()).to_series().to_list()
    ['Salt & pepper', 'Write `&amp;` for &', None]
    """
    return _edited(column, "&[#A-Za-z]", _unescape)


def _character(match: re.Match[str]) -> str:
    last = f"{match['last']};"
    return resolved(f"&{last}") if last in html5 or last.startswith("#") else match[0]


_resolve = outside_code(_ENTITY, _character)


def _unescape(text: str) -> str:
    # What is resolved may make a new reference, but a text that does so many times over means harm.
    for _ in range(_PASSES):
        before, text = text, _resolve(text)
        if text == before:
            break
    return text


# RFC 3676, section 4.3: two hyphens and a blank on a line of their own (the blank is often lost), and some short lines.
_DASHES = r"--[ \t]*\n(?:[^\n]{0,80}\n){0,5}[^\n]{1,80}"
_CAPITAL = r"[^\W\d_a-z][\w.'’-]*"
_NAME = rf"{_CAPITAL}(?:[ ](?:{_CAPITAL}|de|van|von)){{0,3}}"
_REGARDS = (
    r"(?i:(?:with[ ]|many[ ]|my[ ])?(?:(?:best|kind(?:est)?|warm(?:est)?)[ ])?(?:regards|wishes)|all[ ]the[ ]best"
    r"|cheers|(?:yours[ ])?sincerely(?:[ ]yours)?|yours(?:[ ](?:truly|faithfully))?)"
)
_THANKS = (
    r"(?i:best|(?:many[ ])?thanks(?:[ ](?:again|in[ ]advance|a[ ]lot|so[ ]much|and[ ](?:best[ ])?regards))?"
    r"|thank[ ]you(?:[ ](?:again|in[ ]advance|very[ ]much))?|take[ ]care|hth|hope[ ](?:this|that|it)[ ]helps)"
)
_SENT = r"(?i:sent[ ]from[ ]my[ ]\w+(?:[ ]\w+){0,3}|get[ ]outlook[ ]for[ ]\w+)\.?"
_SIGNED = (
    rf"(?:{_REGARDS}|{_THANKS})(?:[,.!]*[ \t]*\n\s*|[,!][ \t]*)[-–—~]*[ \t]*{_NAME}[.!]?(?:\n[^\n]{{1,60}}){{0,2}}"
)
_SIGNATURE = re.compile(rf"(?:\A|(?<=\n))[ \t]*(?:{_DASHES}|{_SIGNED}|{_REGARDS}[,.!]*|{_SENT})\s*\Z")
_LETTER = r"(?m)^[ \t>*_]*(?i:dear \S|to whom it may concern|subject:)"
_LENGTH = 500  # characters from the end, of which a signature is no more than these


def strip_signature(column: str = "response") -> Edit:
    r"""Take the signature off the end of a mail or a post, and the blanks before it.

    - a line `--` and up to six short lines behind it (RFC 3676, section 4.3);
    - a closing such as "Best regards", "Cheers" or "Thanks" with a name, on one line or below, and up to two short
      lines more;
    - "Best regards" and the like alone (thanks alone stay: they may be all that a text says);
    - "Sent from my iPhone".

    Words of closing are English only. A text that begins a line with "Dear …" or "Subject:" is a letter that somebody
    may have asked for, and stays; so does what stands in fenced code. Wrongly taken off: a last line such as
    "Thanks, Google" that is irony, or "Cheers" where it is the answer; the end of a letter that opens without "Dear";
    lines that are drawn of `--`.
    A text that is nothing but a signature stays.

    Measured on 10,804 Stack Exchange posts, where signatures are not wanted: 16 lose one, all rightly. Of 236 others
    that end in such words 60 were read: 4 sign off within their last paragraph or by "HTH", and are overlooked. Of
    3,250 files beside Debian's packages 6 lose one, all rightly, and 1 keeps its own (two names with dates).

    >>> frame = pl.DataFrame({"response": ["Boil it.\n\nBest regards,\nAnn Lee", "Thanks, it works.", None]})
    >>> frame.select(strip_signature()).to_series().to_list()
    ['Boil it.', 'Thanks, it works.', None]
    """
    text = pl.col(column)
    return pl.when(text.str.contains(_LETTER)).then(text).otherwise(_edited(column, r"\n|\A\s*\w+", _unsign))


def _unsign(text: str) -> str:
    fences = [fence.start() for fence in re.finditer(r"^[ \t>]*(?:```|~~~)", text, re.MULTILINE)]
    end = len(text)
    while match := _SIGNATURE.search(text[max(0, end - _LENGTH) : end]):
        start = max(0, end - _LENGTH) + match.start()
        while start and text[start - 1].isspace():
            start -= 1
        if not start or bisect_left(fences, start) % 2:  # all there is, or within code
            break
        end = start
    return text[:end]


def redact(column: str = "response", *, kinds: list[Kind] = ALL) -> Edit:
    """Put a placeholder such as [e-mail address] for each address and number that may lead to a person.

    `kinds` are those of `personal_data`, which finds nothing of them afterwards; what it overlooks stays here too.
    The placeholders are [e-mail address], [phone number], [bank account], [card number], [social security number] and
    [IP address].

    Raises ValueError if `kinds` is empty or one of them is unknown.

    >>> frame = pl.DataFrame({"response": ["Write to ann.lee@posteo.net or ann@example.com.", None]})
    >>> frame.select(redact()).to_series().to_list()
    ['Write to [e-mail address] or ann@example.com.', None]
    """
    listed = checked(kinds)
    return _edited(column, "|".join(HINTS[kind] for kind in listed), partial(_redact, kinds=listed))


def _redact(text: str, kinds: tuple[Kind, ...]) -> str:
    # Without what stood beside it something else may be a number; each time at least one has gone.
    while any(True for _ in find(text, kinds)):
        for kind in kinds:
            text = _replace(text, kind)
    return text


def _replace(text: str, kind: Kind) -> str:
    """Replace from left to right; behind each the text begins anew, or of a chain only every other would go."""
    parts, rest = [], text
    while match := next(find(rest, (kind,)), None):
        opened = match.text.count("(") >= match.text.count(")")
        parts += [rest[: match.start], f"[{NAMES[kind]}]"]
        rest = rest[match.start + len(match.text if opened else match.text.removesuffix(")")) :]
    return "".join([*parts, rest])
