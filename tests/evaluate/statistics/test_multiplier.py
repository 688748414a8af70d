"""Rows of the curve for the same grade: read off, labelled, never carried beyond what was measured."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.evaluate.statistics import EvaluateError, multiplier
from curate.evaluate.statistics.multiplier import read_off
from tests.evaluate.statistics.made import drawn, frame

SIZES = {"r1": 500, "r2": 1000, "r3": 2000, "r4": 4000}


def measured(arm: float, *curve: float, prompts: int = 20, noise: float = 0.0, seeds: int = 1, seed: int = 0):
    """Make an arm and a curve with these means, the noise of which has a mean of zero over the prompts."""
    rng = np.random.default_rng(seed)

    def one(mean: float):
        drawn = rng.normal(0, 1, (prompts, seeds))
        return mean + noise * (drawn - drawn.mean(0))

    return one(arm), [one(mean) for mean in curve]


@pytest.mark.parametrize(
    ("arm", "curve", "label", "rows"),
    [
        pytest.param(3.0, [2, 3, 4, 5], "about", 1000, id="a size that was measured"),
        pytest.param(3.5, [2, 3, 4, 5], "about", 1000 * 2**0.5, id="half way is the geometric mean"),
        pytest.param(3.25, [2, 3, 3.5, 5], "about", 1000 * 2**0.5, id="half way up a flatter part"),
        pytest.param(1.5, [2, 3, 4, 5], "at most", 500, id="worse than the smallest"),
        pytest.param(2.0, [2, 3, 4, 5], "at most", 500, id="as good as the smallest"),
        pytest.param(5.5, [2, 3, 4, 5], "at least", 4000, id="better than the largest"),
        pytest.param(5.0, [2, 3, 4, 5], "about", 4000, id="as good as the largest"),
        pytest.param(3.5, [2, 4, 3, 5], "about", 500 * 2**1.0, id="a dip is noise: both are 3.5, reached at the first"),
        pytest.param(3.0, [3, 3, 3, 3], "at most", 500, id="more rows give nothing"),
        pytest.param(3.1, [3, 3, 3, 3], "at least", 4000, id="nothing reaches it"),
        pytest.param(3.1, [4, 3, 2, 1], "at least", 4000, id="falling is taken for level"),
    ],
)
def test_the_rows_are_where_the_curve_first_reaches_the_grade(arm, curve, label, rows):
    cell, cells = measured(arm, *curve)
    result = read_off(cell, cells, list(SIZES.values()))
    assert result.label == label
    assert result.rows == pytest.approx(rows)


@pytest.mark.parametrize(
    ("arm", "noise", "low", "high"),
    [
        pytest.param(3.5, 0.1, True, True, id="clear of both ends"),
        pytest.param(2.1, 0.5, False, True, id="the smallest may do as well"),
        pytest.param(4.9, 0.5, True, False, id="the largest may not do"),
        pytest.param(3.5, 9.0, False, False, id="all sizes are possible"),
        pytest.param(6.0, 0.1, True, False, id="more than the largest"),
        pytest.param(1.0, 0.1, False, True, id="less than the smallest"),
    ],
)
def test_an_end_beyond_the_measured_sizes_is_open(arm, noise, low, high):
    cell, cells = measured(arm, 2, 3, 4, 5, noise=noise)
    result = read_off(cell, cells, list(SIZES.values()))
    assert (result.low is not None, result.high is not None) == (low, high)
    assert (result.low or 500) <= result.rows <= (result.high or 4000)


def test_the_interval_ends_where_a_difference_begins_to_show():
    """On a straight curve, without seeds, the ends are those of the paired difference with the curve at that place."""
    cell, cells = measured(3.5, 2, 3, 4, 5, noise=0.4, prompts=50)
    result = read_off(cell, cells, list(SIZES.values()))
    for rows in (result.low, result.high):
        at = np.log2(rows / 500)
        i = int(at)
        on_curve = cells[i] + (at - i) * (cells[i + 1] - cells[i])
        apart = (cell - on_curve)[:, 0]
        assert abs(apart.mean()) / (apart.std(ddof=1) / 50**0.5) == pytest.approx(2.01, abs=0.1)


@pytest.mark.slow
@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(1, 3))
def test_a_better_arm_is_worth_no_fewer_rows(seed, seeds):
    cells = list(drawn(seed, 5, seeds=seeds).values())
    result = [read_off(cells[0] + better, cells[1:], list(SIZES.values())) for better in (0.0, 0.2, 0.4)]
    for one, other in pairwise(result):
        assert one.rows <= other.rows
        assert (one.low or 0) <= (other.low or 0) or other.low is None
    assert all((one.low or 500) <= one.rows <= (one.high or 4000) for one in result)


def test_it_is_read_from_grades_and_counts_what_all_share():
    cell, cells = measured(3.5, 2, 3, 4, 5, noise=0.1, seeds=2)
    cell[0, 0] = np.nan
    grades = frame(arm=cell, other=cell, **dict(zip(SIZES, cells, strict=True)))
    result = multiplier(grades, "arm", SIZES)
    assert (result.label, result.prompts, result.seeds) == ("about", 19, 2)
    turned = dict(reversed(SIZES.items()))
    assert multiplier(grades.sample(fraction=1, shuffle=True, seed=1), "arm", turned) == result


@pytest.mark.parametrize(
    ("arm", "sizes", "message"),
    [
        pytest.param("arm", {"r1": 500}, "two or more sizes", id="a single size"),
        pytest.param("arm", {"r1": 500, "r2": 500}, "two or more sizes", id="the same size twice"),
        pytest.param("r1", {"r1": 500, "r2": 1000}, "of other arms", id="a point of the curve"),
        pytest.param("arm", {"r1": 500, "r9": 1000}, "no grade of arm 'r9'", id="an arm without grades"),
    ],
)
def test_what_gives_no_multiplier_is_told(arm, sizes, message):
    cell, cells = measured(3.5, 2, 3)
    with pytest.raises(EvaluateError, match=message):
        multiplier(frame(arm=cell, r1=cells[0], r2=cells[1]), arm, sizes)
    with pytest.raises(EvaluateError, match="two prompts"):
        multiplier(frame(arm=cell[:1], r1=cells[0][:1], r2=cells[1][:1]), "arm", {"r1": 500, "r2": 1000})
