from functools import partial
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.filters import domains, enough, middle, quotas, random, top
from curate.filters import pool as pools

SIZES = {"a": 1_000_000, "b": 100_000, "c": 10_000, "d": 1_000, "e": 100, "f": 5}
INF = float("inf")

sizes = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=2), st.integers(0, 3000), max_size=12)
temperatures = st.sampled_from([0.5, 1, 1.7, 3, 10, INF])


@pytest.mark.parametrize(
    ("counts", "n", "temperature", "expected"),
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
        # 2.7, 2.7 and 0.6: two rows are left, and the largest remainders have them.
        pytest.param({"a": 45, "b": 45, "c": 10}, 6, 1, [3, 3, 0], id="the largest remainders get what is left"),
        pytest.param({"a": 51, "b": 28, "c": 21}, 5, 1, [3, 1, 1], id="2.55, 1.4, 1.05: only one more for the first"),
        pytest.param({"a": 24, "b": 16, "c": 60}, 10, 1, [2, 2, 6], id="2.4, 1.6, 6: not the first, though it is larger"),
        pytest.param({"a": 35, "b": 35, "c": 15, "d": 15}, 2, 1, [1, 1, 0, 0], id="0.7 of a row is one"),
        pytest.param(dict.fromkeys("abcde", 10), 2, 1, [1, 0, 0, 0, 1], id="of equals those that the draw puts first"),
    ],
)  # fmt: skip
def test_quotas(counts, n, temperature, expected):
    assert list(quotas(counts, n, domain_temperature=temperature).values()) == expected


