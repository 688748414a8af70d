from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from curate.evaluate.bench.results import Sample, Score, average, difference

GRADES = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=40)


def score(values, stderr=0.1, prompts=None, task="quiz", value=None):
    found = {(task, i): Sample(v, f"d{i}", f"p{prompts[i] if prompts else i}") for i, v in enumerate(values)}
    mean = sum(values) / len(values) if values else 0.5
    return Score(task, "acc", mean if value is None else value, stderr, len(values), True, found)


@given(GRADES)
def test_the_interval_of_different_prompts_is_that_of_the_paired_t_test(pairs):
    before, after = ([float(x) for x in side] for side in zip(*pairs, strict=True))
    found = difference(score(before), score(after))
    assert found.how == "paired"
    each = [y - x for x, y in zip(before, after, strict=True)]
    assert found.value == pytest.approx(sum(each) / len(each))
    if len(set(each)) == 1:
        assert (found.low, found.high) == pytest.approx((found.value, found.value))
    else:
        assert (found.low, found.high) == pytest.approx(tuple(stats.ttest_rel(after, before).confidence_interval(0.95)))


@given(GRADES, st.integers(2, 5))
def test_asking_all_prompts_again_teaches_nothing(pairs, times):
    before, after = ([float(x) for x in side] for side in zip(*pairs, strict=True))
    once = difference(score(before), score(after))
    again = [i for _ in range(times) for i in range(len(pairs))]
    often = difference(score(before * times, prompts=again), score(after * times, prompts=again))
    assert (often.value, often.low, often.high) == pytest.approx((once.value, once.low, once.high))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(score([]), score([]), id="no grades of prompts"),
        pytest.param(score([1, 0]), score([1, 0, 1]), id="not the same prompts"),
        pytest.param(score([1, 0], value=0.7), score([1, 1]), id="the number is not the mean of the grades"),
        pytest.param(score([1]), score([0]), id="a single prompt"),
    ],
)
def test_without_pairs_two_standard_errors_are_added(before, after):
    found = difference(before, after)
    assert found.how == "unpaired"
    assert found.value == pytest.approx(after.value - before.value)
    assert found.half == pytest.approx(1.959964 * sqrt(0.02))


def test_prompts_with_other_contents_are_no_pairs():
    other = score([1, 0])
    changed = other._replace(samples={key: Sample(s.value, "other", s.prompt) for key, s in other.samples.items()})
    assert difference(score([1, 1]), changed).how == "unpaired"


def test_without_errors_there_is_no_interval():
    found = difference(score([], stderr=None), score([]))
    assert (found.low, found.half, found.how) == (None, None, "no standard error")
    assert average([(score([], stderr=None), score([]))]).how == "no standard error"


@given(st.lists(GRADES, min_size=1, max_size=5))
def test_the_average_is_that_of_the_differences_with_their_variances_added(tasks):
    sides = [[[float(x) for x in side] for side in zip(*pairs, strict=True)] for pairs in tasks]
    pairs = [(score(before), score(after)) for before, after in sides]
    found, each = average(pairs), [difference(*pair) for pair in pairs]
    assert found.value == pytest.approx(sum(one.value for one in each) / len(each))
    assert found.half == pytest.approx(sqrt(sum((one.half or 0) ** 2 for one in each)) / len(each))
    assert found.how == "paired"
