"""On every host a filter says of each row what it says on polars, and leaves all else as it was."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pytest

from curate import apply, drop, edit, keep
from curate.filters import at_least, first_person, length, replace_opening, strip_links
from curate.turns import conversation, cut, turn
from tests.apply.hosts import HOSTS, Case, listed, params
from tests.test_texts import DIALOGUE, OPEN, SHORT, frame

GOOD = length("response", min=6) & ~length("response", min=20)
TEXTS = ["short", "long enough", None, "far too long for this property", "is enough", None, "", "another"]
ROWS = pl.DataFrame(
    {
        "n": range(len(TEXTS)),
        "response": TEXTS,
        "tags": [[str(i)] * (i % 3) for i in range(len(TEXTS))],
        "score": [None, 2.5, 1.0, 3.0, None, 1.5, 0.0, 9.0],
    }
)


def assert_same(host: Case, result: Any, expected: pl.DataFrame) -> None:
    rows = host.get(result)
    assert rows.columns == expected.columns
    assert rows.to_dicts() == expected.to_dicts()


@pytest.mark.parametrize("name", params())
def test_keep_and_drop_give_the_same_rows_in_their_order_and_a_null_in_neither(name):
    host = HOSTS[name]
    kept = keep(host.put(ROWS), GOOD)
    assert isinstance(kept, host.kind or type(host.put(ROWS)))
    assert_same(host, kept, ROWS.filter(GOOD))
    assert_same(host, drop(host.put(ROWS), GOOD), ROWS.filter(~GOOD))
    assert_same(host, keep(host.put(ROWS), at_least("score", value=2)), ROWS.filter(pl.col("score") >= 2))


@pytest.mark.parametrize("name", params())
def test_edit_replaces_one_column_or_adds_it(name):
    host = HOSTS[name]
    change = replace_opening("response", old="long", new="quite long")
    assert_same(host, edit(host.put(ROWS), change), ROWS.with_columns(change))
    assert_same(host, edit(host.put(ROWS), change.alias("new")), ROWS.with_columns(change.alias("new")))
    words = pl.col("response").str.count_matches(" ").cast(pl.Int64).fill_null(0).alias("words")
    assert_same(host, edit(host.put(ROWS), words), ROWS.with_columns(words))


@pytest.mark.parametrize("name", params())
def test_apply_gives_a_value_for_each_row(name):
    data = HOSTS[name].put(ROWS)
    if name == "ray":
        with pytest.raises(TypeError, match=r"curate.edit\(data, filter.alias"):
            apply(GOOD, data)
        return
    assert listed(apply(GOOD, data)) == ROWS.select(GOOD).to_series().to_list()


@pytest.mark.parametrize("whole", [None, "messages"])
@pytest.mark.parametrize("name", params())
def test_turns(name, whole):
    some = [DIALOGUE, SHORT, OPEN]
    rows = pl.DataFrame({whole: some}) if whole else frame(*map(cut, some))
    rows, host = rows.with_columns(n=pl.int_range(1, 4)), HOSTS[name]
    assert host.get(keep(host.put(rows), length("user_turns", min=4)))["n"].to_list() == [2, 3]
    assert host.get(drop(host.put(rows), first_person()))["n"].to_list() == [2], "one without an answer has no verdict"
    if name != "ray":
        assert listed(apply(first_person(), host.put(rows))) == [False, False, None]
        assert listed(apply(pl.col("assistant_turns").str.len_chars(), host.put(rows))) == [11.5, 15, None]
    edited = host.get(edit(host.put(rows), strip_links("turns")))
    read = [row[whole] if whole else conversation(row) for row in edited.to_dicts()]
    assert [[t["content"] for t in turns] for turns in read] == [
        ["Hi?", "I see.", "And?", "No."],
        ["Why so?", "Warm air rises."],
        ["Anyone?"],
    ]
    assert edited["n"].to_list() == [1, 2, 3]


@pytest.mark.parametrize(
    "name", params(["lazy", "reader", "pyarrow data set", "duckdb", "hf stream", "dask", "generator"])
)
def test_what_is_lazy_does_nothing_before_it_is_asked(name):
    asked = []

    def look(texts: pl.Series) -> pl.Series:
        asked.append(len(texts))
        return texts.str.len_chars() > 5

    seen = pl.col("response").map_batches(look, return_dtype=pl.Boolean, is_elementwise=True)
    kept = keep(HOSTS[name].put(ROWS), seen)
    assert sum(asked) == 0
    assert HOSTS[name].get(kept)["n"].to_list() == [1, 3, 4, 7]


@pytest.mark.parametrize("name", params([name for name in HOSTS if name not in ("lazy", "streaming", "ray")]))
@pytest.mark.parametrize(
    ("verb", "expr", "sentence"),
    [
        pytest.param(keep, pl.col("n") - 1, "true or false for each row, and this one gives Int64", id="numbers"),
        pytest.param(drop, strip_links("response"), "true or false for each row, and this one gives", id="texts"),
        pytest.param(keep, pl.col("n").sum() > 1, "a value for each row by itself, and this one gives 1 for", id="one value"),
        pytest.param(edit, pl.col("response").first(), "a value for each row by itself", id="one text"),
    ],
)  # fmt: skip
def test_what_does_not_judge_each_row_loses_none(name, verb, expr, sentence):
    with pytest.raises((TypeError, pl.exceptions.PolarsError), match=None if verb is drop else sentence):
        HOSTS[name].get(verb(HOSTS[name].put(ROWS), expr))


@pytest.mark.parametrize("name", ["polars", "lazy", "streaming"])
@pytest.mark.parametrize(("dtype", "after"), [(pl.Categorical, pl.Categorical), (pl.Enum(["a b", "c"]), pl.String)])
def test_categories_of_polars_are_texts(name, dtype, after):
    host, rows = HOSTS[name], pl.DataFrame({"response": pl.Series(["a b", None, "c"], dtype=dtype)})
    assert host.get(keep(host.put(rows), length("response", min=2)))["response"].to_list() == ["a b"]
    edited = host.get(edit(host.put(rows), replace_opening("response", old="a", new="b")))["response"]
    assert (edited.to_list(), edited.dtype) == (["b b", None, "c"], after)


@pytest.mark.parametrize("name", params(["polars", "lazy", "hf", "dicts", "columns", "generator", "pandas", "arrow"]))
def test_conversations_without_a_turn_have_null_verdicts(name):
    host, rows = HOSTS[name], pl.DataFrame({"messages": [[], None, []]})
    assert listed(apply(length("turns", min=1), host.put(rows))) == [None] * 3


@pytest.mark.parametrize("name", params(["lazy", "hf", "dicts", "columns", "generator", "pandas", "arrow"]))
def test_a_batch_of_nothing_but_nulls_has_null_verdicts_whatever_the_type(name):
    host, rows = HOSTS[name], pl.DataFrame({"response": [None, None], "score": [None, None]})
    assert listed(apply(length("response", min=1), host.put(rows))) == [None, None]
    kept = host.get(keep(host.put(rows), at_least("score", value=1)))
    assert (kept.height, kept.columns) in ((0, rows.columns), (0, []))


def test_turns_keep_the_keys_that_each_has():
    rows = [{"messages": [turn("user", "Hi?"), {"role": "assistant", "content": "[a](http://b.c)", "thinking": "Hm"}]}]
    assert edit(rows, strip_links("turns"))[0]["messages"] == [
        turn("user", "Hi?"),
        {"role": "assistant", "content": "a", "thinking": "Hm"},
    ]


ODD = [
    [{"role": "user", "content": "[a](http://b.c)"}, {"role": "tool", "content": None, "n": 1}],
    [{"role": "user", "content": [{"type": "text", "text": "[a](http://b.c)"}]}],
    [{"role": "assistant", "content": "b", "tool_calls": [{"arguments": {"n": 1, "at": True}}]}],
    [{"role": "assistant", "content": "c", "tool_calls": [{"arguments": {"n": "one", "at": 2.5, "x": [1]}}]}],
]


def _stream_of_dicts(rows):
    return pytest.importorskip("datasets").IterableDataset.from_generator(lambda: iter(rows))


@pytest.mark.parametrize(
    ("put", "get"),
    [
        pytest.param(list, list, id="dicts"),
        pytest.param(iter, list, id="generator"),
        pytest.param(lambda rows: {"messages": [row["messages"] for row in rows]}, lambda c: [{"messages": m} for m in c["messages"]], id="columns"),
        pytest.param(pd.DataFrame, lambda frame: frame.to_dict("records"), id="pandas"),
        pytest.param(_stream_of_dicts, list, id="a stream of hf without features"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("some", [ODD, ODD[1:2], [ODD[0][1:]]], ids=["all", "only parts", "only nulls"])
def test_an_edit_of_turns_leaves_all_else_in_them_as_it_is(put, get, some):
    rows = [{"messages": turns} for turns in some]
    expected = [
        {"messages": [{**turn, "content": "a"} if turn["content"] == "[a](http://b.c)" else turn for turn in turns]}
        for turns in some
    ]
    assert repr(get(edit(put(rows), strip_links("turns")))) == repr(expected)
    if isinstance(put(rows), list | pd.DataFrame):
        verdicts = [listed(apply(length("turns", min=1), put([row])))[0] for row in rows]
        assert listed(apply(length("turns", min=1), put(rows))) == verdicts, "whatever stands beside a row"


def test_a_list_of_a_row_may_grow():
    grown = pl.concat_list("tags", pl.lit("b")).alias("tags")
    assert edit([{"tags": ["a"]}, {"tags": []}], grown) == [{"tags": ["a", "b"]}, {"tags": ["b"]}]


def test_a_row_that_is_null_has_null_verdicts():
    rows = [None, {"response": "abc"}]
    assert keep(rows, length("response", min=1)) == rows[1:]
    assert edit(rows, strip_links("response")) == rows


def test_dicts_with_other_keys_come_in_batches_and_are_the_same_objects():
    rows: list[dict[str, Any]] = [{"response": "x" * (i % 9), "i": i} for i in range(2500)]
    rows[3]["extra"] = object()
    rows += [{"i": -1}]
    kept = list(keep(iter(rows), length("response", min=8)))
    assert [id(row) for row in kept] == [id(row) for row in rows if len(row.get("response", "")) >= 8]
    assert list(keep(iter(["a", None, "bb"]), length("response", min=2))) == ["bb"]
    late = ({"i": i, **({"response": "abc"} if i < 5 else {})} for i in range(3000))
    assert len(list(keep(late, length("response", min=1)))) == 5
    with pytest.raises(LookupError, match="no column 'respnse'; did you mean 'response'"):
        next(keep(iter(rows), length("respnse", min=1)))


def test_a_stream_is_read_no_further_than_it_is_asked_for():
    numbers = iter(range(10_000))
    next(keep(({"response": "abc", "n": n} for n in numbers), length("response", min=1)))
    assert next(numbers) <= 1000


def test_series_are_texts_without_a_name():
    import pandas as pd

    assert keep(pl.Series("t", TEXTS), GOOD).to_list() == ["long enough", "is enough", "another"]
    series = pd.Series(TEXTS, index=list("abcdefgh"), name="t")
    assert list(keep(series, GOOD).index) == ["b", "e", "h"]
    edited = edit(series, replace_opening("response", old="long", new="quite long"))
    assert (edited.name, edited["b"], edited.dtype) == ("t", "quite long enough", series.dtype)
