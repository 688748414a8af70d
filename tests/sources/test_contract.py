"""What every source promises: parts that can be sent to a worker, rows that no batch size changes, standard types."""

from __future__ import annotations

import csv as stdlib
import json
import pickle
from pathlib import Path

import polars as pl
import pytest

from curate import sources
from curate.rows import STANDARD, Part, SourceMissing
from tests.sources.own import read_all

ROWS = [{"prompt": f"p{i}", "response": "r", "score": float(i), "tags": [str(i)]} for i in range(9)]
POSTS = "".join(
    f'<row Id="{i}" PostTypeId="1" Score="1" Title="t" Body="b" />\n'
    f'<row Id="{i + 50}" PostTypeId="2" ParentId="{i}" Score="2" Body="a" />\n'
    for i in range(1, 10)
)


def _jsonl(folder: Path) -> list[Part]:
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return sources.jsonl(folder)


def _csv(folder: Path) -> list[Part]:
    pl.DataFrame(ROWS).drop("tags").write_csv(folder / "a.csv")
    return sources.csv(folder)


def _parquet(folder: Path) -> list[Part]:
    pl.DataFrame(ROWS).write_parquet(folder / "a.parquet", row_group_size=4)
    return sources.parquet(folder)


def _hf(folder: Path) -> list[Part]:
    pytest.importorskip("datasets").Dataset.from_list(ROWS).save_to_disk(folder / "set")
    return sources.hf(str(folder / "set"))


def _wikihow(folder: Path) -> list[Part]:
    with (folder / "wikihowAll.csv").open("w", newline="") as file:
        stdlib.writer(file).writerows(
            [["headline", "title", "text"], *[["Mix.", f"How to {i}", "So."] for i in "abcdefghi"]]
        )
    return sources.wikihow(folder)


def _natural_instructions(folder: Path) -> list[Part]:
    task = {"Definition": ["Do."], "Instances": [{"id": f"{i}", "input": "a", "output": ["b"]} for i in range(9)]}
    (folder / "task1_a.json").write_text(json.dumps(task))
    return sources.natural_instructions(folder)


def _reddit(folder: Path) -> list[Part]:
    asked = [{"id": f"s{i}", "subreddit": "a", "title": f"t{i}", "score": i} for i in range(9)]
    replies = [{"id": f"c{i}", "subreddit": "a", "link_id": f"t3_s{i}", "body": "b", "score": 1} for i in range(9)]
    for name, records in (("a_submissions", asked), ("a_comments", replies)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return sources.reddit(folder)


def _stackexchange(folder: Path) -> list[Part]:
    (folder / "tea").mkdir()
    (folder / "tea" / "Posts.xml").write_text(f"<posts>\n{POSTS}</posts>")
    return sources.stackexchange(folder)


def _topics(folder: Path) -> list[Part]:
    (folder / "a.yaml").write_text("soup: [" + ", ".join(f"'{i}?'" for i in range(9)) + "]")
    return sources.topics(path=folder / "a.yaml")


def _authored(folder: Path) -> list[Part]:
    return sources.authored(split="dev")


def _docstrings(folder: Path) -> list[Part]:
    return sources.docstrings(packages=["click"])


MAKERS = (
    _jsonl, _csv, _parquet, _hf, _wikihow, _natural_instructions, _reddit, _stackexchange, _topics, _authored, _docstrings
)  # fmt: skip


def test_every_source_is_here_but_the_one_that_asks_a_model():
    assert {maker.__name__[1:] for maker in MAKERS} | {"questions"} == set(sources.__all__)


@pytest.mark.slow
@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__[1:])
def test_parts_pickle_and_no_batch_size_changes_a_row_or_its_types(maker, tmp_path):
    parts = maker(tmp_path)
    assert parts
    assert all(file.is_file() for part in parts for file in part.files)
    rows, bad = read_all(parts, 100_000)
    assert (rows.height >= 9, bad) == (True, [])
    assert {name: dtype for name, dtype in rows.schema.items() if STANDARD.get(name, dtype) != dtype} == {}
    for batch_rows in (1, 4):
        assert read_all(pickle.loads(pickle.dumps(parts)), batch_rows)[0].equals(rows)


@pytest.mark.parametrize(
    ("source", "params", "message"),
    [
        pytest.param("jsonl", {"path": "none.jsonl"}, "there is no file", id="jsonl"),
        pytest.param("csv", {"path": "none.csv"}, "there is no file", id="csv"),
        pytest.param("parquet", {"path": "none.parquet"}, "there is no file", id="parquet"),
        pytest.param("hf", {"name": "./none"}, "there is no folder", id="hf"),
        pytest.param("wikihow", {"path": "wikihowAll.csv"}, "there is no file", id="wikihow"),
        pytest.param("natural_instructions", {"path": "."}, "no file matches", id="natural_instructions"),
        pytest.param("reddit", {"path": "."}, "no submissions", id="reddit, an empty folder"),
        pytest.param("reddit", {"path": "none"}, "there is no folder", id="reddit, no folder"),
        pytest.param("stackexchange", {"path": "."}, "holds no Stack Exchange dump", id="stackexchange, an empty folder"),
        pytest.param("stackexchange", {"path": "none"}, "is not there", id="stackexchange, no folder"),
        pytest.param("topics", {"path": "none.yaml"}, "there is no topics file", id="topics"),
        pytest.param("docstrings", {"packages": ["no-such-package"]}, "is installed: no-such-package", id="docstrings"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_missing(source, params, message, tmp_path):
    params = {name: tmp_path / value if name == "path" else value for name, value in params.items()}
    with pytest.raises(SourceMissing, match=message):
        getattr(sources, source)(**params)
