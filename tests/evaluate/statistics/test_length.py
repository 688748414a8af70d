"""The difference at equal length: the intercept of a line, and what it cannot say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from curate.evaluate.statistics import at_equal_length, compare
from curate.evaluate.statistics.crossed import contrast
from tests.evaluate.statistics.made import drawn, frame


def lengths(seed: int, prompts: int = 12, seeds: int = 1):
    rng = np.random.default_rng(seed)
    return [np.exp(rng.normal(middle, 0.5, (prompts, seeds))) for middle in (5.5, 5.0)]


@settings(deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.8, 0.95]))
def test_with_one_seed_it_is_the_intercept_of_a_regression(seed, level):
    a, b = drawn(seed, 2, seeds=1).values()
    long, short = lengths(seed)
    line = stats.linregress((np.log(long) - np.log(short))[:, 0], (a - b)[:, 0])
    half = stats.t.ppf((1 + level) / 2, 10) * line.intercept_stderr
    result = at_equal_length([a, b], [long, short], level)
    assert result == pytest.approx((line.intercept, line.intercept - half, line.intercept + half, 12))


def test_an_advantage_that_is_all_length_is_gone():
    grades = drawn(1, 1)["a"]
    long, short = lengths(1, seeds=3)
    noise = np.random.default_rng(7).normal(0, 0.1, grades.shape)
    cells = [grades + 2 * np.log(long), grades + 2 * np.log(short) + noise]
    assert contrast(cells, [1, -1]).mean > 0.5
    result = at_equal_length(cells, [long, short])
    assert -0.2 < result.low < result.high < 0.2


def test_an_advantage_that_has_nothing_to_do_with_length_stays():
    grades = drawn(2, 1, seeds=1)["a"]
    result = at_equal_length([grades + 1, grades], lengths(2))
    assert result[:3] == pytest.approx((1, 1, 1))


def test_training_seeds_are_in_it():
    a, b = drawn(3, 2).values()
    apart = np.array([-1.0, 0.0, 1.0])
    calm, wild = (at_equal_length([a + k * apart, b - k * apart], lengths(3, seeds=3)) for k in (0, 1))
    assert wild.high - wild.low > 2 * (calm.high - calm.low)


@pytest.mark.parametrize(
    ("prompts", "tokens"),
    [
        pytest.param(2, [[10.0], [20.0]], id="two prompts are always on a line"),
        pytest.param(4, [[10.0], [10.0], [10.0], [10.0]], id="all are equally long"),
        pytest.param(4, [[10.0], [float("nan")], [30.0], [20.0]], id="a length is not known"),
    ],
)
def test_where_it_cannot_be_known_it_is_none(prompts, tokens):
    cells = [drawn(4, 1, prompts, 1)["a"], drawn(5, 1, prompts, 1)["a"]]
    assert at_equal_length(cells, [np.array(tokens), np.full((prompts, 1), 10.0)]) is None


def test_it_stands_beside_every_comparison():
    a, b = drawn(6, 2, seeds=1).values()
    long, short = lengths(6)
    grades = frame(a=a, b=b).with_columns(tokens=np.concatenate([long, short]).ravel())
    [result] = compare(grades, "a")
    assert result.length_controlled == pytest.approx(at_equal_length([b, a], [short, long]))
    assert compare(frame(a=a, b=b), "a")[0].length_controlled is None
