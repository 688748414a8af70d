"""Work on the local engine; `tests/run/test_ray.py` holds the other one to the same answers."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from curate.engine import Local, current, using


@pytest.mark.parametrize("count", [1, 2, 7])
def test_shuffle_brings_together_what_belongs_together(count: int, tmp_path: Path) -> None:
    def split(start: int) -> pl.DataFrame:
        return pl.DataFrame({"n": range(start, start + 100)})

    groups = list(Local().shuffle(split, range(0, 1000, 100), pl.col("n") % count, count, lambda rows: rows, tmp_path))
    assert [set(group["n"] % count) for group in groups] == [{i} for i in range(count)]
    assert all(group["n"].is_sorted() for group in groups), "rows of a group stand in the order of the items"
    assert sorted(pl.concat(groups)["n"]) == list(range(1000))
    assert not list(tmp_path.iterdir())


def test_a_crew_answers_in_order() -> None:
    with Local().hire(str, [3, 1, 2]) as crew:
        assert crew.each("zfill", 2) == ["03", "01", "02"]
        assert sorted(crew.spread("zfill", [1, 2])) == [(0, "3"), (1, "03")]


def test_an_engine_is_used_as_long_as_its_context_lasts() -> None:
    before, other = current(), Local()
    with using(other):
        assert current() is other
    assert current() is before
