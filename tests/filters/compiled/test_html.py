"""The rules of HTML to Markdown: tables of before and after, then laws, hostile texts, and real posts."""

from __future__ import annotations

import html
import re
import time
import unicodedata
import xml.etree.ElementTree as ET
from html.entities import html5
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.filters.compiled.html import ELEMENTS, convert
from tests.filters.compiled.texts import hostile
from tests.filters.test_markup import BLOCKS, CHARACTERS, CODE, HTML

TAGS = [
    pytest.param("<p>a</p >b</ p>", "a\n\nb</ p>", id="a space after a name, none before it"),
    pytest.param("<p a=b>c<p/>d<p\n>e", "c\n\nd\n\ne", id="what ends a name"),
    pytest.param("<b>a</b><foo b='>'>c</foo><b-c>d</b-c>", "acd", id="elements that HTML has not"),
    pytest.param("a <foo> b", "a <foo> b", id="no element of HTML, no HTML"),
    pytest.param("a <foo> b <!---->", "a b", id="a comment makes it HTML"),
    pytest.param("a</>b<!>c<?d?>e<!DOCTYPE f>g<br>", "abceg", id="what is never shown"),
    pytest.param("<p>a<1> <é> < b> </ > <!-> <%", "a<1> <é> < b> </ > <!-> <%", id="what opens no tag"),
    pytest.param("<br title='>'>a<br title=\">\">b", "a\nb", id="a greater-than in quotes"),
    pytest.param("<br a=b'>c<br a'>d", "c\nd", id="quotes that no equals sign precedes"),
    pytest.param("<br a = '>'>b", "b", id="spaces around the equals sign"),
    pytest.param("<br a='>b<br c='d'>e", "e", id="a quote that ends in a later tag"),
    pytest.param("<br a='>b<br c=\"d\">e", "b\ne", id="a quote that never ends ends at the first greater-than"),
    pytest.param("<br>a <br", "a <br", id="no greater-than any more"),
    pytest.param("<!--> a --><br><!---> b --!>c<!-- d -- > -->e", "a -->\nb --!>ce", id="ends of comments"),
    pytest.param("a<br><!- b -->", "a\n<!- b -->", id="half a comment"),
]  # fmt: skip

SKIPPED = [
    pytest.param("<title>a</title >b<style>p{}</STYLE>c", "bc", id="ends with spaces, in any case"),
    pytest.param("a<script>b</scripts></script", "a", id="an end tag without its end"),
    pytest.param("a<script>b", "a", id="the rest goes with an open script"),
    pytest.param("<p>a</script>b</del>c", "abc", id="end tags alone"),
    pytest.param("a<svg><b>c</svg>d<s>e<del>f</del>", "ade", id="an open strike takes nothing"),
    pytest.param("<s>a<strike>b</s>c</strike>d", "cd", id="the first end tag ends it"),
    pytest.param("<del>a<pre></del></pre>b", "b", id="whatever is in it"),
]

WHITE_SPACE = [
    pytest.param("<p> \t\r\n\f\u00a0a", "a", id="before a text"),
    pytest.param("a <b> b</b>&nbsp;c<i>\n</i>d", "a b c d", id="across tags and references"),
    pytest.param("<p>a\u2003 b\v\u0085c", "a\u2003 b\v\u0085c", id="spaces that HTML does not count"),
    pytest.param("<p>a\0 \0b<p>\0", "a b", id="NUL is nothing"),
    pytest.param("<br>a<br><br><br>b<div></div><p></p>c", "a\n\nb\n\nc", id="breaks are a blank line at most"),
    pytest.param("a<br> <b> <br> </b>c", "a\n\nc", id="spaces between breaks"),
]

POWERS = [
    pytest.param("2<sup>10</sup>3", "2^103", id="of a digit"),
    pytest.param("f(x)<sup>-1</sup>", "f(x)^-1", id="of brackets"),
    pytest.param("x<sup>2</sup> 2x<sup>2</sup> éx<sup>2</sup> ax<sup>2</sup>", "x^2 2x^2 éx2 ax2", id="of a letter alone"),
    pytest.param("x<SUP class='a'>\u22122", "x^\u22122", id="of the minus sign"),
    pytest.param("x<sup>n</sup> 2 <sup>2</sup> <p><sup>2", "xn 2 2\n\n2", id="none"),
    pytest.param("<code>x</code><sup>2</sup>", "`x^`2", id="behind a span it goes into the span"),
    pytest.param("<b>x</b><sup>2", "x^2", id="behind a tag"),
    pytest.param("1^<b>1</b><sup>", "1^1", id="of nothing"),
]  # fmt: skip

