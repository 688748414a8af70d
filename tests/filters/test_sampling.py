from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.filters import domains, quotas, random, top

SIZES = {"a": 1_000_000, "b": 100_000, "c": 10_000, "d": 1_000, "e": 100, "f": 5}
INF = float("inf")

sizes = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=2), st.integers(0, 3000), max_size=12)
temperatures = st.sampled_from([0.5, 1, 1.7, 3, 10, INF])


@pytest.mark.parametrize(
    ("given_sizes", "n", "temperature", "expected"),
    [
        pytest.param(SIZES, 200, 3, [109, 50, 23, 11, 5, 2], id="LIMA's temperature, 200 rows"),
        pytest.param(SIZES, 20_000, 3, [11250, 5221, 2424, 1000, 100, 5], id="the small domains give all they have"),
        pytest.param({"a": 60, "b": 30, "c": 10}, 10, 1, [6, 3, 1], id="1 is proportional"),
        pytest.param({"a": 60, "b": 30, "c": 10}, 9, INF, [3, 3, 3], id="inf is the same from each"),
        pytest.param({"a": 60, "b": 30, "c": 1}, 9, INF, [4, 4, 1], id="what one cannot give goes to the others"),
        pytest.param({"a": 5, "b": 0}, 3, 3, [3, 0], id="an empty domain gives nothing"),
        pytest.param({"a": 5, "b": 4}, 100, 3, [5, 4], id="more asked than there is"),
        pytest.param({"a": 5, "b": 4}, 0, 3, [0, 0], id="none asked"),
        pytest.param({"a": 10**12, "b": 1}, 10, 0.1, [10, 0], id="far below 1 the largest takes all"),
        pytest.param({}, 10, 3, [], id="no domains"),
    ],
)
def test_quotas(given_sizes, n, temperature, expected):
    assert list(quotas(given_sizes, n, domain_temperature=temperature).values()) == expected


def test_per_domain_is_a_ceiling_that_hands_on_the_rest():
    assert quotas({"a": 90, "b": 9, "c": 1}, 20, per_domain=10) == {"a": 10, "b": 9, "c": 1}
    assert quotas({"a": 90, "b": 9}, 20, per_domain=0) == {"a": 0, "b": 0}


def test_ties_are_drawn_by_the_seed():
    even = dict.fromkeys("abcdefghij", 100)
    winners = [{k for k, v in quotas(even, 5, seed=s).items() if v} for s in range(20)]
    assert all(len(w) == 5 for w in winners)
    assert len(set(map(frozenset, winners))) > 10


@given(sizes, st.integers(0, 5000), temperatures, st.integers(0, 3))
def test_quotas_are_exact_capped_and_independent_of_order(given_sizes, n, temperature, seed):
    quota = quotas(given_sizes, n, domain_temperature=temperature, seed=seed)
    assert sum(quota.values()) == min(n, sum(given_sizes.values()))
    assert all(0 <= quota[name] <= size for name, size in given_sizes.items())
    assert quota == quotas(dict(reversed(given_sizes.items())), n, domain_temperature=temperature, seed=seed)


@given(sizes, st.integers(0, 5000), temperatures)
def test_a_larger_domain_gives_no_less(given_sizes, n, temperature):
    quota = quotas(given_sizes, n, domain_temperature=temperature)
    ranked = sorted(given_sizes, key=lambda name: given_sizes[name])
    for small, large in pairwise(ranked):
        # Domains with one weight may differ by the one row that the draw gave.
        alike = temperature == INF or given_sizes[small] == given_sizes[large]
        assert quota[small] <= quota[large] + alike


