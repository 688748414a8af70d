"""The checkpoints of a run: whole or half, of this run or another, and the last one that training can go on from."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

from curate.cache import write_whole
from curate.train.findings import TrainError

FOLDER = "checkpoints"
_MARK = "whole"
_RUN = "run.json"
_TOKENS = "_total_train_tokens"  # trl's name for it


def mark(trainer: Any) -> None:
    """Have a trainer mark each checkpoint once all of it is written: a kill leaves half of one without the mark.

    The mark holds trl's count of tokens, which its own checkpoints forget.
    """
    from transformers import TrainerCallback

    class Mark(TrainerCallback):
        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.is_world_process_zero:
                file = Path(args.output_dir) / f"checkpoint-{state.global_step}" / _MARK
                write_whole(file, json.dumps({"tokens": getattr(trainer, _TOKENS, 0)}))

    trainer.add_callback(Mark())


def today() -> str:
    """Give the day, ISO."""
    return date.today().isoformat()


def day(out: Path, key: str, *, fresh: bool) -> str:
    """Give the day on which this very run began, for chat templates that print it; today for one that begins.

    Raise TrainError where the folder holds whole checkpoints of this run that training cannot go on from.
    """
    before = _read(out / FOLDER / _RUN)
    if fresh or before.get("key") != key:
        return today()
    whole = [mark.parent for mark in (out / FOLDER).glob(f"checkpoint-*/{_MARK}")]
    if whole and not any((checkpoint / "scheduler.pt").is_file() for checkpoint in whole):
        last = max(int(checkpoint.name.rpartition("-")[2]) for checkpoint in whole)
        raise TrainError(
            f"{out} holds {len(whole):,} checkpoints of this run, up to step {last:,}, with the weights alone "
            "(save_only_model: true), and training cannot go on from them: move away those that you want, and start "
            "from step 0 with --fresh. With save_only_model: false a run that is stopped goes on."
        )
    return str(before.get("day") or today())


def begin(out: Path, key: str, processes: int, *, day: str, fresh: bool) -> None:
    """Clear away checkpoints of another run and halves of this one's.

    Raise TrainError for whole ones of this very run by another number of processes: each has its own random states, and
    the effective batch is another.
    """
    folder = out / FOLDER
    before = _read(folder / _RUN)
    if fresh or before.get("key") != key:
        shutil.rmtree(folder, ignore_errors=True)
    for checkpoint in folder.glob("checkpoint-*"):
        if not (checkpoint / _MARK).is_file():
            shutil.rmtree(checkpoint)
    if latest(out) and before.get("processes") != processes:
        raise TrainError(
            f"{out} holds checkpoints of this run by {before.get('processes')} processes, and this is {processes}: "
            "start as many as before, or train from the start with --fresh"
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / _RUN, json.dumps({"key": key, "processes": processes, "day": day}))


def latest(out: Path) -> Path | None:
    """Find the last checkpoint that training can go on from, after `begin`: one that holds more than the model."""
    from transformers.trainer_utils import get_last_checkpoint

    last = get_last_checkpoint(out / FOLDER) if (out / FOLDER).is_dir() else None  # type: ignore[no-untyped-call]
    return Path(last) if last and (Path(last) / "scheduler.pt").is_file() else None


def train(trainer: Any, checkpoint: Path | None) -> int:
    """Train, from a checkpoint where there is one, with trl's count of tokens there; return the step it starts from."""
    if checkpoint:
        setattr(trainer, _TOKENS, json.loads((checkpoint / _MARK).read_text(encoding="utf-8"))["tokens"])
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    return int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