FENCES = [
    pytest.param('<pre class="prettyprint lang-py s">a', "```py\na\n```", id="a language among classes"),
    pytest.param("<PRE\nCLASS = language-C#>a", "```C#\na\n```", id="a language without quotes"),
    pytest.param("<pre class='lang-none lang-b'>a", "```b\na\n```", id="the first language"),
    pytest.param("<pre class=lang-x><code class=lang-y>a", "```x\na\n```", id="that of pre before that of code"),
    pytest.param("<pre class='lang-é lang- language'>a", "```\na\n```", id="no language"),
    pytest.param(f"<pre class=lang-{'x' * 33}>a", "```\na\n```", id="too long a language"),
    pytest.param("<pre classy class=lang-x>a", "```\na\n```", id="only the first attribute"),
    pytest.param("<pre>\n\na\r\nb\rc\0</pre>", "```\n\na\nb\nc\n```", id="new lines"),
    pytest.param("<pre>\r\n<code>a</code>\n</pre>b", "```\na\n```\n\nb", id="new lines around the code"),
    pytest.param("<pre><code>a</code>b</pre>", "```\nab\n```", id="code ends before pre"),
    pytest.param("<pre><code>a</code></code>b</pre>", "```\na\n```\n\nb", id="code ends twice"),
    pytest.param("<pre>a<p>b<li>c</p>d<tr><td>e<hr><br>f</pre>", "```\na\nb\nc\nd\ne\n\nf\n```", id="lines of elements"),
    pytest.param("<pre>a<!-- b\n -->c<script>d</script><foo></>", "```\nacd<foo></>\n```", id="comments and other tags"),
    pytest.param("<pre>a &lt;&#98;&nbsp;&#1;&#10;c &x;", "```\na <b\u00a0\nc &x;\n```", id="references"),
    pytest.param("<blockquote><pre>&#10;\n\na", "> ```\n> \n>\n>\n> a\n> ```", id="a referred new line begins its line"),
    pytest.param("<pre>a<!-- b", "```\na\n```", id="an open comment"),
    pytest.param("<pre>a</pre", "```\na</pre\n```", id="an open end tag"),
    pytest.param("<pre> </pre>a<pre><code>\n </code></pre>b", "a\n\nb", id="nothing in it"),
    pytest.param("a<code>b<pre>c</pre>d", "a`b`\n\n```\nc\n```\n\n`d`", id="in a span"),
]  # fmt: skip

SPANS = [
    pytest.param("<code>`</code>a<code>b``</code>", "`` ` ``a``` b`` ```", id="backticks at the ends"),
    pytest.param("<code>a</code><code></code><code>b</code>", "`ab`", id="adjoining, an empty one between"),
    pytest.param("<code>a</code> <code>b</code>", "`a` `b`", id="apart"),
    pytest.param("<code>a<p>b", "`a`\n\n`b`", id="never across lines"),
    pytest.param("<code>a <b>b</b></code>c", "`a b`c", id="other elements in it"),
    pytest.param("<table><tr><td><code>a<td>b", "`a` | `b`", id="never across cells"),
    pytest.param("<code>$$a\nb$$</code>", "`$$a`\n`b$$`", id="a displayed formula"),
]

CONTAINERS = [
    pytest.param('<ol start="12x"><li>a<li value=3>b<li>c', "12. a\n3. b\n4. c", id="numbers"),
    pytest.param("<ol start=-1><li>a</ol><ol start=1234567890><li>b", "1. a\n\n1. b", id="no numbers"),
    pytest.param("<ol start=999999999><li>a<li>b", "999999999. a\n999999999. b", id="the last number"),
    pytest.param("<ol><li>a</li></ol><ol><li>b", "1. a\n\n1. b", id="a list after a list"),
    pytest.param("<ol start=10><li>a<p>b", "10. a\n\n    b", id="indented by its number"),
    pytest.param("<ol><ul><li>a</ul><li>b", "   - a\n1. b", id="a list first in a list"),
    pytest.param("<ul><li>a<blockquote><li>b</blockquote><li>c", "- a\n\n  > - b\n\n- c", id="an item in a quote in an item"),
    pytest.param("<ul><li><ul><li>a</li></ul></li></ul></ul></li>b", "- - a\n\nb", id="too many end tags"),
    pytest.param("<ul><li>a<ol><li>b</ul>c", "- a\n  1. b\n\n  c", id="the innermost list is closed"),
    pytest.param("<ul><li>a<ul></li><li>b", "- a\n  - b", id="no item is closed outside the list"),
    pytest.param("<blockquote>a</blockquote><blockquote></blockquote>b", "> a\n\nb", id="an empty quote"),
    pytest.param("<blockquote>a<br><br>b<ul><li>c", "> a\n>\n> b\n>\n> - c", id="blank lines in a quote"),
    pytest.param("<blockquote>" * 26 + "a", "> " * 24 + "a", id="24 containers at most"),
    pytest.param("<blockquote>" * 26 + "</blockquote>" * 3 + "a", "> " * 23 + "a", id="deeper ones are counted"),
]  # fmt: skip

