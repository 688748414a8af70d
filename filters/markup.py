"""What stands in a text: HTML to Markdown, and links to their words."""

from __future__ import annotations

import polars as pl

from curate.filter import Edit
from curate.filters.compiled import html, links, step


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
    return step("strip_links", pl.col(column), links.strip)
