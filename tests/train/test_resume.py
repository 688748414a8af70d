from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

import curate.train
from curate.train.findings import TrainError
from tests.train import tiny
from tests.train.conftest import EOT, LORA, TRAINER, log_of

ROOT = Path(__file__).parents[2]


def weights(folder):
    from safetensors.torch import load_file

    return load_file(folder / "merged" / "model.safetensors")


def equal(a, b):
    import torch

    one, other = weights(a), weights(b)
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def losses(out):
    return [(entry["step"], entry["loss"], entry["num_tokens"]) for entry in log_of(out) if "loss" in entry]


def run_until_killed(stage, config, out, checkpoint):
    """Run in a process of its own, and kill it once a checkpoint is whole."""
    file = out.parent / "killed.yaml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    code = "import sys, curate.train as t; getattr(t, sys.argv[1])(sys.argv[2], sys.argv[3])"
    process = subprocess.Popen(
        [sys.executable, "-c", code, stage, str(file), str(out)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    until = time.monotonic() + 240
    while not (out / "checkpoints" / checkpoint / "whole").is_file():
        assert process.poll() is None, process.stderr.read().decode()[-2000:]
        assert time.monotonic() < until
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (out / "record.json").exists()
    return file


@pytest.mark.parametrize(
    ("stage", "more"),
    [
        pytest.param(
            "sft", {"lora": {**LORA, "lora_dropout": 0.1}, "end_of_turn": EOT, "residual_dropout": 0.3}, id="sft"
        ),
        pytest.param("dpo", {}, id="dpo of all weights"),
    ],
)
def test_killed_and_started_again_the_weights_are_those_of_a_run_that_was_not(stage, more, config, pairs, tmp_path):
    settings = {**(config if stage == "sft" else pairs), **more}
    settings["trainer"] = {**settings["trainer"], "save_strategy": "steps", "save_steps": 3, "num_train_epochs": 6}
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    getattr(curate.train, stage)(settings, whole)
    file = run_until_killed(stage, settings, cut, "checkpoint-6")
    record = getattr(curate.train, stage)(file, cut)
    assert record["resumed_from_step"] >= 6
    assert record["steps"] == 24
    assert equal(whole, cut)
    assert losses(cut) == losses(whole)
    assert record["metrics"] == json.loads((whole / "record.json").read_text())["metrics"]


def steps(out):
    return sorted(int(f.name.rpartition("-")[2]) for f in (out / "checkpoints").glob("checkpoint-*"))


@pytest.fixture(scope="module")
def once(base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stopped")
    trainer = {**TRAINER, "save_strategy": "steps", "save_steps": 3}
    config = {"model": str(base), "data": str(tiny.write(folder / "rows.jsonl", tiny.answers(16))), "trainer": trainer}
    curate.train.sft(config, folder / "out")
    (folder / "out" / "record.json").unlink()
    assert steps(folder / "out") == [3, 6, 8]
    return config, folder / "out"


@pytest.fixture
def stopped(once, tmp_path):
    """A run that ended after its checkpoints were written and before its record was."""
    return once[0], shutil.copytree(once[1], tmp_path / "out")


def test_half_a_checkpoint_is_not_gone_on_from(stopped):
    config, out = stopped
    (out / "checkpoints" / "checkpoint-8" / "whole").unlink()
    assert curate.train.sft(config, out)["resumed_from_step"] == 6


@pytest.mark.parametrize(("more", "fresh"), [({"seed": 1}, False), ({}, True)], ids=["another run", "fresh"])
def test_another_run_and_a_fresh_one_start_from_the_beginning(more, fresh, stopped):
    config, out = stopped
    assert curate.train.sft({**config, **more}, out, fresh=fresh)["resumed_from_step"] == 0


def test_checkpoints_of_another_number_of_processes_are_refused_and_kept(stopped):
    config, out = stopped
    run = out / "checkpoints" / "run.json"
    run.write_text(json.dumps({**json.loads(run.read_text()), "processes": 8}))
    with pytest.raises(TrainError, match="holds checkpoints of this run by 8 processes, and this is 1"):
        curate.train.sft(config, out)
    assert steps(out) == [3, 6, 8]


def test_checkpoints_of_the_model_alone_are_kept_and_said_to_be_no_start(config, tmp_path):
    trainer = {**config["trainer"], "save_strategy": "steps", "save_steps": 1, "save_only_model": True, "max_steps": 2}
    alone = {**config, "trainer": trainer}
    record = curate.train.sft(alone, tmp_path / "out")
    assert "checkpoints" in {finding["check"] for finding in record["warned"]}
    (tmp_path / "out" / "record.json").unlink()
    with pytest.raises(TrainError, match=r"holds 2 checkpoints of this run, up to step 2, with the weights alone"):
        curate.train.sft(alone, tmp_path / "out")
    assert steps(tmp_path / "out") == [1, 2]
    assert curate.train.sft(alone, tmp_path / "out", fresh=True)["resumed_from_step"] == 0
