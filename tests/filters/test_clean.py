import re
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.filters import collapse_whitespace, fix_unicode, personal_data, redact, strip_signature, unescape
from curate.filters.words.code import CODE
from tests.conftest import seconds
from tests.filters.test_personal import NOT_PERSONAL, PERSONAL

EDITS = [fix_unicode, collapse_whitespace, strip_signature, unescape, redact]


def edited(expression: pl.Expr, text: str | None) -> Any:
    return pl.DataFrame({"response": [text]}, schema={"response": pl.String}).select(expression).item()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("Le cafÃ© est fermÃ©.", "Le café est fermé.", id="read as Latin-1"),
        pytest.param("It isnâ€™t â€œnewâ€\x9d.", "It isn’t “new”.", id="read as Windows-1252"),
        pytest.param("Ð¿Ñ€Ð¸Ð²ÐµÑ‚", "привет", id="Cyrillic"),
        pytest.param("a\x00b\x1b[31mred\x1b[0m", "abred", id="controls, and colours of a terminal"),
        pytest.param("It isn’t “new” & ﬁne, ＡＢＣ &amp;", "It isn’t “new” & ﬁne, ＡＢＣ &amp;", id="right text stays"),
        pytest.param("a\r\nb\tc", "a\r\nb\tc", id="line ends and tabs stay"),
        pytest.param("lost \ufffd", "lost \ufffd", id="what is lost stays"),
    ],
)
def test_fix_unicode(before, after):
    assert edited(fix_unicode(), before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("Boil  it   twice.", "Boil it twice.", id="blanks within a line"),
        pytest.param("a\xa0 b \n\n\n\n\nc  ", "a b\n\nc", id="one empty line, none at the end"),
        pytest.param("a  \r\nb\r\n\r\n\r\nc", "a\nb\n\nc", id="line ends of Windows"),
        pytest.param("one\n\ntwo\nthree", "one\n\ntwo\nthree", id="paragraphs and lines stay"),
        pytest.param("- a  b\n  - c  d\n   more", "- a b\n  - c d\n   more", id="the indentation of lists stays"),
        pytest.param("A:\n\n```\nx  =  3\n\n\n\ny \n```\nB  C", "A:\n\n```\nx  =  3\n\n\n\ny \n```\nB C", id="a fence"),
        pytest.param("A:\n\n    x  =  3\n\tif  y", "A:\n\n    x  =  3\n\tif  y", id="indented code"),
        pytest.param("Type `a  b`  now.", "Type `a  b` now.", id="a span"),
        pytest.param("a\n\n```\nopen  \n\n\n", "a\n\n```\nopen  \n\n\n", id="a fence left open"),
    ],
)
def test_collapse_whitespace(before, after):
    assert edited(collapse_whitespace(), before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("Fish &amp; chips &lt;3", "Fish & chips <3", id="named"),
        pytest.param("It&#8217;s &#x27;so&#x27;", "It’s 'so'", id="by number"),
        pytest.param("&amp;amp;amp;lt;", "<", id="written several times"),
        pytest.param("&#38;lt;", "<", id="written in two ways"),
        pytest.param("http://a.org/?a=1&copy=2&lt", "http://a.org/?a=1&copy=2&lt", id="no semicolon"),
        pytest.param("Use `&amp;` in\n\n    a &amp; b\n", "Use `&amp;` in\n\n    a &amp; b\n", id="code"),
        pytest.param("AT&T; &nothing;", "AT&T; &nothing;", id="no reference"),
    ],
)
def test_unescape(before, after):
    assert edited(unescape(), before) == after


BODY = "Let it cool for an hour first."


