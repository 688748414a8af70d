"""A file that a source cannot read at all: what it is, and what to do about it."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import pytest

from curate.recipe.load import load
from curate.rows import SourceError
from curate.run.look import look
from curate.run.run import run_recipe
from curate.run.state import RunError

LINES = b'{"prompt": "Why is it so?", "response": "Because."}\n' * 3
PRETTY = b'[\n {\n  "prompt": "Why is it so?",\n  "response": "Because."\n }\n]\n'


@pytest.fixture
def run(tmp_path, monkeypatch, write_recipe):
    monkeypatch.chdir(tmp_path)

    def run(name: str, content: bytes, reader: str) -> None:
        Path(name).write_bytes(content)
        run_recipe(load(write_recipe({"sources": {"one": {"read": {reader: {"path": name}}}}})), tmp_path / "out")

    return run


@pytest.mark.parametrize(
    ("name", "content", "reader", "way"),
    [
        pytest.param("a.jsonl", gzip.compress(LINES), "jsonl", "a.jsonl is packed as a .gz file: name it a.jsonl.gz", id="packed"),
        pytest.param("a.csv.gz", lzma.compress(b"prompt,response\nWhy?,So.\n"), "csv", "a.csv.gz is packed as a .xz file: name it a.csv.xz", id="otherwise"),
        pytest.param("a.jsonl.gz", LINES, "jsonl", "a.jsonl.gz is not packed, though its name says so: name it a.jsonl", id="not packed"),
        pytest.param("a.csv", b"prompt,response\nWhy?,So.\n", "jsonl", "a.csv is read by `csv`, as in `read: {csv: {path: a.csv}}`", id="csv"),
        pytest.param("a.jsonl", LINES, "csv", "a.jsonl is read by `jsonl`", id="json lines"),
        pytest.param("a.jsonl", LINES, "parquet", "a.jsonl is read by `jsonl`", id="no parquet"),
        pytest.param("a.jsonl", b"PK\x03\x04 and so on\n", "jsonl", "a.jsonl is a zip archive: unpack it", id="zip"),
        pytest.param("a.jsonl", PRETTY, "jsonl", "a.jsonl is one JSON document, not one a line: name it a.json", id="one document"),
    ],
)  # fmt: skip
def test_a_file_of_another_kind(run, name, content, reader, way):
    with pytest.raises((RunError, SourceError)) as caught:
        run(name, content, reader)
    assert f". {way}" in str(caught.value) and "max_bad=" not in str(caught.value)


def test_a_file_that_is_only_damaged_has_no_other_kind(run):
    with pytest.raises(RunError, match=r"Mend the input\. What was read is kept"):
        run("a.jsonl", b"{oops\n" * 3, "jsonl")


def test_a_first_look_says_so_too(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(gzip.compress(LINES))
    with pytest.raises(Exception, match=r"a\.jsonl is packed as a \.gz file: name it a\.jsonl\.gz"):
        look(tmp_path / "a.jsonl")
