"""Pairs and chosen answers of a real model: SmolLM2 under vLLM, from its package."""

from __future__ import annotations

import math

import polars as pl
import pytest

from curate.models.generators.generator import Generator
from curate.models.generators.vllm import vllm
from curate.models.judges import function
from curate.pairs import best, best_of, styles
from tests.conftest import SMALL

pytestmark = [pytest.mark.model, pytest.mark.filterwarnings("ignore")]  # warnings of vLLM

THINGS = [
    *(
        "rain",
        "tea",
        "bread",
        "snow",
        "sleep",
        "music",
        "bicycles",
        "trains",
        "rivers",
        "wool",
        "glass",
        "salt",
        "bees",
    ),
    *("maps", "clocks", "bridges", "candles", "soap", "gardens", "mirrors", "coins", "paper", "kites", "cheese"),
    *("whales", "deserts", "tides", "magnets"),
]
ROWS = pl.DataFrame(
    {
        "id": [f"{i:02}" for i in range(len(THINGS))],
        "prompt": [f"Tell me one fact about {thing}, in one short sentence." for thing in THINGS],
    }
)


def brevity(response: str) -> float:
    return -len(response.split())


@pytest.fixture(scope="module")
def answers() -> Generator:
    # Without chunked prefill: on a CPU vLLM 0.32 cannot go on with a prompt in pieces whose request has a seed.
    return vllm("SmolLM2-135M-Instruct", engine=SMALL, sampling={"temperature": 0.8, "top_p": 0.95, "max_tokens": 64})


def test_the_best_of_four_is_better_than_one(answers):
    one = best(ROWS, generator=answers, judge=function(brevity), n=1, seed=1, cut="keep")
    four = best(ROWS, generator=answers, judge=function(brevity), n=4, seed=0, cut="keep")
    assert one.why.null_count() == four.why.null_count() == ROWS.height
    gain = four.columns["score"] - one.columns["score"]
    # The 99.5 % quantile of t at 27 degrees of freedom is 2.77.
    mean, half = float(gain.mean()), 2.77 * float(gain.std()) / math.sqrt(len(gain))
    assert mean - half > 0, f"{mean:.1f} ± {half:.1f} words"
    assert four.ledger["graded"].mean() > 3


def test_every_prompt_has_a_pair_of_what_was_sampled(answers):
    made = best_of(ROWS, generator=answers, judge=function(brevity), n=4, cut="keep")
    assert made.why.null_count() == ROWS.height
    assert made.notes["chosen longer"] < 0.1, "what the scorer wants is what the pairs teach"
    assert (made.ledger["gap"] > 0).all()


def test_two_styles_of_one_model(answers):
    prompts = {"chosen": "You are a pirate. Say Arr in every sentence.", "rejected": "You are a clerk. Be formal."}
    made, turned = (styles(rows, generator=answers, cut="keep", **prompts) for rows in (ROWS[:8], ROWS[:8].reverse()))
    assert made.why.null_count() >= 7
    assert set(made.ledger["chosen_finish"]) <= {"stop", "length"}
    assert turned.columns.reverse().equals(made.columns)
