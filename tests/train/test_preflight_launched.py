from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from curate.train.preflight import schedule
from tests.train import plain, tiny

ROOT = Path(__file__).parents[2]
OF_ACCELERATE = {"ACCELERATE_MIXED_PRECISION": "no"}
MET = {**OF_ACCELERATE, "MASTER_ADDR": "127.0.0.1"}
SCRIPT = """
from types import SimpleNamespace
from accelerate import Accelerator
from curate.train.preflight import launched
trainer = SimpleNamespace(accelerator=Accelerator(cpu=True))  # as every trainer has one
print("RUNS", trainer.accelerator.num_processes)  # without a word
for finding in launched.single(SimpleNamespace(trainer=trainer)):
    print("FOUND", finding.message)
"""


@pytest.mark.parametrize(
    ("environment", "launcher", "processes"),
    [
        pytest.param({}, [], 1, id="no launcher"),
        pytest.param({"MASTER_ADDR": "10.0.0.1"}, ["bash"], 1, id="an address alone, as clusters set it"),
        pytest.param({"WORLD_SIZE": "2"}, [], 2, id="torchrun"),
        pytest.param({"OMPI_COMM_WORLD_SIZE": "4"}, [], 4, id="mpirun"),
        pytest.param(OF_ACCELERATE, ["accelerate", "launch", "--num_processes", "3", "x.py"], 3, id="accelerate"),
        pytest.param(OF_ACCELERATE, ["accelerate", "launch", "--num-processes=3", "x.py"], 3, id="another spelling"),
        pytest.param(MET, ["accelerate", "launch", "--num_processes", "1"], 1, id="one, and an address from elsewhere"),
        pytest.param(MET, ["accelerate", "launch", "x.py"], 2, id="a number from accelerate's own config"),
        pytest.param(OF_ACCELERATE, ["accelerate", "launch", "x.py"], 1, id="one by accelerate"),
    ],
)
def test_what_a_launcher_was_asked_for(environment, launcher, processes):
    assert schedule.asked(environment, launcher) == processes


def test_accelerate_starts_one_process_for_two_without_a_word(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("ACCELERATE_", "MASTER_"))}
    launch = ["-m", "accelerate.commands.launch", "--num_processes", "2", "--cpu"]
    done = subprocess.run(
        [sys.executable, *launch, str(script)],
        cwd=ROOT,
        env={**clean, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "RUNS 1\n" in done.stdout
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("FOUND")]
    assert line.startswith("FOUND the launcher was asked for 2 processes and 1 runs")


def test_one_process_that_nobody_asked_to_be_two_is_not_found(base, tmp_path):
    rows = tiny.answers(4)
    trainer = plain.sft(tmp_path, *plain.loaded(base), rows)
    assert list(schedule.single(plain.seen(trainer, "sft", rows, base))) == []
