"""The report, by properties of its page: it says what the manifest says, escapes all, loads nothing."""

import json
import re
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.report import report
from curate.report.page import FORBIDDEN, render
from curate.report.words import number
from curate.run.examples import examples
from curate.run.ledger import funnel
from curate.run.quarantine import reasons
from tests.conftest import seconds
from tests.pages import Page, check_alone
from tests.report.small_run import make, manifest_of, texts

EVIL = "\"><img src=x onerror=alert(1)></td><script>alert('p')</script>&amp;"


def test_the_page_loads_nothing_and_may_run_only_its_own_script(page):
    check_alone(page)


def test_the_page_can_be_read_without_eyes_and_mouse(page):
    headings = [int(tag[1]) for tag in page.tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1 and headings.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(headings)), "no level is left out"
    assert page.tags.count("caption") == page.tags.count("table")
    assert page.tags.count("th") == sum(1 for tag, name, _ in page.attributes if (tag, name) == ("th", "scope"))
    assert page.tags.count("svg") == sum(
        1 for tag, name, value in page.attributes if (tag, name) == ("svg", "aria-label") and value
    )
    assert len(page.ids) == len(set(page.ids))
    targets = {value[1:] for _, name, value in page.attributes if name == "href"}
    assert targets <= set(page.ids) and len(targets) == 10  # eight sections, the content, a funnel
    scrolls = sum(1 for _, name, value in page.attributes if (name, value) == ("class", "scroll"))
    assert scrolls == page.tags.count("table") <= sum(1 for _, name, _ in page.attributes if name == "tabindex")


def test_the_order_of_the_page(page):
    assert page.ids == [
        "content",
        "table",
        "funnel",
        "funnel-0",
        "domains",
        "lengths",
        "scores",
        "near",
        "examples",
        "again",
    ]
    assert "Table 1 Funnel Domains Lengths Scores Near misses Examples Make it again" in page.text


def test_table_one_and_funnel_say_what_the_manifest_says(run, page):
    rows, _, manifest = run
    share = manifest["table"][0]
    numbers = [number(share[k]) for k in ("asked", "available", "taken", "prompt_words", "response_words")]
    assert page.table(["source", "asked"])[0] == ["forum", *numbers]
    first, *steps, last = page.table(["step", "left"])
    left = manifest["counts"]["forum"]["read"]
    assert first[:2] == ["read", f"{left:,}"]
    by_step = {row["step"]: row for row in manifest["funnel"]}
    judged = [row for row in steps if "strip_links" not in row[0]]
    names = [next(step for step in by_step if step in row[0]) for row in judged]
    assert names == ["length", "at_least", "near_duplicates", "sample"]
    for row, (_, count) in zip(judged, by_step.items(), strict=True):
        left -= count["first"]
        assert row[1:] == [f"{n:,}" for n in (left, count["first"], count["fails"], count["alone"])]
    assert last[:2] == ["kept", f"{rows.height:,}"] and left == rows.height
    assert "min 200 · max 3,000" in page.text and "threshold 0.8" in page.text


def test_domains_show_fifteen_and_the_sum_of_the_rest(run, page):
    rows, ledger, manifest = run
    table = page.table(["domain"])
    assert len(table) == 16 and table[-1][0] == "30 more"
    asked = sum(quota["asked"] for quota in manifest["quotas"])
    for column, total in ((2, ledger.height), (3, manifest["table"][0]["available"]), (4, asked), (5, rows.height)):
        assert sum(int(row[column].replace(",", "")) for row in table) == total


def test_lengths_show_pool_and_set_with_their_thresholds(run, page):
    rows, _, _ = run
    labels = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "aria-label")]
    label = next(label for label in labels if label.startswith("Histogram of Length"))
    assert "The pool: 400 rows, 0 to 3,990" in label and f"The set: {rows.height} rows" in label
    assert "min 200" in page.texts and "max 3,000" in page.texts


def test_everything_that_data_brings_along_is_escaped():
    rows, ledger, manifest = make(name=EVIL, source=EVIL, domain=EVIL, odd=EVIL)
    manifest["absent"] = {EVIL: EVIL}
    manifest["recipe_file"] = EVIL
    manifest["recipe"]["note"] = EVIL
    manifest["curate"][EVIL] = EVIL
    manifest["steps"][EVIL][0]["params"][EVIL] = EVIL
    manifest["steps"]["all"][0]["params"]["words"] = [EVIL, {"a": EVIL}]
    manifest["inputs"][0] |= {"part": EVIL, "file": EVIL, "sha256": EVIL}
    manifest["counts"][EVIL]["quarantined"] = 3
    manifest["quarantine"] = [{"source": EVIL, "error": EVIL, "records": 3, "first": EVIL}]
    plain = make()
    clean = Page(report(*plain, examples=texts(plain[1])))
    page = Page(report(rows, ledger, manifest, texts(ledger, EVIL)))
    assert page.tags.count("script") == 1 and page.raw["script"] == clean.raw["script"]
    assert "img" not in page.tags and not [a for a in page.attributes if a[1] == "onerror"]
    assert page.text.count(EVIL) > 40, "and it is shown, not left out"
    assert {name for _, name, _ in page.attributes} <= {name for _, name, _ in clean.attributes}


