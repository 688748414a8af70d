"""Farthest-first: what it picks is what looking at every row before every pick would."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.filters import quotas
from curate.filters.diversity import farthest
from curate.filters.pool import draw
from curate.filters.vectors import cells, kernels
from curate.filters.vectors import farthest as _farthest
from curate.models.embeddings.quantised import SQUARE, quantise
from curate.recipe.registry import kind_of, parameters

pytest.importorskip("numba", reason="selectors need numba: pip install 'curate-lm[embed]'")
INF = math.inf


def clusters(n: int, d: int = 24, seed: int = 0) -> np.ndarray:
    """Make vectors of clusters of very different sizes, some of them twice."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((max(3, n // 20), d))
    cluster = (rng.random(n) ** 3 * len(centres)).astype(int)
    vectors = quantise(centres[cluster] + 0.5 * rng.standard_normal((n, d)))
    vectors[: n // 20] = vectors[n - n // 20 :]
    return vectors


def names(n: int) -> list[str]:
    return [f"row {i}" for i in range(n)]


def greedy(vectors, ids, n, temperature, quality=None, weight=1.0, chosen=None, seed=0):
    """Look at every row before every pick."""
    u, rank = draw(pl.Series(ids), seed, "test")
    weights = -temperature * np.log(-np.log(u))
    with np.errstate(divide="ignore"):
        weights += weight * np.log(quality) if quality is not None and weight else 0
    table = vectors.astype(np.int64)
    most = np.full(len(table), -SQUARE)
    for vector in [] if chosen is None else chosen:
        most = np.maximum(most, table @ vector.astype(np.int64))
    picks: list[int] = []
    left = np.ones(len(table), dtype=bool)
    while len(picks) < min(n, len(table)):
        gain = SQUARE - (most if picks or chosen is not None else 0 * most)
        gain = np.where(vectors.any(axis=1), gain, 0)
        with np.errstate(divide="ignore"):
            score = np.where(gain > 0, np.log(np.maximum(gain, 1)) + weights, -INF)
        best = np.flatnonzero(left & (score == score[left].max()))
        picks.append(int(best[np.argmin(rank[best])]))
        left[picks[-1]] = False
        most = np.maximum(most, table @ table[picks[-1]])
    return picks


@pytest.fixture(params=[(8192, 2048), (7, 3), (64, 1)], ids=["as it is", "tiny rounds", "one at a time"])
def rounds(request, monkeypatch):
    """Make rounds small too, so that small pools go through many of them."""
    monkeypatch.setattr(_farthest, "ROUND", request.param[0])
    monkeypatch.setattr(_farthest, "INSIDE", request.param[1])


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0, 0.1, 0.2, 1, 5, 1e6])
def test_it_picks_what_the_greedy_algorithm_picks(rounds, temperature):
    vectors = clusters(600)
    expected = greedy(vectors, names(600), 200, temperature)
    assert farthest(vectors, names(600), n=200, temperature=temperature).tolist() == expected


@pytest.mark.parametrize("temperature", [0, 0.1, 1])
def test_it_picks_what_the_greedy_algorithm_picks_of_20_000(temperature):
    vectors = clusters(20_000, d=32)
    expected = greedy(vectors, names(20_000), 100, temperature)
    assert farthest(vectors, names(20_000), n=100, temperature=temperature).tolist() == expected


@pytest.mark.parametrize("weight", [0, 0.5, 2])
def test_quality_is_a_factor_of_each_score(rounds, weight):
    vectors, quality = clusters(400), np.random.default_rng(3).random(400) ** 2
    quality[:9] = 0
    ours = farthest(vectors, names(400), n=390, temperature=0.1, quality=quality, quality_weight=weight)
    assert ours[:380].tolist() == greedy(vectors, names(400), 380, 0.1, quality, weight)


def test_rows_without_quality_come_last():
    vectors, quality = clusters(50), np.ones(50)
    quality[[3, 7]] = [0, np.nan]
    assert set(farthest(vectors, n=50, quality=quality)[-2:]) == {3, 7}


