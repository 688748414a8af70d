"""Checkpoints that can be trusted: a mark says one is whole, and a key says which run it belongs to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from curate.cache import write_whole
from curate.train.findings import TrainError

_MARK = "whole"
_RUN = "run.json"
_TOKENS = "_total_train_tokens"  # trl's name for it


def folder(out: Path) -> Path:
    """Name the folder of a run's checkpoints."""
    return out / "checkpoints"


def marked(trainer: Any) -> None:
    """Have a trainer mark each checkpoint once all of it is written: a kill leaves half of one without the mark.

    The mark holds trl's count of tokens, which its own checkpoints forget.
    """
    from transformers import TrainerCallback

    class Mark(TrainerCallback):
        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.is_world_process_zero:
                mark = Path(args.output_dir) / f"checkpoint-{state.global_step}" / _MARK
                write_whole(mark, json.dumps({"tokens": getattr(trainer, _TOKENS, 0)}))

    trainer.add_callback(Mark())


def go_on(trainer: Any, checkpoint: Path) -> None:
    """Give trl its count of tokens back."""
    setattr(trainer, _TOKENS, json.loads((checkpoint / _MARK).read_text(encoding="utf-8"))["tokens"])


def begin(out: Path, key: str, processes: int, *, fresh: bool) -> None:
    """Clear away checkpoints of another run and halves of this one's.

    Raise TrainError for whole ones of this very run by another number of processes: each has its own random states, and
    the effective batch is another.
    """
    home = folder(out)
    before = _read(home / _RUN)
    if fresh or before.get("key") != key:
        shutil.rmtree(home, ignore_errors=True)
    for left in home.glob("checkpoint-*"):
        if not (left / _MARK).is_file():
            shutil.rmtree(left)
    if latest(out) and before.get("processes") != processes:
        raise TrainError(
            f"{out} holds checkpoints of this run by {before.get('processes')} processes, and this is {processes}: "
            "start as many as before, or train from the start with --fresh"
        )
    home.mkdir(parents=True, exist_ok=True)
    write_whole(home / _RUN, json.dumps({"key": key, "processes": processes}))


def latest(out: Path) -> Path | None:
    """Find the last whole checkpoint that training can go on from: one that holds more than the model."""
    whole = [f for f in folder(out).glob("checkpoint-*") if (f / _MARK).is_file() and (f / "scheduler.pt").is_file()]
    return max(whole, key=step_of, default=None)


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def step_of(checkpoint: Path) -> int:
    """Read the step off a checkpoint's name."""
    return int(checkpoint.name.rpartition("-")[2])
