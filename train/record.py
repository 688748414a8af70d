"""The record of a run: what went in, with what it was made, what came out."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

from curate import cache
from curate.folders import put_text
from curate.models.weights import weights
from curate.train import base, mixture, rewards
from curate.train.config import TrainConfig
from curate.train.data import Data
from curate.train.findings import Finding
from curate.train.objects import Objects, describe
from curate.train.preflight.context import Context, read
from curate.train.preflight.template import template_hash
from curate.train.stages import Job

BY, RECORD = "train", "record.json"
_NO_OBJECTS: Objects = {}
log = logging.getLogger("curate.train")

# What weights are made with.
_PACKAGES = ("accelerate", "bitsandbytes", "datasets", "numpy", "peft", "tokenizers", "torch", "transformers", "trl")


def key_of(config: TrainConfig, data: Data, held_out: Data | None, objects: Objects = _NO_OBJECTS) -> str:
    """Name a run by all that it rests on: config, data and model by content, code, releases of packages.

    Of `objects` the names and the classes count.
    """
    rows = [data.sha256, held_out and held_out.sha256]
    about = [config.digest(), rows, base.weights(config.model) or config.model, rests_on(config)]
    return cache.key_of([*about, describe(objects)] if objects else about)


def rests_on(config: TrainConfig) -> list[Any]:
    """List what a training rests on beside its own settings, its set and its model."""
    reward = [rewards.content(one) for one in config.rewards]
    blocks = [config.eval_data, config.trainer, config.lora, config.quantization, config.model_args]
    code = cache.library("train", "generators", "judges", "registry.py")
    return [code, versions(), reward, cache.contents_of(blocks)]


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
    return cache.versions(_PACKAGES)


def of_run(
    job: Job, trainer: Any, out: Path, *, rows: dict[str, Any], forced: list[Finding], seconds: float
) -> dict[str, Any]:
    """Describe a run that has just ended; `rows` is what `counts` gave before it."""
    args, state, data = trainer.args, trainer.state, job.rows
    return {
        "stage": job.config.stage,
        "config": job.config.model_dump(),
        "said": job.notes,
        **({"objects": describe(job.objects)} if job.objects else {}),
        "data": {
            "file": data.sets[0]["file"] if data.sets else str(data.file),
            **({"sets": mixture.facts(data)} if data.sets else {}),
            "sha256": data.sha256,
            "rows_in_file": data.in_file,
            "rows_in": len(data.rows),
            **rows,
        },
        "template_sha256": template_hash(job.tokenizer.chat_template),
        "versions": versions(),
        "seed": job.config.seed,
        "world_size": args.world_size,
        "effective_batch": args.per_device_train_batch_size * args.gradient_accumulation_steps * args.world_size,
        "steps": state.global_step,
        "epochs": state.epoch,
        "seconds": round(seconds, 2),
        "model_in": {
            "name": job.config.model,
            "path": base.find(job.config.model, job.config.model_args),
            "weights": base.weights(job.config.model),
        },
        "model_out": {
            "path": str(out / "merged"),
            "weights": weights(str(out / "merged")),
            "files": cache.hashes_of(out / "merged", lambda file: file.suffix == ".md"),  # a card may be drawn again
        },
        "forced": [asdict(finding) for finding in forced],
        "metrics": metrics(state.log_history),
    }


def counts(context: Context) -> dict[str, Any]:
    """Count what trl made of the rows: rows, tokens an epoch and those trained on, rows that were cut.

    Ask it before training, in every process: trl may have to tokenise some rows anew, which all processes do together.
    """
    dataset = context.trainer.train_dataset
    answers = read(dataset)
    result: dict[str, Any] = {"rows_trained": len(dataset)}
    if answers:
        result["tokens"] = sum(len(one.tokens) for one in answers)
        result["tokens_trained"] = sum(int(one.trained.sum()) for one in answers)
    if not context.rows:  # a set that was given by object: what trl cut is not known
        return result
    return {**result, "packed": True} if context.packed else {**result, "rows_cut": len(context.cut)}


def metrics(history: list[dict[str, Any]]) -> dict[str, Any]:
    """Take the last value of everything that was logged, and the first loss beside it.

    >>> metrics([{"loss": 2.0, "step": 1}, {"loss": 1.5, "step": 2}, {"train_loss": 1.7, "step": 2}])
    {'first_loss': 2.0, 'loss': 1.5}
    """
    losses = [entry["loss"] for entry in history if "loss" in entry]
    last = {name: value for entry in history for name, value in entry.items()}
    # train_* are trl's sums over one process's life: after a resume they count only what came after it.
    skip = {name for name in last if name.startswith("train_") or name.endswith("runtime") or "per_second" in name}
    result = {name: value for name, value in last.items() if name not in skip | {"step", "epoch", "total_flos"}}
    return {"first_loss": losses[0], **result} if losses else result


def write(out: Path, name: str, value: Any) -> None:
    """Write a JSON file of a training folder."""
    put_text(out, BY, name, json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n")
