"""Near-duplicates on two workers are those of this process."""

from __future__ import annotations

import random

import polars as pl
import pytest

from curate.engine import using
from curate.filters import near_duplicates
from curate.filters.words import jaccard
from curate.run.ray import cluster

pytestmark = pytest.mark.slow
pytest.importorskip("ray", reason="the extra `ray` is not installed")


@pytest.fixture(scope="module")
def ray(tmp_path_factory):
    with cluster("ray", tmp_path_factory.mktemp("shared")) as engine:
        yield engine


def prompts() -> list[str | None]:
    """Make texts of one clump, of one template, of few words, and some without any."""
    draw = random.Random(0)
    same = [f"How do I keep my basil alive on a dark sill in {i}?" for i in range(200)]
    form = [f"What is the best {draw.randrange(20)} to buy for my {draw.randrange(20)} ?" for _ in range(200)]
    free = [" ".join(draw.choice("abcd+") for _ in range(draw.randrange(9))) for _ in range(200)]
    return draw.sample([*same, *form, *free, None, "", "?!"], 603)


@pytest.mark.parametrize(
    ("texts", "lost"),
    [
        pytest.param(prompts(), 400, id="a pool"),
        pytest.param([None, "?!", ""], 0, id="no words"),
        pytest.param([], 0, id="no rows"),
    ],
)
def test_the_choice_is_that_of_this_process(texts, lost, ray, monkeypatch):
    monkeypatch.setattr(jaccard, "_LINES", 100)  # so that the workers are asked about halves
    pool = pl.DataFrame(
        {"id": [f"{i:03}" for i in range(len(texts))], "prompt": texts}, {"id": pl.String, "prompt": pl.String}
    )
    here = near_duplicates(pool)
    with using(ray):
        there = near_duplicates(pool)
    assert there.why.equals(here.why)
    assert there.kept.equals(here.kept)
    assert here.why.count() >= lost
