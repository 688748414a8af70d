"""CSV and Parquet: what a table holds comes out whole, and what is broken costs only itself."""

from __future__ import annotations

import csv as stdlib_csv
import io
import lzma
import os
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.rows import STANDARD, TURNS, Bad, SourceError, SourceMissing
from curate.sources import csv, parquet

DATA = Path(os.environ.get("CURATE_DATA", Path(__file__).parents[2].parent / "shared" / "data"))


def read(parts, batch_rows: int = 1000) -> tuple[pl.DataFrame, list[Bad]]:
    batches = [batch for part in parts for batch in part.read(batch_rows)]
    assert len({tuple(batch.rows.schema.items()) for batch in batches if batch.rows.width}) <= 1
    return pl.concat([batch.rows for batch in batches if batch.rows.width] or [pl.DataFrame()]), [
        bad for batch in batches for bad in batch.bad
    ]


@pytest.fixture
def table(tmp_path):
    def _table(text: bytes, name: str = "a.csv") -> Path:
        (tmp_path / name).write_bytes(text)
        return Path(tmp_path / name)

    return _table


SOUND = [
    pytest.param(b"prompt,x\na,1\n", [{"prompt": "a", "x": "1"}], id="a number is text: 007 stays 007"),
    pytest.param(b'prompt\n"a\n\n,""b"""\n', [{"prompt": 'a\n\n,"b"'}], id="line ends and quotes in quotes"),
    pytest.param(b"prompt,x\n\n,1\n\na,\n", [{"prompt": None, "x": "1"}, {"prompt": "a", "x": None}], id="empty"),
    pytest.param(b'\xef\xbb\xbf"prompt",x\r\na,1\r\n', [{"prompt": "a", "x": "1"}], id="byte-order mark, CRLF"),
    pytest.param(b"prompt;x\na,b;1\n", [{"prompt": "a,b", "x": "1"}], id="a semicolon is found"),
    pytest.param(b"prompt\tx\na,b\t1", [{"prompt": "a,b", "x": "1"}], id="a tab is found; no line end at the end"),
    pytest.param(
        b"prompt,score\na,3.5\nb,\n",
        [{"prompt": "a", "score": 3.5}, {"prompt": "b", "score": None}],
        id="score",
    ),
    pytest.param(b",prompt,\n0,a,b\n", [{"column_1": "0", "prompt": "a", "column_3": "b"}], id="names that are empty"),
    pytest.param(b"prompt\na\0b\n", [{"prompt": "a\0b"}], id="NUL"),
    pytest.param(
        b"instruction,input,output\nAdd.,1,2\nSing.,,La.\n",
        [
            {"instruction": "Add.", "input": "1", "prompt": "Add.\n\n1", "response": "2"},
            {"instruction": "Sing.", "input": None, "prompt": "Sing.", "response": "La."},
        ],
        id="Alpaca",
    ),
]


@pytest.mark.parametrize(("text", "rows"), SOUND)
def test_a_sound_csv(table, text, rows):
    found, bad = read(csv(table(text)))
    assert (found.to_dicts(), bad) == (rows, [])


BROKEN = [
    pytest.param(b"x", "expected 2 cells, as in the first line, got 1", id="too few cells"),
    pytest.param(b"x,1,2", "expected 2 cells, as in the first line, got 3", id="too many cells"),
    pytest.param(b"x,\xff", "not UTF-8: byte 0xff at byte 3 of the record", id="broken UTF-8"),
    pytest.param(b'x,"a"b', "not CSV: ',' expected after '\"'", id="a quote inside quotes"),
    pytest.param(b'x,"a', "not CSV: unexpected end of data", id="a quote left open"),
    pytest.param(b"x,many", "score: expected a number, got the text 'many'", id="a text for a number"),
    pytest.param(b'"a\nb",many', "score: expected a number", id="over two lines"),
]


@pytest.mark.parametrize(("record", "reason"), BROKEN)
def test_a_broken_csv_record_has_its_place_and_costs_no_other(table, record, reason):
    file = table(b'prompt,score\n"on\ne",1\n' + record + b"\ntwo,2\nthree,3\n")
    rows, [bad] = read(csv(file))
    assert rows["prompt"].to_list() == ["on\ne", "two", "three"]
    assert (bad.file, bad.where, bad.size) == (str(file), "line 4", len(record) + 1)
    assert reason in bad.error
    assert bad.raw == record.decode("utf-8", "backslashreplace")


@pytest.mark.parametrize(
    ("text", "said", "error"),
    [
        pytest.param(
            b"instruct,output\na,b\n",
            {},
            "has no column 'prompt'; it has: instruct, output. Map it: columns: {prompt: instruct}",
            id="no prompt",
        ),
        pytest.param(
            b"text,label\na,b\n",
            {"columns": {"prompt": "txt"}},
            "no column 'txt'; did you mean 'text'?",
            id="mistyped",
        ),
        pytest.param(b"prompt,a,a\nx,y,z\n", {}, "has two columns 'a'", id="one name twice"),
    ],
)
def test_a_csv_that_cannot_be_meant_is_refused_at_once(table, text, said, error):
    with pytest.raises(SourceError) as caught:
        csv(table(text), **said)
    assert error in str(caught.value)


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        pytest.param(b"", ["the file is empty"], id="an empty file"),
        pytest.param(b"prompt,x\n", [], id="a header and nothing else"),
    ],
)
def test_a_csv_without_rows(table, text, errors):
    rows, bad = read(csv(table(text)))
    assert (rows.height, [b.error for b in bad]) == (0, errors)


