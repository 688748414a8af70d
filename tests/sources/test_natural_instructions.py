"""Task files of Super-NaturalInstructions."""

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curate.rows import Bad
from curate.sources.natural_instructions import natural_instructions
from tests.sources.own import read_all

TASK: dict[str, Any] = {
    "Definition": ["Shorten the sentence."],
    "Categories": ["Summarization"],
    "Input_language": ["English"],
    "Output_language": ["English"],
    "URL": ["https://a.example; https://b.example"],
    "Instance License": ["MIT"],
    "Instances": [
        {"id": "task1-a", "input": "It rains a lot.", "output": ["It pours.", "It is wet."]},
        {"id": "task1-b", "input": "It is hot.", "output": ["Hot."]},
    ],
}


@pytest.fixture
def write(tmp_path):
    def write(task, name="task1_short.json"):
        text = task if isinstance(task, bytes) else json.dumps(task).encode()
        (tmp_path / name).write_bytes(text)
        return tmp_path

    return write


def read(path: Path, batch_rows: int = 100, **options: Any) -> tuple[pl.DataFrame, list[Bad]]:
    return read_all(natural_instructions(path, **options), batch_rows)


def test_an_instance_is_a_row(write):
    found, bad = read(write(TASK))
    assert not bad
    assert found.row(0, named=True) == {
        "domain": "task1_short",
        "prompt": "Shorten the sentence.\n\nIt rains a lot.",
        "response": "It pours.",
        "license": "MIT",
        "url": "https://a.example",
        "category": "Summarization",
        "instance": "task1-a",
        "outputs": ["It is wet."],
    }


def test_a_file_is_a_part_packed_or_not(write, tmp_path):
    write(TASK, "task2_b.json")
    (tmp_path / "task1_a.json.gz").write_bytes(gzip.compress(json.dumps(TASK).encode()))
    write({"no": "task"}, "README.json")
    assert [part.name for part in natural_instructions(tmp_path)] == ["task1_a", "task2_b"]
    assert read(tmp_path)[0]["domain"].unique(maintain_order=True).to_list() == ["task1_a", "task2_b"]


@pytest.mark.parametrize(
    ("languages", "count"),
    [
        pytest.param(["English"], 0, id="one of the two is not among them"),
        pytest.param(["English", "French"], 2, id="both are"),
        pytest.param(None, 2, id="all languages"),
    ],
)
def test_tasks_in_other_languages_give_no_rows(write, languages, count):
    found, bad = read(write(TASK | {"Output_language": ["French"]}), languages=languages)
    assert (len(found), bad) == (count, [])


def test_older_files_hold_texts_where_newer_ones_hold_lists(write):
    instance = {"input": "It is hot.", "output": "Hot."}
    found, _ = read(write({"Definition": "Shorten.", "Instances": [instance]}))
    assert found.select("prompt", "response", "license", "instance", "outputs").row(0) == (
        "Shorten.\n\nIt is hot.",
        "Hot.",
        None,
        None,
        [],
    )


@pytest.mark.parametrize(
    ("instance", "error"),
    [
        pytest.param({"input": "a", "output": []}, "output: there is no answer", id="no output"),
        pytest.param({"input": "a", "output": [" "]}, "output: there is no answer", id="a blank output"),
        pytest.param({"input": "a"}, "output: there is no answer", id="output missing"),
        pytest.param({"output": ["b"]}, "input: expected text, got nothing", id="input missing"),
        pytest.param({"input": 5, "output": ["b"]}, "input: expected text, got the number 5", id="a number"),
        pytest.param({"input": "a", "output": [1]}, "output: expected text, got the number 1", id="no text"),
        pytest.param("a", "expected an object, got the text", id="no object"),
        pytest.param({"input": "\ud83d", "output": ["b"]}, "it holds text that is not", id="no Unicode"),
    ],
)
def test_a_bad_instance_costs_itself_only(write, instance, error):
    instances = [TASK["Instances"][0], instance, TASK["Instances"][1]]
    found, [bad] = read(write(TASK | {"Instances": instances}), batch_rows=2)
    assert found["instance"].to_list() == ["task1-a", "task1-b"]
    assert bad.where == "instance 2"
    assert bad.error.startswith(error)


def test_a_broken_byte_costs_its_instance_only(write):
    found, [bad] = read(write(json.dumps(TASK).encode().replace(b"It is hot", b"It is \xff")))
    assert found["instance"].to_list() == ["task1-a"]
    assert bad.where == "instance 2"


@pytest.mark.parametrize(
    ("text", "where", "error"),
    [
        pytest.param(b'{\n"a": }', "line 2", "not JSON: ", id="no JSON"),
        pytest.param(b"", "line 1", "not JSON: ", id="an empty file"),
        pytest.param(b"[]", "line 1", "expected the object of a task, got a list", id="no object"),
        pytest.param(b'{"Definition": ["a"]}', "line 1", "the task has no 'Instances'", id="a key missing"),
        pytest.param(b'{"Definition": [], "Instances": []}', "line 1", "Definition: ", id="no definition"),
        pytest.param(b'{"Definition": ["a"], "Instances": {}}', "line 1", "Instances: ", id="no list"),
        pytest.param(b"[" * 100_000, "line 1", "nested", id="nested without end"),
    ],
)
def test_a_file_that_is_no_task_is_one_bad_record(write, text, where, error):
    found, [bad] = read(write(text))
    assert found.is_empty()
    assert (bad.where, bad.size) == (where, len(text))
    assert bad.error.startswith(error)


def test_a_packed_file_cut_short_is_one_bad_record(tmp_path):
    (tmp_path / "task1.json.gz").write_bytes(gzip.compress(json.dumps(TASK).encode())[:-20])
    found, [bad] = read(tmp_path)
    assert found.is_empty()
    assert "damaged" in bad.error


def test_the_real_tasks(data):
    found, bad = read(data / "natural_instructions")
    files = (data / "natural_instructions").glob("task*.json")
    there = sum(len(json.loads(file.read_bytes())["Instances"]) for file in files)
    assert there == len(found) + len(bad) == 3226
    assert not bad
    assert found["domain"].n_unique() == 8
    assert set(found["license"]) == {"Apache 2.0", "CC BY 4.0", "MIT"}
    assert found.null_count().sum_horizontal().item() == 0
