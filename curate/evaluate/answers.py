"""Answers of a model, or of every checkpoint of a training, to prompts it was not trained on."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl

from curate.errors import UserError
from curate.evaluate.prompts import read_prompts
from curate.evaluate.trained import BACKENDS, Checkpoint, Training, generator_of, is_training, open_training
from curate.models import weights
from curate.models.generators.ask import Answer, Ask, Failed, conversation, seed_of
from curate.models.generators.generator import Generator, Progress
from curate.rows import TURNS

# LIMA, section 4.1: nucleus sampling with p = 0.9, temperature 0.7, a repetition penalty of 1.2, at most 2,048 tokens.
_LIMIT = 2048
LIMA: Mapping[str, Mapping[str, Any]] = {
    "vllm": {"temperature": 0.7, "top_p": 0.9, "repetition_penalty": 1.2},
    "transformers": {"do_sample": True, "temperature": 0.7, "top_p": 0.9, "repetition_penalty": 1.2},
}
_MOST = {"vllm": "max_tokens", "transformers": "max_new_tokens"}
SCHEMA: Mapping[str, Any] = {
    "id": pl.String(),  # of the prompt
    "prompt": pl.String(),
    "sample": pl.Int64(),
    "turn": pl.Int64(),  # of a dialogue, from 0; null for a prompt by itself
    "response": pl.String(),
    "finish_reason": pl.String(),  # `stop`: it ended its turn; `length`: it ran into the limit
    "tokens": pl.Int64(),
    "failed": pl.String(),  # why there is no response
    "checkpoint": pl.String(),
    "epoch": pl.Float64(),
    "system": pl.String(),
    "history": TURNS,  # what was said before the prompt
}


class AnswerError(UserError):
    """Say in words why there are no answers, and what would be right."""


def answers(
    model: str | Path | Generator,
    prompts: str | Path | pl.DataFrame,
    *,
    backend: str | None = None,
    engine: Mapping[str, Any] | None = None,
    sampling: Mapping[str, Any] | None = None,
    samples: int = 1,
    seed: int = 0,
    checkpoint: Checkpoint | None = None,
    journal: Path | None = None,
    tell: Progress | None = None,
) -> pl.DataFrame:
    """Answer prompts; return a line an answer (`SCHEMA`), in the order of the prompts.

    Args:
        model: a model's folder or name, a training folder (its last model, or the `checkpoint`), or a generator.
        prompts: an output folder (its dev prompts, else its test prompts), a .jsonl or .parquet file with `prompt`,
            or rows with `id` and `prompt`.
        backend: `vllm` or `transformers`; by default vllm where it is installed.
        engine: the engine's own arguments.
        sampling: the engine's own settings, over LIMA's (`LIMA`); None leaves one of these out.
        samples: answers a prompt.
        seed: with the prompt's id and the number of the sample the seed of an answer: the same for every checkpoint.
        checkpoint: one of the training's (`open_training(folder).checkpoints()`).
        journal: the folder that keeps every answer as it comes: a killed call asks nothing twice.
        tell: hears how far it is, as a generator tells it.

    Raises AnswerError, PromptsError, TrainedError or GeneratorError in words.
    """
    rows = prompts if isinstance(prompts, pl.DataFrame) else read_prompts(Path(prompts))
    asked = asked_of(model, backend, engine, sampling, checkpoint, journal=journal, tell=tell)
    each = [(row, sample) for row in rows.iter_rows(named=True) for sample in range(checked(samples))]
    asks = [Ask(conversation(row), seed_of(seed, row["id"], f"answer/{sample}")) for row, sample in each]
    lines = [line(answer, row, sample, checkpoint) for (row, sample), answer in zip(each, asked.ask(asks), strict=True)]
    return pl.DataFrame(lines, schema=SCHEMA, orient="row")


def checked(samples: int) -> int:
    """Make sure that there is something to ask for."""
    if samples < 1:
        raise AnswerError(f"samples are at least 1, not {samples}")
    return samples


def line(
    answer: Answer | Failed,
    row: Mapping[str, Any],
    sample: int,
    checkpoint: Checkpoint | None,
    turn: int | None = None,
) -> tuple[Any, ...]:
    """Make a line of `SCHEMA` of what was answered to a row: its prompt, and what stood before it."""
    of_epoch = (checkpoint.name, checkpoint.epoch) if checkpoint else (None, None)
    before = (row.get("system"), row.get("history") or None)
    return (row["id"], row["prompt"], sample, turn, *_told(answer), *of_epoch, *before)


def asked_of(
    model: str | Path | Generator,
    backend: str | None,
    engine: Mapping[str, Any] | None,
    sampling: Mapping[str, Any] | None,
    checkpoint: Checkpoint | None,
    *,
    journal: Path | None = None,
    tell: Progress | None = None,
) -> Generator:
    """Make the generator that answers; the parameters are those of `answers`."""
    asked = model if isinstance(model, Generator) else _generator(model, backend, engine, sampling, checkpoint)
    asked.journal, asked.tell = journal or asked.journal, tell or asked.tell
    named = asked.settings.model if isinstance(model, Generator) else Path(model).name
    asked.name = asked.name or (checkpoint.name if checkpoint else named)
    return asked


def _generator(
    model: str | Path,
    backend: str | None,
    engine: Mapping[str, Any] | None,
    sampling: Mapping[str, Any] | None,
    checkpoint: Checkpoint | None,
) -> Generator:
    backend = backend or default_backend()
    if backend not in BACKENDS:
        raise AnswerError(f"there is no backend '{backend}'; known: {', '.join(BACKENDS)}")
    training = open_training(Path(model)) if checkpoint or is_training(Path(model)) else None
    home = _home(model, training, checkpoint)
    given = {"engine": dict(engine or {}), "sampling": decoding(backend, home, engine or {}, sampling or {})}
    try:
        if training and checkpoint:
            return generator_of(training, checkpoint, backend=backend, **given)
        return BACKENDS[backend](home, **given)
    except ValueError as error:
        raise AnswerError(str(error)) from None


def _home(model: str | Path, training: Training | None, checkpoint: Checkpoint | None) -> str:
    if training is None:
        return str(model)
    return str(training.record["config"]["model"] if checkpoint else training.merged)


def decoding(backend: str, model: str, engine: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Settle how answers are drawn: as LIMA has it, but for what is given; None takes a setting out.

    The most tokens of an answer are 2,048, or half of what the model takes where that is less.

    >>> decoding("vllm", "org/model", {"max_model_len": 1024}, {"top_p": None})
    {'temperature': 0.7, 'repetition_penalty': 1.2, 'max_tokens': 512}
    """
    ours = dict(LIMA[backend])
    if given.get("do_sample") is False:
        ours = {name: value for name, value in ours.items() if name == "repetition_penalty"}
    context = engine.get("max_model_len") or weights.config_of(model).get("max_position_embeddings") or 2 * _LIMIT
    settled = {**ours, _MOST[backend]: min(_LIMIT, int(context) // 2), **given}
    return {name: value for name, value in settled.items() if value is not None}


def default_backend() -> str:
    """Choose vllm where it is installed: answers to many prompts at once are what it is made for."""
    return "vllm" if find_spec("vllm") else "transformers"


def _told(answer: Answer | Failed) -> tuple[str | None, str | None, int | None, str | None]:
    if isinstance(answer, Failed):
        return None, None, None, answer.reason
    return answer.text, answer.finish_reason, answer.completion_tokens, None
