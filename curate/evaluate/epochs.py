"""Which of several graded checkpoints is the best, and whether that is shown or only a guess."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from math import comb
from pathlib import Path
from statistics import fmean
from typing import Any

import polars as pl

from curate.cache import Cache
from curate.evaluate.answers import AnswerError, answers
from curate.evaluate.grades import grade, write_lines
from curate.evaluate.prompts import prompts_file, read_prompts
from curate.evaluate.statistics import mean
from curate.evaluate.trained import Checkpoint, Training, merge, open_training
from curate.folders import HOME, claim, clear, put, seal
from curate.models.generators.generator import Told
from curate.models.judges.judge import Judge
from curate.rows import hash_file


def decide(candidates: Sequence[Checkpoint], graded: Sequence[pl.DataFrame]) -> dict[str, Any]:
    """Take the checkpoint with the highest mean grade, and say whether it is shown to be better than the others.

    `graded` are the answers of each, with `score`. Only prompts that every checkpoint has a grade for count. Raises
    ValueError where there are none.
    """
    by_prompt = [_by_prompt(rows) for rows in graded]
    shared = sorted(set.intersection(*map(set, by_prompt)))
    if not shared:
        why = next((w for rows in graded for w in rows["why"] if w), "the judge did not say why")
        raise ValueError(f"no prompt has a grade for each of the {len(candidates)} checkpoints: {why}")
    values = [[means[i] for i in shared] for means in by_prompt]
    best = max(range(len(candidates)), key=lambda i: (fmean(values[i]), -candidates[i].step))
    differences = _differences(candidates, values, best)
    peers = [d["checkpoint"] for d in differences if not d["shown"]]
    return {
        "chosen": candidates[best].name,
        "epoch": candidates[best].epoch,
        "shown": not peers,
        "said": _sentence(candidates, fmean(values[best]), best, peers, len(shared)),
        "grades": [_grade(c, rows, v) for c, rows, v in zip(candidates, graded, values, strict=True)],
        "differences": differences,
    }


def _by_prompt(graded: pl.DataFrame) -> dict[str, float]:
    finite = graded.filter(pl.col("score").is_finite())
    return dict(finite.group_by("id").agg(pl.col("score").mean()).iter_rows())


def _differences(candidates: Sequence[Checkpoint], values: list[list[float]], best: int) -> list[dict[str, Any]]:
    """Set the best beside each other checkpoint; as any could have been the best, all pairs share the 5 %."""
    level = 1 - 0.05 / max(comb(len(candidates), 2), 1)
    differences = []
    for i, other in enumerate(candidates):
        if i != best:
            gap = mean([a - b for a, b in zip(values[best], values[i], strict=True)], level)
            ends = {"low": gap.low, "high": gap.high}
            differences.append({"checkpoint": other.name, "lower_by": gap.mean, **ends, "shown": (gap.low or 0) > 0})
    return differences


def _grade(checkpoint: Checkpoint, graded: pl.DataFrame, values: list[float]) -> dict[str, Any]:
    """Give the grade of a checkpoint in the form that the plots take; lengths stand beside, since judges like them."""
    grade = mean(values)
    return {
        "checkpoint": checkpoint.name,
        "epoch": checkpoint.epoch,
        "grade": grade.mean,
        "low": grade.low,
        "high": grade.high,
        "prompts": grade.n,
        "tokens": graded["tokens"].mean(),
        "cut": int((graded["finish_reason"] == "length").sum()),
        "failed": int(graded["failed"].is_not_null().sum()),
        "ungraded": int((graded["score"].is_null() & graded["failed"].is_null()).sum()),
    }


def _sentence(candidates: Sequence[Checkpoint], grade: float, best: int, peers: list[str], prompts: int) -> str:
    name = f"{candidates[best].name} (epoch {candidates[best].epoch:g})"
    if len(candidates) == 1:
        return f"{name} is the only checkpoint of these epochs: mean grade {grade:.3g} over {prompts} prompts"
    if not peers:
        return f"{name} is best: mean grade {grade:.3g} over {prompts} prompts, and each other one is shown to be lower"
    return (
        f"{name} has the highest mean grade, {grade:.3g} over {prompts} prompts; no difference is shown to "
        f"{', '.join(peers)}. It is taken as the best guess: more prompts or samples would tell"
    )


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
    from curate.train.pages import draw
    from curate.train.record import write

    training = open_training(Path(train_out))
    candidates = _within(training, first_epoch, last_epoch)
    claim(training.folder, BY, _WRITES, option=None)
    rows = prompts if isinstance(prompts, pl.DataFrame) else read_prompts(Path(prompts), limit)
    stages = Cache(training.folder / _STAGES)
    how: dict[str, Any] = {"backend": backend, "engine": engine, "sampling": sampling, "samples": samples}
    how |= {"seed": seed, "journal": stages.folder / _ANSWERS, "tell": tell}
    # All of them answer, then the judge is asked: a model fills the memory.
    answered = [(c.name, answers(training.folder, rows, checkpoint=c, **how)) for c in candidates]
    graded = [grade(lines, rows, judge, stages, arm=name, tell=tell) for name, lines in answered]
    try:
        decision = decide(candidates, graded)
    except ValueError as error:
        raise AnswerError(str(error)) from None
    chosen = next(c for c in candidates if c.name == decision["chosen"])
    choice = {
        **decision,
        "model": _model(training, chosen, merged=merged),
        "epochs": [first_epoch, last_epoch],
        "judge": dict(judge.describe()),
        "prompts": _about(prompts, rows),
        "samples": samples,
        "seed": seed,
    }
    seal(training.folder, BY, ["chosen/"])
    put(training.folder, BY, GRADES, lambda to: write_lines(pl.concat(graded), to))
    write(training.folder, CHOICE, choice)
    draw(training.folder, choice["grades"])  # beside the held-out loss
    return choice


def _within(training: Training, first: float, last: float) -> list[Checkpoint]:
    checkpoints = training.checkpoints()
    candidates = [c for c in checkpoints if first <= c.epoch <= last]
    if not candidates:
        epochs = ", ".join(f"{c.epoch:g}" for c in checkpoints) or "none"
        raise AnswerError(
            f"{training.folder} has no checkpoint of epochs {first:g} to {last:g}: it has those of epochs {epochs}"
        )
    return candidates


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
