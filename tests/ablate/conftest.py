"""A small ablation: two arms of one recipe over a small file, a judge of the tests' own."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

FAKE = Path(__file__).with_name("fake.py")


def words(response: str) -> float:
    """Judge: how many words an answer has."""
    return float(len(response.split()))


def rows(n: int) -> list[dict[str, Any]]:
    return [{"prompt": f"What comes after number {i}?", "response": f"It is {i + 1}, as you count."} for i in range(n)]


@pytest.fixture
def recipe(tmp_path: Path) -> dict[str, Any]:
    """The recipe of a set of eight of twenty rows."""
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows(20)), encoding="utf-8")
    step = {"keep": {"length": {"column": "response", "min": 3}}}
    return {"size": 8, "sources": {"mine": {"read": {"jsonl": {"path": str(file)}}, "steps": [step]}}}


@pytest.fixture
def given(tmp_path: Path, recipe: dict[str, Any]) -> dict[str, Any]:
    """The ablation as data: `plain` against `short`, which has other rows; the model is named, and never loaded."""
    prompts = tmp_path / "prompts.jsonl"
    asked = ("How warm is the sun?", "Who wrote Faust?")
    prompts.write_text("".join(json.dumps({"id": p[:3], "prompt": p}) + "\n" for p in asked), encoding="utf-8")
    trainer = {"per_device_train_batch_size": 4, "num_train_epochs": 1, "learning_rate": 1e-2, "disable_tqdm": True}
    return {
        "name": "small",
        "seeds": [0],
        "sets": {"data": {"recipe": recipe}},
        "train": {"sft": {"config": {"stage": "sft", "model": "org/model", "trainer": trainer}}},
        "answer": {"prompts": "prompts.jsonl", "backend": "transformers", "sampling": {"max_new_tokens": 8}},
        "judges": {"words": {"tests.ablate.conftest:words": {}}},
        "arms": {"plain": {}, "short": {"sets": {"data": {"draw": 1}}}},
    }


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write an ablation into its file."""

    def written(data: dict[str, Any], name: str = "small.yaml") -> Path:
        file = tmp_path / name
        file.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
        return file

    return written


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A template that runs a stand-in: it notes what it is asked to do, and leaves what the real work would."""
    monkeypatch.setenv("FAKE_RUNS", str(tmp_path / "runs.txt"))
    return f"{shlex.quote(sys.executable)} {shlex.quote(str(FAKE))} {{command}}"


@pytest.fixture
def runs(tmp_path: Path) -> Callable[[], list[str]]:
    """List what the stand-in was asked to do, as KIND-KEY, and forget it."""

    def told() -> list[str]:
        file = tmp_path / "runs.txt"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return lines

    return told
