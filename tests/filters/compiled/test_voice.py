"""Stretches in another voice: the table of openings and endings, and the scanner in C that is held equal to it."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.filters import first_person
from curate.filters.compiled import unavailable
from curate.filters.compiled.voice import CODE, FORMULAS, QUOTES, leave_out, reference

SIGNS = [
    *(
        "`",
        "``",
        "```",
        "~~~",
        '"',
        "'",
        "“",
        "”",
        "‘",
        "’",
        "«",
        "»",
        "$",
        "$$",
        "\\[",
        "\\]",
        "\\(",
        "\\)",
        "\\begin{",
    ),
    *(
        "\\end{a*}",
        "\\end{",
        "http://",
        "https://",
        "(",
        ")",
        ">",
        "- ",
        "1. ",
        "\n",
        "\n\n",
        " ",
        "\t",
        "\xa0",
        "a",
        "5",
    ),
    *("é", "中", "。", "\0", "I", "my", "I'm", " I think ", " War I", "type ", "I = ", " and ", "X, ", "."),
]
TEXTS = st.lists(st.sampled_from(SIGNS), max_size=30).map("".join)


@pytest.mark.parametrize(
    ("text", "kinds", "rest"),
    [
        pytest.param("a `b` c", CODE, "a [...] c", id="code"),
        pytest.param("a `b` c", 0, "a `b` c", id="of no kind"),
        pytest.param("a ``b`c`` d", CODE, "a [...] d", id="two backticks around one"),
        pytest.param("a ``b` c", CODE, "a [...]b` c", id="two backticks left open are empty code"),
        pytest.param("a `b\n\nc` d", CODE, "a `b\n\nc` d", id="no code over a blank line"),
        pytest.param("> ```\nx\n``` y", CODE, "[...] y", id="a fence in a quotation"),
        pytest.param("> ```\nx", CODE | QUOTES, "[...]", id="a fence left open"),
        pytest.param("(http://a.b/c) xhttp://d", CODE, "([...]) xhttp://d", id="addresses begin no word's middle"),
        pytest.param("""5" and 'a's b' dogs' c""", QUOTES, """5" and [...] dogs' c""", id="apostrophes"),
        pytest.param("é'a' “b “c” «d\n»", QUOTES, "é'a' [...] «d\n»", id="typographic quotations"),
        pytest.param("$5 and $a$b $c$ $ d $", FORMULAS, "$5 and $a$b [...] [...]", id="dollars"),
        pytest.param("\\begin{x}a\\end{1}b\\end{x*} \\[a \\(b\\)", FORMULAS, "[...] \\[a [...]", id="TeX"),
        pytest.param("`a \"b` c\" $d 'e$ f'", 7, "[...] c\" [...] f'", id="the first to open counts"),
    ],
)
def test_stretches(text, kinds, rest):
    assert reference(text, kinds) == rest
    assert pl.DataFrame({"t": [text]}).select(leave_out(pl.col("t"), kinds)).item() == rest


@pytest.mark.skipif(unavailable("leave_out", "A") is not None, reason="there is no library of compiled steps")
@settings(max_examples=100, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=50), kinds=st.integers(1, 7))
def test_the_scanner_finds_what_the_table_says(texts, kinds):
    frame = pl.DataFrame({"t": texts})
    assert frame.select(leave_out(pl.col("t"), kinds)).to_series().to_list() == [reference(t, kinds) for t in texts]


@pytest.mark.skipif(unavailable("spoken", "A") is not None, reason="there is no library of compiled steps")
@settings(max_examples=30, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=50))
def test_the_search_that_stops_early_says_the_same(texts):
    def judged():
        return frame.select(verdict=first_person("response"), span=first_person.span("response")).rows()  # type: ignore[attr-defined]

    frame = pl.DataFrame({"response": texts})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CURATE_REFERENCE", "1")
        by_reference = judged()
    assert judged() == by_reference
