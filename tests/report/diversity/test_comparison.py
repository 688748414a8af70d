"""A set beside random draws: the draws are fair and seeded, and the band tells a diverse choice from a dull one."""

from __future__ import annotations

import math

import pytest

np = pytest.importorskip("numpy", reason="diversity needs the extra `embed`")
pytest.importorskip("numba", reason="k-means and the selectors are compiled")

from curate.report import diversity  # noqa: E402


@pytest.fixture(scope="module")
def pool():
    """One large crowd and many small ones: a random draw mostly meets the crowd."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((30, 16))
    which = np.concatenate([np.zeros(400, dtype=int), np.repeat(np.arange(1, 30), 7)])
    return centres[which] + rng.normal(0, 0.15, (len(which), 16))


def by_metric(table):
    return {row["metric"]: row for row in table}


def test_one_of_each_kind_is_above_the_band_and_one_kind_alone_below(pool):
    spread = [0, *range(400, len(pool), 7)]
    good, dull = (by_metric(diversity.compare(pool, at, cells=30)) for at in (spread, list(range(30))))
    for name in ("vendi", "mean_pairwise_distance", "nearest_neighbour_distance", "cluster_entropy"):
        assert (good[name]["band"], dull[name]["band"]) == ("above", "below"), name
    assert (good["coverage_radius"]["band"], dull["coverage_radius"]["band"]) == ("below", "above")
    assert dull["pairs_above_0.9"]["band"] == "above"


def test_draws_are_fair(pool):
    crowd = [(diversity.draw(pool, 60, seed=seed) < 400).sum() for seed in range(200)]
    assert np.mean(crowd) == pytest.approx(60 * 400 / len(pool), abs=1)  # four standard errors
    assert np.std(crowd) == pytest.approx(3.5, abs=0.7)  # hypergeometric


def test_the_whole_pool_is_its_own_draw(pool):
    for row in diversity.compare(pool, np.arange(len(pool)), draws=2):
        assert row["value"] == pytest.approx(row["low"]) == row["high"]


def test_draws_depend_on_ids_and_seed_and_not_on_the_order(pool):
    ids = np.array([f"row {i}" for i in range(len(pool))])
    turned = np.random.default_rng(1).permutation(len(pool))
    first = ids[diversity.draw(pool, 20, ids=ids, seed=3)]
    assert (first == ids[turned][diversity.draw(pool[turned], 20, ids=ids[turned], seed=3)]).all()
    assert (first != ids[diversity.draw(pool, 20, ids=ids, seed=4)]).any()
    assert (first == ids[diversity.draw(pool, 30, ids=ids, seed=3)][:20]).all()


def test_rows_without_a_direction_are_not_drawn(pool):
    blank = np.vstack([pool[:10], np.zeros((50, 16))])
    assert sorted(diversity.draw(blank, 10)) == list(range(10))


def test_too_few_ids_are_said():
    with pytest.raises(ValueError, match="2 ids for 3 vectors"):
        diversity.draw(np.eye(3), 2, ids=["a", "b"])


def test_the_ladder_falls_from_greedy_to_random(pool):
    rungs = diversity.ladder(pool, n=40, temperatures=(0, 0.3, math.inf), seeds=(0, 1, 2))
    assert len(rungs) == 9
    vendi = [np.mean([r["vendi"] for r in rungs if r["temperature"] == t]) for t in (0, 0.3, math.inf)]
    assert vendi == sorted(vendi, reverse=True)


def test_domains_are_counted_in_the_pool_and_in_the_set():
    result = diversity.domain_counts(["ai", "ai", None, "tea"], [1, 2], asked={"ai": 2, "tea": 1})
    assert result.rows() == [("ai", 2, 2, 1), ("tea", 1, 1, 0), (None, 1, None, 1)]