def test_a_delimiter_can_be_said_and_files_may_be_packed(table):
    file = table(lzma.compress(b"prompt:x\na,b:1\n"), "a.csv.xz")
    rows, _ = read(csv(file, delimiter=":", domain="d"))
    assert rows.to_dicts() == [{"prompt": "a,b", "x": "1", "domain": "d"}]


def test_a_cell_of_millions_of_characters(table):
    rows, bad = read(csv(table(b'prompt\n"' + (b"x" * 99 + b"\n") * 40_000 + b'"\nb\n')))
    assert (rows["prompt"].str.len_bytes().to_list(), bad) == ([4_000_000, 1], [])


cell = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=6)


@settings(deadline=None, max_examples=40)
@given(rows=st.lists(st.tuples(cell.filter(str.strip), cell), max_size=20))
def test_what_the_standard_writer_wrote_is_read_back_in_any_batch(tmp_path_factory, rows):
    text = io.StringIO()
    stdlib_csv.writer(text, lineterminator="\n").writerows([("prompt", "x"), *rows])
    file = tmp_path_factory.mktemp("law") / "a.csv"
    file.write_bytes(text.getvalue().encode())
    for batch_rows in (1, 7, 100_000):
        found, bad = read(csv(file), batch_rows)
        assert bad == []
        assert [(r["prompt"], r["x"] or "") for r in found.to_dicts()] == rows


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no real data in {DATA}")
@pytest.mark.parametrize(
    ("name", "prompt", "count"),
    [
        ("surge_toxicity_en.csv", "text", 1000),
        ("davidson_labeled_data.csv", "tweet", 24783),
        ("identity_templates_sample.csv", "Text", 8000),
    ],
)
def test_real_tables_are_read_whole(name, prompt, count):
    file = DATA / "toxicity" / name
    if not file.is_file():
        pytest.skip(f"no real data in {file}")
    rows, bad = read(csv(file, columns={"prompt": prompt}), 777)
    assert (rows.height, bad) == (count, [])
    expected = pl.read_csv(file, columns=[prompt], infer_schema=False)[prompt]
    assert rows["prompt"].to_list() == expected.to_list()


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
    found, bad = read(parquet(stored(rows), license="MIT"))
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
    found, _ = read(parquet(stored(pl.DataFrame({"prompt": ["a"], column: values}))))
    assert found.schema[column] == STANDARD[column]
    assert found[column].to_list() == values.to_list()


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
    turns = [said("Hi.", "Hello.", "Why?", "So."), said("Why?"), said("Why?", "So.")] * 3
    rows = pl.DataFrame({"messages": turns, "n": list(range(9))})
    found, bad = read(parquet(stored(rows, row_group_size=4), domain="d"), batch_rows=2)
    assert found.columns == ["prompt", "response", "history", "n", "domain"]
    assert found["n"].to_list() == [0, 2, 3, 5, 6, 8]
    assert found["history"].dtype == TURNS
    assert found["history"].null_count() == 3
    assert [(b.where, b.error) for b in bad] == [
        (f"row {i}", "messages: the last turn is not the assistant's") for i in (2, 5, 8)
    ]


def test_pairs_of_conversations_in_parquet(stored):
    rows = pl.DataFrame({"chosen": [said("Why?", "So.")], "rejected": [said("Why?", "No.")], "score_chosen": [8.0]})
    found, _ = read(parquet(stored(rows)))
    assert found.to_dicts() == [{"prompt": "Why?", "chosen": "So.", "rejected": "No.", "score_chosen": 8.0}]


@pytest.mark.parametrize("batch_rows", [1, 7, 100_000])
def test_batches_of_any_size_hold_the_same_rows(stored, batch_rows):
    rows = pl.DataFrame({"prompt": [f"p{i}" for i in range(50)], "tags": [[i] for i in range(50)]})
    found, _ = read(parquet(stored(rows, row_group_size=8)), batch_rows)
    assert found.equals(rows)


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
    rows, [bad] = read(parquet(file))
    assert rows.height == 0
    assert (bad.file, bad.size) == (str(file), file.stat().st_size)
    assert "damaged" in bad.error


def test_an_empty_parquet_and_a_missing_one(tmp_path):
    (tmp_path / "a.parquet").touch()
    assert [b.error for b in read(parquet(tmp_path / "a.parquet"))[1]] == ["the file is empty"]
    with pytest.raises(SourceMissing):
        parquet(tmp_path / "gone.parquet")
