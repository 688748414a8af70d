"""Choosing among epochs by the answers to dev prompts, because perplexity does not follow their quality (LIMA)."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from curate.answer import AnswerError, answers
from curate.best_epoch import decide
from curate.cache import Cache
from curate.generators.generator import Told
from curate.grading import grade, write_lines
from curate.judges.contract import Judge
from curate.ownership import HOME, claim, clear, put, seal
from curate.prompts import prompts_file, read_prompts
from curate.rows import hash_file
from curate.trained import Checkpoint, Training, merge, open_training

CHOICE, GRADES = "choice.json", "grades.jsonl"
BY = "train"  # what is chosen of a training goes with it
_WRITES = (CHOICE, GRADES, "chosen/", "training.html", "README.md", "merged/README.md", "plots/")
_STAGES, _ANSWERS = ".stages", "answers"


def choose(
    train_out: str | Path,
    prompts: str | Path | pl.DataFrame,
    judge: Judge,
    *,
    first_epoch: float = 5,
    last_epoch: float = 10,
    backend: str | None = None,
    engine: Mapping[str, Any] | None = None,
    sampling: Mapping[str, Any] | None = None,
    samples: int = 1,
    limit: int | None = None,
    seed: int = 0,
    merged: bool = False,
    tell: Told | None = None,
) -> dict[str, Any]:
    """Choose a checkpoint by its answers to dev prompts (LIMA, section 3: epochs 5 to 10, 50 prompts).

    The highest mean grade is taken: first the mean over a prompt's samples, then over the prompts that all checkpoints
    have a grade for. Where it is not shown to be higher than another (paired differences over the prompts, intervals
    that hold for all pairs of checkpoints together, Bonferroni), the choice says so; it is the best guess all the same,
    and equal means go to the earlier epoch. The chosen one's grade is no measure of the model: it was picked for it.

    Answers, and grades that were asked of a generator, are in the journal as they come; all grades of a checkpoint are
    a stage. `train_out` gets `choice.json`, `grades.jsonl` and the grades in its plots and page; with `merged` also
    `chosen/`, a whole model, where the checkpoint is an adapter. `limit` takes only the first prompts of a file; the
    other parameters are those of `answers`.

    Raises AnswerError where no epoch is left or nothing was graded, else what `answers` raises.
    """
    training = open_training(Path(train_out))
    candidates = _within(training, first_epoch, last_epoch)
    claim(training.folder, BY, _WRITES, option=None)
    rows = prompts if isinstance(prompts, pl.DataFrame) else read_prompts(Path(prompts), limit)
    stages = Cache(training.folder / _STAGES)
    given: dict[str, Any] = {"backend": backend, "engine": engine, "sampling": sampling, "samples": samples}
    given |= {"seed": seed, "journal": stages.folder / _ANSWERS, "tell": tell}
    # All of them answer, then the judge is asked: a model fills the memory.
    said = [(c.name, answers(training.folder, rows, checkpoint=c, **given)) for c in candidates]
    graded = [grade(answered, rows, judge, stages, arm=name, tell=tell) for name, answered in said]
    try:
        found = decide(candidates, graded)
    except ValueError as error:
        raise AnswerError(str(error)) from None
    chosen = next(c for c in candidates if c.name == found["chosen"])
    choice = {
        **found,
        "model": _model(training, chosen, merged=merged),
        "epochs": [first_epoch, last_epoch],
        "judge": dict(judge.describe()),
        "prompts": _about(prompts, rows),
        "samples": samples,
        "seed": seed,
    }
    seal(training.folder, BY, ["chosen/"])
    _write(training, choice, pl.concat(graded))
    return choice


def _within(training: Training, first: float, last: float) -> list[Checkpoint]:
    there = training.checkpoints()
    found = [c for c in there if first <= c.epoch <= last]
    if not found:
        epochs = ", ".join(f"{c.epoch:g}" for c in there) or "none"
        raise AnswerError(
            f"{training.folder} has no checkpoint of epochs {first:g} to {last:g}: it has those of epochs {epochs}"
        )
    return found


def _about(prompts: str | Path | pl.DataFrame, rows: pl.DataFrame) -> dict[str, Any]:
    if isinstance(prompts, pl.DataFrame):
        return {"rows": rows.height}
    file = prompts_file(Path(prompts))
    return {"file": str(file), "sha256": hash_file(file), "rows": rows.height}


def _model(training: Training, chosen: Checkpoint, *, merged: bool) -> str | None:
    """Say where the chosen model stands: merged as the last one is, the checkpoint itself, or merged here."""
    folder = training.folder / "chosen"
    clear(training.folder, BY, ["chosen/"])
    if chosen.step == training.record["steps"]:
        return str(training.merged)
    if not chosen.adapter:
        return str(chosen.folder)
    if not merged:
        return None
    beside = training.folder / HOME / "chosen"
    shutil.rmtree(beside, ignore_errors=True)
    merge(training, chosen, beside).rename(folder)
    return str(folder)


def _write(training: Training, choice: dict[str, Any], graded: pl.DataFrame) -> None:
    """Write grades and choice, and draw the grades beside the held-out loss."""
    from curate.train.pages import draw
    from curate.train.record import write

    put(training.folder, BY, GRADES, lambda to: write_lines(graded, to))
    write(training.folder, CHOICE, choice)
    draw(training.folder, choice["grades"])
