from __future__ import annotations

import pytest

from curate.evaluate.bench import BenchError
from curate.evaluate.bench.results import Sample, read_scores
from tests.evaluate.bench.lm_eval_results import samples, write

BOTH = {"acc,none": 0.5, "acc_stderr,none": 0.1, "acc_norm,none": 0.75, "acc_norm_stderr,none": 0.05}
STRICT = {"exact_match,strict": 0.2, "exact_match_stderr,strict": 0.1, "exact_match,flexible": 0.4}


@pytest.mark.parametrize(
    ("found", "wanted", "measure", "value", "stderr"),
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
def test_a_measure_stands_for_a_task(found, wanted, measure, value, stderr, tmp_path):
    run = write(tmp_path, {"quiz": {"alias": "quiz", **found}}, {"quiz": samples([1, 0])})
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
    found = read_scores(write(tmp_path, results, lines, groups=groups))
    assert [(score.task, score.n, len(score.samples)) for score in found] == [("a_b", 2, 2), ("c", 1, 1)]


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
