from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from curate.evaluate.bench import BenchError
from curate.evaluate.bench.results import Sample, Score, average, difference, read_scores
from tests.evaluate.bench.lm_eval_results import samples, write

BOTH = {"acc,none": 0.5, "acc_stderr,none": 0.1, "acc_norm,none": 0.75, "acc_norm_stderr,none": 0.05}
STRICT = {"exact_match,strict": 0.2, "exact_match_stderr,strict": 0.1, "exact_match,flexible": 0.4}


@pytest.mark.parametrize(
    ("result", "wanted", "measure", "value", "stderr"),
    [
        pytest.param(BOTH, (), "acc_norm", 0.75, 0.05, id="the normalised accuracy where there is one"),
        pytest.param(BOTH, ("acc",), "acc", 0.5, 0.1, id="what one wants goes before"),
        pytest.param(BOTH, ("f1",), "acc_norm", 0.75, 0.05, id="what the task does not have is not wanted of it"),
        pytest.param(STRICT, (), "exact_match,strict", 0.2, 0.1, id="the first of several filters"),
        pytest.param(STRICT, ("exact_match,flexible",), "exact_match,flexible", 0.4, None, id="a filter one names"),
        pytest.param({"f1,none": 0.3, "f1_stderr,none": "N/A"}, (), "f1", 0.3, None, id="any other, without an error"),
        pytest.param({"f1,none": 1}, (), "f1", 1.0, None, id="a whole number"),
    ],
)
def test_a_measure_stands_for_a_task(result, wanted, measure, value, stderr, tmp_path):
    run = write(tmp_path, {"quiz": {"alias": "quiz", **result}}, {"quiz": samples([1, 0])})
    [score] = read_scores(run, wanted)
    assert (score.measure, score.value, score.stderr, score.n) == (measure, value, stderr, 2)


def test_prompts_are_told_apart(tmp_path):
    run = write(tmp_path, {"quiz": BOTH}, {"quiz": samples([True, 0.0], "acc_norm")})
    assert read_scores(run)[0].samples == {
        ("quiz", 0): Sample(1.0, "d0", "p0"),
        ("quiz", 1): Sample(0.0, "d1", "p1"),
    }


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(samples([[True, False], [True]], "acc_norm"), id="lists of grades"),
        pytest.param(samples([1.0], "f1"), id="no grade by this measure"),
        pytest.param(samples([1.0], "acc_norm", filter="other"), id="grades behind another filter"),
    ],
)
def test_prompts_without_a_grade_of_their_own_have_none(lines, tmp_path):
    assert read_scores(write(tmp_path, {"quiz": BOTH}, {"quiz": lines}))[0].samples == {}


def test_a_group_with_a_number_is_one_task(tmp_path):
    groups = {"all": ["some", "c"], "some": ["a", "b"], "a": [], "b": [], "c": []}
    results = dict.fromkeys(groups, BOTH)
    lines = {name: samples([1, 0], "acc_norm") for name in "abc"}
    [score] = read_scores(write(tmp_path, results, lines, groups=groups))
    assert (score.task, score.n, len(score.samples)) == ("all", 6, 6)


def test_a_group_without_a_number_stands_for_its_tasks(tmp_path):
    groups = {"all": ["a_b", "c"], "a_b": [], "c": []}
    results = {"all": {"alias": "all"}, "a_b": BOTH, "c": BOTH}
    lines = {"a_b": samples([1, 0], "acc_norm"), "c": samples([1], "acc_norm")}
    result = read_scores(write(tmp_path, results, lines, groups=groups))
    assert [(score.task, score.n, len(score.samples)) for score in result] == [("a_b", 2, 2), ("c", 1, 1)]


@pytest.mark.parametrize(
    ("measure", "value", "better", "share"),
    [
        pytest.param("acc", 0.4, True, True, id="an accuracy"),
        pytest.param("perplexity", 0.4, False, False, id="less is better"),
        pytest.param("bleu", 27.0, True, False, id="another scale"),
    ],
)
def test_only_shares_of_what_is_right_are_averaged(measure, value, better, share, tmp_path):
    run = write(tmp_path, {"t": {f"{measure},none": value}}, higher={"t": {measure: better}})
    assert read_scores(run)[0].share is share


def test_no_number_is_an_error(tmp_path):
    with pytest.raises(BenchError, match="lm-eval gave no number for quiz"):
        read_scores(write(tmp_path, {"quiz": {"alias": "quiz"}}))


GRADES = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=40)


def score(values, stderr=0.1, prompts=None, task="quiz", value=None):
    result = {(task, i): Sample(v, f"d{i}", f"p{prompts[i] if prompts else i}") for i, v in enumerate(values)}
    mean = sum(values) / len(values) if values else 0.5
    return Score(task, "acc", mean if value is None else value, stderr, len(values), True, result)


@pytest.mark.slow
@given(GRADES)
def test_the_interval_of_different_prompts_is_that_of_the_paired_t_test(pairs):
    before, after = ([float(x) for x in side] for side in zip(*pairs, strict=True))
    result = difference(score(before), score(after))
    assert result.how == "paired"
    each = [y - x for x, y in zip(before, after, strict=True)]
    assert result.value == pytest.approx(sum(each) / len(each))
    if len(set(each)) == 1:
        assert (result.low, result.high) == pytest.approx((result.value, result.value))
    else:
        assert (result.low, result.high) == pytest.approx(
            tuple(stats.ttest_rel(after, before).confidence_interval(0.95))
        )


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
    result = difference(before, after)
    assert result.how == "unpaired"
    assert result.value == pytest.approx(after.value - before.value)
    assert result.half == pytest.approx(1.959964 * sqrt(0.02))


def test_prompts_with_other_contents_are_no_pairs():
    other = score([1, 0])
    changed = other._replace(samples={key: Sample(s.value, "other", s.prompt) for key, s in other.samples.items()})
    assert difference(score([1, 1]), changed).how == "unpaired"


def test_without_errors_there_is_no_interval():
    result = difference(score([], stderr=None), score([]))
    assert (result.low, result.half, result.how) == (None, None, "no standard error")
    assert average([(score([], stderr=None), score([]))]).how == "no standard error"


@pytest.mark.slow
@given(st.lists(GRADES, min_size=1, max_size=5))
def test_the_average_is_that_of_the_differences_with_their_variances_added(tasks):
    sides = [[[float(x) for x in side] for side in zip(*pairs, strict=True)] for pairs in tasks]
    pairs = [(score(before), score(after)) for before, after in sides]
    result, each = average(pairs), [difference(*pair) for pair in pairs]
    assert result.value == pytest.approx(sum(one.value for one in each) / len(each))
    assert result.half == pytest.approx(sqrt(sum((one.half or 0) ** 2 for one in each)) / len(each))
    assert result.how == "paired"