def test_picks_keep_away_from_what_was_chosen_before(rounds):
    vectors = clusters(500)
    before, pool = vectors[:40], vectors[40:]
    ours = farthest(pool, names(460), n=60, temperature=0.1, chosen=before)
    assert ours.tolist() == greedy(pool, names(460), 60, 0.1, chosen=before)
    twice = farthest(np.vstack([before, pool]), n=300, temperature=0, chosen=before)
    assert min(twice) >= 25  # some are twice in the pool


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60), st.integers(0, 70), st.integers(1, 70), st.sampled_from([0, 0.2, 3, INF]), st.integers(0, 9))
def test_the_order_of_rows_and_what_is_asked_for_do_not_matter(size, n, d, temperature, seed):
    vectors = clusters(size, d, seed)
    order = np.random.default_rng(seed).permutation(size)
    ids = np.array(names(size))
    ours = farthest(vectors, ids, n=n, temperature=temperature, seed=seed)
    assert len(set(ours.tolist())) == len(ours) == min(n, size)
    turned = farthest(vectors[order], ids[order], n=n, temperature=temperature, seed=seed)
    assert ids[order][turned].tolist() == ids[ours].tolist()
    fewer = farthest(vectors, ids, n=n // 2, temperature=temperature, seed=seed)
    assert fewer.tolist() == ours[: n // 2].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0, 0.2])
def test_the_number_of_threads_does_not_matter(monkeypatch, temperature):
    vectors, found = clusters(70_000, d=8), []
    for count in (1, 2, 5):
        monkeypatch.setattr(cells, "threads", lambda count=count: count)
        found.append(farthest(vectors, n=150, temperature=temperature).tolist())
    assert found[0] == found[1] == found[2]


def test_at_inf_it_is_the_order_of_the_draw():
    vectors = clusters(400)[20:320]  # none twice: what adds nothing at all comes last at any finite temperature
    u = draw(pl.Series(names(300)), 4, "test").number
    assert farthest(vectors, names(300), n=300, temperature=INF, seed=4).tolist() == np.argsort(-u).tolist()
    assert farthest(vectors, names(300), n=300, temperature=1e9, seed=4).tolist()[:200] == np.argsort(-u).tolist()[:200]


def test_the_seed_moves_the_choice():
    vectors = clusters(300)
    assert len({tuple(farthest(vectors, n=20, seed=seed)) for seed in range(5)}) == 5


def test_zero_vectors_come_last_in_the_order_of_the_draw(rounds):
    vectors = clusters(200)
    vectors[50:90] = 0
    ours = farthest(vectors, names(200), n=200, temperature=0)
    rank = draw(pl.Series(names(200)), 0, "test").rank
    zeros = [i for i in ours if 50 <= i < 90]
    assert zeros == sorted(range(50, 90), key=lambda i: rank[i])
    assert ours.tolist() == greedy(vectors, names(200), 200, 0)


def test_many_rows_alike_do_not_hold_it_up(rounds):
    vectors = np.repeat(clusters(10), 200, axis=0)
    assert farthest(vectors, names(2000), n=300, temperature=0).tolist() == greedy(vectors, names(2000), 300, 0)


def test_a_lower_temperature_gives_a_set_further_apart():
    vectors = clusters(3000)

    def nearest(temperature: float) -> float:
        picked = vectors[farthest(vectors, n=100, temperature=temperature)].astype(np.int64)
        return float((picked @ picked.T - 10**9 * np.eye(100)).max(axis=1).mean())

    ladder = [nearest(t) for t in (0, 0.1, 0.3, 1, INF)]
    assert ladder == sorted(ladder)


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0, 0.2, INF])
@pytest.mark.parametrize("domain_temperature", [1, 3, INF])
def test_each_domain_gives_its_quota_and_all_keep_apart(rounds, temperature, domain_temperature):
    vectors = clusters(900)
    domains = ["big"] * 700 + ["mid"] * 180 + [None] * 15 + ["tiny"] * 5
    ours = farthest(
        vectors, n=90, temperature=temperature, by=pl.Series(domains), domain_temperature=domain_temperature
    )
    got = pl.Series([domains[i] for i in ours]).fill_null("none").value_counts()
    asked = quotas({"big": 700, "mid": 180, "none": 15, "tiny": 5}, 90, domain_temperature=domain_temperature)
    counts = dict(got.iter_rows())
    assert sum(counts.values()) == 90
    assert all(abs(counts.get(name, 0) - n) <= 1 for name, n in asked.items())  # ties are drawn by name


