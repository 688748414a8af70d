"""Pairs of answers by votes."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.filters import html_to_markdown, length, mentions, self_contained, strip_links
from curate.filters.pairs import length_ratio
from curate.pairs import votes
from curate.rows import standardise, with_ids
from curate.sources import jsonl
from curate.sources.stackexchange import stackexchange
from curate.sources.stackexchange.posts import OTHERS
from tests.conftest import seconds
from tests.pairs.own import by_id, conserved

SCHEMA = {"id": pl.String, "response": pl.String, "score": pl.Float64, "license": pl.String, "answers": OTHERS}


def questions(*threads):
    """Make a row of each list of (answer, votes), the first as its response."""
    made = []
    for i, (own, *others) in enumerate(threads):
        listed = [{"response": text, "score": score, "license": "CC BY-SA 3.0"} for text, score in others]
        made.append((f"q{i}", own[0], own[1], "CC BY-SA 4.0", listed))
    return pl.DataFrame(made, schema=SCHEMA, orient="row")


def pair(*thread, **bounds):
    made = votes(questions(thread), **bounds)
    return made.columns.select("chosen", "rejected").row(0) if made.why[0] is None else made.why[0]


@pytest.mark.parametrize(
    ("thread", "bounds", "expected"),
    [
        pytest.param([("yes", 5), ("no", 1)], {}, ("yes", "no"), id="the row's own answer and the other"),
        pytest.param([("aaa", 9), ("bbb", 2), ("ccc", -3)], {}, ("aaa", "ccc"), id="the largest gap"),
        pytest.param([("aaa", 2), ("bbb", 9)], {}, ("bbb", "aaa"), id="the own answer need not be the best"),
        pytest.param([("aaa", 9), ("aaaabbbb", 1), ("ccc", 5)], {}, ("aaa", "ccc"), id="the largest gap of even ones"),
        pytest.param([("aaa", 9), ("aaaabbbb", 1)], {"max_length_ratio": None}, ("aaa", "aaaabbbb"), id="no limit of length"),
        pytest.param([("<p><b>aaa</b></p>", 9), ("aab", 1)], {}, ("<p><b>aaa</b></p>", "aab"), id="tags have no length"),
        pytest.param([(None, 9), ("aaa", 4), ("bbb", 1)], {}, ("aaa", "bbb"), id="an own answer that is not there"),
        pytest.param([("aaa", None), ("bbb", 4), ("ccc", 1)], {}, ("bbb", "ccc"), id="an answer without votes"),
        pytest.param([("aaa", 9), ("aaa", 4), ("bbb", 6)], {}, ("aaa", "bbb"), id="the same text twice has its most votes"),
        pytest.param([("aaa", 9)], {}, "fewer than two answers with votes", id="one answer"),
        pytest.param([("aaa", 9), (" ", 1)], {}, "fewer than two answers with votes", id="a blank one"),
        pytest.param([("aaa", 9), ("aaa", 1)], {}, "fewer than two answers with votes", id="one text"),
        pytest.param([("aaa", 9), ("bbb", 9)], {}, "no two answers are 1 votes apart", id="a tie"),
        pytest.param([("aaa", 9), ("bbb", 7)], {"min_gap": 3}, "no two answers are 3 votes apart", id="too near"),
        pytest.param([("aaa", 2), ("bbb", -4)], {"min_score": 3}, "no answer that far ahead has 3 votes", id="a poor best"),
        pytest.param([("aaa", 9), ("aaaabbbb", 1)], {}, "of those far enough apart no two are within 2.0 times each other's length", id="uneven"),
    ],
)  # fmt: skip
def test_the_pair_of_a_question(thread, bounds, expected):
    assert pair(*thread, shorter=0, **bounds) == expected


def test_the_answers_of_ultrafeedback_are_pairs_of_the_rows_licence(tmp_path):
    scores = [3.0, "nan", 9.0, 10.0]
    completions = [{"model": f"m{i}", "response": f"a{i}", "overall_score": s} for i, s in enumerate(scores)]
    completions[3]["annotations"] = {"honesty": {"Rating": "1"}, "helpfulness": {"Rating": "1"}}
    (tmp_path / "a.jsonl").write_text(json.dumps({"instruction": "Why?", "completions": completions}))
    [batch] = jsonl(tmp_path / "a.jsonl", license="MIT")[0].read(10)
    pairs = votes(standardise(batch.rows, "s"), min_gap=1, shorter=0)
    assert pairs.columns.select("chosen", "rejected", "license").row(0) == ("a2", "a3", "MIT")


def test_other_answers_without_votes_are_refused_in_words():
    rows = pl.DataFrame({"id": ["1"], "response": ["a"], "score": [1.0], "answers": [[{"text": "b", "score": 2.0}]]})
    with pytest.raises(ValueError, match="the answers have no response, only score, text"):
        votes(rows)


def test_a_shorter_answer_is_preferred_where_asked():
    thread = [("the longest", 9), ("short", 8), ("longer", 1)]
    assert pair(*thread, shorter=0) == ("the longest", "longer")
    assert pair(*thread, shorter=1) == ("short", "longer")
    half = votes(questions(*[thread] * 200), shorter=0.5).columns["chosen"].value_counts()["count"]
    assert all(75 < count < 125 for count in half)
    assert pair(("longer", 9), ("short", 1), shorter=1) == ("longer", "short"), "there is no other"


def test_votes_and_licences_of_both_are_kept():
    made = votes(questions([("aaa", 9), ("bbb", 2)]))
    assert made.columns.row(0, named=True) == {
        "chosen": "aaa", "rejected": "bbb", "chosen_score": 9, "rejected_score": 2, "score": 9,
        "chosen_license": "CC BY-SA 4.0", "rejected_license": "CC BY-SA 3.0", "license": "CC BY-SA 3.0 and CC BY-SA 4.0",
    }  # fmt: skip
    assert made.ledger.row(0, named=True) == {"chosen_score": 9, "rejected_score": 2, "gap": 7, "length_ratio": 1}
    assert made.notes == {"pairs": 1, "chosen longer": 0, "length ratio": 1, "mean gap": 7}
    assert not made.again.any() | made.failed.any()


@pytest.mark.parametrize(
    ("licenses", "both"),
    [
        pytest.param(("CC0", "CC0"), "CC0", id="the same"),
        pytest.param(("CC0", None), None, id="one is unknown"),
        pytest.param((None, None), None, id="both are unknown"),
    ],
)
def test_the_licence_of_a_pair(licenses, both):
    other = [{"response": "bbb", "score": 1.0, "license": licenses[1]}]
    there = pl.DataFrame([("q", "aaa", 2.0, licenses[0], other)], schema=SCHEMA, orient="row")
    assert votes(there).columns["license"][0] == both


def test_rows_without_licences_or_answers():
    there = questions([("aaa", 9), ("bbb", 2)], [("aaa", 9)]).drop("license")
    made = votes(there)
    assert made.columns["license"].to_list() == [None, None]
    assert votes(there.clear()).columns.height == 0
    assert votes(there.with_columns(answers=pl.lit(None, OTHERS))).why.null_count() == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param({"min_gap": 0}, "equal votes prefer nothing", id="no gap"),
        pytest.param({"shorter": 1.5}, "shorter is a share, from 0 to 1, not 1.5", id="no share"),
        pytest.param({"max_length_ratio": 0}, "must be 1 or more", id="a ratio below 1"),
        pytest.param({"answers": "others"}, "no column 'others'", id="no such column"),
    ],
)
def test_votes_refuses(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        votes(questions([("aaa", 9)]), **change)


answers = st.tuples(st.sampled_from(["a", "bb", "cc", "ddd", "<p>ee</p>", " ", None]), st.none() | st.integers(-3, 9))


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(
    threads=st.lists(st.lists(answers, min_size=1, max_size=5), max_size=6),
    order=st.randoms(),
    gap=st.integers(1, 4),
    ratio=st.sampled_from([None, 1.5, 2]),
    shorter=st.sampled_from([0, 0.5, 1]),
)
def test_the_laws_of_votes(threads, order, gap, ratio, shorter):
    def make(frame):
        return votes(frame, min_gap=gap, max_length_ratio=ratio, shorter=shorter)

    there = questions(*threads)
    places = list(range(len(threads)))
    order.shuffle(places)
    made = make(there)
    assert conserved(there, made, "chosen", "rejected")
    assert by_id(there, made) == by_id(there[places], make(there[places]))
    pairs = made.columns.filter(made.why.is_null())
    assert (pairs["chosen_score"] >= pairs["rejected_score"] + gap).all()
    assert (pairs["chosen"] != pairs["rejected"]).all()
    assert ratio is None or (made.ledger["length_ratio"].drop_nulls() <= ratio).all()


def test_the_order_of_the_answers_does_not_matter():
    thread = [("aaa", 9), ("bbb", 2), ("ccc", 2), ("ddd", 2)]
    there = questions(*[thread] * 30)
    turned = there.with_columns(pl.col("answers").list.reverse())
    assert votes(there).columns.equals(votes(turned).columns)
    assert votes(there).columns["rejected"].n_unique() == 1, "equals are settled by the text"


@pytest.fixture(scope="module")
def threads_there(data):
    parts = stackexchange(data / "stackexchange")
    return with_ids(pl.concat(batch.rows for part in parts for batch in part.read(10_000)))


@pytest.mark.slow
def test_real_threads_give_even_pairs_fast(threads_there):
    assert seconds(lambda: votes(threads_there, min_gap=2)) < 5
    made = votes(threads_there, min_gap=2)
    assert made.notes["pairs"] > 900
    assert 0.47 < made.notes["chosen longer"] < 0.53
    assert 0.95 < made.notes["length ratio"] < 1.05
    assert made.notes["mean gap"] > 5
    assert votes(threads_there, shorter=0, max_length_ratio=None).notes["chosen longer"] > 0.65, "what it is for"


def test_five_hundred_pairs_are_left_when_cleaned(threads_there):
    made = votes(threads_there, min_gap=2)
    there = threads_there.with_columns(made.columns).filter(made.why.is_null())
    for column in ("chosen", "rejected"):
        there = there.with_columns(html_to_markdown(column).alias(column))
        there = there.with_columns(strip_links(column).alias(column))
    keep = [self_contained("title"), length_ratio(max=2)]
    for column in ("chosen", "rejected"):
        keep += [~mentions(column), length(column, min=200, max=4096)]
    there = there.filter(*keep)
    assert there.height >= 500
    longer = (there["chosen"].str.len_chars() > there["rejected"].str.len_chars()).mean()
    assert 0.45 < longer < 0.55
