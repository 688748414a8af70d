"""Shares, their intervals and directions, and the rule that learns."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.pairs.shortcuts.scoring import opening, openings, rules, share, wilson
from tests.pairs.shortcuts.sets import pairs


# R. G. Newcombe (1998), Two-sided confidence intervals for the single proportion, Statistics in Medicine 17, table I.
@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_the_published_one(right, n, low, high):
    assert wilson(right, n) == pytest.approx((low, high), abs=5e-5)


@settings(deadline=None)
@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, 2 * n), st.just(n))))
def test_an_interval_holds_its_share_and_mirrors(counts):
    halves, n = counts
    low, high = wilson(halves / 2, n)
    assert 0 <= low <= halves / 2 / n + 1e-9 and halves / 2 / n - 1e-9 <= high <= 1
    assert wilson(n - halves / 2, n) == pytest.approx((1 - high, 1 - low), abs=1e-9)


def test_no_pairs_say_nothing():
    assert share(0, 0) == {"accuracy": 0.5, "low": 0.0, "high": 1.0, "pairs": 0}


def found(rule, chosen, rejected):
    return next(f for f in rules(pl.Series(chosen), pl.Series(rejected)) if f["rule"] == rule)


def test_a_tie_is_half_right():
    told = found("questions", ["a?", "a?", "a", "a"], ["a", "a", "a?", "a"])
    assert [told[k] for k in ("chosen", "rejected", "ties", "accuracy")] == [0.5, 0.25, 0.25, 0.625]
    assert told["direction"] == "more question marks"


def test_the_better_direction_is_taken_and_named():
    told = found("exclamations", ["a", "a", "a!"], ["b!", "b!", "b"])
    assert told["direction"] == "fewer exclamation marks"
    assert (told["chosen"], told["rejected"], told["accuracy"]) == (0.6667, 0.3333, 0.6667)


def test_a_rule_by_which_no_pair_differs_has_no_direction():
    told = found("emoji", ["a", "b"], ["c", "d"])
    assert (told["direction"], told["ties"], told["accuracy"]) == (None, 1.0, 0.5)


def folded(frame, folds=5):
    return frame.with_columns(fold=pl.int_range(pl.len()) % folds)


def test_the_opening_word_is_learnt_from_other_folds():
    planted = folded(pairs(60, chosen=lambda t: f"Well, {t}", rejected=lambda t: f"Thus, {t}"))
    assert opening(planted)["accuracy"] == 1.0
    assert openings(planted) == [
        {"word": "thus", "chosen": 0, "rejected": 60},
        {"word": "well", "chosen": 60, "rejected": 0},
    ]


def test_opening_words_that_never_come_again_are_worth_nothing():
    frame = folded(
        pl.DataFrame({"chosen": [f"a{i}x b" for i in range(40)], "rejected": [f"c{i}x d" for i in range(40)]})
    )
    told = opening(frame)
    assert (told["ties"], told["accuracy"], told["direction"]) == (1.0, 0.5, None)
    assert openings(frame) == []


def test_a_word_of_one_fold_cannot_vouch_for_itself():
    # Within fold 0 “well” begins every chosen answer; elsewhere it begins the rejected ones.
    fold = [0] * 10 + [1] * 10
    frame = pl.DataFrame(
        {"fold": fold, "chosen": ["Well, a"] * 10 + ["Thus, a"] * 10, "rejected": ["Thus, b"] * 10 + ["Well, b"] * 10}
    )
    assert opening(frame)["accuracy"] == 0.0


def test_marks_before_the_first_word_do_not_count():
    frame = folded(pairs(30, chosen=lambda t: f"**Sure** {t}", rejected=lambda t: f"“sure” {t}"))
    assert opening(frame)["ties"] == 1.0


def test_answers_without_a_word_are_alike():
    frame = folded(pl.DataFrame({"chosen": ["😊"] * 10, "rejected": ["…"] * 10}))
    assert opening(frame)["accuracy"] == 0.5
