"""Markup to text: HTML to Markdown that keeps what carries meaning, and links to their words."""

from __future__ import annotations

import polars as pl

from curate.filter import Edit


def html_to_markdown(column: str = "response") -> Edit:
    r"""Turn HTML into Markdown that keeps paragraphs, code, lists, quotes and table rows, and drops all other markup.

    Code is kept to the byte (`<pre>` becomes a fenced block with its language, `<code>` an inline span); links and headings
    keep their words; images, comments, scripts and struck-out text go; character references are resolved once. Broken HTML is
    read as a browser reads it, except that a "<" which opens no tag stays. White space outside code collapses, as in a
    browser; but text without any HTML element is no HTML, and keeps its line breaks and everything else, with only
    references like `&amp;` resolved. Null stays null.

    What is kept follows LIMA (Zhou et al. 2023, section 2.1: "retaining only code blocks and lists"), and beyond it what
    the text cannot be read without.

    >>> frame = pl.DataFrame({"response": ["<p>Use <code>a &lt; b</code>:</p><ol><li>one<li>two</ol>"]})
    >>> print(frame.select(html_to_markdown()).item())
    Use `a < b`:
    <BLANKLINE>
    1. one
    2. two
    """
    edit: pl.Expr = pl.col(column).map_batches(_html, return_dtype=pl.String, is_elementwise=True)
    return edit


def _html(text: pl.Series) -> pl.Series:
    from curate.filters._html_engine import convert

    return convert(text)
