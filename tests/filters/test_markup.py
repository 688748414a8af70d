"""HTML to Markdown, and links to their words: tables of before and after, then laws."""

from __future__ import annotations

import html
import pickle

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.filters.markup import html_to_markdown, strip_links


def _edited(text: str | None, edit: pl.Expr) -> str | None:
    frame = pl.DataFrame({"response": [text]}, schema={"response": pl.String})
    return frame.select(edit).item()


def to_markdown(text: str) -> str:
    edited = _edited(text, html_to_markdown())
    assert edited is not None
    return edited


HTML = [
    pytest.param("<p>One</p>\n\n\n<p>two</p>", "One\n\ntwo", id="one blank line between paragraphs"),
    pytest.param("<p>One<p>two", "One\n\ntwo", id="paragraphs without an end tag"),
    pytest.param("<p> a\n  b\t<b> c</b> </p>", "a b c", id="white space collapses across tags"),
    pytest.param("<p>a&nbsp;\u00a0b&nbsp;</p><p>&nbsp;</p>", "a b", id="no-break spaces are spaces"),
    pytest.param("<p>a<br>b<br/>c</p>", "a\nb\nc", id="line breaks"),
    pytest.param("<p>a<br><br>b</p>", "a\n\nb", id="two line breaks are a paragraph"),
    pytest.param("a<div>b</div><div>c</div>", "a\nb\nc", id="divisions are lines"),
    pytest.param("10<sup>6</sup> m<sup>-2</sup> (a)<sup>2</sup>", "10^6 m^-2 (a)^2", id="powers are no digits"),
    pytest.param("1<sup>st</sup> word<sup>1</sup> 2 <sup>3</sup>", "1st word1 2 3", id="ordinals and footnotes are no powers"),
    pytest.param("<h1>Title</h1>text", "Title\n\ntext", id="a heading is a paragraph"),
    pytest.param("<p>a</p><hr><p>b</p>", "a\n\nb", id="a rule leaves the paragraph break"),
    pytest.param("<p>a <b>b</b><i>c</i> x<sup>n</sup> <kbd>F1</kbd></p>", "a bc xn F1", id="markers drop"),
    pytest.param('<p>see <a href="u">the docs</a>.</p>', "see the docs.", id="a link keeps its words"),
    pytest.param('<p><img src="x" alt="y"></p><p>a</p>', "a", id="an image leaves nothing"),
    pytest.param("a<!-- b <p> -->c<!---->d<!-->e", "acde", id="comments go"),
    pytest.param("a<!-- b", "a", id="an open comment takes the rest"),
    pytest.param("<script>if (a<b) {}</script>x<style>p{}</style>", "x", id="scripts and styles go"),
    pytest.param("<p>old <del>no</del><s>never</s> new</p>", "old new", id="struck-out text goes"),
    pytest.param("<p>a<del>b</p>", "ab", id="an open strike takes nothing"),
    pytest.param("<details><summary>S</summary>body</details>", "S\n\nbody", id="details are paragraphs"),
    pytest.param("<!DOCTYPE html><html><head><title>t</title></head><body>b</body></html>", "b", id="a whole page"),
]  # fmt: skip

CODE = [
    pytest.param("<pre><code>a\n  b\n</code></pre>", "```\na\n  b\n```", id="a code block"),
    pytest.param("<pre>\na</pre>b", "```\na\n```\n\nb", id="pre alone, its first new line dropped"),
    pytest.param('<pre class="lang-r x"><code>1</code></pre>', "```r\n1\n```", id="language on pre"),
    pytest.param("<pre><code class='language-c++'>1</code></pre>", "```c++\n1\n```", id="language on code"),
    pytest.param('<pre class="lang-none"><code>1</code></pre>', "```\n1\n```", id="no language"),
    pytest.param("<pre>a ``` b ```` c</pre>", "`````\na ``` b ```` c\n`````", id="a fence longer than what it holds"),
    pytest.param("<pre><code>&lt;p&gt; &amp;amp; \t&#35;</code></pre>", "```\n<p> &amp; \t#\n```", id="entities in code"),
    pytest.param("<pre>a &lt\n  b", "```\na <\n  b\n```", id="code open at the end"),
    pytest.param("<pre>#include <stdio.h>\nMap<String></pre>", "```\n#include <stdio.h>\nMap<String>\n```", id="raw code"),
    pytest.param("<pre><span>a</span><br>b</pre>", "```\na\nb\n```", id="highlighting in code goes"),
    pytest.param("<p>x</p><pre><code> \n</code></pre><p>y</p>", "x\n\ny", id="an empty block leaves nothing"),
    pytest.param("a<pre>b</pre>c", "a\n\n```\nb\n```\n\nc", id="a block stands by itself"),
    pytest.param("<p>a <code>b</code>c</p>", "a `b`c", id="inline code"),
    pytest.param("<p><code>a`b</code>, <code>``</code></p>", "``a`b``, ``` `` ```", id="backticks in inline code"),
    pytest.param("<code>a</code><code>b</code> <code>c</code>", "`ab` `c`", id="adjoining spans are one"),
    pytest.param("<p><code> a\n b </code>c", "`a b` c", id="spaces move out of inline code"),
    pytest.param("<code>a<br>b</code>", "`a`\n`b`", id="a span a line"),
    pytest.param("<p><code></code>a</p>", "a", id="empty inline code leaves nothing"),
    pytest.param("<p>a <code>b", "a `b`", id="inline code open at the end"),
]  # fmt: skip