TABLES = [
    pytest.param("<table><tr><td>a<br>b<p>c<td>$$d\ne$$", "a b c | $$d e$$", id="a cell stays on one line"),
    pytest.param("<table><tr><td>a<ul><li>b<td>c", "a\n\n- b | c", id="but not with a list in it"),
    pytest.param("a<tr><td>b<td></tr>c", "a\nb\nc", id="without a table, the last cell empty"),
    pytest.param("<td>a<pre>b</pre><td>c", "a\n\n```\nb\n```\n\nc", id="no bar behind a block"),
    pytest.param("<td>a" + "<td>" * 99 + "b", "a " + "| " * 64 + "b", id="64 bars at most"),
]

FORMULAS = [
    pytest.param("<p>a\n$$b$$\nc", "a\n$$b$$\nc", id="lines around it"),
    pytest.param("<p>a $$b$$ c $$ d", "a $$b$$ c $$ d", id="in a line"),
    pytest.param("<p>$$$a\nb$$$$c\nd$$", "$$$a\nb$$$$c\nd$$", id="three signs"),
    pytest.param("<p>$$\na &amp; &#10; b\r\n\n c$$", "$$\na & b\nc$$", id="references and spaces in it"),
    pytest.param("<p>$$a\n< b$$ $$a\n<b>b</b>$$", "$$a < b$$ $$a b$$", id="none over a less-than"),
    pytest.param("<p>&#36;&#36;a\nb$$", "$$a b$$", id="none of references"),
]

REFERENCES = [
    pytest.param("&lt &lt;p &ltp &amp;lt; &AMP", "< <p <p &lt; &", id="old names"),
    pytest.param("&notin; &notinx; &noti; &nGt &hearts", "∉ ¬inx; ¬i; &nGt &hearts", id="the longest name"),
    pytest.param("&#65&#x42&#X43;&#0068;&#x00000000000045;", "ABCDE", id="numbers"),
    pytest.param("&#128;&#150;&#129;&#127;&#1;&#11;.", "€–.", id="Windows-1252, and control characters"),
    pytest.param("&#0;&#xD7FF;&#xD800;&#xE000;&#x10FFFF;&#x110000;", "\ufffd\ud7ff\ufffd\ue000\U0010ffff\ufffd", id="out of range"),
    pytest.param(f"&#{'9' * 5000};&#{'0' * 5000}65;&{'a' * 5000};", f"\ufffdA&{'a' * 5000};", id="long ones"),
    pytest.param("&am\0p; &am<b></b>p; &#38;lt;", "&amp; &amp; &lt;", id="what is written is not read again"),
]  # fmt: skip

PLAIN = [
    pytest.param("&lt;p&gt; &copy; &#65; &#x41;", "<p> © A A", id="with a semicolon"),
    pytest.param("&lt &#65 &copyx; &notit; &nosuch; &;", "&lt &#65 &copyx; &notit; &nosuch; &;", id="without"),
    pytest.param("a  b\n\t\0\u00a0`$$<foo></foo> <p", "a  b\n\t\0\u00a0`$$<foo></foo> <p", id="all else stays"),
    pytest.param("a&nbsp;&#10;&#1;b", "a\u00a0\nb", id="white space stays, control characters go"),
]

RULES = [*TAGS, *SKIPPED, *WHITE_SPACE, *POWERS, *FENCES, *SPANS, *CONTAINERS, *TABLES, *FORMULAS, *PLAIN]


@pytest.mark.parametrize(("before", "after"), [*RULES, *HTML, *CODE, *BLOCKS, *CHARACTERS])
def test_html_becomes_markdown(before, after):
    assert convert(before) == after


@pytest.mark.parametrize(("before", "after"), REFERENCES)
def test_references_are_resolved_once(before, after):
    assert convert(f"<p>{before}") == after


def test_every_name_of_the_standard():
    for name, text in html5.items():
        if text.isspace():  # no-break spaces become plain ones; others are split at by str.split but stay
            continue
        assert convert(f"<p>x&{name}y") == " ".join(f"x{html.unescape('&' + name)}y".split(None))
    assert convert("<p>x&Tab;y&nbsp;z&NewLine;") == "x y z"


def test_every_small_number():
    for point in range(1, 0x3000):
        text = html.unescape(f"&#{point};")
        shown = "" if unicodedata.category(text or "\1") == "Cc" else text  # control characters are no text
        assert text.isspace() or convert(f"<p>x&#{point};y") == f"x{shown}y"


