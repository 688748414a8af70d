from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from curate.cli import train
from curate.errors import UserError
from tests.train import tiny

ROOT = Path(__file__).parents[2]


def command(*args):
    return CliRunner().invoke(train.train, [str(arg) for arg in args])


@pytest.fixture
def file(config, tmp_path):
    path = tmp_path / "sft.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def test_a_run_tells_rows_losses_and_where_the_model_is(file, tmp_path):
    out, options = tmp_path / "out", ("--set", "trainer.max_steps=2")
    done = command("sft", file, "--out", out, *options)
    assert done.exit_code == 0, done.output
    assert "sft: 16 of 16 rows, 2 steps of 4 rows" in done.stdout
    assert f"model: {out / 'merged'}" in done.stdout
    launched = f"torchrun --nproc_per_node 2 -m curate train sft {file} --out {out} --set trainer.max_steps=2"
    assert launched in done.stdout.splitlines(), "the same config and options"
    assert json.loads(command("sft", file, "--out", out, *options, "--json").stdout)["reused"]


def test_the_preflight_alone_trains_nothing(file, tmp_path):
    done = command("sft", file, "--out", tmp_path / "out", "--preflight")
    assert done.exit_code == 0, done.output
    assert "nothing was trained" in done.stdout
    assert not (tmp_path / "out" / "merged").exists()


def test_a_broken_row_ends_the_preflight_with_code_2(config, file, tmp_path):
    bad = tiny.answers(3)
    bad[1] = {"id": "row1", "prompt": "Hi?", "response": ""}
    tiny.write(Path(config["data"]), bad)
    done = command("sft", file, "--out", tmp_path / "out", "--preflight")
    assert done.exit_code == 2
    assert "row1 (line 2)" in done.stdout
    findings = json.loads(command("sft", file, "--out", tmp_path / "out", "--preflight", "--json").stdout)
    assert findings[0]["detail"]["ids"] == ["row1"]
    refused = command("sft", file, "--out", tmp_path / "out")
    assert isinstance(refused.exception, UserError)  # which the main command prints in words


def test_a_chain_is_one_command(config, pairs, tmp_path):
    dpo = {key: value for key, value in pairs.items() if key != "model"}
    file = tmp_path / "both.yaml"
    file.write_text(yaml.safe_dump({"sft": config, "dpo": dpo}), encoding="utf-8")
    short = [part for stage in ("sft", "dpo") for part in ("--set", f"{stage}.trainer.max_steps=1")]
    done = command("chain", file, "--out", tmp_path / "out", *short)
    assert done.exit_code == 0, done.output
    assert "sft: 16 of 16 rows" in done.stdout
    assert "reward margin" in done.stdout


def test_waiting_threads_sleep_before_torch_is_there_to_read_it():
    code = (
        "import os, sys; from click.testing import CliRunner; from curate.cli import main\n"
        "from curate.train import launch; asleep, seen = launch.wait_asleep, []\n"
        "launch.wait_asleep = lambda: (seen.append('torch' in sys.modules), asleep())\n"
        "CliRunner().invoke(main, ['train', 'sft', 'nothing.yaml'])\n"
        "print(seen, os.environ['OMP_WAIT_POLICY'])"
    )
    env = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=env)
    assert done.stdout.strip() == "[False] PASSIVE"


def test_help_and_the_package_are_light():
    code = (
        "import sys, curate.train, curate.cli.train\n"
        "heavy = {'torch', 'transformers', 'trl', 'peft', 'datasets', 'polars', 'pydantic', 'yaml', 'numpy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
