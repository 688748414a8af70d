r"""Links to their words, in one Markdown text.

Python's regular expressions and not polars' own: what is code can only be told by a backreference (a fence ends
with the fence it began with), and what a removed address leaves behind only by looking around. Rows that hold no
link never come here.

Code is first masked as "\0number\0", so that it can stand in a link's text, but never be read as one. What goes is
first marked with "\1", then the marks are taken out with the spaces, brackets and lines that only they filled.
"""

from __future__ import annotations

import re

import polars as pl

from curate.filter import Edit
from curate.filters.compiled import html, step

# One of these is in every text that holds a link.
SIGNS = ["](", "][", "://", "www.", "mailto:"]

_CODE = re.compile(
    r"""
    ^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}|~{3,})[^`\n]*\n   # a fence, also as the first thing of an item
        (?s:.*?)(?:^[ \t>]*\1[`~]*[ \t]*$|\Z)                          # to its end, or the text's
    | (?<!`)(`+)(?!`)(?:(?!\n[ \t]*\n)[^`]|(?!\2(?!`))`+)+\2(?!`)      # a span, within its paragraph
    | [\x00\x01]                                                          # our own marks, should the text hold them
    """,
    re.MULTILINE | re.VERBOSE,
)

_MAY_HOLD_CODE = re.compile(r"[`~\x00\x01]")

# Text in brackets: brackets in it balance once; it ends with its paragraph; bounded, to stay linear.
_TEXT = r"\[((?:[^\[\]\\\n]|\\.|\n(?!\s*\n)|\[[^\[\]\n]{0,500}\]){0,1000})\]"
_ADDRESS = r"(?:<[^<>\n]{0,2000}>|(?:[^\s()<>\\]|\\.|\((?:[^\s()]|\([^\s()]{0,500}\)){0,500}\)){0,2000})"
_TITLE = r"""(?:\s+(?:"[^"]{0,500}"|'[^']{0,500}'|\([^()]{0,500}\)))?"""
_TARGET = rf"\(\s{{0,9}}({_ADDRESS}){_TITLE}\s{{0,9}}\)"
_SCHEME = r"(?:https?://|ftp://|mailto:|www\.)"
_WORD_END = re.compile(r"[^\W_]$")