@pytest.mark.parametrize("name", ELEMENTS)
def test_no_element_is_left(name):
    assert convert(f"a<{name.upper()}>b</{name}>").replace("\n", "") in ("ab", "a", "a- b", "a> b", "a`b`", "a```b```")


def test_what_grows_is_whole():
    text = convert("<blockquote>" * 30 + "<pre>" + "\n" * 3000 + "x</pre>" + "<code>" + "`" * 5000)
    assert text.count("\n") > 3000
    assert text.splitlines()[-1].count("`") > 15_000


HOSTILE = list(hostile(0, 3000))


def test_hostile_texts_are_the_same_each_time():
    assert HOSTILE[:100] == list(hostile(0, 100)) != list(hostile(1, 100))


def test_no_white_space_is_left_at_either_end():
    for text in (convert(f"<p>{text}") for text in HOSTILE):
        assert text == text.rstrip(" \n") and text[:1] != "\n"


def test_text_without_markup_stays():
    for text in HOSTILE:
        if not re.search("[<&]", text):
            assert convert(text) == text


def test_a_paragraph_before_and_behind_changes_nothing():
    for text in HOSTILE[:1000]:
        sound = re.sub("[<&$>`]", "", text)
        if convert(f"<p>{sound}"):
            assert convert(f"<p>one</p>{sound}<p>two") == f"one\n\n{convert(f'<p>{sound}')}\n\ntwo"


@settings(deadline=None)
@given(code=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0")).filter(str.strip))
def test_code_comes_out_as_it_went_in(code):
    opening, *lines, closing = convert(f"<pre><code>{html.escape(code)}</code></pre>").split("\n")
    assert set(opening) == {"`"} and opening == closing and opening not in code
    assert "\n".join(lines) == code.removesuffix("\n")


PARTS = ["<", "<a", "<a b='>'", '<a b="', "<a b=c'", "<p a =", "</", "<!", "<?", "<!--", "<del>", "<svg>", "<script>"]
PARTS += ["<del></del>", "<p", "= ", "&", "&#", "&#1", "&a", "&copy", "`", "$", "$$", "$$a", "$$\n", "$$a$$", " ", "\n"]
PARTS += [
    "<code>`",
    "<code>`</code>",
    "<pre>",
    "<pre>`",
    "<pre> ",
    "<pre>a</pre>",
    "</code>",
    "</code> ",
    "<sup>1",
    "1<sup>",
]
PARTS += [
    "<ul><li>",
    "</ul>",
    "<ol>",
    "<li>a",
    "<td>",
    "<blockquote>",
    "</blockquote>",
    "<p>",
    "<br>",
    "a",
    "\0",
    "<p title=",
]


@pytest.mark.slow
@pytest.mark.parametrize("start", ["", "<p>", "<pre>", "<code>", "<blockquote>" * 24 + "<pre>"])
def test_time_is_linear(start):
    def seconds(part: str, size: int) -> float:
        text = start + part * (size // len(part))
        begun = time.process_time()
        convert(text)
        return time.process_time() - begun

    for part in PARTS:
        # Ten times the text: quadratic steps would take a hundred times as long.
        assert seconds(part, 100_000) < 30 * min(seconds(part, 10_000) for _ in range(3)) + 0.1, part


LINES = ["p", "br", "hr", "ul", "ol", "li", "pre", "blockquote", *(f"h{level}" for level in range(1, 7))]


class Words(HTMLParser):
    """What the words of a post are, by the standard library's parser: the same in the same order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.lists: list[int] = []
        self.struck = 0

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag in ("del", "s", "strike"):
            self.struck += 1
        if tag in LINES:
            self.text.append("\n")
        if tag in ("ul", "ol"):
            self.lists.append(int(values.get("start") or 1) if tag == "ol" else -(10**9))
        if tag == "li" and self.lists:
            self.text.append(f"{self.lists[-1]} " if self.lists[-1] >= 0 else "")
            self.lists[-1] += 1
        language = re.match(r"lang-(?!none)(\S+)", values.get("class") or "")
        if tag == "pre" and language:
            self.text.append(f"{language[1]}\n")

    def handle_endtag(self, tag):
        if tag in ("del", "s", "strike"):
            self.struck -= 1
        if tag in LINES:
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
    for body in bodies:
        text = convert(body)
        parser = Words()
        parser.feed(body)
        parser.close()
        assert words(text) == words("".join(parser.text)), body
        assert not re.search(r"</?(p|li|ul|ol|blockquote|strong|em)>", re.sub(r"(?s)`.*`", "", text)) or "&lt;" in body
