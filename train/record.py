"""The record of a run: what went in, with what it was made, what came out."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from curate import cache
from curate import cache as code
from curate.cache import write_whole
from curate.folders import put_text
from curate.models.weights import find_model, weights
from curate.train.config import TrainConfig
from curate.train.data import Data, Row
from curate.train.findings import Finding, TrainError
from curate.train.rewards import content as content_of_reward
from curate.train.stages import Job

BY, RECORD = "train", "record.json"
log = logging.getLogger("curate.train")

# What weights are made with.
_PACKAGES = ("accelerate", "bitsandbytes", "datasets", "numpy", "peft", "tokenizers", "torch", "transformers", "trl")


def key_of(config: TrainConfig, data: Data, held_out: Data | None) -> str:
    """Name a run by all that it rests on: config, data and model by content, code, releases of packages."""
    rows = [data.sha256, held_out and held_out.sha256]
    return cache.key_of([config.digest(), rows, weights(config.model) or config.model, rests_on(config)])


def rests_on(config: TrainConfig) -> list[Any]:
    """List what a training rests on beside its own settings, its set and its model."""
    reward = content_of_reward(config.reward) if config.reward else None
    names = [config.eval_data, config.trainer, config.lora, config.quantization, config.model_args]
    own = code.library("train", "generators", "judges", "registry.py")
    return [own, versions(), reward, cache.contents_of(names)]


def finished(out: Path, key: str) -> dict[str, Any] | None:
    """Give the record of a finished run of this key; None where there is none, or its model was changed since."""
    try:
        record: dict[str, Any] = json.loads((out / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(record, dict) or record.get("key") != key:
        return None
    merged = out / "merged"
    if not cache.unchanged(merged, record["model_out"].get("files") or {"config.json": ""}):
        log.warning("The model in %s is not the one that training left there. It is trained again.", merged)
        return None
    return record


def versions() -> dict[str, str]:
    """List the versions that a run's result can depend on."""
    return code.versions(_PACKAGES)


def of_run(job: Job, data: Data, trainer: Any, out: Path, *, forced: list[Finding], seconds: float) -> dict[str, Any]:
    """Put together the record of a run that has just ended."""
    args, state = trainer.args, trainer.state
    accumulated = args.per_device_train_batch_size * args.gradient_accumulation_steps
    return {
        "stage": job.config.stage,
        "config": job.config.model_dump(),
        "said": job.said,
        "data": {
            "file": str(data.file),
            "sha256": data.sha256,
            "rows_in_file": data.in_file,
            "rows_in": len(data.rows),
            **counted(trainer, data.rows),
        },
        "template_sha256": hashlib.sha256((job.tokenizer.chat_template or "").encode()).hexdigest()[:32],
        "versions": versions(),
        "seed": job.config.seed,
        "world_size": args.world_size,
        "effective_batch": accumulated * args.world_size,
        "steps": state.global_step,
        "epochs": state.epoch,
        "seconds": round(seconds, 2),
        "model_in": {
            "name": job.config.model,
            "path": find_model(job.config.model),
            "weights": weights(job.config.model),
        },
        "model_out": {
            "path": str(out / "merged"),
            "weights": weights(str(out / "merged")),
            "files": cache.hashes_of(out / "merged", lambda file: file.suffix == ".md"),  # a card may be drawn again
        },
        "forced": [asdict(finding) for finding in forced],
        "metrics": metrics(state.log_history),
    }


def counted(trainer: Any, rows: list[Row]) -> dict[str, Any]:
    """Count what trl made of the rows: rows, tokens an epoch and those trained on, rows that were cut."""
    import pyarrow.compute as pc

    dataset = trainer.train_dataset
    table = dataset.with_format("arrow")[:]
    found: dict[str, Any] = {"rows_trained": len(dataset)}
    lengths = {name: pc.list_value_length(table[name]) for name in table.column_names if name.endswith("_ids")}
    if "labels" in table.column_names:
        labels = pc.list_flatten(table["labels"])
        found["tokens"] = _sum(lengths["input_ids"])
        found["tokens_trained"] = _sum(pc.not_equal(labels, -100))
    elif "chosen_ids" in lengths:
        found["tokens_trained"] = _sum(lengths["chosen_ids"]) + _sum(lengths["rejected_ids"])
        prompts = 2 * _sum(lengths["prompt_ids"]) if "prompt_ids" in lengths else 0  # a reward model reads them as one
        found["tokens"] = found["tokens_trained"] + prompts
    elif "completion_ids" in lengths:
        found["tokens_trained"] = _sum(lengths["completion_ids"])
        found["tokens"] = found["tokens_trained"] + _sum(lengths["prompt_ids"])
    if getattr(trainer.args, "packing", False):
        return {**found, "packed": True}
    return {**found, "rows_cut": len(cut(trainer, lengths, table, rows))}


def cut(trainer: Any, lengths: dict[str, Any], table: Any, rows: list[Row]) -> list[str]:
    """List the ids of rows that lost their end to max_length: rows of just that length may or may not have."""
    import pyarrow.compute as pc

    longest = getattr(trainer.args, "max_length", None)
    if longest is None or "id" not in table.column_names:
        return []
    if "input_ids" in lengths:  # trl cut them already: those as long as can be are looked at again
        full = set(table["id"].filter(pc.equal(lengths["input_ids"], longest)).to_pylist())
        words = trainer.processing_class
        return [row.id for row in rows if row.id in full and _tokens(words, row) > longest]
    if "prompt_ids" not in lengths:  # a reward model's rows are whole, or dropped
        return []
    answers = [lengths[name] for name in ("chosen_ids", "rejected_ids", "completion_ids") if name in lengths]
    over = pc.greater(pc.add(lengths["prompt_ids"], pc.max_element_wise(*answers)), longest)
    return [str(i) for i in table["id"].filter(over).to_pylist()]


def _tokens(words: Any, row: Row) -> int:
    prompt, completion = row.record["prompt"], row.record["completion"]
    if isinstance(prompt, str):
        return len(words(prompt + completion)["input_ids"]) + (not completion.endswith(words.eos_token))
    return len(words.apply_chat_template(prompt + completion)["input_ids"])


def _sum(column: Any) -> int:
    import pyarrow.compute as pc

    return int(pc.sum(column).as_py() or 0)


def metrics(history: list[dict[str, Any]]) -> dict[str, Any]:
    """Take the last value of everything that was logged, and the first loss beside it.

    >>> metrics([{"loss": 2.0, "step": 1}, {"loss": 1.5, "step": 2}, {"train_loss": 1.7, "step": 2}])
    {'first_loss': 2.0, 'loss': 1.5}
    """
    losses = [entry["loss"] for entry in history if "loss" in entry]
    last = {name: value for entry in history for name, value in entry.items()}
    # train_* are trl's sums over one process's life: after a resume they count only what came after it.
    left_out = {name for name in last if name.startswith("train_") or name.endswith("runtime") or "per_second" in name}
    kept = {name: value for name, value in last.items() if name not in left_out | {"step", "epoch", "total_flos"}}
    return {"first_loss": losses[0], **kept} if losses else kept


def write(out: Path, name: str, value: Any) -> None:
    """Write a JSON file of a training folder."""
    put_text(out, BY, name, json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n")


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
