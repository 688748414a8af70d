"""Rows that cover the pool, rows of every cell, rows apart from the kept."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.filters import quotas
from curate.filters.diversity import cluster, coverage, farthest, threshold
from curate.filters.pool import draw
from curate.filters.vectors import cells as _cells
from curate.filters.vectors import cells as _threads
from curate.models.embeddings.quantised import SQUARE
from curate.recipe.registry import kind_of, parameters
from tests.filters.test_diversity import clusters, names, pool

pytestmark = pytest.mark.slow

INF = math.inf
SELECTORS = [coverage, cluster, threshold]


def facility_location(vectors, ids, n, temperature, neighbours, chosen=None):
    """Count every row's gain anew before every pick."""
    u, rank = draw(pl.Series(ids), 0, "test")
    noise = -temperature * np.log(-np.log(u))
    products = vectors.astype(np.int64) @ vectors.astype(np.int64).T
    edges = np.zeros_like(products)
    for j, row in enumerate(products):
        near = np.lexsort((rank, -row))[:neighbours]
        edges[near, j] = np.maximum(row[near], 0)
    covered = np.zeros(len(vectors), dtype=np.int64)
    if chosen is not None:
        covered = np.maximum(0, (vectors.astype(np.int64) @ chosen.astype(np.int64).T).max(axis=1))
    picks: list[int] = []
    for _ in range(n):
        gains = np.maximum(0, edges - covered).sum(axis=1)
        with np.errstate(divide="ignore"):
            scores = np.where(gains > 0, np.log(gains) + noise, -1e300)
        scores[picks] = -INF
        best = np.flatnonzero(scores == scores.max())
        picks.append(int(best[np.argmin(rank[best])]))
        covered = np.maximum(covered, edges[picks[-1]])
    return picks


@pytest.mark.parametrize("temperature", [0, 0.2, 2])
@pytest.mark.parametrize("neighbours", [1, 5, 64])
def test_coverage_picks_what_counting_every_gain_anew_picks(temperature, neighbours):
    vectors = clusters(300)
    vectors[40:44] = 0
    ours = coverage(vectors, names(300), n=300, temperature=temperature, neighbours=neighbours)
    assert ours.tolist() == facility_location(vectors, names(300), 300, temperature, neighbours)


def test_coverage_leaves_out_what_was_covered_before():
    vectors = clusters(300)
    ours = coverage(vectors[50:], names(250), n=80, temperature=0.1, chosen=vectors[:50])
    assert ours.tolist() == facility_location(vectors[50:], names(250), 80, 0.1, 64, chosen=vectors[:50])


def test_coverage_stands_for_the_pool_better_than_the_farthest_and_than_a_draw():
    vectors = clusters(2000)

    def covered(picks) -> float:
        return float((vectors.astype(np.int64) @ vectors[picks].astype(np.int64).T).max(axis=1).mean())

    ours = covered(coverage(vectors, n=50, temperature=0))
    assert all(ours > covered(farthest(vectors, n=50, temperature=t)) for t in (0, 0.2, INF))


def test_the_graph_in_cells_finds_most_neighbours(monkeypatch):
    vectors = clusters(3000)
    exact = _cells.graph(vectors, 10).products
    monkeypatch.setattr(_cells, "EXACT", 100)
    cells = _cells.graph(vectors, 10)
    assert (cells.products[:, 0] == exact[:, 0]).all()  # each row finds itself, or a twin
    assert (cells.products == exact).mean() > 0.9
    products = (vectors[cells.ids].astype(np.int64) * vectors[:, None].astype(np.int64)).sum(axis=2)
    assert (products == cells.products).all()


def test_means_are_the_directions_of_their_rows():
    rng = np.random.default_rng(0)
    from curate.models.embeddings.quantised import quantise

    vectors = quantise(np.repeat(np.eye(4), 50, axis=0) + 0.05 * rng.standard_normal((200, 4)))[rng.permutation(200)]
    centres = _cells.means(vectors, 12)
    assert (np.abs(centres).max(axis=1) > 3900).all()


@pytest.mark.parametrize("temperature", [0, 0.5, 3])
def test_cluster_takes_its_share_from_each_cell(temperature):
    vectors = np.zeros((600, 3), dtype=np.int16)
    for axis, (first, last) in enumerate([(0, 500), (500, 590), (590, 600)]):
        vectors[first:last, axis] = 4080
    ours = cluster(vectors, n=30, temperature=temperature, cells=40)
    got = [int(((ours >= a) & (ours < b)).sum()) for a, b in [(0, 500), (500, 590), (590, 600)]]
    root = 1 + 1 / temperature if temperature else INF
    assert got == list(quotas({"a": 500, "b": 90, "c": 10}, 30, domain_temperature=root).values())


