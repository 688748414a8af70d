from __future__ import annotations

import json
import os
import time

import pytest
from click.testing import CliRunner

from curate.cache import META, Cache
from curate.cli import main

DAY = 86_400


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Two stages in out/.stages, the older one used 40 days ago; a model and vectors in the user's cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CURATE_CACHE", str(tmp_path / "cache"))
    stages = Cache(tmp_path / "out/.stages")
    for i in range(2):
        stages.get("pass", {"i": i}, lambda folder: {"n": (folder / "rows").write_bytes(b"x" * 5000)})
    old = stages.get("pass", {"i": 0}, pytest.fail).folder / META
    os.utime(old, (time.time() - 40 * DAY,) * 2)
    answers = tmp_path / "out/.stages/answers/small"
    answers.mkdir(parents=True)
    (answers / "1.jsonl").write_text("{}")
    Cache(tmp_path / "cache/models").get("small", {}, lambda folder: {"n": (folder / "w").write_bytes(b"w" * 3000)})
    vectors = tmp_path / "cache/embeddings/torch-1"
    vectors.mkdir(parents=True)
    (vectors / "a.npy").write_bytes(b"v" * 100)
    return tmp_path


def run(*args):
    done = CliRunner().invoke(main, ["cache", *map(str, args)])
    return done.exit_code, done.output


def test_what_is_kept_is_shown_by_kind(places):
    code, text = run()
    assert code == 0
    lines = [line.replace("\u2502", " ").split() for line in text.splitlines()]
    assert [line[:2] for line in lines if line and line[0] in {"pass", "answers", "small", "embeddings"}] == [
        ["answers", "1"], ["pass", "2"], ["embeddings", "1"], ["small", "1"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("days", "removed"),
    [
        pytest.param(30, ["pass"], id="what was not used for a month"),
        pytest.param(0, ["embeddings", "pass", "pass", "small"], id="all, but for answers"),
        pytest.param(50, [], id="nothing is that old"),
    ],
)
def test_pruning_removes_what_was_not_used_and_says_so(places, days, removed):
    code, text = run("--prune", days, "--json")
    told = json.loads(text)
    assert (code, sorted(one["kind"] for each in told["removed"].values() for one in each)) == (0, removed)
    assert (places / "out/.stages/answers/small/1.jsonl").is_file()
    assert len(list((places / "out/.stages").glob("pass-*"))) == 2 - removed.count("pass")


def test_use_keeps_an_entry_from_being_pruned(places):
    Cache(places / "out/.stages").get("pass", {"i": 0}, pytest.fail)
    assert run("--prune", 30)[1].count("Removed from") == 2
    assert len(list((places / "out/.stages").glob("pass-*"))) == 2


@pytest.mark.parametrize("folder", ["out", "out/lima1k", "out/.stages"])
def test_a_folder_may_be_named_in_the_ways_a_person_would(places, folder):
    (places / "out/lima1k").mkdir()
    assert list(json.loads(run(folder, "--json")[1])["kept"]) == ["out/.stages"]


def test_a_folder_that_is_not_there_is_said(places):
    code, text = run("nowhere/at/all")
    assert code == 2 and "There is no folder nowhere/at/all." in text
