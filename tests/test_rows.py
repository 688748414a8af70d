from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.rows import STANDARD, hash01, with_ids

TURNS = [{"role": "user", "content": "hi"}]


def ids(**columns):
    return with_ids(pl.DataFrame({k: [v] for k, v in columns.items()}))["id"].item()


def test_an_id_is_of_the_content_alone():
    assert ids(prompt="a", response="b") == ids(response="b", prompt="a")
    assert ids(prompt="a", response=None) == ids(prompt="a")
    assert ids(id="old", prompt="a") == ids(prompt="a")


def test_another_content_is_another_id():
    different = [
        ids(prompt="a"),
        ids(response="a"),
        ids(prompt="a", response="b"),
        ids(prompt="ab"),
        ids(prompt="a", score=1.0),
        ids(prompt="a", history=TURNS),
        ids(prompt=None),
    ]
    assert len(set(different)) == len(different)


def test_ids_do_not_change_between_versions():
    assert ids(prompt="p", response="r") == "66655ab945f70a8b68f4890e5c82b516"


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=8), min_size=1, max_size=20), st.integers(0, 20))
def test_a_batch_split_anywhere_gives_the_same_ids(texts, cut):
    rows = pl.DataFrame({"prompt": texts}, schema={"prompt": pl.String})
    whole = with_ids(rows)
    assert whole.equals(pl.concat([with_ids(rows[:cut]), with_ids(rows[cut:])]))


def test_standard_columns_of_no_rows_have_no_ids():
    assert with_ids(pl.DataFrame(schema=dict(STANDARD))).height == 0


def test_hash01_is_even_and_differs_by_seed_and_use():
    rows = pl.DataFrame({"id": [str(i) for i in range(20_000)]})
    draws = rows.select(
        hash01("id", 0, "a").alias("a"), hash01("id", 1, "a").alias("b"), hash01("id", 0, "b").alias("c")
    )
    assert draws.min_horizontal().min() >= 0
    assert draws.max_horizontal().max() < 1
    for name in "abc":
        counts = (draws[name] * 10).floor().value_counts()["count"]
        # Ten cells of 2,000: a fair draw leaves 1,850 to 2,150 about once in a thousand tries.
        assert counts.min() > 1_850
        assert counts.max() < 2_150
    assert abs(draws.select(pl.corr("a", "b")).item()) < 0.03
    assert abs(draws.select(pl.corr("a", "c")).item()) < 0.03
