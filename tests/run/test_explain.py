"""Why rows of a table would be in or out, without a run."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pytest

import curate
from curate.filters import first_person, length, mentions
from curate.recipe.places import RecipeError
from curate.run.step_error import StepError

ROWS = pl.DataFrame(
    {"response": ["Too short.", "I think that it rains because warm air rises.", None, "Warm air rises, and cools."]}
)
GOOD = length("response", min=20) & ~first_person("response") & ~mentions("response", ["as mentioned"])


@pytest.mark.parametrize("kind", [lambda rows: rows, lambda rows: rows.to_pandas(), lambda rows: rows.to_arrow()])
def test_steps_tell_what_a_ledger_tells(kind):
    told = curate.explain(kind(ROWS), [{"keep": {"length": {"min": 20}}}, {"drop": {"first_person": {}}}])
    assert told["dropped_by"].to_list() == ["length", "first_person", "length", None]
    assert told["length.response"].to_list() == [10, 45, None, 26]
    assert told["first_person"].to_list() == [True, False, False, True]
    assert "I think" in told["why"][1]
    assert told["why"][2] == "no value to judge"


def test_a_property_is_taken_apart():
    told = curate.explain(ROWS, GOOD)
    assert [name[:2] for name in told.columns[3:]] == ["1:", "2:", "3:"]
    assert told["kept"].to_list() == curate.apply(GOOD, ROWS).fill_null(False).to_list()


def test_properties_go_by_their_names():
    told = curate.explain(ROWS, {"long": length(min=20), "voice": ~first_person()})
    assert told["dropped_by"].to_list() == ["long", "voice", "long", None]


@pytest.mark.parametrize("either", [GOOD | length(max=12), length(min=3) & (length(max=12) | length(min=40))])
def test_only_an_and_is_taken_apart(either):
    assert curate.explain(ROWS, either)["kept"].to_list() == ROWS.select(either.fill_null(False)).to_series().to_list()


@pytest.mark.parametrize(
    ("data", "steps", "error", "sentence"),
    [
        pytest.param(ROWS, [{"keep": {"lenth": {}}}], RecipeError, "did you mean 'length'", id="a wrong name"),
        pytest.param(ROWS, {"a": length("text", min=2)}, StepError, "keep a: reads the column 'text'", id="no column"),
        pytest.param(ROWS, [{"select": {"random": {"n": 1}}}], StepError, "curate.select", id="a selector"),
        pytest.param(["a text"], GOOD, TypeError, "takes a frame or a table", id="no table"),
    ],
)
def test_what_cannot_be_explained_is_told(data, steps, error, sentence):
    with pytest.raises(error, match=sentence):
        curate.explain(data, steps)


def test_an_index_and_own_ids_do_not_matter():
    frame = pd.DataFrame({"id": ["x", "x"], "response": ["Short.", "Warm air rises."]}, index=[7, 7])
    assert curate.explain(frame, {"long": length(min=9)})["kept"].to_list() == [False, True]
