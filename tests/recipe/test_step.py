"""What a step says of itself: which columns a selector reads."""

from __future__ import annotations

import polars as pl
import pytest

import curate.filters
from curate.filter import Property, measures, reads
from curate.filters import length
from curate.recipe.registry import functions, kind_of
from curate.recipe.step import asks, bounds, build, columns_read


@reads("by", ("vectors", "column"))
def declared(pool, *, n=1, by=None, vectors=None, column="prompt", model="m"): ...


def undeclared(pool, *, by="domain", model="m", n=1): ...


@pytest.mark.parametrize(
    ("selector", "params", "expected"),
    [
        pytest.param(
            declared, {"n": 1, "by": None, "column": "prompt", "model": "m"}, ["prompt"], id="what is not set"
        ),
        pytest.param(declared, {"by": "topic", "vectors": "v", "column": "prompt"}, ["topic", "v"], id="instead of"),
        pytest.param(declared, {"column": ["prompt", "response"]}, ["prompt", "response"], id="several"),
        pytest.param(undeclared, {"by": "topic", "model": "m", "n": 1}, ["topic", "m"], id="any text without a mark"),
    ],
)
def test_the_columns_that_a_selector_reads(selector, params, expected):
    assert columns_read(selector, params) == (expected, selector is declared)


def wordy(column: str = "response", *, window: int = 3, max: float = 0.5) -> Property:
    return repeated(column, window) <= max


@measures(wordy)
def repeated(column: str = "response", window: int = 3) -> pl.Expr:
    return pl.col(column).str.len_chars() / window


def test_a_number_by_which_a_filter_measures_is_no_bound():
    step = build("keep", "own:wordy", "wordy", wordy, {"column": "response", "window": 3, "max": 0.5}, "r.yaml:1")
    assert bounds(step.described()) == {"max": 0.5}
    assert asks(step)[0].bound == 0.5
    assert (
        "measured_by" not in build("keep", "length", "length", length, {"column": "prompt", "min": 3}, "").described()
    )


def test_every_selector_of_ours_declares_its_columns():
    selectors = {name: f for name, f in functions("filters").items() if kind_of(f) == "select"}
    assert [name for name, f in selectors.items() if not hasattr(f, "reads")] == []
    assert set(curate.filters.__all__) > set(selectors)
