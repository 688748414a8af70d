"""The sections about pairs: they say what was found, escape all, and are not there where there are no pairs."""

from __future__ import annotations

import json
from itertools import pairwise

import polars as pl
import pytest

pytest.importorskip("sklearn", reason="the linear model needs the extra `shortcuts`")

from curate.pairs import shortcuts as library
from curate.report.html import el
from curate.report.pairs import pairs as pairs_section
from curate.report.shortcuts import shortcuts as section
from tests.pairs.shortcuts import sets
from tests.report.test_report import EVIL, Page


def page(part):
    return Page(el("main", part))


@pytest.fixture(scope="module")
def rows():
    return sets.pairs(120, chosen=lambda said: f"Well, {said} 😊", rejected=lambda said: f"Thus {said}")


@pytest.fixture(scope="module")
def found(rows):
    return json.loads(json.dumps(library.shortcuts(rows)))


def test_sets_without_pairs_have_no_such_sections(rows):
    assert section({}) is None and section({"shortcuts": None}) is None
    assert pairs_section(rows.drop("rejected"), {}) is None
    assert pairs_section(rows.with_columns(chosen=pl.lit(None, dtype=pl.String)), {}) is None
    assert pairs_section(rows.head(0), {}) is None


def test_the_section_says_what_was_found(found):
    shown = page(section({"shortcuts": found}))
    assert all(sentence in shown.text for sentence in found["verdict"])
    labels = [value for tag, name, value in shown.attributes if (tag, name) == ("svg", "aria-label")]
    assert "100 % right, 95 % interval 96–100 %" in labels
    tables = shown.tables
    assert sum(len(table) - 1 for table in tables[:2]) == len(found["rules"]) + 1, (
        "every rule has its row, and the words"
    )
    better = [rule for rule in found["rules"] if rule["low"] > 0.5]
    assert tables[0][1][0].startswith("more emoji") and len(tables[0]) - 1 == len(better) + 1
    assert tables[0][1][2:] == ["100 %", "0 %", "0 %"]
    assert [row[0] for row in shown.table(["word", "weight"])] == [word for word, _ in found["words"]["chosen"]]
    assert shown.table(["first word"])[0] == ["thus", "0", "120"]


def test_only_what_is_too_good_is_marked(found):
    rules = [
        {**found["rules"][0], "rule": name, "direction": name, "accuracy": accuracy, "low": low}
        for name, accuracy, low in (("strong", 0.9, 0.8), ("weak", 0.6, 0.55), ("none", 0.5, 0.4))
    ]
    plain = {**found, "rules": rules, "words": None, "openings": [], "warned": ["strong"]}
    classes = [
        value for tag, name, value in page(section({"shortcuts": plain})).attributes if (tag, name) == ("rect", "class")
    ]
    assert [c for c in classes if c != "track"] == ["gone", "pool", "pool"]
    calm = page(section({"shortcuts": {**plain, "warned": []}}))
    assert "notices" not in [value for _, name, value in calm.attributes if name == "class"]
    assert "1 rule no better than a coin, as far as 120 pairs can tell" in calm.text


def test_bars_begin_at_one_half_and_stay_on_their_axis(found):
    below = {**found["rules"][0], "rule": "opening_word", "accuracy": 0.3, "low": 0.1, "high": 0.55}
    shown = page(section({"shortcuts": {**found, "rules": [found["rules"][0], below]}}))
    for tag, name, value in shown.attributes:
        if tag in {"rect", "line"} and name in {"x", "x1", "x2", "width"}:
            assert 0 <= float(value.rstrip("%")) <= 100
    halves = {v for t, n, v in shown.attributes if (t, n) == ("line", "x1") and v == "44.44%"}
    assert halves, "the axis goes from 10 % here, and one half is at 4/9 of it"


def test_pairs_are_shown_side_by_side_ten_at_most(rows):
    shown = page(pairs_section(rows, {"seed": 3}))
    assert shown.tags.count("details") == 10
    assert shown.text.count("chosen Well, ") == 10 and shown.text.count("rejected Thus ") == 10
    assert page(pairs_section(rows.reverse(), {"seed": 3})).text == shown.text, "whatever the rows' order"
    assert page(pairs_section(rows, {"seed": 4})).text != shown.text


def test_the_difference_of_lengths_is_said():
    rows = pl.DataFrame(
        {"id": ["1", "2", "3", "4"], "chosen": ["aaaa", "aaa", "a", "a"], "rejected": ["a", "a", "aa", "a"]}
    )
    shown = page(pairs_section(rows, {}))
    assert "The chosen answer is longer in 50 % of 4 pairs, shorter in 25 %." in shown.text
    assert "Chosen minus rejected: -1 to 3 characters" in shown.text


def test_long_texts_are_cut():
    rows = pl.DataFrame({"id": ["1"], "prompt": ["p " * 900], "chosen": ["c" * 5000], "rejected": ["r" * 1200]})
    shown = page(pairs_section(rows, {}))
    assert f"{'c' * 1200}…" in shown.text and "c" * 1201 not in shown.text
    assert "r" * 1200 in shown.text and f"{'r' * 1200}…" not in shown.text


def test_everything_that_data_brings_along_is_escaped(found):
    rows = pl.DataFrame({"id": [EVIL], "prompt": [EVIL], "chosen": [EVIL * 2], "rejected": [EVIL]})
    words = {**found["words"], "chosen": [[EVIL, 1.0]], "rejected": [[EVIL, -1.0]]}
    openings = [{"word": EVIL, "chosen": 1, "rejected": 3}]
    rule = {**found["rules"][0], "rule": EVIL, "counts": EVIL, "direction": EVIL}
    evil = {**found, "rules": [rule], "words": words, "openings": openings, "verdict": [EVIL], "warned": [EVIL]}
    for part in (pairs_section(rows, {}), section({"shortcuts": evil})):
        shown = page(part)
        assert not {"img", "script"} & set(shown.tags)
        assert not [name for _, name, _ in shown.attributes if name.startswith("on")]
        assert shown.text.count(EVIL) >= 3, "and it is shown, not left out"


def test_headings_leave_out_no_level_and_tables_have_captions(rows, found):
    shown = page(el("div", section({"shortcuts": found}), pairs_section(rows, {})))
    levels = [int(tag[1]) for tag in shown.tags if tag in {"h2", "h3", "h4"}]
    assert levels[0] == 2 and all(after <= before + 1 for before, after in pairwise(levels))
    assert shown.tags.count("caption") == shown.tags.count("table")
