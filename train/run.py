"""The way all stages share: config, data, model, trainer, preflight, training or resuming, saving, record."""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

from curate.folders import claim, clear, hold, put_text, seal
from curate.train import data, launch, models, pages, record
from curate.train import record as checkpoints
from curate.train.config import TrainConfig, read, resolve
from curate.train.data import Data, hold_out
from curate.train.findings import Finding, TrainError, refuse
from curate.train.stages import Job, Stage, stage_of

_FILES = (record.RECORD, "log.jsonl", "preflight.json", pages.PAGE, pages.CARD, "choice.json", "grades.jsonl")
_LEFT = ("adapter/", "merged/", "chosen/", f"{pages.PLOTS}/", *_FILES)  # by an earlier run of another key
_CHECKPOINTS = "checkpoints/"
_PREPARED = ("_is_accelerate_prepared", "_original_forward", "forward")  # what accelerate sets on a model

Tell: TypeAlias = Callable[[list[Any], list[Finding]], None]


def silent(masks: list[Any], findings: list[Finding]) -> None:
    """Tell nobody."""


def run(
    stage: str,
    config: Path | str | Mapping[str, Any],
    out: Path,
    *,
    sets: Sequence[str] = (),
    force: bool = False,
    fresh: bool = False,
    tell: Tell = silent,
) -> dict[str, Any]:
    """Run one stage from its config; see `curate.train.sft`."""
    return run_config(resolve(stage, *read(config, sets)), out, force=force, fresh=fresh, tell=tell)


def run_config(
    config: TrainConfig, out: Path, *, force: bool = False, fresh: bool = False, tell: Tell = silent
) -> dict[str, Any]:
    """Run one stage from a checked config, unless the folder holds this very run, finished.

    `tell` hears of the first rows as the loss sees them and of what the preflight finds, before anything is trained.
    """
    with launch.alone(out):
        return _run_config(config, out, force=force, fresh=fresh, tell=tell)


def _run_config(config: TrainConfig, out: Path, *, force: bool, fresh: bool, tell: Tell) -> dict[str, Any]:
    stage, rows, held_out = _rows(config)
    key = record.key_of(config, rows, held_out)
    done = None if fresh else record.finished(out, key)
    if done:
        if launch.rank() == 0 and not (out / pages.PAGE).is_file():  # a kill came between the record and the page
            pages.draw(out)
        return {**done, "reused": True}
    forced = refuse(_of_rows(config, rows), force=force)  # before anything heavy is loaded
    claim(out, record.BY, (*_LEFT, _CHECKPOINTS))
    job, trainer = build(config, stage, rows, held_out, out)
    findings = preflight(trainer, job, rows, tell)
    _tell(out, findings)
    forced += refuse(findings, force=force)
    started = time.monotonic()
    with expected_warnings():
        resumed = _train(trainer, out, key, fresh=fresh)
        seconds = time.monotonic() - started
        figures = stage.figures(trainer, job, rows, held_out)
        models.save(trainer, job, stage.architecture, out)
    if trainer.is_world_process_zero():
        warned = [asdict(finding) for finding in findings if finding.level == "warn"]
        told = record.of_run(job, rows, trainer, out, forced=forced, seconds=seconds)
        _write(out, trainer, findings, {"key": key, "resumed_from_step": resumed, **told, "warned": warned, **figures})
    trainer.accelerator.wait_for_everyone()
    return record.finished(out, key) or {}


def check(config: TrainConfig, out: Path, *, tell: Tell = silent) -> list[Finding]:
    """Do everything up to training, and return what the preflight finds."""
    stage, rows, held_out = _rows(config)
    findings = _of_rows(config, rows)
    if findings:
        return findings
    claim(out, record.BY)
    job, trainer = build(config, stage, rows, held_out, out)
    findings = preflight(trainer, job, rows, tell)
    _tell(out, findings)
    return findings


def check_rows(config: TrainConfig, *, force: bool = False) -> list[Finding]:
    """Refuse broken rows of a stage that comes later; with `force` return what was found of them."""
    return refuse(data.broken(_rows(config)[1]), force=force)


def _of_rows(config: TrainConfig, rows: Data) -> list[Finding]:
    """Check the rows by themselves, and those that are whole by the tokenizer."""
    from curate.train.preflight import raw

    return data.broken(rows) or raw(config, rows.rows)


def build(config: TrainConfig, stage: Stage, rows: Data, held_out: Data | None, out: Path) -> tuple[Job, Any]:
    """Load the model and make trl's trainer."""
    job = Job(config)
    job.tokenizer, job.end = models.load_tokenizer(config)
    job.model = models.load_model(config, job.end, job.tokenizer, stage.architecture)
    job.peft_config = models.lora(config, job.model, job.end, stage.task)
    takes, trainer_class = stage.classes()
    given = {**defaults(held_out), **stage.settings(job), **config.trainer}
    try:
        args = takes(output_dir=str(checkpoints.folder(out)), seed=config.seed, **given)
        trainer = trainer_class(
            model=job.model,
            args=args,
            train_dataset=data.dataset(rows),
            eval_dataset=data.dataset(held_out) if held_out else None,
            processing_class=job.tokenizer,
            peft_config=job.peft_config,
            **stage.extras(job),
        )
    except (ValueError, TypeError, NotImplementedError, ImportError) as error:
        raise TrainError(f"trl refuses this {stage.name} config: {error}") from error
    checkpoints.marked(trainer)
    if config.residual_dropout:
        from curate.train import residual_dropout

        job.residual = residual_dropout.add(trainer.model, config.residual_dropout)
    return job, trainer


