"""Posts on disk: what goes in comes out, whole threads together, and nothing is left behind."""

from __future__ import annotations

import itertools
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.spill import Spill


def posts(questions: list[int]) -> pl.DataFrame:
    return pl.DataFrame(
        {"question": questions, "size": [100] * len(questions), "tags": [["a", None], None, []][: len(questions)]}
        if len(questions) < 4
        else {"question": questions, "size": [100] * len(questions), "tags": [["a"]] * len(questions)},
        {"question": pl.Int64, "size": pl.Int64, "tags": pl.List(pl.String)},
    )


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(-50, 1000), max_size=9), max_size=9), st.integers(0, 1000), st.integers(1, 300))
def test_groups_hold_whole_threads_in_rising_order(chunks, held, width):
    with Spill(held, width) as spill:
        for chunk in chunks:
            spill.add(posts(chunk))
        groups = [group["question"].to_list() for group in spill.groups()]
    assert sorted(number for group in groups for number in group) == sorted(number for c in chunks for number in c)
    filled = [group for group in groups if group]
    assert all(max(before) < min(after) for before, after in itertools.pairwise(filled))


def test_the_same_rows_come_back(tmp_path):
    with Spill(limit=0, width=10) as spill:
        spill.add(posts([1, 2, 11]))
        spill.add(posts([3]))
        back = pl.concat(spill.groups())
    assert back.sort("question").equals(pl.concat([posts([1, 2, 11]), posts([3])]).sort("question"))


def test_few_posts_never_touch_the_disk():
    with Spill() as spill:
        spill.add(posts([1, 10**9]))
        assert [group.height for group in spill.groups()] == [2]
        assert spill.folder is None


def test_the_folder_goes_with_the_spill_whatever_happens():
    folder = None
    try:
        with Spill(limit=0) as spill:
            spill.add(posts([1]))
            assert spill.folder is not None
            folder = Path(spill.folder.name)
            assert [file.name for file in folder.iterdir()] == ["0.blocks"]
            raise KeyError
    except KeyError:
        assert folder is not None
        assert not folder.exists()