def test_cluster_takes_the_best_of_each_cell():
    vectors = np.repeat(np.eye(3), 20, axis=0)
    quality = np.tile(np.arange(20), 3)
    ours = cluster(vectors, n=6, temperature=0, quality=quality, cells=30)
    assert sorted(ours.tolist()) == [18, 19, 38, 39, 58, 59]


def in_turn(vectors, order, least, n):
    kept: list[int] = []
    for i in order:
        if len(kept) < n and all(int(vectors[i].astype(int) @ vectors[j].astype(int)) < least for j in kept):
            kept.append(i)
    return kept


@pytest.mark.parametrize("least", [0.2, 0.9, 1.0])
@pytest.mark.parametrize("n", [20, 5000])
def test_threshold_compares_rows_one_after_another(least, n):
    vectors = clusters(2600)
    quality = np.random.default_rng(1).integers(0, 5, 2600)
    rank = draw(pl.Series(names(2600)), 0, "test").rank
    order = np.lexsort((rank, -quality))
    ours = threshold(vectors, names(2600), n=n, threshold=least, quality=quality)
    n = n if least < 0.9 or n == 20 else 300  # enough to see
    assert ours[:n].tolist() == in_turn(vectors, order, math.ceil(least * SQUARE), n)


def test_threshold_keeps_one_of_two_twins_the_better():
    rows = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert threshold(rows, n=3, quality=[-7, 2, None]).tolist() == [1, 2]


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(SELECTORS), st.integers(1, 60), st.integers(0, 70), st.integers(1, 70), st.integers(0, 9))
def test_the_order_of_rows_does_not_matter_and_the_budget_is_exact(select, size, n, d, seed):
    vectors = clusters(size, d, seed)
    order, ids = np.random.default_rng(seed).permutation(size), np.array(names(size))
    ours = select(vectors, ids, n=n, seed=seed)
    assert len(set(ours.tolist())) == len(ours)
    assert len(ours) == min(n, size) or select is threshold
    turned = select(vectors[order], ids[order], n=n, seed=seed)
    assert ids[order][turned].tolist() == ids[ours].tolist()


@pytest.mark.parametrize("select", SELECTORS)
def test_the_number_of_threads_does_not_matter(monkeypatch, select):
    monkeypatch.setattr(_cells, "EXACT", 1000)
    vectors, found = clusters(3000), []
    for count in (1, 2, 5):
        monkeypatch.setattr(_threads, "threads", lambda count=count: count)
        found.append(select(vectors, n=150).tolist())
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("select", [coverage, threshold])
def test_fewer_are_the_first_of_more(select):
    vectors = clusters(500)
    assert select(vectors, n=30).tolist() == select(vectors, n=90)[:30].tolist()


def test_coverage_at_inf_is_the_order_of_the_draw():
    vectors = clusters(300)
    assert coverage(vectors, n=40, temperature=INF).tolist() == farthest(vectors, n=40, temperature=INF).tolist()


@pytest.mark.parametrize("select", SELECTORS)
def test_zero_vectors_and_empty_pools_are_no_trouble(select):
    assert sorted(select(np.zeros((5, 3)), n=5).tolist()) == [0, 1, 2, 3, 4]
    assert select(np.zeros((0, 3)), n=5).tolist() == []
    assert select(clusters(5), n=0).tolist() == []
    with pytest.raises(ValueError, match="row 0 holds NaN"):
        select(np.full((2, 2), np.nan), n=1)


@pytest.mark.parametrize("select", SELECTORS)
def test_a_pool_gets_a_choice_of_the_same_rows(select):
    rows, vectors = pool(), clusters(120).astype(np.float32)
    choice = select(rows, n=30, vectors="vector")
    assert choice.kept.arg_true().to_list() == sorted(select(vectors, names(120), n=30).tolist())
    assert choice.why.null_count() == 30
    assert choice.why.drop_nulls()[0].startswith("not picked: 30 of 120 taken")
    assert kind_of(select) == "select"
    assert "ids" not in parameters(select).model_fields


@pytest.mark.parametrize(
    ("select", "parameters", "sentence"),
    [
        pytest.param(coverage, {"neighbours": 0}, "neighbours must be 1 or more", id="no neighbours"),
        pytest.param(cluster, {"cells": 0}, "cells must be 1 or more", id="no cells"),
        pytest.param(threshold, {"threshold": 1.1}, "threshold is a cosine", id="no cosine"),
        pytest.param(threshold, {"quality": [1.0]}, "9 vectors, but 1 values", id="too few values"),
        pytest.param(coverage, {"temperature": -1}, "temperature must be 0 or more", id="negative"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(select, parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        select(clusters(9), n=2, **parameters)
