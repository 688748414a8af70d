"""Like is compared with like: which arms are, which are not and why, and what is claimed where nothing is to be found."""

from __future__ import annotations

from typing import Any

import pytest
from scipy.stats import binom

from benchmarks import statistics
from curate.ablate.arms import lay
from curate.ablate.contrasts import contrasts, curves, random_curve
from curate.ablate.reading import Ablation, load

DRAW = {"sets": {"data": {"draw": 1}}}
GRID: dict[str, Any] = {
    "arms": None,
    "random": "random",
    "factors": {"choice": {"filtered": {}, "random": DRAW}, "size": [4, 8, 16]},
}


def sized(rows: int) -> dict[str, Any]:
    return {"sets": {"data": {"set": {"size": rows}}}}


@pytest.fixture
def ablation(given, write):
    def of(change: dict[str, Any]) -> Ablation:
        return load(write(lay(given, change)))

    return of


def pairs(ablation: Ablation) -> list[tuple[str, str]]:
    return [(one.arm, one.against) for one in contrasts(ablation)[0]]


def test_a_choice_is_compared_at_each_size_and_sizes_within_a_choice(ablation):
    assert pairs(ablation(GRID)) == [
        ("filtered@4", "random@4"),
        ("filtered@8", "random@8"),
        ("filtered@16", "random@16"),
        ("filtered@8", "filtered@4"),
        ("filtered@16", "filtered@4"),
        ("random@8", "random@4"),
        ("random@16", "random@4"),
    ]


def test_the_question_names_the_family(ablation):
    made, uncompared = contrasts(ablation({**GRID, "compare": "choice"}))
    assert [one.factor for one in made] == ["choice"] * 3
    assert [(one.factor, one.arm, one.why) for one in uncompared] == [("size", None, "the question is about choice")]
    assert [one.factor for one in contrasts(ablation({**GRID, "compare": ["size", "choice"]}))[0]] == [
        *["size"] * 4,
        *["choice"] * 3,
    ]


def test_three_factors_differ_one_at_a_time(ablation):
    budget = {"short": {}, "long": {"train": {"sft": {"set": {"trainer.max_steps": 9}}}}}
    grid = lay(GRID, {"factors": {"size": [4, 8], "budget": budget}})
    made = ablation(grid)
    levels = {arm.name: arm.levels for arm in made.arms}
    assert len(levels) == 8
    for one in contrasts(made)[0]:
        differing = [name for name, level in levels[one.arm].items() if levels[one.against][name] != level]
        assert differing == [one.factor]
    assert len(pairs(made)) == 12


UNLIKE = [
    pytest.param(
        {"arms": {"plain": None, "short": None, "random": DRAW, "filtered@16": sized(16)}, "random": "random"},
        [], ["it has 16 rows and random 8, and more than their size differs; with the sizes as a factor each has its control"],
        id="filtered with more rows than random",
    ),
    pytest.param(
        {"arms": {"plain": None, "short": None, "random": DRAW, "filtered": {}, "fewer": lay(sized(4), {"sets": {"data": {"skip": ["length"]}}})}, "random": "random"},
        [("filtered", "random")], ["it has 4 rows and random 8, and more than their size differs; with the sizes as a factor each has its control"],
        id="a strict filter that leaves fewer rows",
    ),
    pytest.param(
        {"arms": None, "factors": {"choice": {"random": DRAW, "filtered": sized(16)}, "mix": {"one": {}, "two": {"answer": {"samples": 2}}}}, "compare": "choice"},
        [], ["it has 16 rows and random@one 8, and more than their size differs", "it has 16 rows and random@two 8, and more than their size differs"],
        id="a level that brings its own size",
    ),
    pytest.param(
        {"arms": {"plain": {}, "short": None, "plain@4": sized(4)}},
        [("plain@4", "plain")], [],
        id="sizes of one choice",
    ),
    pytest.param(
        {"arms": {"plain": {}, "short": None, "base": {"train": None, "sets": None, "model": "org/base"}}},
        [("base", "plain")], [],
        id="a model that trains on nothing has no size",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("change", "compared", "whys"), UNLIKE)
def test_arms_that_differ_in_size_and_more_are_not_compared(ablation, change, compared, whys):
    made = ablation(change)
    _, uncompared = contrasts(made)
    assert pairs(made) == compared
    assert [one.why for one in uncompared if one.arm] == whys


def test_a_curve_is_of_arms_that_differ_in_their_size_alone(ablation):
    made = ablation(GRID)
    assert curves(made) == {arm.name: arm.levels["choice"] for arm in made.arms}
    assert {random_curve(made, arm, curves(made)) for arm in made.arms} == {"random", None}
    arms = {"plain": {}, "short": None, "random": DRAW, "random@4": lay(DRAW, sized(4))}
    by_hand = ablation({"arms": arms, "random": "random"})
    assert curves(by_hand) == {"random": "random", "random@4": "random"}
    assert random_curve(by_hand, by_hand.arms[0], curves(by_hand)) == "random"


def test_rows_are_read_off_random_draws_of_the_same_mixture(ablation):
    mixture = {"one": {}, "two": {"sets": {"data": {"skip": ["length"]}}}}
    made = ablation(lay(GRID, {"factors": {"size": [4, 8], "mixture": mixture}}))
    by_name = {arm.name: arm for arm in made.arms}
    assert random_curve(made, by_name["filtered@4@two"], curves(made)) == "random@two"
    assert random_curve(made, by_name["filtered@8@one"], curves(made)) == "random@one"


# What Holm's correction promises: 5 % claim anything. 500 ablations claim more than 37 once in a hundred times.
MOST = binom.isf(0.01, 500, 0.05) / 500


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("seed_sd", [0.0, 0.1, 0.4])
@pytest.mark.parametrize("sizes", [(1000, 8000), statistics.ROWS])
def test_filtered_equal_to_random_is_seldom_called_better(seeds, seed_sd, sizes):
    result = statistics.of_factors(500, seeds=seeds, seed_sd=seed_sd, sizes=sizes)
    assert result["claims of choice"] <= MOST


def test_eight_times_the_rows_are_found_four_times_of_five():
    """Four of five is the power that J. Cohen (1988) asks for."""
    assert statistics.of_factors(500)["8 times"] >= 0.8


@pytest.mark.slow
def test_reports_claim_what_the_planted_ablations_do():
    planted = statistics.plan(statistics.ROWS, ())
    drawn = statistics.grades_of(planted, 10, 3, 0.1)
    shown = statistics.shown(planted, drawn)
    assert 0 < shown.mean() < 1
    assert (statistics.shown_in_reports(planted, drawn) == shown).all()
