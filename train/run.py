"""The way all stages share: config, data, model, trainer, preflight, training or resuming, saving, record."""

from __future__ import annotations

import json
import os
import random
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeAlias

from jinja2 import TemplateError

from curate.folders import claim, clear, hold, put_text, seal
from curate.train import base, checkpoints, data, launch, mixture, models, pages, preflight, record, rendering
from curate.train.config import TrainConfig, read, resolve
from curate.train.findings import Finding, TrainError, refuse
from curate.train.objects import Objects
from curate.train.objects import notes as notes_on
from curate.train.objects import refuse as refuse_objects
from curate.train.objects import rows as rows_of
from curate.train.preflight import Context, Masked
from curate.train.stages import Job, stage_of

_FILES = (record.RECORD, "log.jsonl", "preflight.json", pages.PAGE, pages.CARD, "choice.json", "grades.jsonl")
_OUTPUTS = ("adapter/", "merged/", "chosen/", f"{pages.PLOTS}/", *_FILES)
_NOTHING: Objects = {}
_CHECKPOINTS = f"{checkpoints.FOLDER}/"
_PREPARED = ("_is_accelerate_prepared", "_original_forward", "forward")  # what accelerate sets on a model

# What hears of the first rows as the loss sees them and of the preflight's findings, before anything is trained.
OnPreflight: TypeAlias = Callable[[list[Masked], list[Finding]], None]


def silent(masks: list[Masked], findings: list[Finding]) -> None:
    """Print nothing."""


def run(
    stage: str,
    config: Path | str | Mapping[str, Any],
    out: Path,
    *,
    sets: Sequence[str] = (),
    force: bool = False,
    fresh: bool = False,
    on_preflight: OnPreflight = silent,
    objects: Objects = _NOTHING,
) -> dict[str, Any]:
    """Run one stage from its config; see `curate.train.sft`."""
    keys, places = read(config, sets)
    if objects:
        refuse_objects(stage, keys, objects)
    if "train_dataset" in objects:
        keys["data"] = "train_dataset"  # the record's name for it
    checked = resolve(stage, keys, places)
    return run_config(checked, out, force=force, fresh=fresh, on_preflight=on_preflight, objects=objects)


def run_config(
    config: TrainConfig,
    out: Path,
    *,
    force: bool = False,
    fresh: bool = False,
    on_preflight: OnPreflight = silent,
    objects: Objects = _NOTHING,
) -> dict[str, Any]:
    """Run one stage from a checked config, unless the folder holds this very run, finished."""
    with launch.alone(out):
        job = prepare(config, objects)
        key = record.key_of(config, job.rows, job.held_out, objects)
        done = None if fresh else record.finished(out, key)
        if done:
            if launch.rank() == 0 and not (out / pages.PAGE).is_file():  # a kill came between the record and the page
                pages.draw(out)
            return {**done, "reused": True}

        forced = refuse(data.broken(job.rows), force=force)  # before anything heavy is loaded
        forced += refuse(_by_tokenizer(job, forced), force=force)
        claim(out, record.BY, (*_OUTPUTS, _CHECKPOINTS))
        day = checkpoints.day(out, key, fresh=fresh)
        trainer = build(job, out, day)
        findings, counts = _preflight(trainer, job, out, on_preflight)
        forced += refuse(findings, force=force)
        rendering.release(job.tokenizer)

        start = time.monotonic()
        with _expected_warnings():
            resumed = _train(trainer, out, key, day, fresh=fresh)
            seconds = time.monotonic() - start
            figures = job.stage.figures(trainer, job)
            models.save(trainer, job, out)
        if trainer.is_world_process_zero():
            warned = [asdict(finding) for finding in findings if finding.level == "warn"]
            facts = record.of_run(job, trainer, out, rows=counts, forced=forced, seconds=seconds)
            result = {"key": key, "resumed_from_step": resumed, **facts, "warned": warned, **figures}
            _write(out, trainer, findings, result)
        trainer.accelerator.wait_for_everyone()
        return record.finished(out, key) or {}


def check(config: TrainConfig, out: Path, *, on_preflight: OnPreflight = silent) -> list[Finding]:
    """Do everything up to training, and return what the preflight finds."""
    job = prepare(config)
    findings = data.broken(job.rows) or _by_tokenizer(job)
    if findings:
        return findings
    claim(out, record.BY)
    return _preflight(build(job, out), job, out, on_preflight)[0]


def check_rows(config: TrainConfig, *, force: bool = False) -> list[Finding]:
    """Refuse broken rows of a stage that comes later; with `force` return what is wrong with them."""
    return refuse(data.broken(prepare(config).rows), force=force)


def prepare(config: TrainConfig, objects: Objects = _NOTHING) -> Job:
    """Read the rows, before anything heavy is loaded; a set that is given by object has none."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    models.needs(config)
    stage = stage_of(config.stage)
    notes = [*base.notes(config.model), *notes_on(objects)]
    if "train_dataset" in objects:
        return Job(config, stage, rows_of(objects["train_dataset"]), notes=notes, objects=objects)
    rows = mixture.load(config.data, stage.form, config.rows, config.seed)
    held_out = data.load(config.eval_data, stage.form) if config.eval_data else None
    if config.held_out:
        rows, held_out = data.hold_out(rows, config.held_out)
        held_out = mixture.once(held_out)
    rows, held_out = stage.prepare(rows, config), held_out and stage.prepare(held_out, config)
    return Job(config, stage, rows, held_out, notes=notes, objects=objects)


def _by_tokenizer(job: Job, broken: Sequence[Finding] = ()) -> list[Finding]:
    """Check the rows that are whole by the tokenizer alone, unless it is an object of the caller's."""
    if "processing_class" in job.objects:
        return []
    ids = {i for finding in broken for i in finding.detail["ids"]}
    rows = [*job.rows.rows, *(job.held_out.rows if job.held_out else [])]
    return preflight.of_rows(job.config, [row for row in rows if row.id not in ids])


