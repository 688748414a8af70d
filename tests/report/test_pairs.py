"""The sections about pairs: they say what was found, escape all, and are not there where there are no pairs."""

from __future__ import annotations

import json
from itertools import pairwise

import polars as pl
import pytest

pytest.importorskip("sklearn", reason="the linear model needs the extra `shortcuts`")

from curate.pairs import shortcuts as library
from curate.report import shortcuts_page
from curate.report.page import render
from curate.report.pairs import pairs, shortcuts
from tests.pairs.shortcuts import sets
from tests.report.test_report import EVIL, Page


def page_of_pairs(rows, manifest):
    return Page(render("set.html", part="pairs", **pairs(rows, manifest)))


def page_of_shortcuts(result):
    return Page(render("set.html", part="shortcuts", **shortcuts({"shortcuts": result})))


@pytest.fixture(scope="module")
def rows():
    return sets.pairs(120, chosen=lambda text: f"Well, {text} 😊", rejected=lambda text: f"Thus {text}")


@pytest.fixture(scope="module")
def result(rows):
    return json.loads(json.dumps(library.shortcuts(rows)))


def test_sets_without_pairs_have_no_such_sections(rows):
    assert shortcuts({}) is None and shortcuts({"shortcuts": None}) is None
    assert pairs(rows.drop("rejected"), {}) is None
    assert pairs(rows.with_columns(chosen=pl.lit(None, dtype=pl.String)), {}) is None
    assert pairs(rows.head(0), {}) is None


def test_the_section_says_what_was_found(result):
    page = page_of_shortcuts(result)
    assert all(sentence in page.text for sentence in result["verdict"])
    labels = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "aria-label")]
    assert "100 % right, 95 % interval 96–100 %" in labels
    tables = page.tables
    assert sum(len(table) - 1 for table in tables[:2]) == len(result["rules"]) + 1, (
        "every rule has its row, and the words"
    )
    better = [rule for rule in result["rules"] if rule["low"] > 0.5]
    assert tables[0][1][0].startswith("more emoji") and len(tables[0]) - 1 == len(better) + 1
    assert tables[0][1][2:] == ["100 %", "0 %", "0 %"]
    assert [row[0] for row in page.table(["word", "weight"])] == [word for word, _ in result["words"]["chosen"]]
    assert page.table(["first word"])[0] == ["thus", "0", "120"]


def test_only_what_is_too_good_is_marked(result):
    rules = [
        {**result["rules"][0], "rule": name, "direction": name, "accuracy": accuracy, "low": low}
        for name, accuracy, low in (("strong", 0.9, 0.8), ("weak", 0.6, 0.55), ("none", 0.5, 0.4))
    ]
    plain = {**result, "rules": rules, "words": None, "openings": [], "warned": ["strong"]}
    classes = [value for tag, name, value in page_of_shortcuts(plain).attributes if (tag, name) == ("rect", "class")]
    assert [c for c in classes if c != "track"] == ["gone", "pool", "pool"]
    calm = page_of_shortcuts({**plain, "warned": []})
    assert "notices" not in [value for _, name, value in calm.attributes if name == "class"]
    assert "1 rule no better than a coin, as far as 120 pairs can tell" in calm.text


def test_bars_begin_at_one_half_and_stay_on_their_axis(result):
    below = {**result["rules"][0], "rule": "opening_word", "accuracy": 0.3, "low": 0.1, "high": 0.55}
    page = page_of_shortcuts({**result, "rules": [result["rules"][0], below]})
    for tag, name, value in page.attributes:
        if tag in {"rect", "line"} and name in {"x", "x1", "x2", "width"}:
            assert 0 <= float(value.rstrip("%")) <= 100
    halves = {v for t, n, v in page.attributes if (t, n) == ("line", "x1") and v == "44.44%"}
    assert halves, "the axis goes from 10 % here, and one half is at 4/9 of it"


def test_pairs_are_shown_side_by_side_ten_at_most(rows):
    page = page_of_pairs(rows, {"seed": 3})
    assert page.tags.count("details") == 10
    assert page.text.count("chosen Well, ") == 10 and page.text.count("rejected Thus ") == 10
    assert page_of_pairs(rows.reverse(), {"seed": 3}).text == page.text, "whatever the rows' order"
    assert page_of_pairs(rows, {"seed": 4}).text != page.text


def test_the_difference_of_lengths_is_said():
    rows = pl.DataFrame(
        {"id": ["1", "2", "3", "4"], "chosen": ["aaaa", "aaa", "a", "a"], "rejected": ["a", "a", "aa", "a"]}
    )
    page = page_of_pairs(rows, {})
    assert "The chosen answer is longer in 50 % of 4 pairs, shorter in 25 %." in page.text
    assert "Chosen minus rejected: -1 to 3 characters" in page.text


def test_long_texts_are_cut():
    rows = pl.DataFrame({"id": ["1"], "prompt": ["p " * 900], "chosen": ["c" * 5000], "rejected": ["r" * 1200]})
    page = page_of_pairs(rows, {})
    assert f"{'c' * 1200}…" in page.text and "c" * 1201 not in page.text
    assert "r" * 1200 in page.text and f"{'r' * 1200}…" not in page.text


def test_everything_that_data_brings_along_is_escaped(result):
    rows = pl.DataFrame({"id": [EVIL], "prompt": [EVIL], "chosen": [EVIL * 2], "rejected": [EVIL]})
    words = {**result["words"], "chosen": [[EVIL, 1.0]], "rejected": [[EVIL, -1.0]]}
    openings = [{"word": EVIL, "chosen": 1, "rejected": 3}]
    rule = {**result["rules"][0], "rule": EVIL, "counts": EVIL, "direction": EVIL}
    evil = {**result, "rules": [rule], "words": words, "openings": openings, "verdict": [EVIL], "warned": [EVIL]}
    for page in (page_of_pairs(rows, {}), page_of_shortcuts(evil)):
        assert not {"img", "script"} & set(page.tags)
        assert not [name for _, name, _ in page.attributes if name.startswith("on")]
        assert page.text.count(EVIL) >= 3, "and it is shown, not left out"


def test_headings_leave_out_no_level_and_tables_have_captions(rows, result):
    page = Page(shortcuts_page("pool", rows, result))
    levels = [int(tag[1]) for tag in page.tags if tag in {"h1", "h2", "h3", "h4"}]
    assert levels[0] == 1 and all(after <= before + 1 for before, after in pairwise(levels))
    assert page.tags.count("caption") == page.tags.count("table")
