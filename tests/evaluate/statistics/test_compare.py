"""Arms compared: an example by hand, what is left out, and the laws of a comparison."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from curate.evaluate.statistics import EvaluateError, Lost, compare, grade_of, holm, mean
from curate.evaluate.statistics.compare import ELSEWHERE
from tests.evaluate.statistics.made import drawn, frame

NAN = float("nan")


def test_six_prompts_that_all_say_the_same_are_no_proof_beyond_chance():
    thirds = np.array([[[1, 2, 2]], [[2, 2, 3]], [[1, 1, 2]]] * 2) / 3
    [result] = compare(frame(a=thirds, b=thirds + 0.7), "a")
    assert result.p == pytest.approx(1 / 32)
    assert (result.shown, result.smallest) == (True, 0.0)
    assert not compare(frame(a=thirds[:5], b=thirds[:5] + 0.7), "a")[0].shown


def test_an_arm_with_one_seed_is_compared_prompt_by_prompt():
    a, b = (drawn(5, 2, prompts=20, seeds=1)[name] for name in "ab")
    [result] = compare(frame(a=a, b=b), "a")
    expected = stats.ttest_rel(b[:, 0], a[:, 0])
    ends = expected.confidence_interval(0.95)
    assert (result.low, result.high, result.p) == pytest.approx((ends.low, ends.high, expected.pvalue))
    assert (result.arm, result.against, result.about, result.seeds, result.seed_sd) == ("b", "a", "models", 1, None)
    assert result.p_holm == result.p
    assert (result.win, result.tie, result.lose) == (int((b > a).sum()), 0, int((b < a).sum()))


def test_samples_are_averaged_first():
    a, b = drawn(6, 2, seeds=2).values()
    often = {name: np.repeat(cell[..., None], 5, axis=-1) for name, cell in (("a", a), ("b", b))}
    once, many = compare(frame(a=a, b=b), "a"), compare(frame(**often), "a")
    assert once[0][2:7] == pytest.approx(many[0][2:7])
    assert once[0].about == "data"


def test_with_seeds_that_differ_a_claim_about_the_data_is_no_longer_made():
    """Each model is far from each other on every prompt; but the seeds of an arm are as far apart as the arms."""
    of_prompt = np.random.default_rng(0).normal(0, 0.1, (30, 3))
    a = of_prompt + np.array([3.0, 4.0, 5.0])
    b = a + 1
    one, three = compare(frame(a=a[:, :1], b=b[::-1, :1]), "a"), compare(frame(a=a, b=b), "a")
    assert (one[0].shown, one[0].about) == (True, "models")
    assert (three[0].shown, three[0].about) == (False, "data")
    assert three[0].seed_sd == pytest.approx(1, abs=0.05)


def test_holm_is_over_all_arms():
    cells = drawn(7, 5, prompts=40)
    cells["c"] += 2
    result = compare(frame(**cells), "a")
    assert [one.arm for one in result] == ["b", "c", "d", "e"]
    assert [one.p_holm for one in result] == holm([one.p or 0.0 for one in result])
    assert [one.arm for one in result if one.shown] == ["c"]
    assert [one.shown for one in compare(frame(**cells), "a", level=0.9)] == [one.p_holm < 0.1 for one in result]


@pytest.mark.parametrize("seed", range(3))
def test_the_smallest_difference_is_shown_four_times_of_five(seed):
    """Five comparisons: what is added must come out with p under a fifth of 5 % in about 80 of 100."""
    [result, *_] = compare(frame(**drawn(seed, 6, prompts=60, seeds=1)), "a")
    spread, (low, high) = (result.high - result.low) / 2 / stats.t.ppf(0.975, 59), stats.t.ppf([0.01 / 2, 0.8], 59)
    assert result.smallest == pytest.approx((high - low) * spread, rel=1e-6)


def test_what_is_left_out_is_counted_and_why():
    a = [[[3, 4], [5, 5]], [[2, NAN], [3, 3]], [[4, 4], [4, 4]]]
    b = [[[3, 4], [5, 5]], [[NAN, NAN], [3, 3]], [[4, NAN], [4, 5]]]
    why = pl.when(pl.col("score").is_null() & (pl.col("id") == "p001")).then(pl.lit("no number"))
    [result] = compare(frame(a=a, b=b).with_columns(why=why), "a")
    assert result.prompts == 2
    assert result.lost["b"] == Lost(1, 5, ((ELSEWHERE, 2), ("no number", 2), ("no score", 1)))
    assert result.lost["a"] == Lost(1, 4, ((ELSEWHERE, 3), ("no number", 1)))


def test_an_answer_that_failed_says_so():
    grades = frame(a=[[3], [4], [5]], b=[[3], [4], [NAN]]).with_columns(failed=pl.lit("timed out"), why=pl.lit(None))
    [result] = compare(grades, "a")
    assert result.lost["b"].why == (("timed out", 1),)


def test_a_prompt_that_only_one_arm_was_asked_does_not_count():
    grades = frame(a=[[3], [4], [5]], b=[[4], [5], [5]]).filter((pl.col("arm") == "a") | (pl.col("id") != "p002"))
    [result] = compare(grades, "a")
    assert (result.prompts, result.mean, result.lost["a"]) == (2, 1.0, Lost(1, 1, ((ELSEWHERE, 1),)))
    assert result.lost["b"] == Lost(0, 0, ())


def test_one_prompt_is_no_basis():
    [result] = compare(frame(a=[[3]], b=[[5]]), "a")
    assert (result.mean, result.prompts, result.shown) == (2.0, 1, False)
    assert result[3:7] == (None, None, None, None)
    assert result.smallest is None is result.length_controlled
    assert compare(frame(a=[[3]]), "a") == []


@pytest.mark.parametrize(
    ("grades", "message"),
    [
        pytest.param(frame(a=[[3]], b=[[4]]), "no grade of arm 'c' among 2 answers .arms: a, b.", id="no such arm"),
        pytest.param(frame(c=[[3]], b=[[NAN]]), "no grade of arm 'b'", id="an arm without grades"),
        pytest.param(frame(c=[[3], [NAN]], b=[[NAN], [3]]), "no prompt has a grade", id="nothing in common"),
        pytest.param(pl.concat([frame(c=[[3]]).with_columns(judge=pl.lit(j)) for j in "xy"]), "2 judges .x, y.", id="two judges"),
        pytest.param(pl.DataFrame({"arm": ["c"], "score": [1.0]}), "no column id", id="no column"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_told(grades, message):
    with pytest.raises(EvaluateError, match=message):
        compare(grades, "c")


def test_the_grade_of_an_arm_holds_prompts_and_seeds():
    [a] = drawn(8, 1, prompts=30, seeds=1).values()
    assert grade_of(frame(a=a), "a") == pytest.approx(mean(a[:, 0].tolist()))
    wide = grade_of(frame(a=np.hstack([a, a + 1, a + 2])), "a")
    assert wide.high - wide.low > 2 * 4.3 * 0.57  # t of two degrees of freedom times 1 / sqrt(3), to both sides
    with pytest.raises(EvaluateError, match="no grade of arm 'b'"):
        grade_of(frame(a=a), "b")


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_a_difference_turned_around_is_the_same_difference(seed, seeds):
    grades = frame(**drawn(seed, 2, seeds=seeds))
    [one], [other] = compare(grades, "a"), compare(grades, "b")
    assert (one.mean, one.low, one.high) == pytest.approx((-other.mean, -other.high, -other.low))
    assert (one.p, one.win, one.tie, one.smallest) == pytest.approx((other.p, other.lose, other.tie, other.smallest))


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.floats(-3, 3), st.floats(0.1, 10))
def test_order_and_scale_change_nothing(seed, seeds, shift, scale):
    grades = frame(**drawn(seed, 3, seeds=seeds)).with_columns(tokens=pl.int_range(1, pl.len() + 1))
    assert compare(grades.sample(fraction=1, shuffle=True, seed=seed), "a") == compare(grades, "a")
    moved = grades.with_columns(pl.col("score") * scale + shift)
    for one, other in zip(compare(grades, "a"), compare(moved, "a"), strict=True):
        assert (other.mean, other.low, other.high) == pytest.approx([x * scale for x in one[2:5]], abs=1e-9)
        assert other.p == pytest.approx(one.p)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_never_falls_and_lies_between_none_and_bonferroni(p):
    result = holm(p)
    assert [one for _, one in sorted(zip(p, result, strict=True))] == sorted(result)
    for raw, corrected in zip(p, result, strict=True):
        assert raw <= corrected <= min(1.0, len(p) * raw) + 1e-15 or math.isclose(corrected, 1.0)
    assert holm(p[::-1]) == result[::-1]


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.001, 0.2))
def test_holm_rejects_step_by_step(p, alpha):
    """As the paper has it: reject the smallest while it is within alpha over the number of those left, then stop."""
    left, rejected = sorted(p), []
    while left and left[0] * len(left) < alpha:
        rejected.append(left.pop(0))
    assert sorted(raw for raw, corrected in zip(p, holm(p), strict=True) if corrected < alpha) == rejected
