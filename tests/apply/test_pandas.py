"""On pandas the index and every type stay, of the column that is edited too."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from curate import apply, edit, keep
from curate.filters import gopher_quality, length, replace_opening, strip_links

TEXTS = ["short", "long enough", None, "longer than that"]
TURNS = [[{"role": "user", "content": "[a](http://b.c)"}, {"role": "assistant", "content": "b", "thinking": "c"}], None]
LONG = length("response", min=6)
CHANGE = replace_opening("response", old="long", new="quite long")


def frame(index=None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "response": TEXTS,
            "count": pd.Series([1, None, 3, 4], dtype="Int64"),
            "kind": pd.Series(["a", "b", None, "a"], dtype="category"),
            "when": pd.to_datetime(["2020-01-01", None, "2021-01-01", "2022-01-01"]).tz_localize("Europe/Berlin"),
            "arrow": pd.Series([1, None, 3, 4], dtype=pd.ArrowDtype(pa.int32())),
            "flag": pd.Series([True, None, False, True], dtype="boolean"),
            "tags": [["x"], [], None, ["y", "z"]],
            "mixed": [1, "a", 2.5, None],
            3: [1, 2, 3, 4],
        }
    ).set_axis(range(4) if index is None else index)


@pytest.mark.parametrize(
    "index",
    [
        pytest.param(pd.Index([5, 5, 7, 5]), id="not unique"),
        pytest.param(pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1), ("b", 1)]), id="of several levels"),
        pytest.param(pd.date_range("2020", periods=4), id="of dates"),
    ],
)
def test_index_and_types_stay(index):
    data = frame(index)
    pd.testing.assert_frame_equal(keep(data, LONG), data.iloc[[1, 3]])
    edited = edit(data, CHANGE)
    assert edited["response"].tolist()[1] == "quite long enough"
    pd.testing.assert_frame_equal(edited.drop(columns="response"), data.drop(columns="response"))
    assert apply(LONG, data).index.equals(index)


TYPES = [
    "str",
    "object",
    "string",
    "string[pyarrow]",
    "category",
    pd.ArrowDtype(pa.string()),
    pd.ArrowDtype(pa.large_string()),
]


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_a_text_keeps_its_type(dtype):
    data = pd.DataFrame({"response": pd.Series(TEXTS, dtype=dtype)})
    edited = edit(data, CHANGE)["response"]
    kind = pd.CategoricalDtype if dtype == "category" else type(data["response"].dtype)
    assert isinstance(edited.dtype, kind)
    assert dtype == "category" or edited.dtype == data["response"].dtype
    assert edited.dropna().tolist() == ["short", "quite long enough", "longer than that"]
    assert len(keep(data, LONG)) == 2


@pytest.mark.parametrize("dtype", [object, pd.ArrowDtype(pa.array(TURNS).type)], ids=["objects", "arrow"])
def test_turns_keep_their_type(dtype):
    data = pd.DataFrame({"messages": pd.Series(TURNS, dtype=dtype)})
    edited = edit(data, strip_links("turns"))["messages"]
    assert edited.dtype == data["messages"].dtype
    assert edited[0][0]["content"] == "a"
    if dtype is object:
        assert edited[0][0] == {"role": "user", "content": "a"}


@pytest.mark.parametrize(
    ("expr", "dtype"),
    [
        pytest.param(LONG, "boolean", id="verdicts"),
        pytest.param(LONG.cast(float), "float64", id="numbers"),
        pytest.param(CHANGE, str(pd.Series(["a"]).dtype), id="texts"),
    ],
)
def test_the_type_of_values(expr, dtype):
    assert str(apply(expr, frame()).dtype) == dtype


N = pl.col("n")


@pytest.mark.parametrize(
    ("old", "dtype", "expr", "new", "after"),
    [
        pytest.param([1, 2], "int64", N + 1, [2, 3], "int64", id="whole numbers"),
        pytest.param([1, 2], "int64", N * 1.5, [1.5, 3.0], "float64", id="whole numbers to halves"),
        pytest.param([1, 2], "int8", N.cast(pl.Int64) * 1000, [1000, 2000], "int64", id="too large"),
        pytest.param([1, 2], "int64", pl.when(N > 1).then(N), [None, 2.0], "float64", id="to nulls"),
        pytest.param([1, 2], "Int8", pl.when(N > 1).then(N), [None, 2], "Int8", id="nulls"),
        pytest.param([True, False], "bool", ~N, [False, True], "bool", id="true and false"),
        pytest.param(["a", "bc"], "str", N.str.len_chars().cast(pl.Int64), [1, 2], "int64", id="texts to numbers"),
        pytest.param([1, 2], "int64", N.cast(pl.String), ["1", "2"], "str", id="numbers to texts"),
        pytest.param(["a", "bc"], "category", N.str.split(""), [["a"], ["b", "c"]], "object", id="texts to lists"),
    ],
)
def test_new_values_keep_the_type_if_they_are_of_it(old, dtype, expr, new, after):
    edited = edit(pd.DataFrame({"n": pd.Series(old, dtype=dtype)}).set_axis(["a", "b"]), expr.alias("n"))["n"]
    assert str(edited.dtype) == after
    assert [None if pd.api.types.is_scalar(v) and pd.isna(v) else v for v in edited] == new


def test_a_text_column_of_nothing_but_missing_values_is_one_of_floats():
    for filter in (LONG, gopher_quality("response")):
        assert apply(filter, pd.DataFrame({"response": [float("nan")] * 2})).isna().all()
    assert keep(pd.DataFrame({"response": []}), LONG).empty


def test_a_column_of_several_types_is_read_as_text():
    assert apply(length("mixed", min=2), frame()).tolist()[:3] == [False, False, True]


def test_a_frame_without_rows():
    assert keep(frame().iloc[:0], LONG).equals(frame().iloc[:0])
    assert edit(frame().iloc[:0], CHANGE).dtypes.equals(frame().dtypes)
