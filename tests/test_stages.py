from __future__ import annotations

import os
import time

import pytest

from curate.rows import hash_file
from curate.stages import Stages, fingerprint, own_files


def make(folder):
    (folder / "made.txt").write_text("made")
    return {"rows": 1}


def test_a_stage_is_built_once_and_then_reused(tmp_path):
    first = Stages(tmp_path).get("pass", {"a": 1}, make)
    again = Stages(tmp_path).get("pass", {"a": 1}, lambda folder: pytest.fail("built twice"))
    assert (first.reused, again.reused) == (False, True)
    assert (again.meta, [f.name for f in again.files("*.txt")]) == ({"rows": 1}, ["made.txt"])


def test_another_dependency_is_another_stage(tmp_path):
    stages = Stages(tmp_path)
    assert stages.get("pass", {"a": 1}, make).key != stages.get("pass", {"a": 2}, make).key


def test_a_stage_that_fails_leaves_nothing_and_is_tried_again(tmp_path):
    def fail(folder):
        make(folder)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        Stages(tmp_path).get("pass", {}, fail)
    assert list(tmp_path.iterdir()) == []
    assert not Stages(tmp_path).get("pass", {}, make).reused


def test_fresh_builds_again(tmp_path):
    Stages(tmp_path).get("pass", {}, make)
    assert not Stages(tmp_path, fresh=True).get("pass", {}, make).reused


def test_what_a_killed_run_left_is_cleared_a_day_later_only(tmp_path):
    old, young = tmp_path / "pass-1.7.building", tmp_path / "pass-2.8.building"
    for folder in (old, young):
        folder.mkdir()
    day_ago = time.time() - 25 * 3600
    os.utime(old, (day_ago, day_ago))
    Stages(tmp_path)
    assert (old.exists(), young.exists()) == (False, True)


def test_files_are_hashed_by_content_and_remembered_until_they_change(tmp_path):
    file, memo = tmp_path / "in", tmp_path / "files.json"
    file.write_text("one")
    first = fingerprint((file,), memo)
    assert first == [hash_file(file)] == fingerprint((file,), memo)
    file.write_text("two, changed")
    assert fingerprint((file,), memo) != first
    memo.write_text("{broken")
    assert fingerprint((file,), memo) == [hash_file(file)]


def test_what_the_filters_do_and_read_is_part_of_every_key():
    names = {f"{file.parent.name}/{file.name}" for file in own_files()}
    assert {
        "curate/run.py",
        "filters/markup.py",
        "sources/jsonl.py",
        "recipes/stackexchange_sites.yaml",
        "authored/dev.jsonl",
    } <= names