def build(job: Job, out: Path, day: str | None = None) -> Any:
    """Load the model and make trl's trainer, with the chat template held at a day (today) where it prints one."""
    config, stage = job.config, job.stage
    objects = job.objects
    if "processing_class" in objects:
        job.tokenizer = objects["processing_class"]
    else:
        job.tokenizer, job.end = models.load_tokenizer(config)
    job.notes += filter(None, [rendering.adopt(job.tokenizer, config)])
    if not config.trainer.get("assistant_only_loss"):  # trl knows its own marked templates by their text
        rendering.pin(job.tokenizer, day or checkpoints.today())
    job.rows = replace(job.rows, rows=rendering.fit(job.tokenizer, job.rows.rows))
    if job.held_out:
        job.held_out = replace(job.held_out, rows=rendering.fit(job.tokenizer, job.held_out.rows))
    job.model = objects["model"] if "model" in objects else models.load_model(job)
    job.peft_config = objects.get("peft_config") or models.lora(job)
    evaluates = bool(job.held_out or objects.get("eval_dataset"))
    arguments = {**defaults(evaluates), **stage.settings(job), **config.trainer}
    if rendering.template_file(config):
        del arguments["chat_template_path"]  # the tokenizer has it
    try:
        args = stage.of_trl("Config")(output_dir=str(out / checkpoints.FOLDER), seed=config.seed, **arguments)
        own = {
            "model": job.model,
            "args": args,
            "train_dataset": None if "train_dataset" in objects else data.dataset(job.rows.rows),
            "eval_dataset": data.dataset(job.held_out.rows) if job.held_out else None,
            "processing_class": job.tokenizer,
            "peft_config": job.peft_config,
        }
        trainer = stage.of_trl("Trainer")(**{**own, **stage.extras(job), **objects})
    except (ValueError, TypeError, NotImplementedError, ImportError, TemplateError) as error:
        raise TrainError(f"trl refuses this {stage.name} config: {error}") from error
    checkpoints.mark(trainer)
    if config.residual_dropout:
        from curate.train import residual_dropout

        job.residual = residual_dropout.add(trainer.model, config.residual_dropout)
    return trainer


def defaults(evaluates: bool = False) -> dict[str, Any]:
    """Settle what a config leaves out: a checkpoint an epoch (LIMA), each step logged, no tracker, what runs here."""
    import torch

    settings: dict[str, Any] = {"save_strategy": "epoch", "logging_steps": 1, "report_to": "none"}
    if evaluates:
        settings["eval_strategy"] = "epoch"
    if not torch.accelerator.is_available():
        settings |= {"use_cpu": True, "bf16": False, "gradient_checkpointing": False, "dataloader_pin_memory": False}
        if launch.world_size() > 1:
            settings["ddp_backend"] = "gloo"
    return settings


def _preflight(
    trainer: Any, job: Job, out: Path, on_preflight: OnPreflight = silent
) -> tuple[list[Finding], dict[str, Any]]:
    """Run the checks on a trainer that is ready, and count its rows; training is as it would be without."""
    context = Context(trainer, job.config, job.rows.rows)
    with undisturbed(trainer):
        findings = [] if "train_dataset" in job.objects else preflight.preflight(context)
        counts = record.counts(context)
        if trainer.is_world_process_zero():
            on_preflight(preflight.masks(trainer), findings)
    if launch.rank() == 0 and not (out / record.RECORD).exists():  # a finished run stays as it is
        record.write(out, "preflight.json", [asdict(finding) for finding in findings])
    return findings, counts


@contextmanager
def undisturbed(trainer: Any) -> Iterator[None]:
    """Restore random states, mode and log: training must not depend on what was evaluated before it."""
    import numpy as np
    import torch

    states = random.getstate(), np.random.get_state()
    training, history = trainer.model.training, list(trainer.state.log_history)
    handler = trainer.callback_handler
    callbacks, handler.callbacks = handler.callbacks, []  # trackers and progress bars do not hear of it
    prepared = {name: vars(trainer.model).get(name) for name in _PREPARED}
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        handler.callbacks = callbacks
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


@contextmanager
def _expected_warnings() -> Iterator[None]:
    """Leave out what peft says of embeddings it saves because a token was added: that is what is meant."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Setting `save_embedding_layers` to `True`", category=UserWarning)
        yield


def _train(trainer: Any, out: Path, key: str, day: str, *, fresh: bool) -> int:
    """Train, from the last whole checkpoint of this very run where there is one; return the step it started from."""
    if trainer.is_world_process_zero():
        hold(out, record.BY, [_CHECKPOINTS])
        checkpoints.begin(out, key, trainer.args.world_size, day=day, fresh=fresh)
        clear(out, record.BY, _OUTPUTS)
    trainer.accelerator.wait_for_everyone()
    return checkpoints.train(trainer, checkpoints.latest(out))


def _write(out: Path, trainer: Any, findings: list[Finding], result: dict[str, Any]) -> None:
    record.write(out, "preflight.json", [asdict(finding) for finding in findings])
    put_text(out, record.BY, "log.jsonl", "".join(json.dumps(entry) + "\n" for entry in trainer.state.log_history))
    seal(out, record.BY, [name for name in (*_OUTPUTS, _CHECKPOINTS) if name.endswith("/")])
    hold(out, record.BY, [f"{_CHECKPOINTS}run.json"])  # it says whose the checkpoints are, to each run anew
    record.write(out, record.RECORD, result)
    pages.draw(out)  # last of all: whatever it meets, the training is not lost