_DEFINITION = re.compile(
    rf"^[ >]{{0,9}}\[([^\[\]\n^][^\[\]\n]{{0,200}})\]:[ \t]*<?(?:{_SCHEME}|[/#])\S*{_TITLE}[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
_IMAGE = re.compile(rf"!{_TEXT}(?:{_TARGET}|\[[^\[\]\n]{{0,200}}\])")
_INLINE = re.compile(rf"{_TEXT}{_TARGET}")
_REFERENCE = re.compile(rf"{_TEXT}(?:\[([^\[\]\n]{{0,200}})\])?")
_AUTOLINK = re.compile(rf"<{_SCHEME}[^<>\s]*>", re.IGNORECASE)
# A trailing bracket belongs to an address only with its partner, trailing punctuation never does.
_BARE = re.compile(
    r"""
    (?<![\w@/.])(?:(?:https?|ftp)://|www\.(?=\w))
    (?: \([^\s()<>]*\)
      | [^\s()<>\[\]\x00\x01]*[^\s()<>\[\]\x00\x01.,;:!?'"*_`’”]
      | [^\s()<>\[\]\x00\x01]+(?=\([^\s()<>]*\))
    )*
    """,
    re.IGNORECASE | re.VERBOSE,
)


def strip(text: str) -> str:
    """Take the links out of a Markdown text and leave their words."""
    codes: list[str] = []

    def mask(code: re.Match[str]) -> str:
        codes.append(code.group())
        return f"\0{len(codes) - 1}\0"

    masked = _CODE.sub(mask, text) if _MAY_HOLD_CODE.search(text) else text
    marked = _unlink(masked)
    if marked == masked:
        return text
    return re.sub(r"\x00(\d+)\x00", lambda number: codes[int(number[1])], _tidy(marked))


def _unlink(text: str) -> str:
    """Put a mark for what goes, and words for links."""
    defined = {_label(match[1]) for match in _DEFINITION.finditer(text)}
    text = _DEFINITION.sub("\1", text)
    text = _IMAGE.sub("\1", text)
    text = _INLINE.sub(_words, text)
    text = _REFERENCE.sub(lambda link: _referred(link, defined), text)
    text = _AUTOLINK.sub("\1", text)
    return _BARE.sub("\1", text)


def _label(text: str) -> str:
    return " ".join(text.lower().split())


def _words(link: re.Match[str]) -> str:
    """Give the text of an inline link. After a word, f[x](t) is one only with an address that looks it."""
    after_word = _WORD_END.search(link.string, 0, link.start())
    if after_word and not re.match(rf"<?(?:{_SCHEME}|[/#])", link[2], re.IGNORECASE):
        return link.group()
    return link[1] or "\1"


def _referred(link: re.Match[str], defined: set[str]) -> str:
    """Give the text of a reference to a definition in the text, or of what cannot be an index: [words][1]."""
    text, label = link[1], link[2]
    if label is None:
        return text if _label(text) in defined and not text.isdigit() else link.group()
    if _label(label or text) in defined:
        return text
    indexed = _WORD_END.search(link.string, 0, link.start()) or not re.search(r"[^\W\d]", text)
    return link.group() if indexed or not label else text


# What only a mark fills: brackets, emphasis, quotation marks.
_EMPTY = re.compile(r"""[(\[{][ \t\x01]*\x01[ \t\x01]*[)\]}]|(\*{1,3}|~~|["'])\x01+\1|“\x01+”|‘\x01+’""")
_ONLY = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?[ \t\x01]*\x01[ \t\x01]*[.,;:]?[ \t]*")
_MARK = re.compile(r"([ \t]*)\x01[ \t\x01]*")


def _tidy(text: str) -> str:
    """Take the marks out: with brackets and lines that hold nothing else, and with the spaces too many."""
    lines: list[str] = []
    gap = False  # the last line taken out is still to be joined over
    for line in text.split("\n"):
        if "\1" in line:
            line = _without_empty(line)
            if _ONLY.fullmatch(line):
                gap = True
                continue
            line = _MARK.sub(_space, line)
        # Of the blank lines before and after what went, one stays; none at the beginning.
        if gap and not line.strip() and (not lines or not lines[-1].strip()):
            continue
        gap = False
        lines.append(line)
    while gap and lines and not lines[-1].strip():
        lines.pop()
    return "\n".join(lines)


def _without_empty(line: str) -> str:
    while (emptied := _EMPTY.sub("\1", line)) != line:
        line = emptied
    return line


def _space(mark: re.Match[str]) -> str:
    before = mark.string[mark.start() - 1 : mark.start()]
    after = mark.string[mark.end() : mark.end() + 1]
    if not before:
        return mark[1]  # the line's indentation
    return "" if not after or before in "([{" or after in ".,;:!?)]}" else " "


def html_to_markdown(column: str = "response") -> Edit:
    r"""Turn HTML into Markdown that keeps paragraphs, code, lists, quotes and table rows, and drops all other markup.

    Code is kept to the byte (`<pre>` becomes a fenced block with its language, `<code>` an inline span); links and
    headings keep their words, raised numbers their sense (`10^6`); images, comments, scripts and struck-out text go;
    character references are resolved once. Formulas ($…$) stay. Broken HTML is read as a browser reads it, except that
    a "<" which opens no tag stays. White space collapses as in a browser, outside code and the lines of displayed
    formulas ($$…$$); but text without any HTML element is no HTML: it keeps its line breaks and everything else, with
    only references like `&amp;` resolved. Null stays null.

    LIMA (Zhou et al. 2023, section 2.1) keeps code blocks and lists only; paragraphs, quotes and the rows of tables
    are kept here because the text cannot be read without them.

    >>> frame = pl.DataFrame({"response": ["<p>Use <code>a &lt; b</code>:</p><ol><li>one<li>two</ol>"]})
    >>> print(frame.select(html_to_markdown()).item())
    Use `a < b`:
    <BLANKLINE>
    1. one
    2. two
    """
    return step("html_to_markdown", pl.col(column), html.convert)


def strip_links(column: str = "response") -> Edit:
    """Take links out of Markdown or plain text: their words stay, addresses, images and definitions go.

    `[words](address)` and `[words][1]` become their words. Images, lines that define a reference (`[1]: http…`),
    `<http…>` and bare addresses (http, https, ftp, www.) go, with the spaces, the empty brackets and the lines that
    only they filled. Nothing changes inside fenced or inline code, and nothing in a text without links. Null stays
    null.

    >>> frame = pl.DataFrame({"response": ["See [the docs](https://a.org) (https://b.org), or `curl https://c.org`."]})
    >>> frame.select(strip_links()).item()
    'See the docs, or `curl https://c.org`.'
    """
    edit: pl.Expr = pl.col(column).map_batches(_links, return_dtype=pl.String, is_elementwise=True)
    return edit


def _links(text: pl.Series) -> pl.Series:
    if text.dtype == pl.Null:
        return text.cast(pl.String)
    at = text.str.contains_any(SIGNS, ascii_case_insensitive=True).arg_true()
    if not len(at):
        return text
    return text.clone().scatter(at, pl.Series(map(strip, text.gather(at)), dtype=pl.String))
