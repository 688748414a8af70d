from __future__ import annotations

import json
import logging
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from curate import cache
from curate.cache import Cache, fingerprint
from curate.rows import hash_file

TEXT = "made " * 1000


def make(folder):
    (folder / "made.txt").write_text(TEXT)
    (folder / "more").mkdir()
    (folder / "more" / "rows.txt").write_text("rows")
    return {"rows": 1}


def fail(folder):
    pytest.fail("built twice")


def entries(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir() if each.name != ".locks")


def test_an_entry_is_built_once_and_then_reused(tmp_path):
    first = Cache(tmp_path).get("pass", {"a": 1}, make)
    again = Cache(tmp_path).get("pass", {"a": 1}, fail)
    assert (first.reused, again.reused) == (False, True)
    assert (again.meta, [f.name for f in again.files("*.txt")]) == ({"rows": 1}, ["made.txt", "rows.txt"])
    assert first.content == again.content


@pytest.mark.parametrize(
    ("depends", "more"),
    [
        pytest.param({"a": 2}, {}, id="what it depends on"),
        pytest.param({"a": 1}, {"code": "other"}, id="code"),
        pytest.param({"a": 1}, {"packages": ("polars",)}, id="releases of packages"),
    ],
)
def test_another_dependency_is_another_entry(tmp_path, depends, more):
    assert Cache(tmp_path).get("pass", {"a": 1}, make).key != Cache(tmp_path).get("pass", depends, make, **more).key


def test_content_is_named_by_files_and_by_what_was_said_of_them(tmp_path):
    def other(folder):
        return make(folder) | {"rows": 2}

    contents = {Cache(tmp_path).get("pass", i, build).content for i, build in enumerate((make, make, other))}
    assert len(contents) == 2


def test_an_entry_that_fails_leaves_nothing_and_is_tried_again(tmp_path):
    def full(folder):
        make(folder)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        Cache(tmp_path).get("pass", {}, full)
    assert entries(tmp_path) == []
    assert not Cache(tmp_path).get("pass", {}, make).reused


def test_fresh_builds_again_what_is_older_and_once_only(tmp_path):
    Cache(tmp_path).get("pass", {}, make)
    fresh = Cache(tmp_path, fresh=True)
    assert [fresh.get("pass", {}, make).reused for _ in range(2)] == [False, True]


def test_what_is_built_again_to_the_same_bytes_leaves_the_files_in_use_alone(tmp_path):
    first = Cache(tmp_path).get("pass", {}, make)
    before = (first.folder / "made.txt").stat().st_ino
    Cache(tmp_path, fresh=True).get("pass", {}, make)
    assert (first.folder / "made.txt").stat().st_ino == before


def test_an_entry_that_is_not_to_be_kept_is_for_its_caller_alone(tmp_path):
    def unfinished(folder):
        return make(folder) | {"again": 1}

    first = Cache(tmp_path).get("make", {}, unfinished, keep=lambda meta: not meta["again"])
    assert [file.read_text() for file in first.files("rows.txt")] == ["rows"]
    second = Cache(tmp_path).get("make", {}, make)
    assert not second.reused
    assert first.content != second.content, "what builds on it must run again too"


def test_what_a_killed_run_left_is_cleared_a_day_later_only(tmp_path):
    names = ("pass-1.7.building", "pass-2.8.once", ".files.json.9.part")
    for i, name in enumerate(names):
        for prefix in ("old", "young"):
            place = tmp_path / f"{prefix}{name}"
            place.mkdir() if i < 2 else place.write_text("half")
            if prefix == "old":
                os.utime(place, (time.time() - 25 * 3600,) * 2)
    Cache(tmp_path)
    assert entries(tmp_path) == sorted(f"young{name}" for name in names)


def flip(file: Path, at: int) -> None:
    data = bytearray(file.read_bytes())
    data[at % len(data)] ^= 1 << at % 8
    file.write_bytes(data)


def cut(file: Path, at: int) -> None:
    file.write_bytes(file.read_bytes()[: at % file.stat().st_size])


def remove(file: Path, at: int) -> None:
    file.unlink()


def replace(file: Path, at: int) -> None:
    file.write_text(["{}", "null", "[]", "", '{"meta": {}, "files": {}, "built": 1, "seal": "x"}'][at % 5])


DAMAGES = [flip, cut, remove, replace]


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("name", ["made.txt", "more/rows.txt", cache.META])
def test_a_damaged_entry_is_noticed_said_and_built_again(tmp_path, damage, name, caplog):
    """Fifty damages of each of 12 kinds: never a wrong result, never an error."""
    random_ = random.Random(7)
    Cache(tmp_path).get("pass", {}, make)
    for _ in range(50):
        damage(tmp_path / entries(tmp_path)[0] / name, random_.randrange(10**6))
        with caplog.at_level(logging.WARNING, "curate.cache"):
            caplog.clear()
            again = Cache(tmp_path).get("pass", {}, make)
        assert (again.reused, again.meta, again.files("made.txt")[0].read_text()) == (False, {"rows": 1}, TEXT)
        assert caplog.records or (damage, name) == (remove, cache.META), "what happened is said"
        assert Cache(tmp_path).get("pass", {}, fail).reused


def test_a_file_that_is_not_the_entry_s_own_is_not_read(tmp_path):
    first = Cache(tmp_path).get("pass", {}, make)
    (first.folder / "foreign.txt").write_text("foreign")
    assert "foreign.txt" not in [file.name for file in Cache(tmp_path).get("pass", {}, fail).files("*.txt")]


