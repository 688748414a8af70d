"""Links to their words: tables of before and after, then laws, of the reference and of C beside it."""

from __future__ import annotations

import ctypes
import os
import random
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.filters.compiled import links

COMPILER = shlex.split(os.environ.get("CC", "cc"))

LINKS = [
    pytest.param("See [the docs](https://a.org/x_(y) 'T').", "See the docs.", id="a link"),
    pytest.param("[text](url) and [](b) c", "text and c", id="relative, and without words"),
    pytest.param("[`code`](http://a) [a [b] c](d)", "`code` a [b] c", id="code and brackets in the words"),
    pytest.param("a ![alt](x.png) b [![i](x)](y) c", "a b c", id="images"),
    pytest.param("[text][1] b [B][]\n\n[1]: http://a 'T'\n[b]: <http://b>\n", "text b B", id="references"),
    pytest.param("Per [the FAQ][f].", "Per the FAQ.", id="a reference whose definition is elsewhere"),
    pytest.param("Go to <https://a.org>, now", "Go to, now", id="an autolink"),
    pytest.param("See http://a.org/b. Then www.c.com, d", "See. Then, d", id="bare addresses"),
    pytest.param("A (https://a.org) b (see http://c.d/e) [http://f]", "A b (see)", id="brackets emptied"),
    pytest.param("https://en.wikipedia.org/wiki/A_(b)_c is", "is", id="brackets in an address"),
    pytest.param("- http://a\n- b", "- b", id="an item that was only an address"),
    pytest.param("a:\n\nhttp://a\n\nb\n\nhttp://c\n", "a:\n\nb", id="paragraphs that were only addresses"),
    pytest.param('**http://a.b** "http://c" d', "d", id="emphasis emptied"),
    pytest.param("```\nhttp://a\n```\nb http://c", "```\nhttp://a\n```\nb", id="beside code"),
    pytest.param("See\n[docs](page.html) now.", "See\ndocs now.", id="a word on the line above is not before it"),
    pytest.param("[docs](page.html) now [and](#here)", "docs now and", id="relative, at the beginning"),
    pytest.param("见[文档](page.html)，在http://a.org 上", "见文档，在 上", id="no blank before a link, where none is between words"),
    pytest.param("[[Note [the FAQ][1]]]", "[[Note the FAQ]]", id="in brackets"),
    pytest.param("[![alt][1]][1] a", "a", id="an image in a link, defined elsewhere"),
    pytest.param("[a [b](http://c) d](http://e)", "a b d", id="a link in a link"),
    pytest.param("a http://b\r\n\r\n```\r\nc\r\n```\r\nhttp://d\r\n[e](f)\r\n", "a\r\n\r\n```\r\nc\r\n```\r\ne\r\n", id="lines that end with CR LF"),
    pytest.param("[`a`] b\n\n[`A`]: http://c", "`a` b", id="code as a label"),
    pytest.param("HTTP://a b Www.C.org d <MAILTO:a@b> e", "b d e", id="upper case"),
    pytest.param("a \0 http://b \1 c", "a \0 \1 c", id="NUL and SOH"),
    pytest.param("((<http://a> )) \"'**http://b**'\" ~~<http://c>~~ “http://d” ‘<http://e>’ f", "f", id="emptied from the inside"),
    pytest.param("http://a`b` <http://c>`d\n\ne`", "`b` `d\n\ne`", id="beside ticks"),
    pytest.param("[a]: http://b\n\"title\"\n[c]: http://d\n\"no title\" e", "\"no title\" e", id="a title on the next line"),
    pytest.param("- [a](b)\n- http://c\n> http://d.\n1) http://e\nf", "- a\nf", id="items and quotes"),
    pytest.param("It costs $5 [here](a) or $10 [there](b).", "It costs $5 here or $10 there.", id="prices are no formula"),
    pytest.param("Take [the $[x](y)$ rule](c), $f$.", "Take the $[x](y)$ rule, $f$.", id="a formula in the words"),
    pytest.param("$$ [a](http://b) $$", "$$ a $$", id="an address stands in no formula"),
    pytest.param("\\[[source](http://b)\\] \\$5 [a](b)$", "\\[source\\] \\$5 a$", id="escapes"),
    pytest.param("$x [a](b)\n\n$", "$x a\n\n$", id="no formula runs over a paragraph"),
    pytest.param("$HOME/[a](b)$c US$[a](b)$", "$HOME/a$c US$a$", id="dollars beside letters"),
    pytest.param("a http://b\u3000c http://d\u00a0e", "a \u3000c \u00a0e", id="spaces beyond ASCII end an address"),
]  # fmt: skip

NOT_LINKS = [
    pytest.param("a  b ( ) [ ] [1] !", id="spaces and brackets"),
    pytest.param("`[a](b) http://c` ``http://` ``", id="inline code"),
    pytest.param("````py\n```\n[a](http://b)\n```\n````", id="a fence in a fence"),
    pytest.param("- ```\n  http://a\n  ```", id="code in an item"),
    pytest.param("```\nhttp://open", id="code open at the end"),
    pytest.param("x = a[i][j] + E[X](t)", id="indices"),
    pytest.param("me@www.org.com", id="a mail address"),
    pytest.param("[^1]: a note", id="a footnote"),
    pytest.param("[a](b(c(d(e))))", id="brackets in an address, three deep"),
    pytest.param("[a\n\nb](c)", id="brackets over two paragraphs"),
    pytest.param("ж[x](t) é[x][y]", id="functions and indices with letters beyond ASCII"),
    pytest.param("[a](b c) [a](b 'c) [d](<e)", id="no target"),
    pytest.param("$[X,Y](f)=X(Y(f))$", id="a formula"),
    pytest.param("$$[X,Y](f)\n[x][y]$$ and \\[ [A](v) \\], \\( [B](w) \\)", id="formulas in all delimiters"),
    pytest.param("($[a](b)$), $[c](d)$.", id="formulas beside signs"),
]

