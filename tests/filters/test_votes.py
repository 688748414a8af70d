"""Votes on one scale."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.filters import votes


@pytest.mark.parametrize(
    ("domains", "numbers", "scores"),
    [
        pytest.param("aab", [1, 9, 200], [0.25, 0.75, 0.5], id="each within its domain, a row alone in the middle"),
        pytest.param("aaa", [5, 5, 9], [1 / 3, 1 / 3, 5 / 6], id="ties share the mean of their places"),
        pytest.param("aaa", [None, float("nan"), 3], [None, None, 0.5], id="no number, no score"),
        pytest.param([None, None, "a"], [1, 2, 3], [0.25, 0.75, 0.5], id="rows without a domain are one"),
    ],
)
def test_votes_stand_where_they_stand_in_their_domain(domains, numbers, scores):
    result = votes(
        pl.DataFrame({"domain": list(domains), "score": numbers}, schema={"domain": pl.String, "score": pl.Float64})
    )
    assert result.value.to_list() == pytest.approx(scores)
    assert result.why.is_null().to_list() == [score is not None for score in scores]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-5, 300)), min_size=1, max_size=40))
def test_domains_have_one_mean_and_keep_their_order_whatever_their_size(rows):
    pool = pl.DataFrame(rows, schema=["domain", "score"], orient="row")
    scored = pool.with_columns(value=votes(pool).value, larger=votes(pool.with_columns(pl.col("score") * 20 + 7)).value)
    assert scored["value"].equals(scored["larger"], check_names=False)
    means = scored.group_by("domain").agg(pl.col("value").mean())["value"]
    assert means.to_list() == pytest.approx([0.5] * len(means))
    assert votes(pool.reverse()).value.reverse().equals(scored["value"], check_names=False)


def test_what_is_no_number_is_refused():
    with pytest.raises(ValueError, match="votes: 'score' holds text, where numbers are needed"):
        votes(pl.DataFrame({"domain": ["a"], "score": ["many"]}))
