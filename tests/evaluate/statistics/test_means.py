"""Means of independent values, by t and by bootstrap."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from curate.evaluate.statistics import Mean, bootstrap, mean

# "Student" (1908), The probable error of a mean, Biometrika 6, section IX: hours of sleep gained with one drug less those
# with the other, ten patients.
SLEEP = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]


def test_student_s_own_example():
    result = mean(SLEEP)
    assert result == pytest.approx((1.58, 0.7001, 2.4599, 10), abs=5e-5)


@settings(deadline=None)
@given(st.lists(st.integers(-60, 60), min_size=3, max_size=30), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_the_interval_is_that_of_scipy(values, level):
    result = mean(values, level)
    if len(set(values)) > 1:
        expected = stats.t.interval(level, len(values) - 1, result.mean, stats.sem(values))
        assert (result.low, result.high) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("way", [mean, bootstrap])
def test_of_one_value_nothing_is_known_and_of_equal_ones_all(way):
    assert way([4.0]) == Mean(4.0, None, None, 1)
    assert way([4.0, 4.0, 4.0]) == Mean(4.0, 4.0, 4.0, 3)
    with pytest.raises(ValueError, match="the mean of no values"):
        way([])


def test_the_bootstrap_leans_to_where_the_values_reach():
    result = bootstrap(SLEEP)
    assert result.mean == pytest.approx(1.58)
    assert result.high - result.mean > result.mean - result.low > 0
    assert result == bootstrap(SLEEP)
    assert result != bootstrap(SLEEP, seed=1)
    narrow = bootstrap(SLEEP, level=0.5)
    assert result.low < narrow.low < narrow.high < result.high
