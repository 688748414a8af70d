r"""HTML to Markdown in plain Python: the rules of `html_to_markdown`, which html.c follows to the byte.

A text is HTML when it holds a comment or the tag of an element of HTML; in any other text only references are resolved.
A page is read once, from tag to tag, as the tokenizer of the HTML standard reads it, except that a "<" which opens no
tag stays. The table of elements at the end says what each of them does.

Nothing is written before the text it belongs to: breaks, spaces, bars, list markers and quote signs wait in the page
until text comes. So empty elements leave no trace, and nothing has to be trimmed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from html.entities import html5

SPACES = " \t\n\r\f"  # the white space of HTML; outside code blocks a no-break space counts, too
MAX_DEPTH = 24  # containers; deeper ones change nothing
MAX_BARS = 64  # before the text of a table cell

# What a "<" can open: a comment (1), something else that is never shown (2), a tag (3: its slash, 4: its name).
_MARKUP = re.compile(r"<(?:(!--)|([/!]>|\?|![a-zA-Z\[])|(/?)([a-zA-Z][a-zA-Z0-9]*))")
_COMMENT = re.compile("<(!--)")
_COMMENT_END = re.compile("--!?>")
# A ">" in a quoted value ends no tag; a quote that no "=" precedes is a stray one.
_TAG_END = re.compile(rf"""=[{SPACES}]*(["'])|>""")
_ATTRIBUTES = {
    name: re.compile(rf"""(?ai)[{SPACES}"']{name}(?:[{SPACES}]*=[{SPACES}]*["']?([^"'>]*))?""")
    for name in ("class", "start", "value")
}
_NUMBER = re.compile(r"\A([0-9]{1,9})(?![0-9])")  # one of ten digits is none in Markdown
_LANGUAGE = re.compile(rf"(?a)(?<![^{SPACES}])lang(?:uage)?-(?!none(?![^{SPACES}]))([\w+#.-]{{1,32}})(?![^{SPACES}])")
_REFERENCE = re.compile(r"&(?:#(?:[xX]([0-9a-fA-F]+)|([0-9]+))|([a-zA-Z][a-zA-Z0-9]{,30}))(;?)")
# White space that is not one space.
_WHITE = re.compile(rf"[{SPACES}\xa0](?:[{SPACES}\xa0]+|(?<! ))")
# A displayed formula, with the line breaks around it.
_FORMULA = re.compile(r"(\n?\$\$[^<]*?\$\$\n?)")
# 10<sup>6</sup> is no 106, and x<sup>2</sup> no x2; what follows a word is an ordinal or a footnote.
_POWER = re.compile(r"(?:[0-9)]|(?<![a-zA-Z\x80-\U0010ffff])[a-zA-Z])\^[-0-9\u2000-\u2fff]\Z")
# Nothing but white space is left of the code.
_CODE_END = re.compile(rf"(?ai)[{SPACES}]*(?:\Z|</(?:pre|listing|xmp|code)(?:[{SPACES}/>]|\Z))")
_TICKS = re.compile("`+")
# The pieces of code: line ends, references, text. NUL is none of them.
_CODE_PIECE = re.compile(rf"(\r\n?|\n)|{_REFERENCE.pattern}|&|[^&\r\n\0]+")


def convert(html: str) -> str:
    r"""Turn HTML into Markdown; of text without any element of HTML, resolve the references that end in a semicolon.

    >>> convert("<p>Use <code>a &lt; b</code>:<ol start=9><li>one<li>two</ol>")
    'Use `a < b`:\n\n9. one\n10. two'
    >>> convert("a < b &amp; c")
    'a < b & c'
    """
    page = Page(html, html.rfind(">") + 1)
    tokens = _MARKUP.finditer(html, 0, page.last)
    if "<!--" not in html and all(token.lastindex == 4 and not _element(html, token) for token in tokens):
        return _REFERENCE.sub(partial(_resolve, whole=True), html)
    while token := page.markup(page.at):
        if page.at < token.start():
            page.write_lines(html[page.at : token.start()])
        act, tag = _element(html, token), page.tag(token)
        if act:
            act(page, tag)
    page.write_lines(html[page.at :])
    if page.span:
        page.close_span()
    return "".join(page.out)


def _element(html: str, token: re.Match[str]) -> Callable[[Page, Tag], None] | None:
    """Give what the element of a tag does; None when HTML has no such element."""
    return ELEMENTS.get(token[4].lower()) if token.lastindex == 4 and html[token.end()] in "> /\n\t\r\f" else None


def _resolve(reference: re.Match[str], whole: bool = False) -> str:
    """Give what a reference means, itself when it means nothing.

    Old names, and numbers, need no semicolon; but plain text, where they are `whole`, may hold "?a=1&copy=2".
    """
    hexadecimal, decimal, name, semicolon = reference.groups()
    if name and semicolon and (text := html5.get(name + ";")):
        return text
    if whole and (name or not semicolon):
        return reference[0]
    if not name:
        digits = (hexadecimal or decimal).lstrip("0")[:8]  # eight are out of range already
        return _character(int(digits or "0", 16 if hexadecimal else 10))
    for size in range(len(name), 1, -1):
        if text := html5.get(name[:size]):
            return text + name[size:] + semicolon
    return reference[0]


def _character(point: int) -> str:
    """Give the character of a number, as the HTML standard does (13.2.5.80); control characters are no text."""
    if 128 <= point < 160:
        return bytes([point]).decode("cp1252", "ignore")
    if point == 0 or 0xD800 <= point < 0xE000 or point > 0x10FFFF:
        return "\ufffd"
    return "" if point == 127 or (point < 32 and chr(point) not in SPACES) else chr(point)


def _decode(text: str) -> str:
    return _REFERENCE.sub(_resolve, text) if "&" in text else text


def _fence(text: str, least: int) -> str:
    """Give more backticks than a text holds in a row."""
    longest = max(_TICKS.findall(text)) if "`" in text else ""
    return max("`" * least, longest + "`")


@dataclass(slots=True)
class Tag:
    """A tag."""

    name: str
    ends: bool
    attributes: str

    def attribute(self, name: str, wanted: re.Pattern[str]) -> str:
        """Give what is wanted of the value of an attribute, or ""."""
        value = _ATTRIBUTES[name].search(self.attributes)
        match = wanted.search(value[1] or "") if value else None
        return match[1] if match else ""


@dataclass(slots=True)
class Container:
    """A list, an item or a quote."""

    kind: str
    first: str  # before its first line
    prefix: str  # before its other lines, behind what the containers around it put there
    number: int = 0  # of the next item


@dataclass(slots=True)
class Page:
    """A text on its way: what is read, what is written, and what waits for the next text."""

    html: str
    last: int  # behind the last ">": from here on nothing is a tag
    at: int = 0  # what is read next
    out: list[str] = field(default_factory=list)
    gap: int = 1  # waits: 1 a new line, 2 a blank line
    space: bool = False  # waits
    bars: int = 0  # wait, between table cells
    containers: list[Container] = field(default_factory=lambda: [Container("page", "", "")])
    low: int = 0  # the innermost container that has been open since the last text
    surplus: int = 0  # elements open beyond MAX_DEPTH
    after_list: bool = False  # a list ended after the last text
    in_cell: bool = False
    has_cell: bool = False  # the row of the table
    in_code: bool = False  # inside <code>
    span: int = 0  # where the text of the open code span begins in `out`; 0: none is open
    after_code: bool = False  # the closing backtick waits: <code>a</code><code>b</code> is one span
    lax: bool = False  # a quote in a tag ran to the end of the text: from now on the first ">" ends a tag
    endless: set[str] = field(default_factory=set)  # elements without a further end tag

    def tag(self, token: re.Match[str]) -> Tag:
        """Read a tag, or what is never shown, to its end."""
        html, start = self.html, token.end()
        if token[1]:
            comment = _COMMENT_END.search(html, start - 2)  # "<!-->" is one, too
            self.at = comment.end() if comment else len(html)  # as in a browser
            return Tag("", False, "")
        mark = None if self.lax or token[2] else _TAG_END.search(html, start)
        while mark and mark[1]:
            quote = html.find(mark[1], mark.end())
            mark = _TAG_END.search(html, quote + 1) if quote >= 0 else None
        self.lax = self.lax or not (mark or token[2])  # trusting no quote any more also keeps the time linear
        end = mark.start() if mark else html.find(">", start - 1)
        self.at = end + 1
        return Tag((token[4] or "").lower(), token[3] == "/", html[start:end])

    def markup(self, at: int) -> re.Match[str] | None:
        """Find what the next "<" opens; behind the last ">" that can only be a comment."""
        return _MARKUP.search(self.html, at, self.last) or _COMMENT.search(self.html, at)

    def line_break(self, level: int) -> None:
        """Ask for a new line (1) or a blank line (2) before the next text."""
        if self.in_cell:
            self.space = True  # a table row stays on one line
        elif self.low == len(self.containers) - 1:  # the first thing in a container stands on its first line
            self.gap = max(self.gap, level)

    def block_break(self, level: int) -> None:
        """Ask for a break that a table cell does not swallow."""
        self.in_cell = False
        self.line_break(level)

    def innermost(self, *kinds: str) -> int:
        """Give the level of the innermost container of these kinds, or 0."""
        for level in range(len(self.containers) - 1, 0, -1):
            if self.containers[level].kind in kinds:
                return level
        return 0

    def open(self, kind: str, first: str, indent: str, number: int = 0) -> None:
        """Open a container."""
        if len(self.containers) > MAX_DEPTH:
            self.surplus += 1
        else:
            self.containers.append(Container(kind, first, self.containers[-1].prefix + indent, number))

    def close(self, level: int) -> None:
        """Close the container at `level` with all in it."""
        del self.containers[level:]
        self.low = min(self.low, level - 1)

    def close_innermost(self, *kinds: str, within: tuple[str, ...] = ()) -> None:
        """Close the innermost container of these kinds, unless one of the kinds `within` stands in it."""
        if self.surplus:
            self.surplus -= 1
        elif (level := self.innermost(*kinds)) and level > self.innermost(*within):
            self.close(level)

    def begin(self) -> None:
        """Write what waits before the next text."""
        if self.span and (self.gap or self.bars or (self.after_code and (self.space or not self.in_code))):
            self.close_span()
        if self.gap:
            prefix = self.containers[self.low].prefix
            inner = self.containers[self.low + 1 :]
            # Text after an inner list needs a blank line, or Markdown reads it as part of the last item.
            blank = self.gap == 2 or (self.after_list and not inner)
            start = (f"\n{prefix.rstrip()}\n" if blank else "\n") if self.out else ""
            self.out.append(start + prefix + "".join(container.first for container in inner))
        elif self.space or self.bars:
            self.out.append(" ")
        if self.bars:
            self.out.append("| " * self.bars)
        self.gap = self.bars = 0
        self.space = self.after_list = False
        self.low = len(self.containers) - 1

    def write(self, source: str) -> None:
        """Write text with its references resolved; white space becomes single spaces, and those around it wait."""
        text = _WHITE.sub(" ", _decode(source).replace("\0", ""))
        words = text.strip(" ")
        self.space = self.space or text[:1] == " "
        if words:
            self.begin()
            if self.in_code and not self.span:
                self.out.append("`")
                self.span = len(self.out)
            self.after_code = False
            self.out.append(words)
            self.space = text[-1] == " "

    def write_lines(self, source: str) -> None:
        """Write text; the line breaks in a displayed formula are its author's."""
        if "$$" not in source:
            return self.write(source)
        for number, part in enumerate(_FORMULA.split(source)):
            first, *lines = part.split("\n") if number % 2 else [part]
            self.write(first)
            for line in lines:
                self.line_break(1)
                self.write(line)

    def close_span(self) -> None:
        """Close the open code span, with more backticks than it holds in a row."""
        text = "".join(self.out[self.span :])
        ticks = _fence(text, 1)
        pad = " " if text[0] == "`" or text[-1] == "`" else ""
        self.out[self.span - 1 :] = [ticks + pad + text + pad + ticks]
        self.span = 0


def _inline(page: Page, tag: Tag) -> None:
    if tag.name == "sup" and not tag.ends and not page.gap and not page.space:
        base = "".join(part[-2:] for part in page.out[-2:])
        if _POWER.search(f"{base}^{page.html[page.at : page.at + 1]}"):
            page.out.append("^")


def _paragraph(page: Page, tag: Tag) -> None:
    page.line_break(2)


def _line(page: Page, tag: Tag) -> None:
    page.line_break(1)


def _br(page: Page, tag: Tag) -> None:
    page.line_break(min(page.gap + 1, 2))


def _code(page: Page, tag: Tag) -> None:
    page.in_code = not tag.ends
    page.after_code = page.after_code or tag.ends


def _list(page: Page, tag: Tag) -> None:
    if tag.ends:
        page.close_innermost("ul", "ol")
    # A list in a list needs no blank line around it.
    page.block_break(1 if page.innermost("ul", "ol", "li") else 2)
    if tag.ends:
        page.after_list = True
    else:
        # A list that stands in a list without an item of its own is indented as if it had one.
        indent = {"ul": "  ", "ol": "   "}.get(page.containers[-1].kind, "")
        page.open(tag.name, indent, indent, int(tag.attribute("start", _NUMBER) or 1))


def _item(page: Page, tag: Tag) -> None:
    if tag.ends:
        page.close_innermost("li", within=("ul", "ol"))
        page.block_break(1)
        return
    item, holder = page.innermost("li", "quote"), page.innermost("ul", "ol")
    if item > holder and page.containers[item].kind == "li":  # an item ends where the next one begins
        page.close(item)
    page.block_break(1)
    marker = "- "
    if page.containers[holder].kind == "ol" and not page.surplus:
        number = int(tag.attribute("value", _NUMBER) or page.containers[holder].number)
        page.containers[holder].number = min(number + 1, 999_999_999)
        marker = f"{number}. "
    page.open("li", marker, " " * len(marker))


def _quote(page: Page, tag: Tag) -> None:
    if tag.ends:
        page.close_innermost("quote")
    page.block_break(2)
    if not tag.ends:
        page.open("quote", "> ", "> ")


def _table(page: Page, tag: Tag) -> None:
    page.block_break(1 if tag.name == "tr" else 2)
    page.bars, page.has_cell = 0, False


def _cell(page: Page, tag: Tag) -> None:
    page.in_cell = not tag.ends
    if page.in_cell:
        page.bars = min(page.bars + page.has_cell, MAX_BARS)
        page.has_cell = True


@cache
def _end_tag(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?ai)</{name}(?:[{SPACES}/][^>]*)?(?:>|\Z)")


def _skip(page: Page, tag: Tag) -> None:
    if not tag.ends and tag.name not in page.endless:
        if end := _end_tag(tag.name).search(page.html, page.at):
            page.at = end.end()
        else:
            page.endless.add(tag.name)


def _raw(page: Page, tag: Tag) -> None:
    _skip(page, tag)
    if tag.name in page.endless:
        page.at = len(page.html)


def _pre(page: Page, tag: Tag) -> None:
    """Write a code block as it is, fenced, inside whatever list or quote holds it."""
    if tag.ends:
        page.line_break(2)
        return
    for end in "\r\n":  # a new line right after <pre> is not part of it
        page.at += page.html.startswith(end, page.at)
    language = tag.attribute("class", _LANGUAGE)
    token = _MARKUP.match(page.html, page.at, page.last)
    if token and not token[3] and _element(page.html, token) is _code:
        inner = page.tag(token).attribute("class", _LANGUAGE)
        language = language or inner
    page.block_break(2)
    if _CODE_END.match(page.html, page.at):  # an empty block leaves no trace
        return
    page.begin()
    code = _read_code(page)
    fence = _fence(code, 3)
    page.out += fence, language, code, fence
    page.gap, page.has_cell = 2, False


def _read_code(page: Page) -> str:
    """Read a code block to its end; give what stands between its fences.

    Only elements of HTML are tags here: <stdio.h> or <String> in code that its author did not escape is code.
    """
    html, at, prefix = page.html, page.at, page.containers[-1].prefix
    out = ["\n"]  # which also says that a line begins
    while token := page.markup(at):
        at = token.end()
        act = _element(html, token)
        if not (token[1] or act):
            continue
        _write_code(html[page.at : token.start()], out, prefix)
        tag = page.tag(token)
        at = page.at
        if tag.ends and (act is _pre or (act is _code and _CODE_END.match(html, at))):
            break
        if act is _br or (out[-1] != "\n" and (act in _BREAKS or (act is _cell and not tag.ends))):
            _write_code("\n", out, prefix)
    else:
        _write_code(html[page.at :], out, prefix)
        page.at = len(html)
    return "".join(out) + (prefix if out[-1] == "\n" else "\n" + prefix)


def _write_code(source: str, out: list[str], prefix: str) -> None:
    for piece in _CODE_PIECE.finditer(source):
        if piece[1]:
            out += (prefix.rstrip(), "\n") if out[-1] == "\n" else ("\n",)
        elif out[-1] == "\n":
            out += prefix, _decode(piece[0])
        else:
            out.append(_decode(piece[0]))


_BREAKS = (_paragraph, _line, _list, _item, _quote)  # they begin a new line in code, too
_NAMES = {
    # Only their text is kept.
    _inline: "a abbr acronym area b base basefont bdi bdo big button cite col colgroup data dfn em embed font frame"
    " frameset head html i img input ins kbd label link map mark meta meter nobr noscript object output param picture"
    " progress q rb rp rt rtc ruby samp small source span strong sub sup time track tt u var wbr body",
    _paragraph: "p h1 h2 h3 h4 h5 h6 hr dl figure figcaption details summary",
    _line: "address article aside caption center dd dialog dir div dt fieldset footer form header hgroup legend main"
    " menu nav optgroup option search section select textarea tbody tfoot thead",
    _br: "br",
    _list: "ul ol",
    _item: "li",
    _quote: "blockquote",
    _pre: "pre listing xmp",
    _code: "code",
    _table: "table tr",
    _cell: "td th",
    # Never shown; as in a browser, the rest of the text goes with them when they are not closed.
    _raw: "script style title iframe noembed noframes template",
    # Not text (svg and the media elements), or text that its author took back (del, s, strike): dropped when closed.
    _skip: "svg audio video canvas datalist annotation del s strike",
}
ELEMENTS = {name: act for act, names in _NAMES.items() for name in names.split()}
