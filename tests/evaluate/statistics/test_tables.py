"""From a line an answer to means of prompts."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from curate.evaluate.statistics import EvaluateError, by_prompt
from curate.evaluate.statistics.tables import arms_of, shared
from tests.evaluate.statistics.made import frame


def rows(**columns) -> pl.DataFrame:
    return pl.DataFrame({"arm": ["a"] * len(columns["id"]), **columns})


@pytest.mark.parametrize(
    ("scores", "mean", "worst", "graded"),
    [
        pytest.param([3.0, 5.0], 4.0, 3.0, 2, id="all have a grade"),
        pytest.param([None, 5.0], 5.0, 5.0, 1, id="one has none"),
        pytest.param([float("nan"), 5.0], 5.0, 5.0, 1, id="what is no number is no grade"),
        pytest.param([float("inf"), 5.0], 5.0, 5.0, 1, id="nor is infinity"),
        pytest.param([None, None], None, None, 0, id="none has a grade"),
    ],
)
def test_the_samples_of_a_prompt_are_one_line(scores, mean, worst, graded):
    result = by_prompt(rows(id=["p", "p"], score=scores, tokens=[10, 20])).row(0, named=True)
    assert (result["score"], result["worst"], result["graded"], result["answers"]) == (mean, worst, graded, 2)


def test_lengths_are_of_the_answers_that_have_a_grade():
    result = by_prompt(rows(id=["p", "p", "p"], score=[1.0, 2.0, None], tokens=[10, 20, 999]))
    assert result["tokens"].to_list() == [15.0]
    assert by_prompt(rows(id=["p"], score=[1.0]))["tokens"].to_list() == [None]


def test_turns_are_in_the_mean_and_the_worst_of_them_stands_beside():
    result = by_prompt(rows(id=["p"] * 4, sample=[0, 0, 1, 1], turn=[0, 1, 0, 1], score=[6.0, 1.0, 5.0, 4.0]))
    assert result.select("score", "worst").row(0) == (4.0, 1.0)


def test_keys_keep_apart_what_they_name():
    result = by_prompt(frame(a=[[1, 2], [3, 5]]), ("arm", "seed"))
    assert result.select("seed", "id", "score").rows() == [
        (0, "p000", 1.0), (0, "p001", 3.0), (1, "p000", 2.0), (1, "p001", 5.0),
    ]  # fmt: skip
    assert by_prompt(frame(a=[[1, 2], [3, 5]]))["score"].to_list() == [1.5, 4.0]


def test_a_missing_column_is_named():
    with pytest.raises(EvaluateError, match=r"no column score; there are arm, id"):
        by_prompt(rows(id=["p"]))


def test_arms_become_arrays_of_prompts_and_seeds():
    nan = float("nan")
    arms = arms_of(frame(a=[[1, 2], [3, nan], [5, 6]], b=[[1, nan], [2, nan], [3, nan]]))
    np.testing.assert_array_equal(arms["a"].score, [[1, 2], [3, nan], [5, 6]])
    np.testing.assert_array_equal(arms["b"].score, [[1], [2], [3]], "a seed without a grade is none")
    np.testing.assert_array_equal(arms["a"].complete(), [[1, 2], [5, 6]])
    cells, kept = shared([arms["a"], arms["b"]])
    assert (kept.tolist(), cells[1].ravel().tolist()) == ([True, False, True], [1, 3])


def test_arms_without_a_prompt_in_common_are_told():
    nan = float("nan")
    arms = arms_of(frame(a=[[1], [nan]], b=[[nan], [1]]))
    with pytest.raises(EvaluateError, match="no prompt has a grade of each seed of 'a' and 'b'"):
        shared([arms["a"], arms["b"]])
