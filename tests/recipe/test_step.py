"""What a step says of itself: which columns a selector reads."""

from __future__ import annotations

import pytest

import curate.filters
from curate.filter import reads
from curate.recipe.registry import functions, kind_of
from curate.recipe.step import columns_read


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


def test_every_selector_of_ours_declares_its_columns():
    selectors = {name: f for name, f in functions("filters").items() if kind_of(f) == "select"}
    assert [name for name, f in selectors.items() if not hasattr(f, "reads")] == []
    assert set(curate.filters.__all__) > set(selectors)
