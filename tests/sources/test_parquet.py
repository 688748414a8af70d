"""Parquet: types stay, conversations come to columns, and what is damaged costs only itself."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from curate.rows import STANDARD, SourceError
from curate.sources import parquet
from curate.turns import TURNS, lean
from tests.sources.own import read_all


def said(*texts: str) -> list[dict[str, str]]:
    return [{"content": t, "role": "assistant" if i % 2 else "user"} for i, t in enumerate(texts)]


@pytest.fixture
def stored(tmp_path):
    def _stored(rows: pl.DataFrame, name: str = "a.parquet", **how) -> Path:
        rows.write_parquet(tmp_path / name, **how)
        return Path(tmp_path / name)

    return _stored


def test_a_plain_parquet_keeps_types_and_takes_other_names(stored):
    rows = pl.DataFrame({"question": ["a"], "answer": ["b"], "day": [date(2020, 1, 2)], "n": [2**40], "id": [7]})
    found, bad = read_all(parquet(stored(rows), license="MIT"))
    assert bad == []
    assert found.to_dicts() == [
        {"prompt": "a", "response": "b", "day": date(2020, 1, 2), "n": 2**40, "file_id": 7, "license": "MIT"}
    ]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        pytest.param("score", pl.Series([3], dtype=pl.Int8), id="a whole number as a score"),
        pytest.param("domain", pl.Series(["x"], dtype=pl.Categorical), id="a category as text"),
        pytest.param("system", pl.Series([None], dtype=pl.Null), id="nothing at all"),
        pytest.param("history", pl.Series([said("a", "b")]), id="turns with their fields the other way round"),
    ],
)
def test_a_type_that_means_the_same_is_taken(stored, column, values):
    found, _ = read_all(parquet(stored(pl.DataFrame({"prompt": ["a"], column: values}))))
    assert found.schema[column] == STANDARD[column]
    content = found[column].to_list()
    lines = [[lean(turn) for turn in turns] for turns in content] if column == "history" else content
    assert lines == values.to_list()


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        pytest.param({"prompt": [5]}, "the column 'prompt' holds Int64, not text", id="a number for a prompt"),
        pytest.param({"prompt": ["a"], "score": ["5"]}, "'score' holds String, not a number", id="a text for a number"),
        pytest.param({"promt": ["a"]}, "has no column 'prompt'; it has: promt. Map it", id="no prompt"),
    ],
)
def test_a_parquet_that_cannot_be_meant_is_refused_at_once(stored, rows, error):
    with pytest.raises(SourceError) as caught:
        parquet(stored(pl.DataFrame(rows)))
    assert error in str(caught.value)


def test_conversations_in_parquet_come_to_columns(stored, monkeypatch):
    monkeypatch.setattr(sys.modules["curate.sources.parquet"], "_ROWS", 5)
    turns = [said("Hi.", "Hello.", "Why?", "So."), said("Why?", ""), said("", "So.")] * 3
    rows = pl.DataFrame({"messages": turns, "n": list(range(9))})
    found, bad = read_all(parquet(stored(rows, row_group_size=4), domain="d"), batch_rows=2)
    assert found.columns == ["prompt", "response", "history", "n", "domain"]
    assert found["n"].to_list() == [0, 1, 3, 4, 6, 7]
    assert found["response"].to_list() == ["So.", None] * 3
    assert found["history"].dtype == TURNS
    assert found["history"].null_count() == 3
    assert [(b.where, b.error) for b in bad] == [
        (f"row {i}", "messages, turn 1: the user's text is empty") for i in (3, 6, 9)
    ]


def test_pairs_of_conversations_in_parquet(stored):
    rows = pl.DataFrame({"chosen": [said("Why?", "So.")], "rejected": [said("Why?", "No.")], "score_chosen": [8.0]})
    found, _ = read_all(parquet(stored(rows)))
    assert found.to_dicts() == [{"prompt": "Why?", "chosen": "So.", "rejected": "No.", "score_chosen": 8.0}]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda text: text[: len(text) // 2], id="cut short"),
        pytest.param(lambda text: b"no such thing", id="something else"),
        pytest.param(lambda text: text[:4] + b"\xff" * (len(text) // 2) + text[4 + len(text) // 2 :], id="damaged"),
    ],
)
def test_a_damaged_parquet_is_one_bad_record_of_its_size(stored, damage):
    file = stored(pl.DataFrame({"prompt": [f"text {i}" for i in range(5000)]}))
    file.write_bytes(damage(file.read_bytes()))
    rows, [bad] = read_all(parquet(file))
    assert rows.height == 0
    assert (bad.file, bad.size) == (str(file), file.stat().st_size)
    assert "damaged" in bad.error


def test_an_empty_parquet(tmp_path):
    (tmp_path / "a.parquet").touch()
    assert [b.error for b in read_all(parquet(tmp_path / "a.parquet"))[1]] == ["the file is empty"]


def test_a_column_that_only_one_shape_knows_is_kept_as_it_is(tmp_path):
    """A set of pairs by votes has `answers` of its own, with more in them than those of UltraFeedback."""
    answers = [[{"response": "Yes.", "score": 2.0, "license": "CC BY-SA 4.0"}]]
    pl.DataFrame({"prompt": ["Is it?"], "response": ["Yes."], "answers": answers}).write_parquet(
        tmp_path / "set.parquet"
    )
    [part] = parquet(tmp_path / "set.parquet")
    assert pl.concat(batch.rows for batch in part.read(10))["answers"].to_list() == answers