BLOCKS = [
    pytest.param("<ul>\n<li>a</li>\n<li>b</li>\n</ul>", "- a\n- b", id="a list"),
    pytest.param("<ul><li>a<li>b</ul>c", "- a\n- b\n\nc", id="items without an end tag"),
    pytest.param("x<ol><li>a<li>b</ol>", "x\n\n1. a\n2. b", id="a numbered list"),
    pytest.param('<ol start="9"><li>a<li>b</ol>', "9. a\n10. b", id="start counts"),
    pytest.param("<ol><li value=4>a<li>b</ol>", "4. a\n5. b", id="value counts"),
    pytest.param("<ul><li>a<ol><li>b</ol></li><li>c</ul>", "- a\n  1. b\n- c", id="a list in a list"),
    pytest.param("<ol><li>a<ul><li>b</ul></ol>", "1. a\n   - b", id="indented under the text of its item"),
    pytest.param("<ul><li>a</li><ul><li>b</li></ul></ul>", "- a\n  - b", id="a list in a list, outside its items"),
    pytest.param("<ul><li>a<ul><li>b</ul>c</ul>", "- a\n  - b\n\n  c", id="text after an inner list"),
    pytest.param("<ul><li><p>a</p><p>b</p></li><li><p>c</p></ul>", "- a\n\n  b\n\n- c", id="paragraphs in items"),
    pytest.param("<ul><li>a<pre>b\n\nc</pre></ul>", "- a\n\n  ```\n  b\n\n  c\n  ```", id="code in an item"),
    pytest.param("<ul><li><pre>b</pre></ul>", "- ```\n  b\n  ```", id="code first in an item"),
    pytest.param("<ul><li></li><li>a</ul>", "- a", id="an empty item leaves nothing"),
    pytest.param("<li>a", "- a", id="an item without a list"),
    pytest.param("<blockquote><p>a</p><p>b</p></blockquote>c", "> a\n>\n> b\n\nc", id="a quote"),
    pytest.param("<blockquote>a<blockquote>b</blockquote></blockquote>", "> a\n>\n> > b", id="a quote in a quote"),
    pytest.param("<blockquote>a</blockquote><blockquote>b</blockquote>", "> a\n\n> b", id="two quotes"),
    pytest.param("<blockquote><ul><li>a<li>b</ul></blockquote>", "> - a\n> - b", id="a list in a quote"),
    pytest.param("<ul><li>a<blockquote>b</blockquote></ul>", "- a\n\n  > b", id="a quote in a list"),
    pytest.param("<blockquote><pre>a\n\nb</pre></blockquote>", "> ```\n> a\n>\n> b\n> ```", id="code in a quote"),
    pytest.param("<table><thead><tr><th>a</th><th>b</th></tr></thead>\n<tr>\n<td>1</td> <td><p>2</p><p>3</p></td></tr></table>x", "a | b\n1 | 2 3\n\nx", id="a table"),
    pytest.param("<table><tr><td>a<td><td>c<tr><td>d</table>", "a | | c\nd", id="an empty cell"),
]  # fmt: skip

CHARACTERS = [
    pytest.param("<p>&lt;b&gt; &amp;lt; &quot;&#39;&apos;</p>", "<b> &lt; \"''", id="resolved once"),
    pytest.param("<p>&eacute;&CounterClockwiseContourIntegral;&nGt;</p>", "é∳≫⃒", id="named"),
    pytest.param("<p>&#233; &#xE9; &#X1F600; &#65 b</p>", "é é 😀 A b", id="numbered"),
    pytest.param("<p>&#150;&#0;&#xD800;&#9999999999;&#1;</p>", "–\ufffd\ufffd\ufffd", id="numbers that are no character"),
    pytest.param("<p>&copy2 &notit; &ampx</p>", "©2 ¬it; &x", id="old names need no semicolon"),
    pytest.param("<p>&nosuch; & &; &# &#x; R&D</p>", "&nosuch; & &; &# &#x; R&D", id="not a reference"),
    pytest.param("<p>a&#10;&#32;&Tab;b</p>", "a b", id="referred white space collapses"),
    pytest.param("<p>1 < 2, a <3, </3, x<</p>", "1 < 2, a <3, </3, x<", id="a stray less-than stays"),
    pytest.param("<p>a <b unclosed", "a <b unclosed", id="a tag that never ends is text"),
    pytest.param("<a title='1 > 0' href=x>a</a><p title=\">\">b", "a\n\nb", id="a greater-than in a value"),
    pytest.param('<p><a href="x>a</a> b', "a b", id="a quote that never ends"),
    pytest.param("<P>a<BR>b</P>", "a\nb", id="upper case"),
    pytest.param("<p>a<o:p>b</o:p><my-tag>c</my-tag></p>", "abc", id="elements not of HTML"),
    pytest.param("<p>$a &lt; b_{1}$, \\( x^2 \\)</p>", "$a < b_{1}$, \\( x^2 \\)", id="formulas stay"),
    pytest.param("<p>so\n$$\na &amp;= b\\\\\nc\n$$\nd\ne</p>", "so\n$$\na &= b\\\\\nc\n$$\nd e", id="lines of a formula"),
    pytest.param("<p>$$1\nor $$</p>x $$ y\nz", "$$1\nor $$\n\nx $$ y z", id="dollars without a formula"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), [*HTML, *CODE, *BLOCKS, *CHARACTERS])
