from __future__ import annotations

import polars as pl
import pytest

from curate.evaluate.grades import GradesError, agree
from tests.evaluate.grades.made import answers

PAIRS = pl.DataFrame({"id": list("pqrs"), "sample": 0, "a": "x", "b": "y", "verdict": ["a", "b", "tie", None]})


def graded(*scores: float | None) -> pl.DataFrame:
    return answers(*("a" for _ in scores)).with_columns(arm=pl.lit("x"), score=pl.Series(scores, dtype=pl.Float64))


@pytest.mark.parametrize(
    ("verdicts", "agreement", "n"),
    [
        pytest.param(["a", "b", "tie", "a"], 1.0, 3, id="the same; where one has none it does not count"),
        pytest.param(["b", "a", "tie", None], 1 / 3, 3, id="turned"),
        pytest.param(["tie", "b", "a", "a"], 2 / 3, 3, id="exactly one tie is half"),
        pytest.param([None, "b", None, None], 1.0, 1, id="one in both"),
    ],
)
def test_comparisons_agree_as_lima_counts(verdicts, agreement, n):
    found = agree(PAIRS, PAIRS.with_columns(verdict=pl.Series(verdicts)))
    assert found.agreement.mean == pytest.approx(agreement)
    assert (found.n, found.n + found.without) == (n, 4)


def test_the_sides_may_be_called_the_other_way_round():
    turned = PAIRS.with_columns(a=pl.lit("y"), b=pl.lit("x"), verdict=pl.Series(["b", "a", "tie", "a"]))
    assert agree(PAIRS, turned).agreement.mean == 1
    assert agree(PAIRS, PAIRS.with_columns(verdict=pl.Series(["b", "a", "tie", "a"]))).agreement.mean < 1


def test_grades_agree_to_the_whole_number():
    found = agree(graded(1, 2, 3.4, None), graded(1.4, 3, 3, 4))
    assert found.agreement.mean == pytest.approx(2 / 3)
    assert (found.n, found.without) == (3, 1)


def test_another_text_under_the_same_name_is_another_answer():
    one, other = graded(1, 2), graded(1, 2).with_columns(response=pl.Series(["a", "another"]))
    assert agree(one, other).n == 1


def test_what_cannot_be_compared_is_told():
    with pytest.raises(GradesError, match="one of each"):
        agree(PAIRS, graded(1))
    with pytest.raises(GradesError, match="share no answers"):
        agree(PAIRS, PAIRS.with_columns(id=pl.lit("z")))
    with pytest.raises(GradesError, match=r"share no answers that both have a verdict on \(1 are in both"):
        agree(graded(None), graded(1))