def defaults(held_out: Data | None) -> dict[str, Any]:
    """Settle what a config leaves out: a checkpoint an epoch (LIMA), each step logged, no tracker, what runs here."""
    import torch

    settled: dict[str, Any] = {"save_strategy": "epoch", "logging_steps": 1, "report_to": "none"}
    if held_out:
        settled["eval_strategy"] = "epoch"
    if not torch.accelerator.is_available():
        settled |= {"use_cpu": True, "bf16": False, "gradient_checkpointing": False, "dataloader_pin_memory": False}
        if launch.world_size() > 1:
            settled["ddp_backend"] = "gloo"
    return settled


def preflight(trainer: Any, job: Job, rows: Data, tell: Tell = silent) -> list[Finding]:
    """Ask the checks about a trainer that is ready; what they run leaves training as it would have been."""
    from curate.train import preflight as checks

    with undisturbed(trainer):
        found = checks.preflight(trainer, job.config.stage, job.config, rows.rows)
        if trainer.is_world_process_zero():
            tell(checks.masks(trainer), found)
    return found


@contextmanager
def expected_warnings() -> Iterator[None]:
    """Leave out what peft says of embeddings it saves because a token was added: that is what is wanted."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Setting `save_embedding_layers` to `True`", category=UserWarning)
        yield


@contextmanager
def undisturbed(trainer: Any) -> Iterator[None]:
    """Give back random states, mode and log as they were: training must not depend on what was looked at before it."""
    import random

    import numpy as np
    import torch

    states = random.getstate(), np.random.get_state()
    training, history, callbacks = trainer.model.training, list(trainer.state.log_history), trainer.callback_handler
    heard, callbacks.callbacks = callbacks.callbacks, []  # trackers and progress bars are not told of it
    prepared = {name: vars(trainer.model).get(name) for name in _PREPARED}
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        callbacks.callbacks = heard
        trainer.model.train(training)
        trainer.state.log_history = history
        if not (trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled):
            _unprepare(trainer, prepared)


def _unprepare(trainer: Any, before: Mapping[str, Any]) -> None:
    """Take back what an evaluation made of the model, so that training makes its own.

    An evaluation before the first step marks the model as prepared without wrapping it for several processes, and
    training then takes it for wrapped: each process would train a model of its own, without a word (accelerate 1.15).
    """
    for name, value in before.items():
        if value is None:
            vars(trainer.model).pop(name, None)
        else:
            setattr(trainer.model, name, value)
    trainer.model_wrapped = trainer.model
    trainer.accelerator.free_memory()


def _rows(config: TrainConfig) -> tuple[Stage, Data, Data | None]:
    """Read the rows, before anything heavy is loaded."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    models.needs(config)
    stage = stage_of(config.stage)
    rows = data.load(config.data, stage.form, config.rows)
    held_out = data.load(config.eval_data, stage.form) if config.eval_data else None
    if config.held_out:
        rows, held_out = hold_out(rows, config.held_out)
    return stage, stage.prepare(rows, config), held_out and stage.prepare(held_out, config)


def _train(trainer: Any, out: Path, key: str, *, fresh: bool) -> int:
    """Train, from the last whole checkpoint of this very run where there is one; return the step it started from."""
    if trainer.is_world_process_zero():
        hold(out, record.BY, [_CHECKPOINTS])
        checkpoints.begin(out, key, trainer.args.world_size, fresh=fresh)
        clear(out, record.BY, _LEFT)
    trainer.accelerator.wait_for_everyone()
    last = checkpoints.latest(out)
    if last:
        checkpoints.go_on(trainer, last)
    trainer.train(resume_from_checkpoint=str(last) if last else None)
    return checkpoints.step_of(last) if last else 0


def _tell(out: Path, findings: list[Finding]) -> None:
    """Write what was found into a folder that holds no run yet."""
    if launch.rank() == 0 and not (out / record.RECORD).exists():
        record.write(out, "preflight.json", [asdict(finding) for finding in findings])


def _write(out: Path, trainer: Any, findings: list[Finding], told: dict[str, Any]) -> None:
    record.write(out, "preflight.json", [asdict(finding) for finding in findings])
    lines = "".join(json.dumps(entry) + "\n" for entry in trainer.state.log_history)
    put_text(out, record.BY, "log.jsonl", lines)
    trees = [name for name in (*_LEFT, _CHECKPOINTS) if name.endswith("/")]
    seal(out, record.BY, trees)
    hold(out, record.BY, [f"{_CHECKPOINTS}run.json"])  # it says whose the checkpoints are, to each run anew
    record.write(out, record.RECORD, told)
    pages.draw(out)  # last of all: whatever it meets, the training is not lost
