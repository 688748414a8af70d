from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from curate.train.preflight import schedule
from tests.train import tiny

ROOT = Path(__file__).parents[2]
ROWS = tiny.answers(8)
FLOOR = {"lr_scheduler_type": "polynomial", "lr_scheduler_kwargs": {"lr_end": 1e-6, "power": 1.0}}
COSINE = {"lr_scheduler_type": "cosine_with_min_lr"}


def logged(ready):
    ready.trainer.train()
    return [entry["learning_rate"] for entry in ready.trainer.state.log_history if "learning_rate" in entry]


def test_a_set_smaller_than_its_warm_up_is_trained_without_a_word(context):
    """2501.05032 warms up over 10 steps; 8 rows in batches of 4 are 2."""
    ready = context(ROWS, learning_rate=1e-5, warmup_steps=10, max_steps=-1, num_train_epochs=1)
    assert max(logged(ready)) < 1e-5 / 5
    (finding,) = schedule.warm_up(ready)
    assert finding.level == "warn"
    assert finding.message.startswith("the warm-up takes 10 of 2 steps: set trainer.warmup_steps to 0 at most")


@pytest.mark.parametrize(("steps", "warned"), [(0, False), (2, False), (3, True), (0.1, False), (0.5, True)])
def test_a_warm_up_over_a_fifth_is_a_warning(steps, warned, context):
    assert bool(list(schedule.warm_up(context(ROWS, max_steps=10, warmup_steps=steps)))) == warned


def test_steps_and_rates_are_those_of_training(context):
    ready = context(ROWS, learning_rate=1e-5, max_steps=-1, num_train_epochs=5, gradient_accumulation_steps=2, warmup_steps=1, **FLOOR)  # fmt: skip
    steps, rates = schedule.steps(ready), schedule.rates(ready)
    assert rates[:-1] == pytest.approx(logged(ready))
    assert rates[-1] == pytest.approx(1e-6)
    assert steps == ready.trainer.state.global_step == 5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param(
            {"lr_scheduler_type": "linear", "lr_scheduler_kwargs": {"lr_end": 1e-6}},
            "the schedule linear does not take lr_scheduler_kwargs {'lr_end': 1e-06}",
            id="a floor that a linear schedule does not have",
        ),
        pytest.param({**FLOOR, "learning_rate": 1e-7}, "lr_end (1e-06) must be smaller than", id="a high floor"),
        pytest.param({"learning_rate": 0.0}, "the learning rate is 0 at every step", id="no rate"),
        pytest.param({}, None, id="linear to 0"),
        pytest.param(FLOOR, None, id="LIMA's"),
        pytest.param({"lr_scheduler_type": "constant"}, None, id="constant"),
        pytest.param({"lr_scheduler_type": "cosine", "warmup_steps": 1}, None, id="cosine"),
        pytest.param({**COSINE, "lr_scheduler_kwargs": {"min_lr": 1e-6}}, None, id="cosine to a floor"),
        pytest.param({**COSINE, "lr_scheduler_kwargs": {"min_lr_rate": 0.1}}, None, id="cosine to a share"),
    ],
)
def test_a_schedule_that_cannot_be_meant_is_named(settings, message, context):
    findings = list(schedule.learning_rate(context(ROWS, **{"learning_rate": 1e-5, "max_steps": 5, **settings})))
    assert [finding.level for finding in findings] == ["stop"] * (message is not None)
    assert all(message in finding.message for finding in findings)


OF_ACCELERATE = {"ACCELERATE_MIXED_PRECISION": "no"}
MET = {**OF_ACCELERATE, "MASTER_ADDR": "127.0.0.1"}


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
def test_what_a_launcher_was_to_start(environment, launcher, processes):
    assert schedule.processes_requested(environment, launcher) == processes


SCRIPT = """
from types import SimpleNamespace
from accelerate import Accelerator
from curate.train.preflight import schedule
trainer = SimpleNamespace(accelerator=Accelerator(cpu=True))  # as every trainer has one
print("RUNS", trainer.accelerator.num_processes)  # without a word
for finding in schedule.processes(SimpleNamespace(trainer=trainer)):
    print("FINDING", finding.message)
"""


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
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("FINDING")]
    assert line.startswith("FINDING the launcher was asked for 2 processes and 1 runs")


def test_one_process_where_one_was_to_start_passes(context):
    assert list(schedule.processes(context(ROWS))) == []
