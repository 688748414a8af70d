"""Checkpoints that can be trusted: a mark says one is whole, and a key says which run it belongs to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

_MARK = "whole"
_RUN = "run.json"


def folder(out: Path) -> Path:
    """Name the folder of a run's checkpoints."""
    return out / "checkpoints"


def marker() -> Any:
    """Make the callback that marks a checkpoint once all of it is written: a kill leaves half of one without the mark."""
    from transformers import TrainerCallback

    class Mark(TrainerCallback):  # type: ignore[misc]
        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.is_world_process_zero:
                (Path(args.output_dir) / f"checkpoint-{state.global_step}" / _MARK).touch()

    return Mark()


def begin(out: Path, key: str, *, fresh: bool) -> None:
    """Clear away checkpoints of another run and halves of this one's."""
    home = folder(out)
    try:
        same = json.loads((home / _RUN).read_text(encoding="utf-8"))["key"] == key
    except (OSError, ValueError, KeyError):
        same = False
    if fresh or not same:
        shutil.rmtree(home, ignore_errors=True)
    for left in home.glob("checkpoint-*"):
        if not (left / _MARK).is_file():
            shutil.rmtree(left)
    home.mkdir(parents=True, exist_ok=True)
    (home / _RUN).write_text(json.dumps({"key": key}) + "\n", encoding="utf-8")


def latest(out: Path, processes: int) -> Path | None:
    """Find the last whole checkpoint that training can go on from, random states of all processes included."""
    states = ["rng_state.pth"] if processes == 1 else [f"rng_state_{i}.pth" for i in range(processes)]
    whole = [f for f in folder(out).glob("checkpoint-*") if all((f / name).is_file() for name in (_MARK, *states))]
    return max(whole, key=step_of, default=None)


def step_of(checkpoint: Path) -> int:
    """Read the step off a checkpoint's name."""
    return int(checkpoint.name.rpartition("-")[2])
