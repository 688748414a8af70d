"""Pairs of whatever public shape are read as the same pairs; what is none is told."""

from __future__ import annotations

import gzip
import json

import polars as pl
import pytest

from curate.errors import UserError
from curate.pairs.shortcuts.analysis import read


def turn(role, content):
    return {"role": role, "content": content}


ASKED, YES, NO = turn("user", "Why?"), turn("assistant", "Yes 😊"), turn("assistant", "No.")
SHAPES = {
    "texts": {"prompt": "Why?", "chosen": "Yes 😊", "rejected": "No."},
    "another name for the prompt": {"question": "Why?", "chosen": "Yes 😊", "rejected": "No."},
    "messages": {"prompt": [ASKED], "chosen": [YES], "rejected": [NO]},
    "messages with the prompt in them": {"chosen": [ASKED, YES], "rejected": [ASKED, NO]},
    "messages and a prompt as text": {
        "prompt": "Why?",
        "chosen": [ASKED, YES],
        "rejected": [ASKED, NO],
        "score_chosen": 7.5,
    },
    "transcripts": {"chosen": "\n\nHuman: Why?\n\nAssistant: Yes 😊", "rejected": "\n\nHuman: Why?\n\nAssistant: No."},
}
ROW = ("Why?", "Yes 😊", "No.")


def lines(record, n=3):
    return "".join(json.dumps(record) + "\n" for _ in range(n))


@pytest.mark.parametrize("record", SHAPES.values(), ids=SHAPES)
def test_every_shape_is_read_as_the_same_pairs(tmp_path, record):
    (tmp_path / "a.jsonl").write_text(lines(record))
    with gzip.open(tmp_path / "b.jsonl.gz", "wt") as file:
        file.write(lines(record))
    (tmp_path / "c.json").write_text(json.dumps([record] * 3))
    pl.DataFrame([record] * 3).write_parquet(tmp_path / "d.parquet")
    for file in sorted(tmp_path.iterdir()):
        rows, bad = read(file)
        assert rows.select("prompt", "chosen", "rejected").rows() == [ROW] * 3, file.name
        assert bad == []


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet"])
def test_pairs_without_prompts(tmp_path, name):
    frame = pl.DataFrame({"chosen": ["Yes 😊"], "rejected": ["No."]})
    {"a.jsonl": frame.write_ndjson, "a.csv": frame.write_csv, "a.parquet": frame.write_parquet}[name](tmp_path / name)
    rows, _ = read(tmp_path / name)
    assert rows.rows() == [("Yes 😊", "No.")] and rows.columns == ["chosen", "rejected"]


def test_an_output_folder_is_read_by_its_set_with_ids(tmp_path):
    rows = {"id": ["1"], "prompt": ["Why?"], "chosen": ["Yes 😊"], "rejected": ["No."], "source": ["s"]}
    pl.DataFrame(rows).write_parquet(tmp_path / "train.parquet")
    pl.DataFrame({"id": ["1"], "kept": [True]}).write_parquet(tmp_path / "ledger.parquet")
    assert read(tmp_path)[0].rows() == [("1", *ROW)]


@pytest.mark.parametrize(("given", "read_as"), [(7, ["7"]), ("x", ["x"]), ({"a": 1}, None), ([1], None)])
def test_ids_of_any_kind(tmp_path, given, read_as):
    (tmp_path / "a.jsonl").write_text(lines(SHAPES["texts"] | {"id": given}, 1))
    rows, _ = read(tmp_path / "a.jsonl")
    assert (rows["id"].to_list() if "id" in rows.columns else None) == read_as


def test_a_folder_of_files_is_read_as_one(tmp_path):
    for i in range(2):
        (tmp_path / f"part-{i}.jsonl").write_text(lines(SHAPES["messages"]))
    assert read(tmp_path)[0].height == 6


def test_a_bad_record_costs_only_itself(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text(lines(SHAPES["texts"]) + "{broken\n" + lines(SHAPES["texts"], 1))
    rows, bad = read(file)
    assert rows.height == 4 and [record.where for record in bad] == ["line 4"]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        pytest.param("a.jsonl", None, "there is no file", id="no file"),
        pytest.param("a.jsonl", "", "the file is empty", id="an empty file"),
        pytest.param("a.jsonl", '{"prompt": "p", "response": "r"}\n', "no column 'chosen'", id="a set without pairs"),
        pytest.param("a.jsonl", '{"text": "p"}\n', "no pairs of answers to read", id="other data"),
        pytest.param("a.jsonl", "no json at all\n", "no column 'chosen'; line 1", id="no JSON"),
        pytest.param("a.parquet", "no parquet", "no pairs of answers|holds no pairs", id="no parquet"),
    ],
)
def test_what_holds_no_pairs_is_told_in_a_sentence(tmp_path, name, content, why):
    file = tmp_path / name
    if content is not None:
        file.write_text(content)
    with pytest.raises(UserError, match=why) as told:
        read(file)
    assert "columns: {" not in str(told.value), "advice for recipes does not help here"


def test_a_folder_without_a_set(tmp_path):
    with pytest.raises(UserError, match="holds no set"):
        read(tmp_path)
