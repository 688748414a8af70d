"""reStructuredText to Markdown: blocks and inline markup."""

import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.sources.docstrings import rst
from curate.sources.docstrings.inline import inline


def convert(text: str) -> str:
    return rst.to_markdown(textwrap.dedent(text).strip("\n").split("\n"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("``a`` and `b`", "`a` and `b`", id="literals and names become inline code"),
        pytest.param(":func:`pkg.run`", "`pkg.run`", id="a role for an object is code"),
        pytest.param(":func:`~pkg.sub.run` runs", "`run` runs", id="a tilde shows the last part only"),
        pytest.param("see `~pkg.run` for", "see `run` for", id="a tilde without a role is read the same"),
        pytest.param(":py:meth:`go <pkg.X.go>`", "`go`", id="the title of a role is what shows"),
        pytest.param(":math:`x^2`", "$x^2$", id="a formula"),
        pytest.param("`home <https://a.example>`_", "[home](https://a.example)", id="a link"),
        pytest.param("the :ref:`broadcasting rules <x>`", "the broadcasting rules", id="a titled reference"),
        pytest.param("or :ref:`kernel-methods`", "or kernel methods", id="of a label its words"),
        pytest.param("in :doc:`/guide/first_steps`", "in first steps", id="of a page its name"),
        pytest.param("It is so. See :ref:`sphx_glr_auto`.", "It is so.", id="a page of a gallery goes"),
        pytest.param("a :term:`view`", "a view", id="a term is a word"),
        pytest.param("see :pep:`8`", "see PEP 8", id="a PEP"),
        pytest.param("It is stable [1]_.", "It is stable.", id="a citation mark goes, the full stop stays"),
        pytest.param("As shown in [1]_, [2]_.", "As shown in the literature.", id="no dangling preposition"),
        pytest.param("[Foo99]_ shows it.", "Earlier work shows it.", id="a sentence keeps its subject"),
        pytest.param("It is given by [1]_:", "It is given by:", id="what is announced follows anyway"),
        pytest.param("Fast (see [3]_).", "Fast.", id="empty brackets go"),
        pytest.param("use [1]_ :func:`x`", "use `x`", id="a role after a citation keeps its space"),
        pytest.param("Read more in the :ref:`User Guide <x>`.", "", id="a pointer into the pages goes"),
        pytest.param(r"the\ s", "thes", id="an escaped space joins"),
    ],
)
def test_inline(before, after):
    assert inline(before) == after


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("plain words, a*b and c_d", id="no markup"),
        pytest.param("the list [1] and x[0]", id="brackets that cite nothing"),
        pytest.param("10:30 and a: b", id="colons that open no role"),
        pytest.param("**bold** and *slanted*", id="emphasis is the same in Markdown"),
    ],
)
def test_inline_leaves_other_text_alone(text):
    assert inline(text) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("One\nline.\nTwo.", "One line. Two.", id="a paragraph is one line"),
        pytest.param("Call it::\n\n    run(1)\n\nDone.", "Call it:\n\n```python\nrun(1)\n```\n\nDone.", id="a literal block of Python"),
        pytest.param("::\n\n    $ not python", "```\n$ not python\n```", id="a literal block of something else"),
        pytest.param(
            """
            >>> x = 1  # doctest: +SKIP
            >>> x

            >>> print()
            <BLANKLINE>

            After.
            """,
            "```python\n>>> x = 1\n>>> x\n\n>>> print()\n```\n\nAfter.",
            id="sessions join, their options go",
        ),
        pytest.param("- one\n  more\n- two\n\n  - inner", "- one more\n- two\n  - inner", id="nested lists"),
        pytest.param("Pick:\n- one\n- two", "Pick:\n\n- one\n- two", id="a list without an empty line before it"),
        pytest.param("1. one\n2. two", "1. one\n2. two", id="numbers stay"),
        pytest.param("#. one\n#. two\n\n#. three", "1. one\n2. two\n3. three", id="items without a number are counted"),
        pytest.param("- first:\n\n  #. one\n  #. two", "- first:\n  1. one\n  2. two", id="numbers inside a list"),
        pytest.param("fast\n    Little work.\nslow\n    Much work.", "- fast: Little work.\n- slow: Much work.", id="definitions"),
        pytest.param(
            """
            .. note::
               Mind this.

            .. versionadded:: 1.2

            .. seealso:: other

            .. deprecated:: 2.0
               Use that.
            """,
            "**Note:** Mind this.\n\n**Deprecated since version 2.0:** Use that.",
            id="admonitions stay, versions and pointers go",
        ),
        pytest.param(
            """
            .. math::

                a = b

                c &= d \\\\
                e &= f
            """,
            "$$\na = b\n$$\n\n$$\n\\begin{aligned}\nc &= d \\\\\ne &= f\n\\end{aligned}\n$$",
            id="formulas, aligned where marked",
        ),
        pytest.param(".. code-block:: console\n   :linenos:\n\n   $ ls", "```console\n$ ls\n```", id="a code block without its options"),
        pytest.param(
            """
            .. plot::
                :include-source:

                Draw it:

                >>> draw()
            """,
            "Draw it:\n\n```python\n>>> draw()\n```",
            id="a plot is its text and code",
        ),
        pytest.param('Text.\n\n.. [1] Somebody, "A paper".\n.. _label:\n.. a comment', "Text.", id="footnotes, targets and comments go"),
        pytest.param(
            """
            ====  =====
            a     b
            ====  =====
            1     x
                  more
            2     y|z
            ====  =====
            """,
            "| a | b |\n| --- | --- |\n| 1 | x more |\n| 2 | y\\|z |",
            id="a simple table",
        ),
        pytest.param(
            """
            +---+---+
            | a | b |
            +===+===+
            | 1 | 2 |
            +---+---+
            """,
            "| a | b |\n| --- | --- |\n| 1 | 2 |",
            id="a grid table",
        ),
        pytest.param("Details\n~~~~~~~\nText.", "**Details**\n\nText.", id="a heading inside a section"),
        pytest.param(":param int x: a number\n:returns: another", "- `x`: a number\n- Returns: another", id="fields"),
        pytest.param("```python\n>>> x\n```", "```python\n>>> x\n```", id="Markdown fences stay"),
    ],
)  # fmt: skip
def test_blocks(before, after):
    assert convert(before) == after


def test_code_that_holds_a_fence_gets_a_longer_one():
    assert rst.fence(["```", "x"], "") == "````\n```\nx\n````"


MARKS = """>>> a|... b|::|x::|.. note::|.. math:: a|.. [1] r|- a|1. b|===  ===|+--+|text|  more|    deep|||
----|``a|`b`_|:c:`d`|[1]_|```|:f: g|*|..|\\"""
pieces = st.sampled_from([*MARKS.replace("\n", "|").split("|"), "|a|"])


@settings(deadline=None)
@given(st.lists(pieces, max_size=12))
def test_any_text_is_converted_without_an_error(lines):
    assert isinstance(rst.to_markdown(lines), str)


@settings(deadline=None)
@given(st.lists(st.text(alphabet="abc XYZ09", min_size=1, max_size=20), max_size=6))
def test_no_word_of_plain_text_is_lost(lines):
    words = [word for line in lines for word in line.split()]
    assert rst.to_markdown(lines).replace("- ", "").replace(":", "").split() == words
