"""Agreement, flips and selection rates, against published examples and scikit-learn."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score

from curate.evaluate.statistics import agreement, flip_rate, kappa, selection

VERDICTS = st.lists(st.tuples(*[st.sampled_from(["a", "b", "tie"])] * 2), min_size=1, max_size=40)


# R. G. Newcombe (1998), Two-sided confidence intervals for the single proportion, Statistics in Medicine 17, table I.
@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_of_a_share_is_wilson_s(k, n, low, high):
    result = selection(k, n)
    assert (result.mean, result.n) == (k / n, n)
    assert (result.low, result.high) == pytest.approx((low, high), abs=5e-5)


@settings(deadline=None)
@given(st.integers(0, 50), st.integers(1, 50), st.sampled_from([0.8, 0.95, 0.99]))
def test_it_is_the_one_of_scipy_at_any_level(k, more, level):
    n = k + more
    expected = binomtest(k, n).proportion_ci(level, method="wilson")
    assert selection(k, n, level)[1:3] == pytest.approx((expected.low, expected.high), abs=1e-12)
    turned = selection(n - k, n, level)
    assert (1 - turned.high, 1 - turned.low) == pytest.approx(selection(k, n, level)[1:3], abs=1e-12)


@pytest.mark.parametrize(("k", "n"), [(1, 0), (-1, 5), (6, 5)])
def test_an_impossible_share_is_refused(k, n):
    with pytest.raises(ValueError, match="a share needs"):
        selection(k, n)


@pytest.mark.parametrize(
    ("one", "other", "worth"),
    [
        pytest.param("a", "a", 1, id="the same answer"),
        pytest.param("tie", "tie", 1, id="both say tie"),
        pytest.param("a", "tie", 0.5, id="one says tie"),
        pytest.param("a", "b", 0, id="opposite answers"),
    ],
)
def test_agreement_discounts_ties(one, other, worth):
    """LIMA, section 4.1."""
    assert agreement([one], [other]).mean == agreement([other], [one]).mean == worth


def test_what_has_no_verdict_does_not_count():
    assert agreement(["a", None, "b"], ["a", "a", None]).n == 1
    assert kappa(["a", None, "b", "b"], ["a", "a", "b", "a"]) == pytest.approx(0.4)
    for way in (agreement, kappa, flip_rate):
        with pytest.raises(ValueError, match="no pair of verdicts"):
            way([None], ["a"])
        with pytest.raises(ValueError, match="shorter"):
            way(["a", "b"], ["a"])


def test_kappa_is_not_defined_where_chance_alone_agrees_always():
    assert kappa(["a", "a"], ["a", "a"]) is None


@pytest.mark.slow
@settings(deadline=None)
@given(VERDICTS)
def test_kappa_is_that_of_scikit_learn(pairs):
    one, other = zip(*pairs, strict=True)
    result = kappa(one, other)
    if result is not None:
        assert result == pytest.approx(cohen_kappa_score(one, other), abs=1e-12)


@settings(deadline=None)
@given(VERDICTS)
def test_who_is_first_does_not_matter(pairs):
    one, other = zip(*pairs, strict=True)
    for way in (agreement, kappa, flip_rate):
        assert way(one, other) == way(other, one)
    equal = sum(x == y for x, y in pairs) / len(pairs)
    assert flip_rate(one, other).mean == pytest.approx(1 - equal)
    assert agreement(one, other).mean >= equal