@given(sizes, st.integers(0, 2000))
def test_a_higher_temperature_never_takes_more_from_the_largest(given_sizes, n):
    if not given_sizes:
        return
    largest = max(given_sizes, key=lambda name: given_sizes[name])
    taken = [quotas(given_sizes, n, domain_temperature=t)[largest] for t in (1, 2, 4)]
    assert taken[0] >= taken[1] - 1 >= taken[2] - 2


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        pytest.param({"n": -1}, "n must be 0 or more, not -1", id="negative n"),
        pytest.param(
            {"n": 1, "domain_temperature": 0}, "0.1 or more .inf for equal shares., not 0", id="temperature 0"
        ),
        pytest.param({"n": 1, "domain_temperature": float("nan")}, "not nan", id="temperature NaN"),
        pytest.param({"n": 1, "per_domain": -2}, "per_domain must be 0 or more", id="negative ceiling"),
        pytest.param({"n": 1, "sizes": {"a": -1}}, "size of 'a' is negative", id="negative size"),
    ],
)
def test_quotas_refuses(parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        quotas(**{"sizes": {"a": 3}, **parameters})


def pool(n: int = 300) -> pl.DataFrame:
    names = ["ai", "beer", "tea"]
    return pl.DataFrame(
        {
            "id": [f"{i:04}" for i in range(n)],
            "domain": [names[min(i % 10, 2)] for i in range(n)],  # 1 : 1 : 8
            "score": [float(i % 7) if i % 11 else None for i in range(n)],
        }
    )


SELECTORS = [
    pytest.param(random, {}, id="random"),
    pytest.param(top, {}, id="top"),
    pytest.param(domains, {"domain_temperature": 3}, id="domains"),
    pytest.param(domains, {"domain_temperature": INF, "prefer": None}, id="domains without preference"),
]


@pytest.mark.parametrize(("select", "parameters"), SELECTORS)
def test_a_selector_takes_n_whatever_the_order(select, parameters):
    rows = pool()
    shuffled = rows.sample(fraction=1, shuffle=True, seed=5)
    one, other = (select(r, n=50, seed=1, **parameters) for r in (rows, shuffled))
    assert one.kept.sum() == 50
    assert set(rows.filter(one.kept)["id"]) == set(shuffled.filter(other.kept)["id"])
    assert (one.why.is_null() == one.kept).all()
    assert set(one.why.drop_nulls()) == set(other.why.drop_nulls())


@pytest.mark.parametrize(("select", "parameters"), SELECTORS)
@pytest.mark.parametrize("n", [0, 300, 1000])
def test_a_selector_takes_none_or_all(select, parameters, n):
    choice = select(pool(), n=n, **parameters)
    assert choice.kept.sum() == min(n, 300)
    assert (choice.kept.dtype, choice.why.dtype) == (pl.Boolean, pl.String)


@pytest.mark.parametrize(("select", "parameters"), SELECTORS)
def test_a_selector_takes_an_empty_pool(select, parameters):
    choice = select(pool().clear(), n=5, **parameters)
    assert (len(choice.kept), choice.kept.dtype, choice.why.dtype) == (0, pl.Boolean, pl.String)


@pytest.mark.parametrize(("select", "parameters"), SELECTORS)
def test_a_selector_refuses_a_negative_n(select, parameters):
    with pytest.raises(ValueError, match="n must be 0 or more"):
        select(pool(), n=-1, **parameters)


@pytest.mark.parametrize(
    ("select", "parameters", "column"),
    [
        pytest.param(top, {"by": "stars"}, "stars", id="top"),
        pytest.param(domains, {"by": "site"}, "site", id="domains"),
        pytest.param(domains, {"prefer": "stars"}, "stars", id="a preference that is named must be there"),
    ],
)
def test_a_selector_names_the_column_that_is_not_there(select, parameters, column):
    with pytest.raises(ValueError, match=f"{select.__name__}: the rows have no column '{column}', only id, domain"):
        select(pool(), n=1, **parameters)


def test_random_keeps_what_a_smaller_n_kept_and_moves_with_the_seed():
    small, large, other = random(pool(), n=50), random(pool(), n=80), random(pool(), n=50, seed=1)
    assert (small.kept & ~large.kept).sum() == 0
    assert not small.kept.equals(other.kept)
    assert small.why.drop_nulls()[0] == "not picked: 50 of 300 drawn at random"


def test_top_takes_the_highest_and_draws_among_equals():
    rows = pool()
    choice = top(rows, n=60)
    assert rows.filter(choice.kept)["score"].min() == rows["score"].top_k(60).min()
    assert not choice.kept.equals(top(rows, n=60, seed=1).kept)
    assert top(rows.with_columns(score=pl.lit(float("nan"))), n=3).kept.sum() == 3


def test_domains_takes_each_quota_best_first():
    rows = pool()
    choice = domains(rows, n=60, domain_temperature=INF)
    taken = rows.filter(choice.kept)
    assert dict(taken.group_by("domain").len().iter_rows()) == {"ai": 20, "beer": 20, "tea": 20}
    for name in ("ai", "beer", "tea"):
        best = rows.filter(pl.col("domain") == name)["score"].top_k(20).min()
        assert taken.filter(pl.col("domain") == name)["score"].min() == best
    assert set(choice.why.drop_nulls()) == {
        "not picked: 20 of 30 taken in ai",
        "not picked: 20 of 30 taken in beer",
        "not picked: 20 of 240 taken in tea",
    }


def test_domains_without_a_score_or_a_domain():
    rows = pool().drop("score").with_columns(domain=pl.when(pl.col("domain") != "tea").then("domain"))
    choice = domains(rows, n=9, domain_temperature=INF)
    assert choice.kept.sum() == 9
    assert "not picked: 3 of 240 taken in no domain" in choice.why.to_list()


def test_domains_by_another_column_with_a_ceiling():
    choice = domains(pool(), n=60, by="score", per_domain=5)
    assert choice.kept.sum() == 40  # 7 scores and none: all that 8 ceilings of 5 allow
    assert "not picked: 5 of 39 taken in 0.0" in choice.why.to_list()


def test_an_array_gets_the_positions_of_what_a_pool_would_keep():
    ids = [f"row {i}" for i in range(50)]
    drawn = random([[0.0]] * 50, ids, n=9, seed=3)
    kept = random(pl.DataFrame({"id": ids}), n=9, seed=3).kept
    assert sorted(drawn.tolist()) == kept.arg_true().to_list()
    assert random([[0.0]] * 50, ids, n=99, seed=3).tolist()[:9] == drawn.tolist()
    assert len(random([[0.0]] * 50, n=9)) == 9
    with pytest.raises(ValueError, match="50 rows, but 1 ids"):
        random([[0.0]] * 50, ["a"], n=9)
