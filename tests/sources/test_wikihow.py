"""The published wikiHow dump."""

import csv
from pathlib import Path

import polars as pl
import pytest

from curate.rows import Bad, SourceError
from curate.sources.wikihow import answer, question, wikihow
from tests.sources.own import read_all

COLUMNS = ["headline", "title", "text"]
BREAD = ["\nMix flour and water.,\nBake it.", "How to Bake Bread2", "Use a bowl.\n\n, Wait an hour.\n\n"]


@pytest.fixture
def write(tmp_path):
    def write(*rows, columns=COLUMNS):
        file = tmp_path / "wikihowAll.csv"
        with file.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([columns, *rows])
        return file

    return write


def read(path: Path, batch_rows: int = 100) -> tuple[pl.DataFrame, list[Bad]]:
    return read_all(wikihow(path), batch_rows)


def test_an_article_is_a_row(write):
    found, bad = read(write(BREAD))
    assert not bad
    assert found.row(0, named=True) == {
        "domain": "wikihow",
        "prompt": "How to Bake Bread?",
        "response": "1. **Mix flour and water.** Use a bowl.\n2. **Bake it.** Wait an hour.",
        "title": "How to Bake Bread2",
        "part": 2,
    }


def test_a_category_is_the_domain(write):
    file = write([*BREAD, "Food"], [*BREAD, ""], columns=[*COLUMNS, "category"])
    assert read(file)[0]["domain"].to_list() == ["Food", "wikihow"]


@pytest.mark.parametrize(
    ("title", "asked"),
    [
        pytest.param("How to Be Happy", ("How to Be Happy?", None), id="no number"),
        pytest.param("How to Be Happy12", ("How to Be Happy?", 12), id="two digits"),
        pytest.param("How to Calm Down (Teens)3", ("How to Calm Down (Teens)?", 3), id="behind a bracket"),
        pytest.param("How to Say Hi!4", ("How to Say Hi!", 4), id="a mark ends it already"),
        pytest.param("Be Happy", ("Be Happy", None), id="no question"),
    ],
)
def test_question(title, asked):
    assert question(title) == asked


@pytest.mark.parametrize(
    "title",
    [
        pytest.param("How to Install Windows 10", id="a number by itself"),
        pytest.param("How to Convert a File to Mp3", id="a name that ends in a digit"),
        pytest.param("How to Live in 2024", id="a year"),
    ],
)
def test_numbers_of_the_title_stay(title):
    assert question(title) == (f"{title}?", None)


@pytest.mark.parametrize(
    ("headline", "text", "written"),
    [
        pytest.param("A.,\nB.", "One.", "1. A.\n2. B.\n\nOne.", id="fewer paragraphs than steps"),
        pytest.param("A.", "One.\n\nTwo.", "1. A.\n\nOne.\n\nTwo.", id="more paragraphs than steps"),
        pytest.param("", "One\nline.\r\n \r\n;\n\nTwo.", "One line.\n\nTwo.", id="no steps"),
    ],
)
def test_answer(headline, text, written):
    assert answer(headline, text) == written


@pytest.mark.parametrize(
    ("row", "error"),
    [
        pytest.param(["Mix.", "", "Text."], "title is empty", id="no title"),
        pytest.param(["Mix.", "How to Bake", " "], "text is empty", id="no text"),
        pytest.param(["Mix."], "expected 3 cells", id="too few cells"),
    ],
)
def test_a_bad_article_costs_itself_only(write, row, error):
    found, [bad] = read(write(BREAD, row, BREAD))
    assert len(found) == 2
    assert bad.where == "line 9"
    assert bad.error.startswith(error)


def test_broken_utf8_costs_its_article_only(write):
    file = write(BREAD, ["A.", "How to Bake Bröt", "Text."], BREAD)
    file.write_bytes(file.read_bytes().replace("ö".encode(), b"\xf6"))
    found, [bad] = read(file)
    assert len(found) == 2
    assert "not UTF-8" in bad.error


@pytest.mark.parametrize(
    ("columns", "error"),
    [
        pytest.param(["a", "b", "c"], r"has no column headline, title, text; it has: a, b, c$", id="others"),
        pytest.param(["overview", "headline", "text", "sectionLabel", "title"], None, id="enough of them"),
        pytest.param(["overview", "headline", "sectionLabel"], "give wikihowAll", id="the other file"),
    ],
)
def test_other_columns_are_said_in_words(write, columns, error):
    file = write(["x"] * len(columns), columns=columns)
    if error is None:
        assert len(read(file)[0]) == 1
        return
    with pytest.raises(SourceError, match=error):
        wikihow(file)


def test_a_file_without_articles_gives_no_rows(write):
    assert [batch for part in wikihow(write()) for batch in part.read(10)] == []
