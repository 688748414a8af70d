from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import curate.train
from tests.train.conftest import EOT, LORA, log_of

ROOT = Path(__file__).parents[2]


def torchrun(configs, out):
    """Run stages one after the other in one launch of two processes."""
    file = out / "configs.json"
    file.write_text(json.dumps(configs), encoding="utf-8")
    script = out / "run.py"
    script.write_text(
        "import json, pathlib, sys, curate.train\n"
        "for stage, config in json.loads(pathlib.Path(sys.argv[1]).read_text()).items():\n"
        "    getattr(curate.train, stage)(config, pathlib.Path(sys.argv[2]) / stage)\n"
    )
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    done = subprocess.run(
        [sys.executable, *launch, str(script), str(file), str(out)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def losses(out):
    return [entry["loss"] for entry in log_of(out) if "loss" in entry]


def test_two_processes_give_the_losses_of_one_with_the_same_effective_batch(config, pairs, tmp_path):
    """The guard against item 10 of what trl does: a launch that is silently one process."""
    one, two = tmp_path / "one", tmp_path / "two"
    two.mkdir()
    configs = {"sft": {**config, "lora": LORA, "end_of_turn": EOT}, "dpo": {**pairs, "lora": LORA}}
    half = {**config["trainer"], "per_device_train_batch_size": 2}
    torchrun({stage: {**block, "trainer": half} for stage, block in configs.items()}, two)
    for stage, block in configs.items():
        alone = getattr(curate.train, stage)(block, one / stage)
        both = json.loads((two / stage / "record.json").read_text(encoding="utf-8"))
        assert (alone["world_size"], both["world_size"]) == (1, 2)
        assert alone["effective_batch"] == both["effective_batch"] == 4
        assert alone["steps"] == both["steps"] == 8
        # Sums of float32 in another order; the first loss is of the very same weights, later ones carry what came before.
        assert losses(two / stage)[0] == pytest.approx(losses(one / stage)[0], rel=1e-6)
        assert losses(two / stage) == pytest.approx(losses(one / stage), rel=1e-4)
        assert {f.name for f in (two / stage).iterdir()} == {f.name for f in (one / stage).iterdir()}
