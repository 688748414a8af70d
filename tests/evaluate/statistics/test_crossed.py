"""Prompts and seeds crossed: the components against a published table and formulas written out, the limits, the laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from curate.evaluate.statistics.crossed import Seeds, contrast, seeds_of
from tests.evaluate.statistics.made import drawn

# P. E. Shrout and J. L. Fleiss (1979), Intraclass correlations, Psychological Bulletin 86, table 2: six targets in rows,
# four judges in columns. Table 3 gives the mean squares: targets 11.24, judges 32.49, residual 1.02.
RATED = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)
TARGETS, JUDGES, REST = 11.24, 32.49, 1.02


def test_the_components_are_those_of_a_published_table():
    result = contrast([RATED], [1])
    assert result.of_prompts == pytest.approx(TARGETS / 4 / 6, rel=1e-3)
    assert seeds_of([RATED]).variance == pytest.approx((JUDGES - REST) / 6, rel=1e-3)
    assert result.of_seeds == pytest.approx((JUDGES - REST) / 6 / 4, rel=1e-3)
    assert (result.df_prompts, result.df_seeds) == (5, 3)
    t = stats.t.ppf(0.975, [5, 3])
    half = np.sqrt(t[0] ** 2 * TARGETS / 24 + t[1] ** 2 * (JUDGES - REST) / 24)
    assert result.half(0.95) == pytest.approx(half, rel=1e-3)


def written_out(a, b):
    """Give the two parts of the variance of a difference, sum by sum."""
    prompts = len(a)
    apart = [np.mean(a[p]) - np.mean(b[p]) for p in range(prompts)]
    of_seeds = 0.0
    for cell in (a, b):
        seeds = len(cell[0])
        by_seed = [np.mean([cell[p][s] for p in range(prompts)]) for s in range(seeds)]
        rest = sum(
            (cell[p][s] - by_seed[s] - np.mean(cell[p]) + np.mean(cell)) ** 2
            for p in range(prompts)
            for s in range(seeds)
        )
        of_seeds += (np.var(by_seed, ddof=1) - rest / (prompts - 1) / (seeds - 1) / prompts) / seeds
    return np.var(apart, ddof=1) / prompts, max(of_seeds, 0.0)


@pytest.mark.slow
@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5))
def test_a_difference_has_the_parts_of_both_arms(seed, seeds):
    a, b = drawn(seed, 2, seeds=seeds).values()
    result = contrast([a, b], [1, -1])
    assert (result.of_prompts, result.of_seeds) == pytest.approx(written_out(a, b))
    assert seeds - 1 <= result.df_seeds <= 2 * (seeds - 1)  # Satterthwaite's lie between the least and the sum


def test_one_seed_is_the_paired_t_test():
    a, b = drawn(1, 2, seeds=1).values()
    result, expected = contrast([a, b], [1, -1]), stats.ttest_rel(a[:, 0], b[:, 0])
    ends = expected.confidence_interval(0.95)
    assert (result.mean - result.half(0.95), result.mean + result.half(0.95)) == pytest.approx((ends.low, ends.high))
    assert result.p() == pytest.approx(expected.pvalue)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
def test_the_p_value_is_where_the_interval_ends_at_zero(level):
    a, b = drawn(2, 2).values()
    result = contrast([a, b], [1, -1])
    at_the_end = result._replace(mean=result.half(level))
    assert at_the_end.p() == pytest.approx(1 - level, rel=1e-9)


@pytest.mark.parametrize(
    ("mean", "variance", "p"),
    [
        pytest.param(0.0, 0.0, 1.0, id="no difference anywhere"),
        pytest.param(1.0, 0.0, 1 / 32, id="the same difference for all six prompts: heads six times, or tails"),
        pytest.param(0.0, 1.0, 1.0, id="a mean of zero"),
    ],
)
def test_where_nothing_varies_the_sign_test_stands_in(mean, variance, p):
    result = contrast([RATED], [1])._replace(mean=mean, of_prompts=variance, of_seeds=0.0)
    assert result.p() == pytest.approx(p)


def test_a_small_p_value_keeps_its_digits():
    result = contrast([np.arange(40.0)[:, None]], [1])._replace(mean=30.0)
    t = 30.0 / np.sqrt(np.var(np.arange(40.0), ddof=1) / 40)
    assert result.p() == pytest.approx(2 * stats.t.sf(t, 39), rel=1e-9)


def test_seeds_that_vary_less_than_noise_add_nothing():
    """A component that comes out below zero is zero: the interval is never narrower than over prompts alone."""
    even = np.array([[1.0, 3.0], [3.0, 1.0], [2.0, 4.0], [4.0, 2.0]])
    assert seeds_of([even]).variance < 0
    assert contrast([even], [1]).of_seeds == 0
    assert contrast([even], [1]).half(0.95) == contrast([even.mean(-1, keepdims=True)], [1]).half(0.95)


def test_all_arms_tell_but_never_less_than_the_two_themselves():
    a, b = drawn(3, 2).values()
    own = contrast([a, b], [1, -1]).of_seeds
    assert contrast([a, b], [1, -1], Seeds(5.0, 9.0)).of_seeds == pytest.approx(5.0 * 2 / 3)
    calm = contrast([a, b], [1, -1], Seeds(-1.0, 9.0))
    assert (calm.of_seeds, calm.df_seeds) == (pytest.approx(own), 9.0)


def test_an_arm_with_one_seed_is_taken_to_vary_as_the_others():
    a, b = drawn(4, 2).values()
    result = contrast([a, b[:, :1]], [1, -1])
    assert result.of_seeds == pytest.approx(max(seeds_of([a]).variance, 0) * (1 / 3 + 1))
    assert seeds_of([a[:, :1], b[:, :1]]) is None


def test_one_prompt_tells_nothing_of_the_spread():
    result = contrast([np.array([[3.0, 5.0]])], [1])
    assert (result.mean, np.isnan(result.half(0.95))) == (4.0, True)
    assert result.interval(1, 0.95) == (4.0, None, None, 1)


def test_many_contrasts_at_once_are_each_by_itself():
    several = [np.stack([drawn(i, 2)[name] for i in range(5)]) for name in "ab"]
    result = contrast(several, [1, -1])
    for i in range(5):
        one = contrast([cells[i] for cells in several], [1, -1])
        assert (result.half(0.95)[i], result.p()[i]) == pytest.approx((one.half(0.95), one.p()))
    a, b = several[0][0], several[1][0]
    weights = np.array([[0.0], [0.5], [1.0]])
    assert contrast([a, b], [1, -weights]).half(0.9)[1] == pytest.approx(contrast([a, b], [1, -0.5]).half(0.9))
