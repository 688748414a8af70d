"""The scanner behind html_to_markdown: interpreted and compiled alike, whole, linear, and right about real posts."""

from __future__ import annotations

import html
import importlib.util
import re
import time
import unicodedata
import xml.etree.ElementTree as ET
from html.entities import html5
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.filters.html import engine, find
from curate.filters.html.engine import convert, convert_one
from curate.filters.html.tables import CLASS

PIECES = [
    "<p>", "</p>", "<li>", "<li value=7>", "<ul>", "</ul>", "<ol start=3>", "</ol>", "<pre>", "</pre>", "<code>",
    "</code>", "<blockquote>", "</blockquote>", "<table>", "<tr>", "<td>", "</table>", "<br>", "<h1>", "<del>",
    "</del>", "<a href='", '"', "'", "=", ">", "<", "&lt;", "&am", "&#x41", "&nbsp;", "&nGt;", ";", "`", "```", " ",
    "  ", "\n", "\r\n", "\t", "\u00a0", "é", "word ", "$$", "<!--", "-->", "</", "<script", "\0",
    "<pre class=lang-c>"
]  # fmt: skip
markup_like = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


def interpreted(texts: list[str]) -> list[str]:
    return [convert_one(text.encode()).decode() for text in texts]


@pytest.fixture(scope="module")
def compiled():
    if not importlib.util.find_spec("numba"):
        pytest.skip("numba is not installed: the compiled scanner is not tested (pip install 'curate-lm[fast]')")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "LOAD_FROM", 0)
        patch.setattr(engine, "MAKE_FROM", 0)
        yield lambda texts: convert(pl.Series(texts, dtype=pl.String)).to_list()


@settings(deadline=None)
@given(st.text(), st.integers(0, 9))
def test_loops_find_what_expressions_find(text, bit):
    src = text.encode()
    assert find.find_loop(src, 0, len(src), 1 << bit) == find.find(src, 0, len(src), 1 << bit)
    assert find.text_end_loop(src, 0, len(src)) == find.text_end(src, 0, len(src))


@settings(deadline=None)
@given(st.text("ab  <&\n\u00a0é", max_size=60), st.integers(0, 9))
def test_loops_find_what_expressions_find_at_every_place(text, at):
    src = text.encode()
    at = min(at, len(src))
    assert find.text_end_loop(src, at, len(src)) == find.text_end(src, at, len(src))


def test_every_stop_is_an_ascii_byte_or_the_first_of_a_space():
    # Cutting there cannot split a character in two.
    assert [byte for byte in range(128, 256) if CLASS[byte]] == [0xC2]


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@given(texts=st.lists(st.one_of(markup_like, st.text(max_size=30)), max_size=8))
def test_compiled_is_interpreted(compiled, texts):
    assert compiled(texts) == interpreted(texts)


def test_any_split_gives_the_same(compiled, monkeypatch):
    texts = [f"<p>{'a ' * number}<pre>{'`' * number}</pre><ol><li>é" for number in range(40)] + ["", "plain"]
    whole = compiled(texts)
    assert whole == interpreted(texts)
    assert [one for first in range(0, len(texts), 7) for one in compiled(texts[first : first + 7])] == whole
    monkeypatch.setattr(engine, "RANGE", 100)
    assert compiled(texts) == whole


def test_what_grows_still_fits(compiled):
    deep = "<blockquote>" * 30 + "<pre>" + "\n" * 3000 + "x</pre>" + "<code>" + "`" * 5000
    texts = [deep, "<p>a", deep]
    assert compiled(texts) == interpreted(texts)
    assert compiled(texts)[0].count("\n") > 3000


PARTS = ["<", "<a", "<a b='>'", '<a b="', "<a b=c'", "<p a =", "</", "<!", "<?", "<!--", "<del>", "<svg>", "<script>"]
PARTS += ["&", "&#", "&copy", "`", "<code>`", "<code>`</code>", "<pre>", "<pre>`", "<pre> ", "$$", "<ul><li>", "</ul>"]


