"""A selector chooses from what holds a whole pool, and says why it cannot from what does not."""

from __future__ import annotations

import random

import polars as pl
import pytest

from curate import apply, keep, select
from curate.filters import exact_duplicates, farthest, first_person, near_duplicates, top
from tests.apply.hosts import HOSTS, WHOLE, params

ROWS = pl.DataFrame({"prompt": ["Why?", " why? ", "How?", None], "score": [3, 8, 1, 2], "n": range(4)})
OWN = ROWS.with_columns(id=pl.col("n").cast(pl.String))


@pytest.mark.parametrize("name", params(WHOLE))
def test_rows_without_ids_get_those_of_a_run(name):
    host = HOSTS[name]
    chosen = select(host.put(ROWS), exact_duplicates, column="prompt")
    assert isinstance(chosen, type(host.put(ROWS)))
    assert host.get(chosen).to_dicts() == ROWS[1:].to_dicts()
    assert host.get(select(host.put(ROWS), top, n=2))["n"].to_list() == [0, 1]


def test_what_was_chosen_of_these_rows_is_kept():
    assert keep(ROWS, exact_duplicates(OWN, column="prompt"))["n"].to_list() == [1, 2, 3]


def test_a_pool_without_ids_is_told_where_they_come_from():
    with pytest.raises(ValueError, match=r"no column 'id', .*`curate\.select` gives ids"):
        top(ROWS, n=1)


@pytest.mark.parametrize("name", params([name for name in HOSTS if name not in WHOLE]))
def test_what_comes_in_pieces_is_refused_in_one_sentence(name):
    with pytest.raises(
        TypeError, match=r"near_duplicates looks at the whole pool at once, which .* does not give: make"
    ):
        select(HOSTS[name].put(ROWS), near_duplicates)


def test_equal_rows_count_once_and_the_order_does_not_matter():
    rows = pl.DataFrame({"prompt": [f"question {i % 30}" for i in range(60)]}).with_columns(
        v=pl.Series([[float(i % 30), 1.0, float(i % 7 % 3)] for i in range(60)])
    )
    chosen = select(rows, farthest, n=10, vectors="v", temperature=0.2)
    assert chosen.height == chosen.unique().height == 10
    order = list(range(60))
    random.Random(0).shuffle(order)
    assert select(rows[order], farthest, n=10, vectors="v", temperature=0.2).sort("v").equals(chosen.sort("v"))


def test_own_ids_are_used_as_they_are():
    rows = ROWS.with_columns(id=pl.Series(["b", "a", "c", "d"]), score=pl.lit(1))
    assert select(rows, exact_duplicates)["id"].to_list() == ["a", "c", "d"]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        pytest.param(lambda: apply(exact_duplicates(OWN), OWN), r"what a selector has chosen: give the selector itself, curate.select\(data, selector", id="a choice"),
        pytest.param(lambda: keep(ROWS[1:], exact_duplicates(OWN)), "the choice is of 4 rows, and here are 3", id="a choice of other rows"),
        pytest.param(lambda: keep(iter([{"n": 1}]), exact_duplicates(OWN)), "a choice is of rows in memory", id="a choice of a stream"),
        pytest.param(lambda: select(ROWS, first_person), "first_person is no selector: it gives an expression", id="a filter"),
        pytest.param(lambda: select(ROWS, lambda pool: pool["n"] > 1), "<lambda> is no selector: it gives Series", id="no choice"),
        pytest.param(lambda: select(["a", "b"], top, n=1), "which list does not give", id="texts"),
    ],
)  # fmt: skip
def test_what_is_no_selector(call, sentence):
    with pytest.raises(TypeError, match=sentence):
        call()
