"""Killed at any moment and started again, a run ends with the same bytes, and does nothing twice."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from curate.recipe.load import load
from curate.rows import hash_file
from curate.run import outputs
from curate.run.folder import OutputError, why
from curate.run.run import run_recipe
from tests.conftest import rows

KILLS = 20
DATA = ("train.parquet", "train.jsonl", "ledger.parquet")
WORDS = [
    "warm",
    "air",
    "rises",
    "because",
    "it",
    "is",
    "less",
    "dense",
    "than",
    "my",
    "cold",
    "answer",
    "above",
    "as",
    "mentioned",
    "by",
    "them",
]
STEPS = [
    {"edit": {"replace_opening": {"column": "response", "old": "warm", "new": "Warm"}}},
    {"keep": {"length": {"min": 200}}},
    {"drop": {"first_person": {"column": "response", "words": ["my"]}}},
    {"select": {"exact_duplicates": {"column": "response"}}},
    {"keep": {"at_least": {"column": "score", "value": 2}}},
]
RECIPE = {
    "seed": 3,
    "size": 100,
    "sources": {
        name: {
            "read": {"jsonl": {"path": name}},
            "take": 50,
            "steps": STEPS,
            "sample": {"by": "domain", "domain_temperature": 3, "prefer": "score"},
        }
        for name in ("one", "two")
    },
    "steps": [
        {"select": {"exact_duplicates": {"column": "prompt"}}},
        {"keep": {"length": {"column": "prompt", "max": 60}}},
        {"select": {"random": {"n": 300}}},
    ],
}
STAGES = 2 * (4 + 1 + 1) + 3 + 1  # parts, select and second pass of each source; the recipe's three steps; the sample


@pytest.fixture(scope="module")
def pool(tmp_path_factory) -> Path:
    """Two sources of four files each, so long that a run works for about a second."""
    folder = tmp_path_factory.mktemp("pool")
    drawn = random.Random(1)
    for name in ("one", "two"):
        (folder / name).mkdir()
        for part in range(4):
            lines = []
            for i in range(2000):
                said = " ".join(drawn.choices(WORDS, k=drawn.randint(20, 60)))
                row = {
                    "prompt": f"Question {i % 1950} of {name}?",
                    "response": said,
                    "domain": "abc"[i % 3],
                    "score": i % 17,
                }
                lines.append(json.dumps(row) + "\n")
            (folder / name / f"{part}.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "recipe.yaml").write_text(json.dumps({"name": "crash", **RECIPE}), encoding="utf-8")
    return folder


def start(pool: Path, out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "curate", "run", str(pool / "recipe.yaml"), "--out", str(out), "--json"]
    env = os.environ | {"CURATE_DATA": str(pool)}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(pool: Path, out: Path) -> dict[str, object]:
    stdout, stderr = start(pool, out).communicate(timeout=60)
    assert not stderr
    return json.loads(stdout)


def finished(out: Path) -> dict[str, tuple[int, int]]:
    """Note the finished stages beside a folder, and the very files that say so."""
    found = {meta.parent.name: meta.stat() for meta in (out.parent / ".stages").glob("*/meta.json")}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in found.items() if not name.endswith(".building")}


def seconds(work, *args) -> float:
    begin = time.perf_counter()
    work(*args)
    return time.perf_counter() - begin


@pytest.mark.slow
def test_killed_at_20_random_moments_the_same_command_ends_with_the_same_bytes(pool, tmp_path):
    whole = finish(pool, tmp_path / "whole/out")
    assert len(whole["stages"]["built"]) == STAGES
    names = {file.name for file in (tmp_path / "whole/out").iterdir()}
    last = seconds(finish, pool, tmp_path / "timed/out")
    first = seconds(subprocess.run, [sys.executable, "-c", "import curate.run.run"])
    drawn, landed, seen = random.Random(2305), 0, set()
    for attempt in range(2 * KILLS):
        out = tmp_path / f"{attempt}/out"
        killed = start(pool, out)
        time.sleep(drawn.uniform(first, last))
        if killed.poll() is None:
            landed += 1
        killed.kill()
        killed.communicate()
        before = finished(out)
        seen.add(len(before))
        if (out / "manifest.json").exists():  # a folder with a manifest is whole, whenever the kill came
            outputs = json.loads((out / "manifest.json").read_text())["outputs"]
            assert {name: hash_file(out / name) for name in outputs} == outputs
        again = finish(pool, out)
        assert {n: hash_file(out / n) for n in DATA} == {n: whole["outputs"][n] for n in DATA}
        assert {file.name for file in out.iterdir()} == names
        assert len(again["stages"]["reused"]) == len(before)
        after = finished(out)
        assert {name: after.get(name) for name in before} == before, "a finished stage was made again"
        assert len(after) == STAGES
        if landed == KILLS:
            break
    assert landed == KILLS, f"only {landed} of {2 * KILLS} kills came while the run was at work"
    assert len(seen) > 3, f"the kills fell at the same places: after {sorted(seen)} stages"


SMALL = {"sources": {"one": {"read": {"jsonl": {"path": "one.jsonl"}}, "steps": [{"keep": {"length": {"min": 10}}}]}}}


@pytest.fixture
def small(tmp_path, monkeypatch, write_jsonl, write_recipe):
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    write_jsonl("one.jsonl", rows(60))
    return load(write_recipe(SMALL))


def test_a_folder_that_no_run_wrote_is_not_called_unfinished(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="is not a finished output folder: `curate run` wrote nothing there"):
        why(tmp_path, "0")


def test_an_output_folder_without_its_manifest_is_unfinished(small, tmp_path):
    manifest = run_recipe(small, tmp_path / "out")
    (tmp_path / "out/manifest.json").unlink()
    with pytest.raises(
        OutputError, match="is not a finished output folder: the run that writes it did not end; run it again"
    ):
        why(tmp_path / "out", "0")
    assert run_recipe(small, tmp_path / "out")["outputs"].keys() == manifest["outputs"].keys()


def test_what_a_kill_left_of_an_output_goes_with_the_next_run(small, tmp_path):
    (tmp_path / "out/.curate").mkdir(parents=True)
    (tmp_path / "out/.curate/train.parquet.4711.half").write_bytes(b"PAR1 and no more")
    for name in (".mine", ".README.md.swp"):
        (tmp_path / "out" / name).write_text("not the library's")
    run_recipe(small, tmp_path / "out")
    assert {file.name for file in (tmp_path / "out").glob(".*")} == {".curate", ".mine", ".README.md.swp"}


def test_the_manifest_goes_before_the_first_output_is_replaced(small, tmp_path, monkeypatch):
    run_recipe(small, tmp_path / "out")
    monkeypatch.setattr(outputs, "put", lambda *_: pytest.fail("stopped here"))
    with pytest.raises(pytest.fail.Exception):
        run_recipe(small, tmp_path / "out")
    assert not (tmp_path / "out/manifest.json").exists()


@pytest.mark.slow
def test_two_runs_at_once_over_the_same_stages(pool, tmp_path):
    both = [start(pool, tmp_path / name) for name in ("a", "b")]
    found = [json.loads(run.communicate(timeout=60)[0])["outputs"] for run in both]
    assert {n: found[0][n] for n in DATA} == {n: found[1][n] for n in DATA}
    assert len(finished(tmp_path / "a")) == STAGES
    assert list((tmp_path / ".stages").glob("*.building")) == []
