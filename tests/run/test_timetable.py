"""The timetable of a run: what is left of its stages, in seconds and in words, and what a later run knows of them."""

from __future__ import annotations

import json

import pytest

from curate.recipe.load import load
from curate.run.run import run_recipe
from curate.run.state import MANIFEST
from curate.run.timetable import Stage, Timetable, left, times_of
from tests.conftest import rows


@pytest.mark.parametrize(
    ("stages", "pace", "seconds", "whole"),
    [
        pytest.param([], None, 0, True, id="nothing is left"),
        pytest.param([Stage("read a", 600)], 60, 10, True, id="bytes at a pace"),
        pytest.param([Stage("read a", 600)], None, 0, False, id="bytes, and no pace yet"),
        pytest.param([Stage("near", None, 7.0)], None, 7, True, id="seconds of an earlier run"),
        pytest.param([Stage("read a", 600, 7.0)], 60, 7, True, id="an earlier run knows this source better"),
        pytest.param([Stage("read a", 600), Stage("near")], 60, 10, False, id="the least, where a stage is not known"),
        pytest.param([Stage("read a", 600), Stage("read b", 60), Stage("near", None, 2.0)], 60, 13, True, id="the sum"),
        pytest.param([Stage("read a", 0), Stage("write files", None, 0.0)], 60, 0, True, id="all is done"),
    ],
)
def test_what_is_left(stages, pace, seconds, whole):
    assert left(stages, pace) == (seconds, whole)


SIZES = {"read a": 4_000_000_000, "read b": 2_000_000_000, "near": None, "write files": None}


def test_a_run_is_told_from_its_first_second_to_its_last():
    clock = [0.0]
    table = Timetable(lambda: clock[0])
    lines = [table.line()]

    def then(seconds: float) -> None:
        clock[0] += seconds
        lines.append(table.line())

    table.plan(SIZES)
    table.begin("read a")
    then(1)
    table.part = 1e9
    then(9)
    table.read(4e9, reused=False)
    then(30)
    table.begin("read b")
    then(0)
    table.part = 1e9
    then(20)
    table.begin("near")
    then(60)
    table.begin("write files")
    then(0)
    assert lines == [
        "0:00:00 passed: plan",
        "0:00:01 passed, time left unknown: stage 1 of 4, read a, 0.0 of 4.0 GB",
        "0:00:10 passed, at least 0:00:50 left: stage 1 of 4, read a, 1.0 of 4.0 GB",  # 3 GB of a, 2 GB of b, 10 s each
        "0:00:40 passed, at least 0:00:20 left: stage 1 of 4, read a, 4.0 of 4.0 GB",
        "0:00:40 passed, at least 0:00:20 left: stage 2 of 4, read b, 0.0 of 2.0 GB",  # at the pace of a
        "0:01:00 passed, at least 0:00:20 left: stage 2 of 4, read b, 1.0 of 2.0 GB",  # at its own
        "0:02:00 passed, time left unknown: stage 3 of 4, near",
        "0:02:00 passed, time left unknown: stage 4 of 4, write files",
    ]


def test_an_earlier_run_says_how_long_stages_take_times_the_bytes_of_now():
    clock = [0.0]
    times = {
        "read a": [20.0, 2e9],
        "read b": [10.0, 2e9],
        "near": [30.0, 3e9],
        "write files": [1.0, 3e9],
        "gone": [9.0, 1],
    }
    table = Timetable(lambda: clock[0], times=times)
    table.plan(SIZES)
    table.begin("read a")
    assert table.line() == "0:00:00 passed, some 0:01:52 left: stage 1 of 4, read a, 0.0 of 4.0 GB"  # 40 + 10 + 60 + 2
    table.begin("near")
    clock[0] = 50
    assert table.line() == "0:00:50 passed, some 0:00:12 left: stage 3 of 4, near"
    clock[0] = 70
    assert table.line() == "0:01:10 passed, at least 0:00:02 left: stage 3 of 4, near", "it takes longer than it did"
    table.end(built=True)
    del times["gone"]  # no stage of this run
    assert table.times == {**times, "near": [70.0, 6e9]}


def test_parts_that_stand_in_the_cache_are_no_pace():
    clock = [0.0]
    table = Timetable(lambda: clock[0])
    table.plan({"read a": 3e6})
    table.begin("read a")
    table.read(1e6, reused=True)
    clock[0] = 5
    assert table.line() == "0:00:05 passed, time left unknown: stage 1 of 1, read a, 1.0 of 3.0 MB"
    table.read(1e6, reused=False)
    clock[0] = 10
    assert table.line() == "0:00:10 passed, some 0:00:10 left: stage 1 of 1, read a, 2.0 of 3.0 MB"


RECIPE = """
name: mine
sources:
  a: {read: {jsonl: {path: a.jsonl}}, steps: [{keep: {length: {min: 1}}}, {select: {exact_duplicates: {}}}, {keep: {length: {max: 9000}}}]}
  b: {read: {jsonl: {path: a.jsonl}}}
steps:
  - select: {exact_duplicates: {column: response}}
"""
STAGES = [
    "read a",
    "a: exact_duplicates()",
    "a: length(max=9000)",
    "read b",
    "gather rows",
    "exact_duplicates(column=response)",
    "sample",
    "write files",
]


def test_a_run_knows_its_stages_and_a_later_one_how_long_they_took(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows(300)))
    (tmp_path / "mine.yaml").write_text(RECIPE)
    size = (tmp_path / "a.jsonl").stat().st_size
    recipe, out, table = load(tmp_path / "mine.yaml"), tmp_path / "out", Timetable()

    manifest = run_recipe(recipe, out, timetable=table)
    names = [stage.name for stage in table.stages]
    assert names == STAGES
    assert [stage.size for stage in table.stages if stage.name.startswith("read")] == [size, size]
    assert list(manifest["seconds"]) == ["plan", *names], "the seconds of a run are those of its stages"
    assert table.done == 0 and table.at == len(names) - 1
    times = times_of(out / MANIFEST)
    assert set(times) == set(names) and times["read a"][1] == size and times["sample"][1] == 2 * size

    again = Timetable()
    run_recipe(recipe, out, timetable=again)
    known = times_of(out / MANIFEST)
    assert known["read a"] == times["read a"], "what stood in the cache took no time, and says none"
    assert all(stage.seconds is not None for stage in again.stages)

    run_recipe(recipe, out, limit=10, fresh=True)
    assert times_of(out / MANIFEST) == known, "ten rows say nothing of all of them"


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", '{"stages": {}}', '{"stages": {"times": 3}}', '{"stages": {"times": {"a": 1}}}']
)
def test_a_manifest_that_says_nothing_of_times_is_none(text, tmp_path):
    if text is not None:
        (tmp_path / MANIFEST).write_text(text)
    assert times_of(tmp_path / MANIFEST) == {}