def test_a_full_domain_is_closed_and_nothing_else_changes():
    vectors = clusters(300)
    domain = np.array(["a", "b", "c"])[np.random.default_rng(2).integers(0, 3, 300)]
    ours = farthest(vectors, names(300), n=30, temperature=0.1, by=domain, domain_temperature=INF)
    left = dict.fromkeys("abc", 10)
    expected: list[int] = []
    everything = greedy(vectors, names(300), 300, 0.1)
    for pick in everything:  # as long as no domain is full, the picks are those without domains
        if left[domain[pick]] == 0:
            break
        left[domain[pick]] -= 1
        expected.append(pick)
    assert len(expected) > 10
    assert ours[: len(expected)].tolist() == expected


def pool(n: int = 120) -> pl.DataFrame:
    vectors = clusters(n).astype(np.float32)
    return pl.DataFrame(
        {
            "id": names(n),
            "vector": vectors.tolist(),
            "domain": ["a", "b", "b"] * (n // 3),
            "score": [1.0, 5.0, None] * (n // 3),
        }
    )


def test_a_pool_gets_a_choice_of_the_same_rows():
    rows = pool()
    vectors = clusters(120).astype(np.float32)
    choice = farthest(rows, n=30, vectors="vector")
    assert choice.kept.arg_true().to_list() == sorted(farthest(vectors, names(120), n=30).tolist())
    assert choice.why.filter(~choice.kept).unique().to_list() == ["not picked: 30 of 120 taken"]
    assert choice.why.filter(choice.kept).null_count() == 30
    kinds = rows.with_columns(pl.col("vector").list.to_array(24))
    assert farthest(kinds, n=30, vectors="vector").kept.equals(choice.kept)


def test_a_pool_with_domains_says_how_many_each_gave():
    choice = farthest(pool(), n=30, vectors="vector", by="domain", quality="score")
    said = set(choice.why.drop_nulls())
    assert said == {"not picked: 10 of 40 taken in a", "not picked: 20 of 80 taken in b"}


def test_rows_without_a_vector_come_last():
    rows = pool().with_columns(pl.when(pl.int_range(pl.len()) >= 5).then("vector").alias("vector"))
    assert farthest(rows, n=115, vectors="vector").kept.to_list() == [False] * 5 + [True] * 115
    assert farthest(rows, n=999, vectors="vector").kept.all()


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        pytest.param({"n": -1}, "n must be 0 or more", id="negative n"),
        pytest.param({"temperature": -0.1}, "temperature must be 0 or more", id="negative temperature"),
        pytest.param({"temperature": math.nan}, "temperature must be 0 or more", id="no temperature"),
        pytest.param({"quality_weight": -1}, "quality_weight must be 0 or more", id="negative weight"),
        pytest.param({"quality": [1, -2, 3]}, "quality is a factor", id="negative quality"),
        pytest.param({"quality": [1]}, "3 vectors, but 1 values", id="too few qualities"),
        pytest.param({"ids": ["a", "b", "a"]}, "id 'a' occurs twice", id="an id twice"),
        pytest.param({"ids": ["a", "b"]}, "3 vectors, but 2 ids", id="too few ids"),
        pytest.param({"ids": ["a", "b", None]}, "every row needs an id", id="a null id"),
        pytest.param({"chosen": np.ones((2, 5))}, "2 dimensions, those chosen before 5", id="other vectors"),
        pytest.param({"domain_temperature": 0}, "domain_temperature must be 0.1", id="domains at zero", marks=[]),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(parameters, sentence):
    given_ = {"n": 2, "by": ["a", "b", "a"]} | parameters
    with pytest.raises(ValueError, match=sentence):
        farthest(np.eye(3)[:, :2] + 1, **given_)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        pytest.param({"vectors": "nowhere"}, "no column 'nowhere'", id="no such column"),
        pytest.param({"vectors": "score"}, "holds Float64, not vectors", id="numbers"),
        pytest.param({"vectors": "uneven"}, "not of one length: 2 to 3", id="uneven"),
        pytest.param({"vectors": "words"}, r"holds List\(String\), not vectors", id="lists of texts"),
        pytest.param({"vectors": "gap"}, "a vector in 'gap' is empty or lacks a number", id="a null within"),
        pytest.param({"vectors": "gap_array"}, "a vector in 'gap_array' is empty", id="a null within an array"),
        pytest.param({"vectors": "empty"}, "a vector in 'empty' is empty or lacks a number", id="empty vectors"),
        pytest.param({"vectors": "vector", "by": "site"}, "no column 'site'", id="no such domain"),
        pytest.param({"vectors": "nan"}, "a vector in 'nan' holds NaN or infinity", id="not a number"),
        pytest.param(
            {"vectors": "infinite"}, "a vector in 'infinite' holds NaN or infinity", id="infinity in an array"
        ),
    ],
)
def test_what_a_pool_lacks_is_said_in_one_sentence(parameters, sentence):
    rows = pool(3).with_columns(
        pl.Series("uneven", [[1.0, 2.0], [1.0], [1.0, 2.0, 3.0]]).list.concat([0.0]).list.head(3),
        pl.Series("nan", [[1.0, 2.0], [1.0, math.nan], [0.0, 1.0]]),
        pl.Series("infinite", [[1.0, 2.0], None, [math.inf, 1.0]], dtype=pl.Array(pl.Float32, 2)),
        pl.Series("words", [["a"], ["b"], ["c"]]),
        pl.Series("gap", [[1.0, 2.0], [1.0, None], [0.0, 1.0]]),
        pl.Series("gap_array", [[1.0, 2.0], [1.0, None], [0.0, 1.0]], dtype=pl.Array(pl.Float32, 2)),
        pl.Series("empty", [[], [], []]),
    )
    with pytest.raises(ValueError, match=sentence):
        farthest(rows, n=2, **parameters)