@pytest.mark.parametrize("piece", [*PARTS, "<td>", "<blockquote>"])
def test_time_is_linear(piece):
    def seconds(size: int) -> float:
        text = ("<p>" + piece * size).encode()
        best = []
        for _ in range(3):
            begun = time.perf_counter()
            convert_one(text)
            best.append(time.perf_counter() - begun)
        return min(best)

    # Four times the text: quadratic steps would take sixteen times as long.
    assert seconds(8000) < 10 * seconds(2000) + 0.05


def test_every_name_of_the_standard():
    for name in html5:
        assert (
            interpreted([f"<p>x&{name}y"]) == [" ".join(f"x{html.unescape('&' + name)}y".split(None))] or name in SPACES
        )
    assert interpreted(["<p>x&Tab;y&nbsp;z&NewLine;"]) == ["x y z"]


# No-break spaces become plain ones; others are split at by str.split but stay.
SPACES = [name for name, text in html5.items() if text.isspace()]


def test_every_small_number():
    for point in range(1, 0x3000):
        text = html.unescape(f"&#{point};")
        if text.isspace():
            continue
        shown = "" if unicodedata.category(text or "\1") == "Cc" else text  # control characters are no text
        assert interpreted([f"<p>x&#{point};y"]) == [f"x{shown}y"]


BLOCKS = ["p", "br", "hr", "ul", "ol", "li", "pre", "blockquote", *(f"h{level}" for level in range(1, 7))]


class Words(HTMLParser):
    """What the words of a post are, by the standard library's parser: the same in the same order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.lists: list[int] = []
        self.struck = 0

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in ("del", "s", "strike"):
            self.struck += 1
        if tag in BLOCKS:
            self.text.append("\n")
        if tag in ("ul", "ol"):
            self.lists.append(int(given.get("start") or 1) if tag == "ol" else -(10**9))
        if tag == "li" and self.lists:
            self.text.append(f"{self.lists[-1]} " if self.lists[-1] >= 0 else "")
            self.lists[-1] += 1
        language = re.match(r"lang-(?!none)(\S+)", given.get("class") or "")
        if tag == "pre" and language:
            self.text.append(f"{language[1]}\n")

    def handle_endtag(self, tag):
        if tag in ("del", "s", "strike"):
            self.struck -= 1
        if tag in BLOCKS:
            self.text.append("\n")
        if tag in ("ul", "ol") and self.lists:
            self.lists.pop()

    def handle_data(self, data):
        if not self.struck:
            self.text.append(data)


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+|[<&$\\]", re.sub(r"[`^]", "", text))  # marks of code and of powers


def posts(data: Path, site: str, folder: Path) -> list[str]:
    py7zr = pytest.importorskip("py7zr", reason="py7zr is not installed: real posts are not read")
    archive = data / "stackexchange" / f"{site}.stackexchange.com.7z"
    with py7zr.SevenZipFile(archive) as dump:
        dump.extract(folder, targets=["Posts.xml"])
    return [row.get("Body") or "" for _, row in ET.iterparse(folder / "Posts.xml") if row.tag == "row"]


@pytest.mark.slow
@pytest.mark.parametrize("site", ["ai", "beer", "bioinformatics", "coffee", "matheducators", "quantumcomputing"])
def test_real_posts_keep_their_words(data, site, tmp_path):
    bodies = posts(data, site, tmp_path)
    assert len(bodies) > 500
    for body, edited in zip(bodies, interpreted(bodies), strict=True):
        parser = Words()
        parser.feed(body)
        parser.close()
        assert words(edited) == words("".join(parser.text)), body
        assert (
            not re.search(r"</?(p|li|ul|ol|blockquote|strong|em)>", re.sub(r"(?s)`.*`", "", edited)) or "&lt;" in body
        )
