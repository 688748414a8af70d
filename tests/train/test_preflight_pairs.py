from __future__ import annotations

import pytest

from curate.train.preflight import rows as pairs
from tests.train import plain, tiny


def told(base, tmp_path, chosen, rejected):
    rows = tiny.pairs(10)
    for i, row in enumerate(rows):
        row["chosen"][0]["content"] = "x " * chosen(i) + "a"
        row["rejected"][0]["content"] = "x " * rejected(i) + "b"
    return list(pairs.length_ratio(plain.seen(plain.dpo(tmp_path, *plain.loaded(base), rows), "dpo", rows, base)))


@pytest.mark.parametrize(
    ("chosen", "rejected", "message"),
    [
        pytest.param(
            lambda i: 40, lambda i: 10, "times the tokens of rejected ones and are longer in 100% of", id="long"
        ),
        pytest.param(
            lambda i: 10, lambda i: 40, "times the tokens of rejected ones and are shorter in 100% of", id="short"
        ),
        pytest.param(lambda i: 20 + (i > 0), lambda i: 20, "and are longer in 90% of the pairs", id="always a little"),
        pytest.param(lambda i: 100 if i < 2 else 9, lambda i: 10, "2.", id="a few that are very long"),
    ],
)
def test_sides_of_other_lengths_are_told(chosen, rejected, message, base, tmp_path):
    (found,) = told(base, tmp_path, chosen, rejected)
    assert found.level == "warn"
    assert message in found.message


def test_lengths_are_of_the_answers_without_the_prompt(base, tmp_path):
    (found,) = told(base, tmp_path, lambda i: 30, lambda i: 10)
    assert found.detail["ratio"] == pytest.approx((2 * 30 + 3) / (2 * 10 + 3), abs=0.2)


def test_sides_of_the_same_length_are_not_told(base, tmp_path):
    assert told(base, tmp_path, lambda i: 20 + 3 * (i % 2), lambda i: 21) == []


def test_answers_without_another_side_have_no_ratio(base, tmp_path):
    rows = tiny.answers(4)
    assert list(pairs.length_ratio(plain.seen(plain.sft(tmp_path, *plain.loaded(base), rows), "sft", rows, base))) == []
