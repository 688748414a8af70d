"""What `python -m benchmarks.statistics` measures, small: coverage, and claims where nothing is.

Draws are seeded, so a bound that holds here holds always; bounds leave the room that chance needs with so few draws.
"""

from __future__ import annotations

import pytest

from benchmarks import statistics


@pytest.mark.slow
def test_an_interval_clustered_by_prompt_covers_and_250_grades_do_not():
    result = statistics.of_one_model(draws=1200)
    assert 0.93 <= result["clustered by prompt"] <= 0.97
    assert result["bootstrap of prompts"] >= 0.9
    assert result["250 grades as independent"] < 0.8


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("sd", [0.0, 0.1, 0.4])
def test_intervals_over_prompts_and_seeds_cover(seeds, sd):
    result = statistics.of_seeds(500, seeds, (sd, sd))
    assert result["difference"] >= 0.93
    assert result["mean"] >= 0.92
    if sd == 0.4:
        assert result["prompts alone"] < 0.7


def test_one_seed_says_nothing_of_another_training():
    assert statistics.of_seeds(500, 1, (0.4, 0.4))["difference"] < 0.6


@pytest.mark.parametrize("seeds", [1, 2, 3])
@pytest.mark.parametrize("sd", [0.0, 0.4])
def test_ablations_without_an_effect_seldom_claim_one(seeds, sd):
    claimed = statistics.claims(300, (3, 6), seeds, sd).values()
    if seeds == 1 and sd:
        assert min(claimed) > 0.5, "of these models, not of their data"
    else:
        assert max(claimed) <= 0.06


@pytest.mark.slow
def test_nor_do_they_from_a_table_of_grades():
    assert statistics.claims_from_files(40, 4, 3, 0.1) <= 0.1


@pytest.mark.slow
@pytest.mark.parametrize("sd", [0.0, 0.1])
def test_the_multiplier_covers(sd):
    result = statistics.of_multiplier(100, 1500, "steep", 3, sd)
    assert result["covers"] >= 0.92


def test_the_difference_at_equal_length_covers_what_the_plain_one_misses():
    result = statistics.of_length(150, 3, 0.1)
    assert result["at equal length"] >= 0.9
    assert result["as it is"] < 0.8