@pytest.mark.parametrize(
    "signature",
    [
        "\n\n-- \nAnn Lee\nBakery of the North\n+44 20 7123 4567", "\n--\nAnn", "\n\nBest regards,\nAnn Lee",
        "\n\nKind regards\n\nDr. Ann de Vries\nHead of Baking", "\n\nCheers, Ann", "\nCheers,\n\n- Ann\n", "\n\nThanks!\nBob O'Neil.",
        "\n\nThank you in advance,\nÉmile", "\n\nWith best wishes,\n~ Ann", "\n\nYours sincerely,\nA. B. Lee", "\n\nHope this helps,\nAnn",
        "\n\nBest,\nAnn", "\n\nSent from my iPhone", "\n\nBest regards.", "\n\nCheers!", "\n\nHTH\nBob\n\n-- \nBob",
    ],
)  # fmt: skip
def test_a_signature_goes(signature):
    assert edited(strip_signature(), BODY + signature) == BODY


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{BODY}\n\nThanks in advance!", id="thanks alone"),
        pytest.param(f"{BODY}\n\nThanks, it works now with less salt.", id="thanks and what for"),
        pytest.param("Which is best?\n\nBest of all is rye.", id="best as a word"),
        pytest.param(f"{BODY}\n\n---\n\nAnother part.", id="a rule of Markdown"),
        pytest.param("Dear Bob,\n\nCome at six.\n\nBest regards,\nAnn", id="a letter"),
        pytest.param("Subject: rye\n\nCome at six.\n\nCheers,\nAnn", id="a mail with its subject"),
        pytest.param("Like so:\n\n```\nCome.\n\nBest regards,\nAnn\n```", id="code"),
        pytest.param("Like so:\n\n```\nCome.\n-- \nAnn", id="code left open"),
        pytest.param("```\nSELECT 1\n-- \nFROM t\n```", id="a comment of SQL"),
        pytest.param("Cheers, Ann", id="nothing else"),
        pytest.param("They said cheers, and Bob left.", id="within a sentence"),
        pytest.param("Say one of these:\n\n- Cheers\n- Salut", id="an item of a list"),
    ],
)
def test_what_is_no_signature_stays(text):
    assert edited(strip_signature(), text) == text


@pytest.mark.parametrize(("text", "kind"), [p.values for p in PERSONAL])
def test_redact_puts_a_placeholder(text, kind):
    after = edited(redact(), text)
    assert after != text
    assert edited(personal_data("response"), after) is False
    others = [k for k in ("email", "phone", "iban", "card", "ssn", "ip") if k != kind]
    assert edited(redact(kinds=others), text) == text


@pytest.mark.parametrize("text", [p.values[0] for p in NOT_PERSONAL])
def test_redact_leaves_the_rest(text):
    assert edited(redact(), text) == text


def test_redact_says_what_was_there():
    before = "Ann (ann.lee@posteo.net, +44 20 7123 4567) paid with 4539 1488 0343 6467 from 93.184.216.34."
    after = "Ann ([e-mail address], [phone number]) paid with [card number] from [IP address]."
    assert edited(redact(), before) == after
    with pytest.raises(ValueError, match="kinds is empty"):
        redact(kinds=[])


PIECES = [
    *("a", "Ann", " ", "  ", "\n", "\n\n\n", "\t", "\r\n", "\xa0", "`", "```\n", "~~~", "    x = 3", "- ", "&amp;", "&", "lt;", "#38;"),
    *("&#96;", "Ã©", "â€™", "\x00", "\x9d", "\ufffd", "Cheers,", "Thanks", "-- ", "Best regards", "Dear ", "<pre>", "</pre>"),
    *("ann.lee@posteo.net", "+44 20 7123 4567", "4539148803436467", "536-22-8714", "93.184.216.34", "DE89370400440532013000", ".", "-", ":"),
]  # fmt: skip
texts = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=12).map("".join))


@pytest.mark.slow
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
@settings(max_examples=100, deadline=None)
@given(text=texts)
def test_an_edit_made_twice_is_made_once(edit, text):
    once = edited(edit(), text)
    assert edited(edit(), once) == once


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(text=texts)
def test_code_keeps_its_bytes(text):
    for edit in (collapse_whitespace, unescape):
        after, at = edited(edit(), text), 0
        for code in re.finditer(CODE, text, re.MULTILINE):
            at = after.find(code[0], at)
            assert at >= 0, (edit, code[0], after)
            at += len(code[0])


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(text=texts)
def test_nothing_personal_is_left(text):
    assert edited(personal_data("response"), edited(redact(), text)) is False


@pytest.mark.parametrize(
    "unit",
    ["`", "```\n", "<pre>", "&amp;", "&#38;", "&#3&#56;;", "Cheers,\nAnn\n", "-- \n", "+4420712345678", "a@b.cc,", "  ", "\n ", " \n", "\r", "    ", "Ã©", "> "],
)  # fmt: skip
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_hostile_texts_take_no_time(edit, unit):
    frame = pl.DataFrame({"response": [unit * (50_000 // len(unit))]})
    assert seconds(lambda: frame.select(edit())) < 5