def test_html_becomes_markdown(before, after):
    assert to_markdown(before) == after


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("Two\nlines\n\n    and code", id="line breaks and indentation of plain text"),
        pytest.param("a < b && c > d, x <y> z, Map<String>", id="signs that are no markup"),
        pytest.param("https://a.org?x=1&copy=2 AT&T", id="an address with an ampersand"),
        pytest.param("- a\n- `b`\n\n```\nc\n```", id="Markdown"),
    ],
)
def test_text_without_markup_stays(text):
    assert to_markdown(text) == text


def test_references_in_plain_text_are_resolved():
    assert to_markdown("R&amp;D\n&lt;p&gt;") == "R&D\n<p>"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("See [the docs](https://a.org/x_(y) 'T').", "See the docs.", id="a link"),
        pytest.param("- HTTP://a\n- b", "- b", id="an address alone, in upper case"),
        pytest.param("[text]\n\n[text]: /path", "text", id="a reference without a sign but its definition's"),
        pytest.param("```\nhttp://a\n```", "```\nhttp://a\n```", id="code stays"),
    ],
)
def test_links_become_words(before, after):
    assert _edited(before, strip_links()) == after


EDITS = [pytest.param(html_to_markdown, id="html_to_markdown"), pytest.param(strip_links, id="strip_links")]
PIECES = [
    "<p>",
    "</p>",
    "<li>",
    "<ul>",
    "</ul>",
    "<ol start=3>",
    "<pre>",
    "</pre>",
    "<code>",
    "</code>",
    "<blockquote>",
]
PIECES += [
    "</blockquote>",
    "<table>",
    "<tr>",
    "<td>",
    "<br>",
    "<a href='",
    '"',
    ">",
    "<",
    "&lt;",
    "&am",
    ";",
    "`",
    "```",
]
PIECES += [
    " ",
    "  ",
    "\n",
    "\u00a0",
    "é",
    "word",
    "$$",
    "<!--",
    "-->",
    "<script>",
    "<del>",
    "</del>",
    "</",
    "http://a.b",
]
PIECES += ["[", "](", ")", "]", "[1]: ", "\0", "\1", "\r", "- ", "> "]
markup_like = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@pytest.mark.parametrize("edit", EDITS)
def test_null_stays_null_and_every_row_has_its_answer(edit):
    texts = [None, "", "<p>a</p> http://b", None, "c"]
    frame = pl.DataFrame({"text": texts})
    together = frame.select(edit("text")).to_series().to_list()
    assert together == [None if text is None else _edited(text, edit()) for text in texts]
    assert frame.clear().select(edit("text")).to_series().to_list() == []
    assert pl.DataFrame({"text": [None, None]}).select(edit("text")).to_series().to_list() == [None, None]


@pytest.mark.parametrize("edit", EDITS)
def test_pickles_and_runs_lazily(edit):
    frame = pl.LazyFrame({"response": ["<p>a</p> [b](http://c)"] * 3})
    again = pickle.loads(pickle.dumps(edit()))
    for engine in ("in-memory", "streaming"):
        assert frame.with_columns(again).collect(engine=engine).equals(frame.collect().with_columns(edit()))


@pytest.mark.parametrize("edit", EDITS)
@settings(deadline=None)
@given(text=st.one_of(st.text(), markup_like))
def test_no_text_is_too_broken(edit, text):
    assert _edited(text, edit()) is not None


@settings(deadline=None)
@given(code=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0")).filter(str.strip))
def test_code_comes_out_as_it_went_in(code):
    edited = to_markdown(f"<p>x</p><pre><code>{html.escape(code)}</code></pre>")
    opening, rest = edited.removeprefix("x\n\n").split("\n", 1)
    assert set(opening) == {"`"} and opening not in code
    assert rest.removesuffix(opening).removesuffix("\n") == code.removesuffix("\n")


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["<p>a</p>", "<ul><li>b</li></ul>", "<b>c</b>", "<blockquote>d</blockquote>"]), min_size=1)
)
def test_no_tag_is_left_of_sound_html(parts):
    assert "<" not in to_markdown("".join(parts))


@settings(deadline=None)
@given(markup_like)
def test_links_in_a_fence_are_code(text):
    fenced = f"~~~~~~\n{text}\n~~~~~~"
    assert "~~~" in text or _edited(fenced, strip_links()) == fenced