@settings(deadline=None)
@given(sizes.filter(lambda sizes: sum(sizes.values())), st.integers(1, 500))
def test_a_quota_is_its_exact_part_rounded_up_or_down_and_the_largest_remainders_are_rounded_up(counts, n):
    total = sum(counts.values())
    n = min(n, total)
    quota = quotas(counts, n)
    rest = {name: n * size % total for name, size in counts.items()}
    extra = {name: quota[name] - n * size // total for name, size in counts.items()}
    assert set(extra.values()) <= {0, 1}
    up, down = ([rest[name] for name in rest if extra[name] == more] for more in (1, 0))
    assert min(up, default=total) >= max(down, default=0)


def test_per_domain_is_a_ceiling_that_hands_on_the_rest():
    assert quotas({"a": 90, "b": 9, "c": 1}, 20, per_domain=10) == {"a": 10, "b": 9, "c": 1}
    assert quotas({"a": 90, "b": 9}, 20, per_domain=0) == {"a": 0, "b": 0}


def test_ties_are_drawn_by_the_seed():
    even = dict.fromkeys("abcdefghij", 100)
    winners = [{k for k, v in quotas(even, 5, seed=s).items() if v} for s in range(20)]
    assert all(len(w) == 5 for w in winners)
    assert len(set(map(frozenset, winners))) > 10


@settings(deadline=None)
@given(sizes, st.integers(0, 5000), temperatures, st.integers(0, 3))
def test_quotas_are_exact_capped_and_independent_of_order(counts, n, temperature, seed):
    quota = quotas(counts, n, domain_temperature=temperature, seed=seed)
    assert sum(quota.values()) == min(n, sum(counts.values()))
    assert all(0 <= quota[name] <= size for name, size in counts.items())
    assert quota == quotas(dict(reversed(counts.items())), n, domain_temperature=temperature, seed=seed)


@settings(deadline=None)
@given(sizes, st.integers(0, 5000), temperatures)
def test_a_larger_domain_gives_no_less(counts, n, temperature):
    quota = quotas(counts, n, domain_temperature=temperature)
    ranked = sorted(counts, key=lambda name: counts[name])
    for small, large in pairwise(ranked):
        # Domains with one weight may differ by the one row that the draw gave.
        alike = temperature == INF or counts[small] == counts[large]
        assert quota[small] <= quota[large] + alike


@settings(deadline=None)
@given(sizes, st.integers(0, 2000))
def test_a_higher_temperature_never_takes_more_from_the_largest(counts, n):
    if not counts:
        return
    largest = max(counts, key=lambda name: counts[name])
    taken = [quotas(counts, n, domain_temperature=t)[largest] for t in (1, 2, 4)]
    assert taken[0] >= taken[1] - 1 >= taken[2] - 2


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        pytest.param({"n": -1}, "n must be 0 or more, not -1", id="negative n"),
        pytest.param({"n": 1, "domain_temperature": 0}, "0.1 or more .inf for equal shares., not 0", id="temperature 0"),
        pytest.param({"n": 1, "domain_temperature": float("nan")}, "not nan", id="temperature NaN"),
        pytest.param({"n": 1, "per_domain": -2}, "per_domain must be 0 or more", id="negative ceiling"),
        pytest.param({"n": 1, "sizes": {"a": -1}}, "size of 'a' is negative", id="negative size"),
    ],
)  # fmt: skip
def test_quotas_refuses(parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        quotas(**{"sizes": {"a": 3}, **parameters})


def pool(n: int = 300) -> pl.DataFrame:
    domain = [["ai", "beer", "tea"][min(i % 10, 2)] for i in range(n)]  # 1 : 1 : 8
    score = [float(i % 7) if i % 11 else None for i in range(n)]
    schema = {"id": pl.String, "domain": pl.String, "score": pl.Float64}
    return pl.DataFrame({"id": [f"{i:04}" for i in range(n)], "domain": domain, "score": score}, schema)


SELECTORS = [
    pytest.param(random, {}, id="random"),
    pytest.param(top, {}, id="top"),
    pytest.param(middle, {}, id="middle"),
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
@pytest.mark.parametrize(("n", "size"), [(0, 300), (300, 300), (1000, 300), (5, 0)])
def test_a_selector_takes_none_or_all_and_refuses_fewer_than_none(select, parameters, n, size):
    choice = select(pool(size), n=n, **parameters)
    assert (choice.kept.sum(), len(choice.kept)) == (min(n, size), size)
    assert (choice.kept.dtype, choice.why.dtype) == (pl.Boolean, pl.String)
    with pytest.raises(ValueError, match="n must be 0 or more"):
        select(pool(), n=-1, **parameters)


@pytest.mark.parametrize(
    ("select", "parameters", "column"),
    [
        pytest.param(top, {"by": "stars"}, "stars", id="top"),
        pytest.param(middle, {"by": "stars"}, "stars", id="middle"),
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


@pytest.mark.parametrize("select", [random, top, partial(domains, by="score")])
def test_equals_are_drawn_by_their_ids_not_by_their_places_nor_by_who_else_is_there(select):
    rows = pool().with_columns(score=pl.lit(1.0))
    part = rows[::-3]
    kept, kept_of_part = (set(frame.filter(select(frame, n=50, seed=1).kept)["id"]) for frame in (rows, part))
    assert kept & set(part["id"]) < kept_of_part
    assert len(kept & set(part["id"])) > 9


def test_top_takes_the_highest_and_draws_among_equals():
    rows = pool()
    choice = top(rows, n=60)
    assert rows.filter(choice.kept)["score"].min() == rows["score"].top_k(60).min()
    assert not choice.kept.equals(top(rows, n=60, seed=1).kept)
    assert top(rows.with_columns(score=pl.lit(float("nan"))), n=3).kept.sum() == 3


@pytest.mark.parametrize(
    ("scores", "n", "expected"),
    [
        pytest.param([5, 1, 4, 2, 3], 1, [3], id="the median"),
        pytest.param([5, 1, 4, 2, 3], 3, [2, 3, 4], id="one left out at either end"),
        pytest.param([5, 1, 4, 2, 3], 2, [2, 3], id="of three to leave out, two above"),
        pytest.param([1, 1000, 2, 3, 4], 3, [2, 3, 4], id="by rank, however far an end lies"),
        pytest.param([None, 5, float("nan"), 1, 3], 1, [3], id="what has no number is at no end"),
        pytest.param([None, 5, float("nan"), 1, 3], 3, [1, 3, 5], id="and comes last"),
    ],
)
def test_middle(scores, n, expected):
    rows = pl.DataFrame({"id": list("abcde"), "score": scores}, schema={"id": pl.String, "score": pl.Float64})
    choice = middle(rows, n=n)
    assert sorted(rows.filter(choice.kept)["score"]) == expected
    assert set(choice.why.drop_nulls()) == {f"not picked: {n} of 5 taken from the middle of score"}


@given(st.lists(st.integers(0, 9), max_size=40), st.integers(0, 50), st.integers(0, 3))
def test_middle_leaves_out_as_many_below_as_above(scores, n, seed):
    rows = pl.DataFrame(
        {"id": [f"{i}" for i in range(len(scores))], "score": scores}, schema={"id": pl.String, "score": pl.Int64}
    )
    kept = sorted(rows.filter(middle(rows, n=n, seed=seed).kept)["score"])
    below = max(0, len(scores) - n) // 2
    assert kept == sorted(scores)[below : below + n]


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


rows = st.lists(
    st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from([1.0, 2.0, None, float("nan")])), max_size=30
)


@pytest.mark.parametrize(
    ("selector", "parameters"),
    [(random, {"n": 5}), (top, {"n": 7}), (enough, {"size": 3}), (domains, {"n": 9, "domain_temperature": 3}),
     (domains, {"n": 9, "prefer": None, "per_domain": 3}), (domains, {"n": 0})],
)  # fmt: skip
@settings(deadline=None)
@given(rows=rows, size=st.integers(1, 40), seed=st.integers(0, 3))
def test_rows_that_come_in_pieces_are_picked_as_those_that_come_at_once(selector, parameters, rows, size, seed):
    schema = {"domain": pl.String, "score": pl.Float64}
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(id=pl.Series(map(str, range(len(rows)))))
    parameters = parameters | {"seed": seed}
    whole = selector(frame, **parameters)
    ranking = selector.ranking(frame.clear(), **parameters)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pools, "_HELD", 3)
        pieces = list(pools.picks(lambda do: map(do, frame.iter_slices(size)), ranking))
    assert [*pl.concat([frame.clear(), *(piece for piece, _ in pieces)])["id"]] == [*frame["id"]]
    assert [kept for _, choice in pieces for kept in choice.kept] == whole.kept.to_list()
    assert [why for _, choice in pieces for why in choice.why] == whole.why.to_list()
