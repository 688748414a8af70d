"""Hostile texts: HTML and Markdown, sound and broken, to hold two implementations of a step equal.

Each text draws from a few kinds of pieces only, so that rare pieces meet each other often (swarm testing: Groce et al.
2012), and many texts are then damaged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html.entities import html5
from random import Random

from curate.filters.compiled.html import ELEMENTS

PIECES = {
    "words": ["word", "a", "B", "x2", "10", "lang", "none", "I", "e.g.", "two words", "Ünï", "字", "é", "\u0301", "😀"],
    "blanks": [" ", " ", "  ", "\n", "\n\n", "\t", "\r\n", "\r", "\f", "\v", "\u00a0", "\u2003", "\u0085", "\u2028"],
    "characters": ["\0", "\1", "\x7f", "\x80", "\x9f", "Â", "\u07ff", "\u0800", "\u2212", "\u3000", "\ufeff", "\ufffd",
        "\uffff", "\U00010000", "\U0010ffff", "ſ", "K", "İ"],
    "signs": list("<>&;#='\"/!?-[]()$`*_~|:.,\\^"),
    "paragraphs": ["<p>", "</p>", "<br>", "<br/>", "<div>", "</div>", "<h1>", "<hr>", "<p>\n", "</p>\n\n"],
    "lists": ["<ul>", "</ul>", "<ol>", "</ol>", "<li>", "</li>", "<ol start=3>", "<li value='7'>", "<li>a", "<ul><li>",
        '<ol start="999999999">', "<ol start=9999999999>", "<ol start=099>", "<ol start=-1>", '<li value="">'],
    "quotes": ["<blockquote>", "</blockquote>", "<blockquote><p>", "</blockquote>a", "<blockquote>" * 9],
    "tables": ["<table>", "</table>", "<tr>", "</tr>", "<td>", "</td>", "<th>", "<td>a", "</td><td>", "<td></td>" * 70],
    "blocks": ["<pre>", "</pre>", "<pre><code>", "</code></pre>", "<pre>\n", "<pre>\r\n", "</code> \n</pre>", "<xmp>",
        '<pre class="lang-py s">', "<pre class=language-c++>", "<pre class='lang-none'>", "<code class='lang-é'>", "<pre><code class='lang-c'>",
        "<PRE CLASS = 'x lang-a'>", "<pre\nclass>", '<pre class="lang-none lang-b">', "\n\n", "&#10;", "&NewLine;"],
    "spans": ["<code>", "</code>", "<code>`", "`</code>", "<code> ", "</code><code>", "</code> <code>", "``", "<code>$$"],
    "formulas": ["$$", "$", "$$\n", "\n$$", "\\(", "\\)", "\\[", "$a_1 < b$", "\\\\\n", "$$ x\n\n = &amp; y $$"],
    "powers": ["10<sup>6</sup>", "<sup>", "</sup>", "x<sup>", "(a)<sup>-", "<sup>\u2212", "1<SUP\n>2", "é<sup>1", "<sup>th"],
    "hidden": ["<script>", "</script>", "<style", "</style >", "<del>", "</del>", "<s>", "</s", "</s/>", "<svg>", "<DEL>",
        "<title>", "</title>", "<video>", "</video\n"],
    "comments": ["<!--", "-->", "--!>", "<!-->", "<!--->", "<!---->", "<!", "<!>", "</>", "<?xml", "?>", "<!DOCTYPE html>",
        "<![CDATA[", "]]>", "<!-", "--", "<!-- a > b -->"],
    "broken": ["<", "</", "<a", "<p ", "<a href='", '<a href="', "<a title='>'>", "<p =", "='", '="', "<pre class=", "</p",
        "<1>", "< p>", "<o:p>", "<my-tag>", "<abcdefghijklm>", "<abcdefghijklmnop='>'>", "<b\0>", "<p\u00a0>", "<é>"],
    "references": ["&lt;", "&amp;", "&nbsp;", "&amp;lt;", "&am", "&", "&#", "&#x", "&copy2", "&notit;", "&#10;", "&#32;",
        "&Tab;", "&nbspx;", "&nGt;", "&ThickSpace;", "&#x26;", "&#96;", "&#36;&#36;"],
    "links": ["[", "]", "](", ")", "[a](http://b.c)", "[a][1]", "[1]: http://a.b 'T'\n", "![i](x.png)", "<http://a.b>",
        "www.a.org", "https://a.b/c_(d).", "mailto:a@b.c", "[`x`](y)", "x[i](t)", "[a\n\nb](c)", "[a](page.html)", "[a][]",
        "[[a]](b)", "[a](<b c>)", '[a](b "t")', "(https://a.b)", "**http://a.b**", "HTTP://A.B", "\n[docs](#x)\n"],
    "Markdown": ["```", "```py\n", "\n```\n", "~~~\n", "`a`", "``", "> ", "\n> ", "- ", "\n1. ", "# ", "    ", "**", "\\`",
        "\n\n", "---\n", "| a | b |\n", "\n  - "],
}  # fmt: skip
NAMES = [*ELEMENTS, "foo", "svg2", "h7", "o", "sup"]
REFERENCES = list(html5)
NUMBERS = [0, 9, 10, 13, 31, 32, 38, 60, 96, 127, 128, 129, 150, 159, 160]
NUMBERS += [0xD7FF, 0xD800, 0xDFFF, 0xE000, 0xFDD0, 0xFFFF, 0x10FFFF, 0x110000]
ATTRIBUTES = ["class", "start", "value", "title", "href", "CLASS", "data-class", "classy"]
VALUES = ["lang-r", "language-c#", "3", "12x", "a>b", "", "x class=lang-y", "lang-none x", "&quot;", "é", "1234567890"]


def _tag(draw: Random) -> str:
    name = draw.choice(NAMES)
    if draw.random() < 0.1:
        name = name.upper()
    if draw.random() < 0.4:
        return f"</{name}{draw.choice(['', '', '', ' ', '/', ' a'])}>"
    attributes = ""
    while draw.random() < 0.3:
        quote = draw.choice(["'", '"', ""])
        equals = draw.choice(["=", "=", "=", " = ", "\n=", "", "=="])
        end = quote if draw.random() < 0.9 else ""
        attributes += draw.choice(" \t/") + f"{draw.choice(ATTRIBUTES)}{equals}{quote}{draw.choice(VALUES)}{end}"
    return f"<{name}{attributes}{draw.choice(['', '', '', '/', ' '])}>"


def _reference(draw: Random) -> str:
    end = draw.choice([";", ";", ";", "", "x", " "])
    if draw.random() < 0.6:
        name = draw.choice(REFERENCES)
        return "&" + (name if draw.random() < 0.6 else name[: draw.randint(1, len(name))] + end)
    number = draw.choice(NUMBERS) if draw.random() < 0.7 else draw.randrange(10 ** draw.randint(1, 20))
    zeros = "0" * draw.choice([0, 0, 0, 1, 9])
    return draw.choice([f"&#{zeros}{number}", f"&#x{zeros}{number:x}", f"&#X{zeros}{number:X}"]) + end


def _paragraph(draw: Random) -> str:
    return f"<p>{' '.join(draw.choices(PIECES['words'], k=draw.randint(1, 9)))}</p>\n"


def _from(pieces: list[str]) -> Callable[[Random], str]:
    return lambda draw: draw.choice(pieces)


MAKERS = [_tag, _tag, _reference, _paragraph, *map(_from, PIECES.values())]


def _damage(text: str, draw: Random) -> str:
    """Cut a text, or take out, double or repeat a part of it."""
    start = draw.randint(0, len(text))
    end = min(len(text), start + draw.randint(1, 12))
    part = text[start:end]
    damage = draw.randrange(5)
    if damage == 0:
        return text[:start]
    if damage == 1:
        return text[start:]
    times = [0, 2, draw.randint(3, 40)][damage - 2]
    return text[:start] + part * times + text[end:]


def hostile(seed: int, count: int) -> Iterator[str]:
    """Make texts that a step may take for something else than they are; the same ones for the same seed."""
    draw = Random(seed)
    for _ in range(count):
        makers = draw.sample(MAKERS, draw.randint(1, 7))
        text = "".join(draw.choice(makers)(draw) for _ in range(draw.randint(1, 40)))
        while draw.random() < 0.4:
            text = _damage(text, draw)
        yield text
