"""Sets of Hugging Face: folders of both kinds, splits, streams, revisions; the same rows as from any other file."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from curate.rows import SourceError, SourceMissing
from curate.sources import hf, jsonl
from tests.sources.own import read_all

datasets = pytest.importorskip("datasets")
datasets.disable_progress_bars()

TALKS: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": f"a{i}"}, {"role": "assistant", "content": "b", "weight": i % 2}], "n": i}
    for i in range(2500)
]
COMMIT = "0123456789abcdef" * 2 + "01234567"


def saved(folder: Path) -> str:
    datasets.Dataset.from_list(TALKS).save_to_disk(folder / "set")
    return str(folder / "set")


def saved_splits(folder: Path) -> str:
    train = datasets.Dataset.from_list(TALKS)
    datasets.DatasetDict({"train": train, "test": train.select(range(3))}).save_to_disk(folder / "set")
    return str(folder / "set")


def parquet_files(folder: Path) -> str:
    for i in range(2):
        half = datasets.Dataset.from_list(TALKS).shard(2, i, contiguous=True)
        half.to_parquet(folder / f"set/train-0000{i}-of-00002.parquet")
    datasets.Dataset.from_list(TALKS[:3]).to_parquet(folder / "set/test-00000-of-00001.parquet")
    return str(folder / "set")


def json_files(folder: Path) -> str:
    (folder / "set").mkdir()
    for name, talks in (("train", TALKS), ("test", TALKS[:3])):
        (folder / f"set/{name}.jsonl").write_text("".join(json.dumps(talk) + "\n" for talk in talks))
    return str(folder / "set")


@pytest.mark.parametrize("make", [saved, saved_splits, parquet_files, json_files])
def test_a_local_folder_is_read_offline_as_any_file_is(tmp_path, monkeypatch, make):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    (tmp_path / "plain.jsonl").write_text("".join(json.dumps(talk) + "\n" for talk in TALKS))
    expected, _ = read_all(jsonl(tmp_path / "plain.jsonl"), 5000)
    name = make(tmp_path)
    for batch_rows in (7, 5000):
        [part] = pickle.loads(pickle.dumps(hf(name)))
        assert part.files
        rows, bad = read_all([part], batch_rows)
        assert (
            rows.drop("tools", strict=False).select("n", "prompt", "response", "response_turns").to_dicts(),
            bad,
        ) == (
            expected.select("n", "prompt", "response", "response_turns").to_dicts(),
            [],
        )


@pytest.mark.parametrize("make", [saved_splits, parquet_files, json_files])
def test_a_split_is_named(tmp_path, make):
    name = make(tmp_path)
    assert read_all(hf(name, split="test"))[0].height == 3
    with pytest.raises(SourceError, match=r"(?s)split.*nope.*train"):
        hf(name, split="nope")


def test_a_folder_is_looked_for_in_the_data_folder_first(tmp_path, monkeypatch):
    saved(tmp_path)
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    assert read_all(hf("set"))[0].height == 2500


def test_what_stands_inside_a_column_and_constants(tmp_path):
    rows = [{"info": {"question": "a", "turns": [{"text": "b"}]}, "info.x": "c"}]
    datasets.Dataset.from_list(rows).save_to_disk(tmp_path / "set")
    columns = {"prompt": "info.question", "response": "info.turns.0.text", "y": "info.x"}
    found, _ = read_all(hf(str(tmp_path / "set"), columns=columns, license="MIT"))
    assert found.select("prompt", "response", "y", "license").to_dicts() == [
        {"prompt": "a", "response": "b", "y": "c", "license": "MIT"}
    ]


@pytest.mark.parametrize(
    ("rows", "params", "message"),
    [
        pytest.param([{"a": "b"}], {}, "has no column 'prompt'; it has: a", id="no prompt"),
        pytest.param([{"a": "b"}], {"columns": {"prompt": "b.c"}}, "has no column 'b.c'", id="no such path"),
        pytest.param([{"prompt": 5}], {}, "the column 'prompt' holds Int64, not text", id="numbers"),
    ],
)
def test_a_set_that_cannot_be_meant_is_refused_at_once(tmp_path, rows, params, message):
    datasets.Dataset.from_list(rows).save_to_disk(tmp_path / "set")
    with pytest.raises(SourceError, match=message):
        hf(str(tmp_path / "set"), **params)


def test_a_damaged_folder_is_said(tmp_path):
    name = saved(tmp_path)
    file = next(Path(name).glob("*.arrow"))
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(SourceError, match="cannot be read: "):
        hf(name)


def test_a_stream_that_breaks_is_one_bad_record(tmp_path):
    name = json_files(tmp_path)
    (tmp_path / "set/train.jsonl").rename(tmp_path / "set/train-00000-of-00002.jsonl")
    (tmp_path / "set/train-00001-of-00002.jsonl").write_text('{"messages": [')
    rows, [bad] = read_all(hf(name))
    assert rows.height == 2000  # `datasets` hands on a thousand at a time
    assert (bad.where, "cannot be read on" in bad.error) == ("after row 2000", True)


def test_an_empty_folder_is_missing(tmp_path):
    with pytest.raises(SourceMissing, match="is empty"):
        hf(str(tmp_path))


@pytest.fixture
def hub(monkeypatch):
    """Stand in for a hub with one set; list what it is asked."""
    asked: list[dict[str, Any]] = []

    def dataset_info(self, name, revision=None, timeout=None):
        if name != "org/set":
            raise ConnectionError("no route\nto the hub")
        return SimpleNamespace(sha=COMMIT)

    def load_dataset(name, config, *, split, revision, streaming):
        asked.append({"name": name, "config": config, "split": split, "revision": revision, "streaming": streaming})
        rows = datasets.Dataset.from_list(TALKS)
        return rows.to_iterable_dataset() if streaming else rows

    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", dataset_info)
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return asked


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("revision", [None, "main", COMMIT])
def test_a_set_on_a_hub_is_read_at_one_commit_which_is_said_unless_it_is_pinned(hub, revision, streaming):
    [part] = hf("org/set", config="a", split="test", revision=revision, streaming=streaming)
    assert (part.name, part.files, hub) == (f"test@{COMMIT[:12]}", (), [])
    batches = list(part.read(700))
    assert sum(batch.rows.height for batch in batches) == 2500
    assert hub == [{"name": "org/set", "config": "a", "split": "test", "revision": COMMIT, "streaming": streaming}]
    notes = {f"rows of the newest revision; `revision: {COMMIT}` stays what it is": 2500.0}
    assert batches[-1].notes == ({} if revision == COMMIT else notes)


def test_a_hub_that_does_not_answer_is_one_sentence(hub):
    with pytest.raises(SourceError, match=r"no folder 'org/other', and the hub does not tell .* \(ConnectionError: no"):
        hf("org/other")
