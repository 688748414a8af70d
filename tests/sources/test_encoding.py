"""Encodings other than UTF-8: read by their mark or by name, else a guess is said; a broken byte costs its record."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.rows import SourceError
from curate.sources import csv, files, jsonl
from curate.sources.records import NOT_UTF8
from tests.sources.own import read_all

TABLE = "prompt,response\nGrüße?,é\n"
LINES = '{"prompt": "Grüße?", "response": "é"}\n'
ROW = {"prompt": "Grüße?", "response": "é"}


@pytest.mark.parametrize(
    ("codec", "encoding"),
    [
        pytest.param("utf-8", None, id="UTF-8"),
        pytest.param("utf-8-sig", None, id="UTF-8 with a mark"),
        pytest.param("utf-16", None, id="UTF-16 with a mark"),
        pytest.param("utf-32", None, id="UTF-32 with a mark"),
        pytest.param("utf-16-be", "utf-16-be", id="UTF-16 without"),
        pytest.param("latin-1", "latin-1", id="Latin-1"),
        pytest.param("cp1252", "windows-1252", id="Windows"),
        pytest.param("cp437", "cp437", id="DOS"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.csv.gz"])
def test_a_file_is_read_by_its_mark_or_by_the_encoding_named(tmp_path, codec, encoding, name):
    text = TABLE if ".csv" in name else f"[{LINES}]" if name == "a.json" else LINES
    data = text.encode(codec)
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    rows, bad = read_all((csv if ".csv" in name else jsonl)(tmp_path / name, encoding=encoding))
    assert (rows.to_dicts(), bad) == ([ROW], [])


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=1).filter(str.strip))
def test_a_text_of_any_encoding_is_the_same_text(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("law")
    for codec in ("utf-16", "utf-32", "gb18030"):
        (folder / codec).write_bytes(json.dumps({"prompt": text}, ensure_ascii=False).encode(codec))
        rows, _ = read_all(jsonl(folder / codec, encoding=None if codec.startswith("utf") else codec))
        assert rows["prompt"].to_list() == [text]


@pytest.mark.parametrize("batch_rows", [1, 100])
def test_a_file_in_another_encoding_says_a_guess(tmp_path, batch_rows):
    (tmp_path / "a.csv").write_bytes((TABLE + "Why?,So.\n").encode("latin-1"))
    [part] = csv(tmp_path / "a.csv")
    batches = list(part.read(batch_rows))
    [bad] = [bad for batch in batches for bad in batch.bad]
    assert bad.error == (
        "not UTF-8: byte 0xfc at byte 3 of the record; a guess: `encoding: cp1252` would read 'Grüße?,é'"
    )
    assert batches[-1].notes == {NOT_UTF8: 1}


def test_a_broken_record_in_a_file_of_utf8_is_no_reason_to_guess(tmp_path):
    (tmp_path / "a.csv").write_bytes(TABLE.encode() + b"Gr\xfc\xdfe?,a\n")
    rows, [bad] = read_all(csv(tmp_path / "a.csv"))
    assert (rows.height, bad.error) == (1, "not UTF-8: byte 0xfc at byte 3 of the record")


def test_a_byte_that_the_encoding_named_does_not_know_costs_its_record(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"prompt,response\na,\x81\nb,\xe9\n")
    rows, [bad] = read_all(csv(tmp_path / "a.csv", encoding="cp1252"))
    assert (rows.to_dicts(), bad.where) == ([{"prompt": "b", "response": "é"}], "line 2")


@pytest.mark.parametrize("encoding", ["klingon", "hex"])
def test_an_encoding_that_python_does_not_know_is_refused_in_words(tmp_path, encoding):
    (tmp_path / "a.csv").write_text(TABLE)
    with pytest.raises(SourceError, match=f"encoding: Python knows no '{encoding}'"):
        csv(tmp_path / "a.csv", encoding=encoding)


def test_a_text_cut_anywhere_is_put_together(tmp_path):
    file = tmp_path / "a.txt"
    text = "é€😀" * 200_000
    file.write_bytes(text.encode("utf-16"))
    with files.encoded(Path(file)) as stream:
        assert stream.read().decode() == text