@settings(deadline=None)  # the first use of a template takes its time
@given(st.text(alphabet=st.characters(codec=None, categories=None), max_size=40))
def test_any_text_comes_through_a_page_as_it_was(text):
    markup = render("section.html", name=text, error=text)
    page = Page(markup)
    clean = FORBIDDEN.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    assert "".join(page.texts) == f"{clean}\nThis section is missing, it could not be drawn: {clean}\n"
    assert markup.encode("utf-8")


def test_the_same_inputs_give_the_same_bytes_and_the_clock_gives_nothing(run):
    rows, ledger, manifest = run
    before = report(rows, ledger, manifest, texts(ledger))
    clock = {"seconds": {"forum": 99.0}, "stages": {"built": [], "reused": ["a"]}, "outputs": {"x": "y"}}
    again = {**manifest, **clock}
    shuffled = ledger.sample(fraction=1, shuffle=True, seed=3)
    assert report(rows, shuffled, json.loads(json.dumps(again)), texts(shuffled)) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            {"absent": {"wikihow": "no file at data"}}, "Not there: wikihow: no file at data", id="a source is absent"
        ),
        pytest.param({"limit": 20}, "at most 20 rows of each part", id="a trial run"),
        pytest.param({"size": 1000}, "where the recipe asks for 1,000", id="too few rows"),
        pytest.param({"taken": -5}, "forum gave 42 of 47", id="a source falls short"),
    ],
)
def test_what_is_not_as_asked_stands_on_top(run, change, message):
    rows, ledger, manifest = run
    manifest = json.loads(json.dumps(manifest))
    share = manifest["table"][0]
    share["asked"] -= change.get("taken", 0)
    manifest |= {k: v for k, v in change.items() if k in manifest}
    text = Page(report(rows, ledger, manifest)).text
    assert message in text.partition("What the set is made of")[0]
    assert "Every source gave" not in text


def test_nothing_is_alarming_when_all_is_as_asked(page):
    assert "Every source gave what it was asked for." in page.text and "Records: all 400 were read." in page.text
    assert "Not as asked" not in page.text


def test_a_run_that_read_nothing_still_has_a_page():
    rows, ledger = (frame.head(0) for frame in make()[:2])
    empty = manifest_of(rows, ledger, "empty", "forum")
    empty["table"][0] |= {"prompt_words": None, "response_words": None}
    text = Page(report(rows, ledger, empty)).text
    assert "The set is empty." in text and "Near misses" not in text


def test_pairs_count_as_answers(run):
    rows, ledger, manifest = run
    pairs = rows.with_columns(chosen="response", rejected=pl.lit("no"), response=pl.lit(None, dtype=pl.String))
    text = Page(report(pairs, ledger, manifest)).text
    assert f"{rows.height} pairs of answers: {rows.height} from forum." in text
    assert f"The set: {rows.height} rows" in text


@pytest.mark.slow
def test_a_million_rows_take_seconds_and_the_page_stays_small(run):
    _, small, manifest = run
    n = 1_000_000
    big = pl.concat([small] * (n // small.height), rechunk=True).with_columns(
        id=pl.int_range(n).hash(seed=1).cast(pl.String) + pl.int_range(n).hash(seed=2).cast(pl.String)
    )
    rows = pl.concat([make()[0]] * 20).head(1000)
    manifest = {**manifest, "funnel": funnel(big).to_dicts()}
    pages = []
    assert seconds(lambda: pages.append(report(rows, big, manifest, texts(small)))) < 4  # under 2 s on a quiet machine
    assert len(pages[0].encode()) < 1_000_000


def test_steps_without_texts_show_ids_and_evidence(run, page):
    _, ledger, _ = run
    every = examples(ledger, texts(ledger))
    lacking = every.filter(pl.col("prompt").is_null())
    assert set(lacking["step"]) == {"near_duplicates", "sample"} and lacking.height == 6
    assert all(row[:12] in page.text for row in lacking["id"]) and "sample: because" in page.text
    assert "Why?" in page.text


def test_reasons_of_the_quarantine_come_most_frequent_first(run):
    rows, ledger, manifest = run
    bad = [("a", "line 1", "no json"), ("a", "line 5", "too deep"), ("b", "line 2", "too deep")]
    lines = [json.dumps({"source": "forum", "file": f, "where": w, "error": e}) for f, w, e in bad]
    result = reasons(lines)
    assert [(r["error"], r["records"], r["first"]) for r in result] == [
        ("too deep", 2, "a, line 5"),
        ("no json", 1, "a, line 1"),
    ]
    counts = {"forum": {**manifest["counts"]["forum"], "quarantined": 3}}
    page = Page(report(rows, ledger, {**manifest, "counts": counts, "quarantine": result}))
    assert page.table(["source", "what was wrong"])[0] == ["forum", "too deep", "2", "a, line 5"]
    assert page.table(["source", "records"])[0] == ["forum", "403", "3", "0.74 %"]


def test_a_near_miss_is_shown_with_its_text(page):
    near = page.text.partition("Whether that bound is right")[2].partition("Chosen by hashes")[0]
    assert "190 where min is 200" in near and "9 where value is 10" in near
