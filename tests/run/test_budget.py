from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.run.budget import shares, shortfall


def taken(asked, available, size, rule="redistribute"):
    return {name: share.taken for name, share in shares(asked, available, size=size, rule=rule).items()}


@pytest.mark.parametrize(
    ("asked", "available", "size", "expected"),
    [
        pytest.param({"a": 6, "b": 4}, {"a": 9, "b": 9}, 10, {"a": 6, "b": 4}, id="enough everywhere"),
        pytest.param({"a": 6, "b": 4}, {"a": 3, "b": 9}, 10, {"a": 3, "b": 7}, id="one falls short"),
        pytest.param({"a": 5, "b": 4, "c": 1}, {"a": 0, "b": 9, "c": 9}, 10, {"a": 0, "b": 8, "c": 2}, id="by shares"),
        pytest.param({"a": 5, "b": 5, "c": 0}, {"a": 2, "b": 5, "c": 99}, 10, {"a": 2, "b": 5, "c": 3}, id="last: those asked for none"),
        pytest.param({"a": 5, "b": 5, "c": 0}, {"a": 2, "b": 7, "c": 99}, 10, {"a": 2, "b": 7, "c": 1}, id="asked ones before them"),
        pytest.param({"a": 600, "b": 400}, {"a": 99, "b": 99}, 10, {"a": 6, "b": 4}, id="takes are shares of the size"),
        pytest.param({"a": None, "b": None}, {"a": 99, "b": 99}, 10, {"a": 5, "b": 5}, id="no takes: alike"),
        pytest.param({"a": 7, "b": None}, {"a": 99, "b": 99}, 10, {"a": 7, "b": 3}, id="no take: the rest"),
        pytest.param({"a": 10, "b": None, "c": None}, {"a": 99, "b": 99, "c": 99}, 20, {"a": 10, "b": 5, "c": 5}, id="no takes: the rest in equal parts"),
        pytest.param({"a": 5, "b": 3, "c": 2}, {"a": 99, "b": 99, "c": 99}, 7, {"a": 4, "b": 2, "c": 1}, id="what rounding leaves goes to the largest remainder"),
        pytest.param({"a": None, "b": None}, {"a": 3, "b": 9}, None, {"a": 3, "b": 9}, id="no size: all rows"),
        pytest.param({"a": 2, "b": None}, {"a": 3, "b": 9}, None, {"a": 2, "b": 9}, id="no size: a take stands"),
    ],
)  # fmt: skip
def test_shares(asked, available, size, expected):
    assert taken(asked, available, size) == expected


@pytest.mark.parametrize(
    ("available", "rule", "says"),
    [
        pytest.param({"a": 3, "b": 9}, "fail", "a has 3 of 6; allow it with `shortfall: redistribute`", id="fail"),
        pytest.param({"a": 6, "b": 9}, "fail", None, id="enough"),
        pytest.param({"a": 3, "b": 4}, "accept", None, id="accept"),
        pytest.param({"a": 3, "b": 9}, "redistribute", None, id="the others have more"),
        pytest.param({"a": 3, "b": 4}, "redistribute", "all sources together have 7 rows left, 10 are asked", id="and have not"),
    ],
)  # fmt: skip
def test_who_falls_short_where_the_rule_does_not_allow_it(available, rule, says):
    sentence = shortfall(shares({"a": 6, "b": 4}, available, size=10, rule=rule), rule)
    assert says in sentence if says else sentence is None


@pytest.mark.parametrize("rule", ["accept", "fail"])
def test_what_there_is_stands_in_a_smaller_set(rule):
    assert taken({"a": 6, "b": 4}, {"a": 3, "b": 9}, 10, rule) == {"a": 3, "b": 4}


counts = st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1)


@settings(deadline=None)
@given(counts, st.integers(1, 200))
def test_the_size_is_exact_and_nobody_gives_what_it_has_not(sources, size):
    asked = {name: take for name, (take, _) in sources.items()}
    available = {name: there for name, (_, there) in sources.items()}
    if sum(available.values()) < size:
        assert shortfall(shares(asked, available, size=size, rule="redistribute"), "redistribute")
    found = taken(asked, available, size)
    assert sum(found.values()) == min(size, sum(available.values()))
    assert all(0 <= found[name] <= available[name] for name in found)