def test_an_empty_pool_gives_an_empty_choice():
    assert farthest(np.zeros((0, 4)), n=5).tolist() == []
    assert farthest(clusters(9), n=0).tolist() == []
    assert farthest(pool(3).clear(), n=5, vectors="vector").kept.to_list() == []


def test_a_recipe_may_set_what_can_be_written_in_one():
    assert kind_of(farthest) == "select"
    fields = parameters(farthest).model_fields
    assert not {"pool", "ids", "chosen"} & set(fields)
    assert {"n", "column", "temperature", "quality", "by", "seed"} <= set(fields)


@pytest.mark.parametrize("x", [5e-324, 1e-300, 0.1, 0.7071, 1 - 2**-53, 1, 1.5, 2, 3.7, 1e10, 1e300])
def test_the_logarithm_is_right_to_the_last_bits(x):
    assert kernels.ln(x) == pytest.approx(math.log(x), rel=4e-16, abs=0)


def test_the_compiled_kernels_say_what_the_interpreted_ones_do():
    vectors = clusters(40, d=70)
    exact = vectors.astype(int) @ vectors.astype(int).T
    assert all(kernels.dot(vectors, i, vectors, j) == exact[i, j] for i in range(5) for j in range(40))
    assert kernels.four(vectors, 3, vectors, 8, -(10**9)) == exact[3, 8:12].max()


def test_rows_chosen_before_are_turned_into_vectors_as_the_pool_is():
    rows, vectors = pool(), clusters(120)
    before = rows.head(20)
    choice = farthest(rows.tail(100), n=10, vectors="vector", chosen=before)
    expected = farthest(vectors[20:], names(120)[20:], n=10, chosen=vectors[:20])
    assert choice.kept.arg_true().to_list() == sorted(expected.tolist())
    assert farthest(rows.tail(100), n=10, vectors="vector", chosen=rows.clear()).kept.sum() == 10
