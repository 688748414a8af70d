"""Answers of a model, or of every checkpoint of a training, to prompts and scripted dialogues.

In a dialogue the user's turns are given, and the model's own answers stand between them (LIMA, section 6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl

from curate.errors import UserError
from curate.evaluate.prompts import read_prompts
from curate.evaluate.trained import BACKENDS, Checkpoint, generator_of, is_training, open_training
from curate.models import weights
from curate.models.generators.ask import Answer, Ask, Failed, seed_of
from curate.models.generators.generator import Generator, Progress
from curate.pairs.samples import CALLS, UNANSWERED
from curate.turns import TURNS, question, without_thoughts

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
    "prompt_name": pl.String(),
    "tools": pl.String(),
    "response_turns": TURNS,  # an answer that is more than a text: its thoughts
    "thinking_tokens": pl.Int64(),  # of the tokens, where the engine counts them
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
    """Answer prompts, or dialogues turn by turn; return a line an answer (`SCHEMA`), in the order of the rows.

    Dialogues are answered together, first their first turns, then their second ones, each with the model's own answers
    before it. After a turn without an answer the rest of its dialogue has none either, and says so.

    Args:
        model: a model's folder or name, a training folder (its last model, or the `checkpoint`), or a generator.
        prompts: an output folder (its dev prompts, else its test prompts), a .jsonl or .parquet file with `prompt`,
            or rows with `id` and `prompt`; for dialogues with `id` and `turns`, a list of what the user says.
        backend: `vllm` or `transformers`; by default vllm where it is installed.
        engine: the engine's own arguments.
        sampling: the engine's own settings, over LIMA's (`LIMA`); None leaves one of these out.
        samples: answers a prompt, or times that a dialogue is held.
        seed: with the prompt's id, the turn and the number of the sample the seed of an answer: the same for every
            checkpoint.
        checkpoint: one of the training's (`open_training(folder).checkpoints()`).
        journal: the folder that keeps every answer as it comes: a killed call asks nothing twice.
        tell: hears how far it is, as a generator tells it.

    Raises AnswerError, PromptsError, TrainedError or GeneratorError in words.

    >>> from curate.pairs.example import says
    >>> model = says(lambda ask: f"You have said {len(ask.messages) // 2 + 1} things.")
    >>> answers(model, pl.DataFrame({"id": ["1"], "turns": [["Hi!", "And now?"]]}))["response"].to_list()
    ['You have said 1 things.', 'You have said 2 things.']
    """
    rows = prompts if isinstance(prompts, pl.DataFrame) else read_prompts(Path(prompts))
    if samples < 1:
        raise AnswerError(f"samples are at least 1, not {samples}")
    generator = _generator(model, backend, engine, sampling, checkpoint)
    generator.journal, generator.tell = journal or generator.journal, tell or generator.tell
    dialogues = [_Dialogue(row, i, checkpoint) for row in rows.iter_rows(named=True) for i in range(samples)]
    name = generator.name
    for turn in range(max((len(dialogue.turns) for dialogue in dialogues), default=0)):
        generator.name = f"{name}, turn {turn + 1}" if "turns" in rows.columns else name
        going = [dialogue for dialogue in dialogues if turn < len(dialogue.turns)]
        asks = [dialogue.ask(turn, seed) for dialogue in going if dialogue.failed is None]
        replies = iter(generator.ask(asks) if asks else ())
        for dialogue in going:
            dialogue.add(turn, next(replies) if dialogue.failed is None else Failed(dialogue.failed, again=False))
    generator.name = name
    return pl.DataFrame([line for dialogue in dialogues for line in dialogue.lines], schema=SCHEMA, orient="row")


@dataclass
class _Dialogue:
    """A dialogue on its way: its turns up to now, and the lines that it gives; a prompt is one of a single turn."""

    row: Mapping[str, Any]
    sample: int
    checkpoint: Checkpoint | None
    history: list[dict[str, str]] = field(default_factory=list)
    lines: list[tuple[Any, ...]] = field(default_factory=list)
    failed: str | None = None

    @property
    def turns(self) -> list[str]:
        """List what the user says."""
        return list(self.row.get("turns") or [self.row["prompt"]])

    def prompt(self, turn: int) -> dict[str, Any]:
        """Make the row that this turn asks."""
        history = [*(self.row.get("history") or []), *self.history]
        before = {name: self.row.get(name) for name in ("system", "prompt_name", "tools")}
        return {"prompt": self.turns[turn], "history": history, **before}

    def ask(self, turn: int, seed: int) -> Ask:
        """Make the ask of this turn; the first one draws as a prompt by itself does."""
        use = f"answer/{self.sample}" + (f"/{turn}" if turn else "")
        turns = without_thoughts(question(self.prompt(turn)))
        return Ask(turns, seed_of(seed, self.row["id"], use), tools=self.row.get("tools"))

    def add(self, turn: int, reply: Answer | Failed) -> None:
        """Write the line of an answer (`SCHEMA`), and go on with it, or end where there is none."""
        row = self.prompt(turn)
        line: dict[str, Any] = {**row, "history": row["history"] or None, "id": self.row["id"], "sample": self.sample}
        line |= {"turn": turn if self.row.get("turns") else None}
        if self.checkpoint:
            line |= {"checkpoint": self.checkpoint.name, "epoch": self.checkpoint.epoch}
        reason = why_none(reply)
        if isinstance(reply, Answer):
            line |= {"finish_reason": reply.finish_reason, "tokens": reply.completion_tokens}
            line["thinking_tokens"] = reply.thinking_tokens
            if reply.thinking is not None:
                line["response_turns"] = [{"role": "assistant", "thinking": reply.thinking}]
        if reason is None and isinstance(reply, Answer):
            line["response"] = reply.text
            self.history.append({"role": "user", "content": row["prompt"]})
            self.history.append({"role": "assistant", "content": reply.text})
        else:
            line["failed"] = reason
            self.failed = self.failed or f"turn {turn + 1} had no answer"
        self.lines.append(tuple(line.get(name) for name in SCHEMA))


def why_none(reply: Answer | Failed) -> str | None:
    """Say why a reply is no answer; null where it is one, an empty one too."""
    if isinstance(reply, Failed):
        return reply.reason
    if reply.finish_reason == "tool_calls":
        return CALLS
    return UNANSWERED if not reply.text.strip() and (reply.thinking or reply.thinking_tokens) else None


def _generator(
    model: str | Path | Generator,
    backend: str | None,
    engine: Mapping[str, Any] | None,
    sampling: Mapping[str, Any] | None,
    checkpoint: Checkpoint | None,
) -> Generator:
    """Make the generator that answers; the parameters are those of `answers`."""
    if isinstance(model, Generator):
        generator, name = model, model.settings.model
    else:
        generator = _open(Path(model), backend or default_backend(), engine or {}, sampling or {}, checkpoint)
        name = Path(model).name
    generator.name = generator.name or (checkpoint.name if checkpoint else name)
    return generator


def _open(
    model: Path,
    backend: str,
    engine: Mapping[str, Any],
    sampling: Mapping[str, Any],
    checkpoint: Checkpoint | None,
) -> Generator:
    if backend not in BACKENDS:
        raise AnswerError(f"there is no backend '{backend}'; known: {', '.join(BACKENDS)}")
    training = open_training(model) if checkpoint or is_training(model) else None
    home = str(model)
    if training:
        home = str(training.record["config"]["model"] if checkpoint else training.merged)
    settings = {"engine": dict(engine), "sampling": decoding(backend, home, engine, sampling)}
    try:
        if training and checkpoint:
            return generator_of(training, checkpoint, backend=backend, **settings)
        return BACKENDS[backend](home, **settings)
    except ValueError as error:
        raise AnswerError(str(error)) from None


def decoding(backend: str, model: str, engine: Mapping[str, Any], sampling: Mapping[str, Any]) -> dict[str, Any]:
    """Settle how answers are drawn: as LIMA has it, but for what `sampling` says; None takes a setting out.

    The most tokens of an answer are 2,048, or half of what the model takes where that is less.

    >>> decoding("vllm", "org/model", {"max_model_len": 1024}, {"top_p": None})
    {'temperature': 0.7, 'repetition_penalty': 1.2, 'max_tokens': 512}
    """
    defaults = dict(LIMA[backend])
    if sampling.get("do_sample") is False:
        defaults = {"repetition_penalty": defaults["repetition_penalty"]}
    context = engine.get("max_model_len") or weights.config_of(model).get("max_position_embeddings") or 2 * _LIMIT
    settings = {**defaults, _MOST[backend]: min(_LIMIT, int(context) // 2), **sampling}
    return {name: value for name, value in settings.items() if value is not None}


def default_backend() -> str:
    """Choose vllm where it is installed: answers to many prompts at once are what it is made for."""
    return "vllm" if find_spec("vllm") else "transformers"
