"""CSV: what a table holds comes out whole, and what is broken costs only itself."""

from __future__ import annotations

import csv as stdlib_csv
import io
import lzma
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.rows import SourceError
from curate.sources import csv
from tests.sources.own import read_all


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
    pytest.param(b"prompt,score\na,3.5\nb,\n", [{"prompt": "a", "score": 3.5}, {"prompt": "b", "score": None}], id="score"),
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
]  # fmt: skip


@pytest.mark.parametrize(("text", "rows"), SOUND)
def test_a_sound_csv(table, text, rows):
    found, bad = read_all(csv(table(text)))
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
    rows, [bad] = read_all(csv(file))
    assert rows["prompt"].to_list() == ["on\ne", "two", "three"]
    assert (bad.file, bad.where, bad.size) == (str(file), "line 4", len(record) + 1)
    assert reason in bad.error
    assert bad.raw == record.decode("utf-8", "backslashreplace")


@pytest.mark.parametrize(
    ("text", "said", "error"),
    [
        pytest.param(b"instruct,output\na,b\n", {}, "has no column 'prompt'; it has: instruct, output. Map it: columns: {prompt: instruct, response: output}", id="no prompt"),
        pytest.param(b"text,label\na,b\n", {"columns": {"prompt": "txt"}}, "no column 'txt'. Did you mean 'text'? It has: text, label", id="mistyped"),
        pytest.param(b"prompt,a,a\nx,y,z\n", {}, "has two columns 'a'", id="one name twice"),
    ],
)  # fmt: skip
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
    rows, bad = read_all(csv(table(text)))
    assert (rows.height, [b.error for b in bad]) == (0, errors)


def test_a_delimiter_can_be_said_and_files_may_be_packed(table):
    file = table(lzma.compress(b"prompt:x\na,b:1\n"), "a.csv.xz")
    rows, _ = read_all(csv(file, delimiter=":", domain="d"))
    assert rows.to_dicts() == [{"prompt": "a,b", "x": "1", "domain": "d"}]


def test_a_cell_of_millions_of_characters(table):
    rows, bad = read_all(csv(table(b'prompt\n"' + (b"x" * 99 + b"\n") * 40_000 + b'"\nb\n')))
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
        found, bad = read_all(csv(file), batch_rows)
        assert bad == []
        assert [(r["prompt"], r["x"] or "") for r in found.to_dicts()] == rows


@pytest.mark.parametrize(
    ("name", "prompt", "count"),
    [
        ("surge_toxicity_en.csv", "text", 1000),
        ("davidson_labeled_data.csv", "tweet", 24783),
        ("identity_templates_sample.csv", "Text", 8000),
    ],
)
def test_real_tables_are_read_whole(data, name, prompt, count):
    file = data / "toxicity" / name
    if not file.is_file():
        pytest.skip(f"no real data in {file}")
    rows, bad = read_all(csv(file, columns={"prompt": prompt}), 777)
    assert (rows.height, bad) == (count, [])
    expected = pl.read_csv(file, columns=[prompt], infer_schema=False)[prompt]
    assert rows["prompt"].to_list() == expected.to_list()
