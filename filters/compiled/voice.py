"""Stretches of a text in another voice: code, quotations and formulas, as `voice.c` finds them."""

from __future__ import annotations

import re
from functools import partial

import polars as pl

from curate.filters.compiled import step

# A sign beyond ASCII is a letter unless it stands in one of these ranges of punctuation, symbols and blanks.
_SIGNS = (
    "\x80-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf×÷\u037e\u0387\u05be\u05f3-\u060f\u061b-\u061f\u06d4\u0964\u0965"
    "\u2000-\u200b\u200e-\u203e\u2041-\u2053\u2055-\u2070\u2074-\u207e\u2080-\u208e\u20a0-\u20cf\u2100\u2101"
    "\u2103-\u2106\u2116-\u2118\u211e-\u2123\u2140-\u2144\u2150-\u215f\u2189-\u24b5\u24ea-\u2bff\u2e00-\u3004"
    "\u3008-\u3020\u3030\u303d-\u303f\u30fb\uff01-\uff0f\uff1a-\uff20\uff3b-\uff3e\uff40\uff5b-\uff65\uffe0-\uffff"
    "\U0001f000-\U0001faff"
)
_LETTER = rf"[0-9A-Za-z_]|[^\x00-\x7f{_SIGNS}]"
_ASCII = r"[0-9A-Za-z_]"
_BLANK = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_GAP = r"\n(?=[\n{0}]|\Z)"  # a quotation runs over a line's end, but over no blank line

# By kind: how a stretch opens, and how it ends. It ends at the first place where the second pattern matches, which
# makes it a stretch only if a group took part: else what opened is a sign like any other. No line of code depends on
# where a stretch opened, so that the place that ends one ends all that open before it, and none is looked for twice.
CODE, QUOTES, FORMULAS = 1, 2, 4
_STRETCHES = [
    # A fence left open runs to the end of the text.
    (CODE, r"(?m:^)[ \t>]*```", r"(```|\Z)"),
    (CODE, r"(?m:^)[ \t>]*~~~", r"(~~~|\Z)"),
    (CODE, "``", "(``)"),
    (CODE, "`", f"(`)|{_GAP.format('`')}"),
    (CODE, rf"(?<!{_ASCII})https?://(?=[^{_BLANK})])", rf"()(?=[{_BLANK})]|\Z)"),
    # Quoted lines, in a list too.
    (QUOTES, r"(?m:^)[ \t]*(?:(?:[-*+]|[0-9]+\.)[ \t]+)?>", r"()(?=\n|\Z)"),
    # An opening " or ' stands after no letter, so 5" and the dogs' are none; an apostrophe in a word closes nothing.
    (QUOTES, f'(?<!{_LETTER})"', f'(")|{_GAP.format(chr(34))}'),
    (QUOTES, "“", f"(”)|{_GAP.format('”')}"),
    (QUOTES, "«", r"(»)|\n"),
    (QUOTES, rf"(?<!{_LETTER})'(?=[^'{_BLANK}])", rf"(')(?!{_LETTER})|\n|(?<!{_ASCII})'|'(?!{_ASCII})"),
    (QUOTES, "‘", rf"(’)(?!{_LETTER})|[\n‘]|(?<!{_ASCII})’|’(?!{_ASCII})"),
    # TeX. An opening $ stands after no letter and before no blank, and a closing one before no letter or digit, or
    # prices would open formulas.
    (FORMULAS, r"\$\$", r"(\$\$)"),
    (FORMULAS, r"\\\[", r"(\\\])"),
    (FORMULAS, r"\\\(", r"(\\\))"),
    (FORMULAS, r"\\begin\{", r"(\\end\{[a-z]+\*?\})"),
    (FORMULAS, rf"(?<!{_LETTER})\$(?=[^{_BLANK}$])", rf"(?<![{_BLANK}])(?<!\n.)(\$)(?!{_LETTER})|\$|\n\n"),
    (FORMULAS, rf"\$ (?=[^0-9{_BLANK}$])", r"(?<= )(\$)|\$|\n"),
]


def reference(text: str, kinds: int) -> str:
    """Replace the stretches of some kinds by [...]; of two that overlap the first to open counts."""
    patterns = [(re.compile(opening), re.compile(ending)) for kind, opening, ending in _STRETCHES if kind & kinds]
    if not patterns:
        return text
    openings = re.compile("|".join(f"({opening.pattern})" for opening, _ in patterns))
    ends = [(-1, 0)] * len(patterns)  # where a search last stopped, and the end of the stretch, 0 for none
    parts, start, behind = [], 0, 0
    while first := openings.search(text, start):
        start = first.start() + 1
        for i in range((first.lastindex or 1) - 1, len(patterns)):
            opening, ending = patterns[i]
            if not (match := opening.match(text, start - 1)):
                continue
            if ends[i][0] < match.end():
                stop = ending.search(text, match.end())
                ends[i] = (stop.start(), stop.end() if stop.lastindex else 0) if stop else (len(text) + 1, 0)
            if ends[i][1]:
                parts += [text[behind : start - 1], "[...]"]
                start = behind = ends[i][1]
                break
    return "".join(parts) + text[behind:]


def leave_out(text: pl.Expr, kinds: int) -> pl.Expr:
    """Replace the stretches of some kinds by [...]."""
    return step("leave_out", text, partial(reference, kinds=kinds), options=chr(ord("@") + kinds))


def spoken(text: pl.Expr, kinds: int, words: list[str], *, around: bool, letters: bool, contractions: bool) -> pl.Expr:
    """Leave out stretches; the compiled step gives only the part of the rest that decides whether a word stands in it.

    Args:
        text: a column of texts.
        kinds: the kinds of stretches.
        words: what counts, all in ASCII but for apostrophes: "=" and a word, or "~" and a word in any capitals.
        around: whether what stands around the first word is wanted too.
        letters: whether an I may be no pronoun: what stands around it is wanted where that may be so.
        contractions: whether an I before an apostrophe is none.
    """
    options = chr(ord("@") + kinds + 8 * letters + 16 * contractions + 32 * around) + "\n".join(words)
    return step("spoken", text, partial(reference, kinds=kinds), options=options)