PIECES = [
    *"[]()<>!`~*\"'\\{}.,:;?/#_-+ \n\t\r\f\0\1aé中“”‘’\u00a0\u3000\u2028\u0301ſKhfw1",
    "](",
    "][",
    "]: ",
    "\n\n",
    "```",
]
PIECES += [
    "\n```\n",
    "~~~\n",
    "``",
    "`x`",
    "http://",
    "HTTPS://a.b",
    "ftp://c",
    "www.",
    "www.d",
    "$",
    "$$",
    "\\(",
    "\\)",
    "\\]",
    "mailto:e",
    "<http://f>",
]
PIECES += [
    "[1]: ",
    "\n[a]: /b",
    "[A]",
    "[1]",
    "![",
    "[x](y)",
    " 'title'",
    '(t "u")',
    "- ",
    "1. ",
    "> ",
    "word",
    "**",
    "~~",
    "x[i]",
]


class Buffer(ctypes.Structure):
    """The one of text.h."""

    _fields_ = [("at", ctypes.c_void_p), ("size", ctypes.c_size_t), ("room", ctypes.c_size_t)]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Build links.c alone, as a function of a text."""
    if not shutil.which(COMPILER[0]):
        pytest.skip(f"there is no C compiler {COMPILER[0]}")
    library = tmp_path_factory.mktemp("links") / "links.so"
    source = Path(links.__file__).with_suffix(".c")
    flags = ["-std=c99", "-O1", "-fwrapv", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([*COMPILER, *flags, str(source), "-o", str(library)], check=True)
    step, free = ctypes.CDLL(str(library)).strip_links, ctypes.CDLL(None).free

    def strip(text: str) -> str:
        content, out = text.encode(), Buffer()
        result = step(content, ctypes.c_size_t(len(content)), ctypes.byref(out))
        edited = ctypes.string_at(out.at, out.size).decode() if result else text
        free(ctypes.c_void_p(out.at))
        return edited

    return strip


@pytest.mark.parametrize(("before", "after"), LINKS)
def test_links_become_words(before, after):
    assert links.strip(before) == after


@pytest.mark.parametrize("text", NOT_LINKS)
def test_what_is_no_link_stays(text):
    assert links.strip(text) == text


@pytest.mark.parametrize("text", [case.values[0] for case in [*LINKS, *NOT_LINKS]])
def test_compiled_table(text, compiled):
    assert compiled(text) == links.strip(text)


def hostile(seed, count):
    """Make texts of few kinds of pieces each, so that rare pieces meet each other."""
    draw = random.Random(seed)
    for _ in range(count):
        pieces = draw.sample(PIECES, draw.choice([3, 6, 12, len(PIECES)]))
        yield "".join(draw.choices(pieces, k=draw.choice([4, 12, 40])))


@pytest.mark.slow
def test_compiled_as_the_reference_on_hostile_texts(compiled):
    assert [text for text in hostile(1, 20_000) if compiled(text) != links.strip(text)] == []


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join)))
def test_compiled_as_the_reference(compiled, text):
    assert compiled(text) == links.strip(text)


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_links_in_a_fence_are_code(text):
    fenced = f"~~~~~~\n{text}\n~~~~~~"
    assert "~~~" in text or links.strip(fenced) == fenced


@settings(deadline=None)
@given(st.lists(st.sampled_from([piece for piece in PIECES if "\r" not in piece])).map("".join))
def test_ends_of_lines_are_of_no_account(text):
    assert links.strip(text.replace("\n", "\r\n")).replace("\r", "") == links.strip(text)


UNITS = [
    "[",
    "]",
    "](",
    "[](",
    "[a](",
    "[](x '",
    "[](<",
    "[a][",
    "[[a]",
    "![",
    "(",
    "<http",
    "http://",
    "http://(",
    "(www.a[",
]
UNITS += [
    "`",
    "``a ",
    "```\n",
    "~~~a\n",
    "`\n",
    "[a]: /b\n",
    "- ",
    "> ",
    "1. ",
    " ",
    "\n",
    "\\[",
    '"<http://a>',
    "(<http://a> ",
    "é[x](y",
]
LONG = {unit: unit * (200_000 // len(unit)) for unit in UNITS} | {
    "nested": "(" * 60_000 + " http://a " + ")" * 60_000,
    "nested brackets": "[a]: /b\n\n" + "[" * 80_000 + "]" * 80_000,
    "blanks": " " * 190_000 + "x http://a",
    "ticks of each length": " ".join("`" * size for size in range(1, 600)),
    "ticks in a long paragraph": " ".join("`" * size for size in range(1, 12)) + "\na" * 80_000,
}


@pytest.mark.parametrize("name", LONG)
def test_time_is_linear(name, compiled):
    text = "http://a [b](c)\n\n" + LONG[name]
    start = time.process_time()
    expected = links.strip(text)
    middle = time.process_time()
    assert compiled(text) == expected
    # Seconds of the processor, for 0.2 MB: of what is not linear, a second is far too little.
    assert (middle - start < 1, time.process_time() - middle < 0.1) == (True, True)
