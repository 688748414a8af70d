"""Selectors on other engines: shards that are lost after every call give what this process alone gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from curate.engine import using
from curate.filters.diversity import farthest
from curate.filters.duplicates import semantic_duplicates
from curate.filters.vectors import farthest as _farthest
from curate.filters.vectors import neighbours
from curate.models.embeddings.quantised import quantise
from tests.engines import Forgetful

pytest.importorskip("numba", reason="selectors need numba: pip install 'curate-lm[embed]'")


def vectors(n: int, d: int) -> Any:
    """Make vectors of clusters of very different sizes, with many rows alike and some without a direction."""
    rng = np.random.default_rng(0)
    cluster = (rng.random(n) ** 3 * 50).astype(int)
    table = np.empty((n, d), dtype=np.int16)
    centres = rng.standard_normal((50, d))
    for first in range(0, n, 20_000):
        some = cluster[first : first + 20_000]
        table[first : first + 20_000] = quantise(centres[some] + 0.5 * rng.standard_normal((len(some), d)))
    table[: n // 10] = table[n - n // 10 :]
    table[n // 2 : n // 2 + n // 50] = 0
    return table


def assert_same(table: Any, monkeypatch: pytest.MonkeyPatch, engine: Forgetful, **how: Any) -> None:
    local = farthest(table, **how)
    monkeypatch.setattr(_farthest, "SHARD", 1)
    with using(engine):
        assert farthest(table, **how).tolist() == local.tolist()
    assert engine.made >= engine.workers


RNG = np.random.default_rng(1)
WAYS = [
    pytest.param({"temperature": 0}, id="greedy"),
    pytest.param({}, id="with a temperature"),
    pytest.param({"quality": RNG.random(1200) * (RNG.random(1200) > 0.1)}, id="with quality"),
    pytest.param(
        {"by": RNG.choice(["a", "b", "c"], 1200, p=[0.9, 0.09, 0.01]), "domain_temperature": 3}, id="by domain"
    ),
    pytest.param({"chosen": vectors(1200, 24)[100:140]}, id="beside what was chosen before"),
    pytest.param({"temperature": 0, "n": 1150}, id="down to rows that add nothing"),
]


@pytest.mark.parametrize("inside", [2048, 40])
@pytest.mark.parametrize("shards", [1, 2, 5])
@pytest.mark.parametrize("how", WAYS)
def test_farthest_is_the_same_in_shards(how, shards, inside, monkeypatch):
    monkeypatch.setattr(_farthest, "INSIDE", inside)
    monkeypatch.setattr(_farthest, "ROUND", 4 * inside)
    assert_same(vectors(1200, 24), monkeypatch, Forgetful(shards), **{"n": 100, **how})


@pytest.mark.slow
@pytest.mark.parametrize("how", [{"temperature": 0}, {}, {"by": pl.Series(["a", "b"] * 100_000)}])
def test_farthest_is_the_same_in_shards_of_a_large_pool(how, monkeypatch):
    table = vectors(200_000, 384)
    for shards in (2, 5):
        engine = Forgetful(shards, lost=4 * shards - 1)
        assert_same(table, monkeypatch, engine, n=300, **how)
        assert engine.made > shards, "some were lost between rounds"


@pytest.mark.parametrize("shards", [1, 2, 5])
@pytest.mark.parametrize("threshold", [0.5, 0.8, 1])
def test_semantic_duplicates_are_the_same_in_shards(threshold, shards, monkeypatch):
    pytest.importorskip("faiss", reason="the extra `near` is not installed")
    monkeypatch.setattr(neighbours, "EXACT", 0)
    monkeypatch.setattr(neighbours, "_BLOCK", 200)
    table = vectors(3000, 24).astype(np.float32)
    pool = pl.DataFrame({"id": [f"{i:04}" for i in range(3000)], "v": table.tolist()})
    local = semantic_duplicates(pool, vectors="v", threshold=threshold)
    monkeypatch.setattr(neighbours, "SHARD", 1)
    engine = Forgetful(shards)
    with using(engine):
        choice = semantic_duplicates(pool, vectors="v", threshold=threshold)
    assert choice.why.to_list() == local.why.to_list()
    assert choice.notes == local.notes
    assert local.why.drop_nulls().len() > 100
    assert engine.calls.count("nearest") == 15 * shards


def test_a_pool_of_few_rows_is_one_shard():
    engine = Forgetful(4)
    with using(engine):
        farthest(vectors(500, 8), n=5, temperature=0)
    assert engine.calls.count("first") == 1
