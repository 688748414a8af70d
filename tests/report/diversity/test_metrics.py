"""Every measure against its definition, written out naively, on small sets."""

from __future__ import annotations

import math

import pytest

np = pytest.importorskip("numpy", reason="diversity needs the extra `embed`")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from hypothesis.extra.numpy import arrays  # noqa: E402

from curate.models.embeddings.quantised import SQUARE, quantise  # noqa: E402
from curate.report import diversity  # noqa: E402


def sets(least=2, most=12, dimensions=4):
    whole = st.integers(-9, 9).map(float)
    rows = st.integers(least, most).flatmap(lambda n: arrays(np.float64, (n, dimensions), elements=whole))
    return rows.filter(lambda x: x.any(axis=1).all())


def cosines(one, two):
    a, b = quantise(one).astype(np.float64), quantise(two).astype(np.float64)
    return np.minimum(a @ b.T / SQUARE, 1)


@settings(max_examples=60, deadline=None)
@given(sets())
def test_vendi_is_the_entropy_of_the_kernel_s_eigenvalues(x):
    share = np.linalg.eigvalsh(cosines(x, x) / len(x))
    share = share[share > 1e-9]
    assert diversity.vendi(x) == pytest.approx(math.exp(-(share * np.log(share)).sum()), rel=2e-3)


@pytest.mark.parametrize(
    ("vectors", "worth"),
    [
        pytest.param(np.eye(7), 7, id="all at right angles: as many as there are"),
        pytest.param(np.tile([3.0, 1.0, 2.0], (9, 1)), 1, id="all alike: one"),
        pytest.param(np.repeat(np.eye(3), 5, axis=0), 3, id="three kinds, five of each"),
        pytest.param(np.array([[1.0, 0.0], [-1.0, 0.0]]), 1, id="opposites lie on one line"),
        pytest.param(np.vstack([np.eye(3), np.zeros((4, 3))]), 3, id="rows without a direction do not count"),
        pytest.param(np.zeros((2, 3)), 0, id="nothing"),
    ],
)
def test_vendi_of_sets_that_are_plain(vectors, worth):
    assert diversity.vendi(vectors) == pytest.approx(worth, abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(sets())
def test_distances_and_pairs_are_those_of_all_pairs(x):
    near = cosines(x, x)
    pairs = near[np.triu_indices(len(x), 1)]
    others = np.where(np.eye(len(x), dtype=bool), -2, near)
    assert diversity.mean_pairwise_distance(x) == pytest.approx(1 - pairs.mean(), abs=1e-3)
    assert diversity.nearest_neighbour_distance(x) == pytest.approx(1 - others.max(axis=1).mean(), abs=1e-6)
    counted = {t: int((pairs.astype(np.float32) > t).sum()) for t in (0.5, 0.9)}
    assert diversity.pairs_above(x, (0.5, 0.9)) == counted


@settings(max_examples=60, deadline=None)
@given(sets(), sets(least=1))
def test_coverage_is_that_of_the_nearest_chosen_row(pool, chosen):
    near = cosines(pool, chosen).max(axis=1)
    assert diversity.coverage_radius(pool, chosen) == pytest.approx(1 - near.min(), abs=1e-6)
    assert diversity.facility_location(pool, chosen) == pytest.approx(near.mean(), abs=1e-6)
    assert diversity.coverage_radius(pool, chosen, 0.99) <= diversity.coverage_radius(pool, chosen)
    assert diversity.coverage_radius(pool, pool) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("measure", [diversity.mean_pairwise_distance, diversity.nearest_neighbour_distance])
def test_one_row_has_no_pairs(measure):
    assert math.isnan(measure([[1.0, 0.0]]))


@settings(max_examples=40, deadline=None)
@given(sets(), st.randoms(use_true_random=False))
def test_no_measure_depends_on_the_order(x, random):
    shuffled = list(range(len(x)))
    random.shuffle(shuffled)
    one, two = diversity.measure(x, x[:1]), diversity.measure(x[shuffled], x[:1])
    assert {k: pytest.approx(v, nan_ok=True) for k, v in one.items()} == two


def test_many_rows_are_measured_in_blocks_to_the_same_end(monkeypatch):
    x = np.random.default_rng(0).standard_normal((300, 8))
    whole = diversity.measure(x, x)
    monkeypatch.setattr("curate.report.diversity.metrics._BLOCK", 7_000)
    assert diversity.measure(x, x) == pytest.approx(whole)


class TestClusterEntropy:
    def test_is_the_entropy_of_the_counts(self):
        book = np.eye(3)
        assert diversity.cluster_entropy(np.eye(3), book) == pytest.approx(math.log(3))
        assert diversity.cluster_entropy(np.tile(np.eye(3)[:1], (4, 1)), book) == 0
        half = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
        assert diversity.cluster_entropy(np.eye(3)[[0, 0, 0, 1]], book) == pytest.approx(half)

    def test_a_codebook_finds_the_clusters_there_are(self):
        pytest.importorskip("numba", reason="k-means is compiled")
        rng = np.random.default_rng(0)
        pool = np.repeat(np.eye(6), 50, axis=0) + rng.normal(0, 0.05, (300, 6))
        book = diversity.codebook(pool, cells=6)
        assert sorted(book.argmax(axis=1).tolist()) == [0, 1, 2, 3, 4, 5]
        assert diversity.cluster_entropy(pool, book) == pytest.approx(math.log(6))

    def test_a_codebook_does_not_depend_on_the_order_of_the_pool(self):
        pytest.importorskip("numba", reason="k-means is compiled")
        rng = np.random.default_rng(0)
        pool, ids = rng.standard_normal((200, 5)), np.arange(200)
        turned = rng.permutation(200)
        assert (diversity.codebook(pool, 9, ids) == diversity.codebook(pool[turned], 9, ids[turned])).all()

    def test_a_pool_of_few_kinds_has_few_cells(self):
        pytest.importorskip("numba", reason="k-means is compiled")
        assert len(diversity.codebook(np.repeat(np.eye(3), 9, axis=0), cells=100)) == 3
