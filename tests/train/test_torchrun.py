from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import curate.train
from tests.train.conftest import LORA

ROOT = Path(__file__).parents[2]


def torchrun(stage, config, out):
    file = out.parent / f"{stage}.yaml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    script = out.parent / "run.py"
    script.write_text("import sys, curate.train as t\ngetattr(t, sys.argv[1])(sys.argv[2], sys.argv[3])\n")
    launch = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", "0", "--standalone"]
    done = subprocess.run(
        [sys.executable, *launch, str(script), stage, str(file), str(out)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((out / "record.json").read_text(encoding="utf-8"))


def losses(out):
    log = [json.loads(line) for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [entry["loss"] for entry in log if "loss" in entry]


@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_two_processes_give_the_losses_of_one_with_the_same_effective_batch(stage, config, pairs, tmp_path):
    asked = {**(config if stage == "sft" else pairs), "lora": LORA}
    one, two = tmp_path / "one", tmp_path / "two"
    alone = getattr(curate.train, stage)(asked, one)
    asked["trainer"] = {**asked["trainer"], "per_device_train_batch_size": 2}
    both = torchrun(stage, asked, two)
    assert (alone["world_size"], both["world_size"]) == (1, 2)
    assert alone["effective_batch"] == both["effective_batch"] == 4
    assert alone["steps"] == both["steps"] == 8
    # Sums of float32 in another order; the first loss is of the very same weights, later ones carry what came before.
    assert losses(two) == pytest.approx(losses(one), rel=1e-4)
    assert losses(two)[0] == pytest.approx(losses(one)[0], rel=1e-6)
    assert {f.name for f in two.iterdir()} == {f.name for f in one.iterdir()}