SHARE = """
import sys, threading, time
from pathlib import Path
from curate.cache import Cache

def build(folder, i):
    time.sleep(0.01)
    (folder / "a.txt").write_text(f"{i} " * 1000)
    (Path(sys.argv[1]) / "built").open("a").write(f"{i}\\n")
    return {"i": i}

def work(wrong):
    try:
        cache = Cache(Path(sys.argv[1]) / "cache", fresh=sys.argv[2] == "fresh")
        for i in range(int(sys.argv[3])):
            entry = cache.get("shared", {"i": i}, lambda folder: build(folder, i))
            if entry.meta != {"i": i} or entry.files("a.txt")[0].read_text() != f"{i} " * 1000:
                wrong.append(i)
    except BaseException as error:
        wrong.append(error)

wrong = []
threads = [threading.Thread(target=work, args=(wrong,)) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
sys.exit(repr(wrong) if wrong else 0)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("how", "number"), [("kept", 20), ("fresh", 3)])
def test_eight_processes_of_eight_threads_share_one_cache(tmp_path, how, number):
    """All end, and what is kept is built once by all of them together."""
    runs = [
        subprocess.Popen([sys.executable, "-c", SHARE, str(tmp_path), how, str(number)], stderr=-1, text=True)
        for _ in range(8)
    ]
    assert [run.communicate(timeout=120)[1] for run in runs] == [""] * 8
    assert [run.returncode for run in runs] == [0] * 8
    built = (tmp_path / "built").read_text().split()
    assert sorted(set(built)) == sorted(map(str, range(number)))
    assert len(built) == number or how == "fresh"
    assert len(entries(tmp_path / "cache")) == number


def test_a_lock_says_once_that_it_waits_and_a_dead_holder_lets_go(tmp_path):
    waits = []
    with cache.lock(tmp_path / "a"):
        other = threading.Thread(target=lambda: cache.lock(tmp_path / "a", lambda: waits.append(1)).__enter__())
        other.daemon = True
        other.start()
        while not waits:
            time.sleep(0.01)
    code = (
        "import os, sys; from pathlib import Path; from curate import cache\n"
        "cache.lock(Path(sys.argv[1]) / 'b').__enter__(); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    with cache.lock(tmp_path / "b", lambda: pytest.fail("it is held by nobody")):
        assert waits == [1]


def test_a_file_appears_whole_whoever_writes_it(tmp_path):
    threads = [threading.Thread(target=cache.write_whole, args=(tmp_path / "a", str(i) * 100_000)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = (tmp_path / "a").read_text()
    assert (len(text), len(set(text)), entries(tmp_path)) == (100_000, 1, ["a"])


def test_files_are_hashed_by_content_and_remembered_until_they_change(tmp_path, monkeypatch):
    file, memo = tmp_path / "in", tmp_path / "files.json"
    file.write_text("one")
    monkeypatch.setattr(cache, "_FRESH_NS", -(10**12))  # as if it had stood there for long
    assert fingerprint([file], memo) == [hash_file(file)]
    cache._hashes.clear()
    with monkeypatch.context() as patched:
        patched.setattr(cache, "hash_file", fail)
        assert fingerprint([file], memo) == [hash_file(file)], "another process hashes it no more"
    file.write_text("two, changed")
    assert fingerprint([file], memo) == [hash_file(file)]
    memo.write_text("{broken")
    cache._hashes.clear()
    assert fingerprint([file], memo) == [hash_file(file)]


def test_a_change_within_the_same_tick_of_the_clock_is_seen(tmp_path):
    file = tmp_path / "in"
    hashes = []
    for i in range(50):
        file.write_text(f"{i:04}")
        os.utime(file, (1, 1))
        hashes += fingerprint([file], tmp_path / "files.json")
    assert len(set(hashes)) == 50


def test_texts_that_name_files_and_models_stand_for_their_contents(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "model", "notes"):
        (tmp_path / name).mkdir()
    (tmp_path / "a/test.jsonl").write_text("1")
    (tmp_path / "b/test.jsonl").write_text("2")
    (tmp_path / "model/config.json").write_text("{}")
    params = {"by": ["a/test.jsonl", {"x": "b/test.jsonl:question"}], "model": "model", "n": 3, "column": "notes"}
    first = cache.contents_of(params)
    assert [name for name, _ in first] == ["a/test.jsonl", "b/test.jsonl", "model"]
    for name in ("a/test.jsonl", "b/test.jsonl", "model/weights.bin"):
        (tmp_path / name).write_text("changed")
        now = cache.contents_of(params)
        assert now != first
        first = now


@pytest.mark.parametrize(
    ("platform", "environment", "folder"),
    [
        pytest.param("linux", {"CURATE_CACHE": "here"}, Path("here"), id="where the user says"),
        pytest.param("linux", {"XDG_CACHE_HOME": "xdg"}, Path("xdg/curate"), id="where the desktop says"),
        pytest.param("linux", {}, Path.home() / ".cache" / "curate", id="Linux"),
        pytest.param("darwin", {}, Path.home() / "Library" / "Caches" / "curate", id="macOS"),
        pytest.param("win32", {"LOCALAPPDATA": "local"}, Path("local/curate/Cache"), id="Windows"),
    ],
)
def test_the_cache_stands_where_the_system_has_caches(platform, environment, folder, monkeypatch):
    for name in ("CURATE_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert cache.home() == folder


def test_keys_do_not_depend_on_the_order_of_mappings():
    assert cache.key_of({"a": {"x": 1, "y": 2}, "b": 3}) == cache.key_of(json.loads('{"b": 3, "a": {"y": 2, "x": 1}}'))
