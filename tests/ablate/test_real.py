"""An ablation with a real model, a tiny one: killed in the middle of its second arm, it goes on where it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from curate.cli import main
from tests.train import tiny

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture
def file(given, write, tmp_path):
    config = given["train"]["sft"]["config"]
    config["model"] = str(tiny.save_model(tmp_path / "base"))
    config["trainer"] |= {"num_train_epochs": 2, "save_strategy": "epoch"}
    (tmp_path / "talks.jsonl").write_text('{"turns": ["Hi!", "And now?"]}\n')
    given["answer"]["dialogues"] = "talks.jsonl"
    given["choose"] = {"prompts": "prompts.jsonl", "epochs": "1-2"}
    given["arms"]["base"] = {"train": None, "sets": None, "choose": None, "model": config["model"]}
    return write(given)


@pytest.mark.slow
def test_a_grid_is_compared_like_with_like(given, write, tmp_path):
    config = given["train"]["sft"]["config"]
    config["model"] = str(tiny.save_model(tmp_path / "base"))
    config["trainer"] |= {"max_steps": 1, "save_strategy": "no"}
    polite = {"keep": {"matches": {"column": "prompt", "pattern": "1"}}}
    choice = {
        "random": {},
        "ones": {
            "sets": {
                "data": {
                    "add": {
                        "one": polite,
                    }
                }
            }
        },
    }
    grid = {**given, "random": "random", "factors": {"choice": choice, "size": [2, 4]}, "question": "Do ones help?"}
    del grid["arms"]
    out = tmp_path / "out"
    done = CliRunner().invoke(main, ["ablate", str(write(grid)), "--out", str(out), "--jobs", "2"])
    assert done.exit_code == 0, done.output
    results = json.loads((out / "results.json").read_text())
    pairs = [(one["factor"], one["arm"], one["against"]) for one in results["differences"] + results["uncompared"]]
    assert sorted(pairs) == [
        ("choice", "ones@2", "random@2"),
        ("choice", "ones@4", "random@4"),
        ("size", "ones@4", "ones@2"),
        ("size", "random@4", "random@2"),
    ]
    assert "4 comparisons of arms that differ in one factor" in (out / "report.html").read_text()
    told = json.loads((out / "ablation.json").read_text())
    assert {arm["arm"]: arm["jobs"][0]["set"]["rows"] for arm in told["arms"]} == {
        "random@2": 2, "random@4": 4, "ones@2": 2, "ones@4": 4,
    }  # fmt: skip


def marks(out: Path) -> dict[str, tuple[int, int]]:
    """Tell every finished piece of work by its folder: the inode and time of its mark."""
    result = {done.parent: done.stat() for done in out.glob("*/*/done.json")}
    return {f"{folder.parent.name}/{folder.name}": (told.st_ino, told.st_mtime_ns) for folder, told in result.items()}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_killed_in_the_middle_of_an_arm_it_goes_on_where_it_was(file, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "curate", "ablate", str(file), "--out", str(out)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    begun = 0
    assert process.stderr is not None
    for line in process.stderr:  # sets first, then what is ready
        begun += line.startswith(b"train ") and b"begins" in line
        if begun == 2:
            break
    child = _wait_for_child(out)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stderr.close()
    _wait_until_gone(child)
    before = marks(out)
    assert Counter(name.partition("/")[0] for name in before) == {"sets": 2, "models": 1, "answers": 1}  # of `base`
    done = CliRunner().invoke(main, ["ablate", str(file), "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    after = marks(out)
    assert {name: after[name] for name in before} == before
    assert len(after) == 2 + 2 + 2 + 3
    told = json.loads((out / "ablation.json").read_text())
    assert [[job["status"] for job in arm["jobs"]] for arm in told["arms"]] == [["done"]] * 3
    grades = [json.loads(line) for line in (out / "grades.jsonl").read_text().splitlines()]
    assert [(g["arm"], g["turn"]) for g in grades] == [
        (arm, turn) for arm in ("plain", "short", "base") for turn in (None, None, 0, 1)
    ]
    plain = told["arms"][0]["jobs"][0]
    assert plain["train"][0]["steps"] == 4
    assert (out / plain["train"][0]["choice"]).is_file()
    assert plain["set"]["rows"] == 8


def _wait_for_child(out: Path) -> int:
    """Find the process of the second training, at work."""
    for _ in range(600):
        for folder in (out / "models").glob("*"):
            if not (folder / "done.json").exists() and (folder / "node.json").exists():
                listed = subprocess.run(["pgrep", "-f", folder.name], capture_output=True, text=True).stdout.split()
                if listed:
                    return int(listed[-1])
        time.sleep(0.1)
    return pytest.fail("no second training began")


def _wait_until_gone(process: int) -> None:
    """Wait until what the killed command had started has ended, too."""
    for _ in range(300):
        try:
            os.kill(process, 0)
        except OSError:
            return
        time.sleep(0.1)
    pytest.fail("the training outlived the command that started it")
