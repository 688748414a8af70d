"""What the chat template writes: prompts that fill max_length, and texts that differ between training and use."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from curate.train.config import TrainConfig
from curate.train.data import Row
from curate.train.findings import Finding, listing, stop, warn
from curate.train.models import load_tokenizer
from curate.train.preflight.context import Answers, Context
from curate.train.rendering import adds_bos, day_of, of_turns, write
from curate.train.stages import stage_of

_SAMPLE = 64  # rows whose text is compared; their tokens are compared in all
_WORDS = 16  # tokens of each text in a message


def _prompt_tokens(tokenizer: Any, rows: Sequence[Row]) -> list[list[int]]:
    """Tokenise prompts as they are asked in use: by the tokenizer's template, with the start of the answer."""
    prompts = [row.record["prompt"] for row in rows]
    texts = [prompt for prompt in prompts if isinstance(prompt, str)]
    written = [write(tokenizer, row.record) for row in of_turns(rows)]
    token_lists = iter(tokenizer(written, add_special_tokens=False)["input_ids"] if written else [])
    of_texts = iter(tokenizer(texts)["input_ids"] if texts else [])
    return [next(of_texts if isinstance(prompt, str) else token_lists) for prompt in prompts]


def long_prompts(config: TrainConfig, rows: Sequence[Row], tokenizer: Any = None) -> list[Finding]:
    """Find prompts that leave no room for their answers, by the tokenizer alone, before a model is loaded.

    Raise TrainError when the tokenizer cannot be loaded.
    """
    defaults = {field.name: field.default for field in dataclasses.fields(stage_of(config.stage).of_trl("Config"))}
    limit = config.trainer.get("max_length", defaults.get("max_length"))
    if limit is None or config.trainer.get("truncation_mode") == "keep_end":
        return []
    tokenizer = tokenizer or load_tokenizer(config)[0]
    if not tokenizer.chat_template and not all(isinstance(row.record["prompt"], str) for row in rows):
        return []  # trl says so when it tokenises
    lengths = [len(tokens) for tokens in _prompt_tokens(tokenizer, rows)]
    long = [(row, n) for row, n in zip(rows, lengths, strict=True) if n >= limit]
    if not long:
        return []
    return [
        stop(
            "long prompts",
            f"the prompts of {len(long):,} rows fill max_length {limit:,} by themselves, and trl would drop these "
            f"rows without a word: {listing(f'{row.name} ({n:,} tokens)' for row, n in long)}.",
            ids=[row.id for row, _ in long],
            tokens=[n for _, n in long],
            max_length=limit,
        )
    ]


def prefix(context: Context) -> Iterator[Finding]:
    """Find rows whose prompt, as it is asked in use, is not what the trained sequence begins with, or is trained on."""
    import numpy as np

    if context.stage.grades or not context.keeps_start:
        return
    for answers in context.answers:
        prompts = _prompt_tokens(context.tokenizer, [context.by_id[i] for i in answers.ids])
        untrained = answers.untrained_prefix()
        different, in_loss = [], []
        for i, prompt in enumerate(prompts):
            tokens, _ = answers.row(i)
            part = prompt[: len(tokens)]
            if not np.array_equal(tokens[: len(part)], part):
                different.append(i)
            elif untrained[i] < len(part):
                in_loss.append(answers.ids[i])
        if different:
            yield _different(context, answers, different, prompts[different[0]])
        if in_loss:
            yield stop(
                "prompts in the loss",
                f"a part of the prompt is trained on in {len(in_loss):,} rows: {context.named(in_loss)}",
                ids=in_loss,
            )
        if different or in_loss:
            return


def _different(context: Context, answers: Answers, rows: list[int], prompt: list[int]) -> Finding:
    ids = [answers.ids[i] for i in rows]
    tokens, _ = answers.row(rows[0])
    same = next((n for n, (a, b) in enumerate(zip(tokens, prompt, strict=False)) if a != b), len(tokens))
    in_use = context.tokenizer.decode(prompt[same : same + _WORDS])
    in_training = context.tokenizer.decode(tokens[same : same + _WORDS])
    return stop(
        "prompt",
        f"in {len(ids):,} rows the prompt as it is asked in use is not what the trained sequence begins with (use has "
        f"{in_use!r} where training has {in_training!r}): {context.named(ids)}; use a chat template that writes a "
        "prompt the same way with and without its answer, or end plain prompts in a line break.",
        ids=ids,
        in_use=in_use,
        in_training=in_training,
    )


def between(context: Context) -> Iterator[Finding]:
    """Find what training puts between prompt and answer, as templates do that write an empty thought there."""
    if context.stage.grades:
        return
    for answers in context.answers:
        for i, row in enumerate(answers.ids[:_SAMPLE]):
            tokens, trained = answers.row(i)
            text = context.tokenizer.decode(tokens[trained])
            answer = context.by_id[row].record.get(answers.name, "")
            if not isinstance(answer, str) and answer[0].keys() & {"thinking", "tool_calls"}:
                continue  # each template has its own place for them
            in_training, in_row = _squeezed(text), _squeezed(_text(answer))
            if trained.any() and not (in_training.startswith(in_row) or in_row.startswith(in_training)):
                yield warn(
                    "answer",
                    f"what is trained on does not begin with the answer itself: {context.named([row])} has "
                    f"{text[:60]!r}",
                    ids=[row],
                )
                return


def double_bos(context: Context) -> Iterator[Finding]:
    """Find rows that begin with the token of beginnings twice: once from the template, once from the tokenizer."""
    bos = context.tokenizer.bos_token_id
    for answers in context.answers if bos is not None else []:
        rows = (answers.lengths > 1).nonzero()[0]
        first = answers.starts[rows]
        twice = (answers.tokens[first] == bos) & (answers.tokens[first + 1] == bos)
        if twice.any():
            ids = [answers.ids[i] for i in rows[twice]]
            yield stop(
                "double bos",
                f"{len(ids):,} rows begin with {context.tokenizer.bos_token!r} twice: {context.named(ids)}; leave it "
                "out of the text, the tokenizer puts it there",
                ids=ids,
            )
            return


def no_bos(context: Context) -> Iterator[Finding]:
    """Find turns that do not begin with the token with which the tokenizer begins every text."""
    if not context.keeps_start or not adds_bos(context.tokenizer):
        return
    bos, config = context.tokenizer.bos_token_id, context.config
    own = not config.end_of_turn and not config.trainer.get("chat_template_path")
    for answers in context.answers:
        rows = (answers.lengths > 0).nonzero()[0]
        ids = [answers.ids[i] for i in rows[answers.tokens[answers.starts[rows]] != bos]]
        if ids:
            yield (warn if own else stop)(
                "no bos",
                f"{len(ids):,} rows do not begin with {context.tokenizer.bos_token!r}, as every text does for this "
                f"tokenizer, and did when the model was trained: {context.named(ids)}; "
                "begin the chat template with {{ bos_token }}"
                + (", unless the model's makers left it out" if own else ""),
                ids=ids,
            )
            return


def day(context: Context) -> Iterator[Finding]:
    """Say that a template prints the day, and at which day it is held."""
    held = day_of(context.tokenizer)
    if not any(of_turns(context.rows)) or "strftime_now" not in (context.tokenizer.chat_template or ""):
        return
    if not held:
        yield warn("day", "the chat template prints today's date: on another day the same command trains another text")
    else:
        yield warn(
            "day",
            f"the chat template prints today's date: for this run and whatever goes on from it, it is held at {held}; "
            "in use it goes on, and --fresh takes another day",
        )


def swapped(context: Context) -> Iterator[Finding]:
    """Find a template that trains and another that is saved: with assistant_only_loss trl may take one of its own."""
    training, tokenizer = getattr(context.trainer, "chat_template", None), context.tokenizer
    rows = [row for row in context.rows if not isinstance(row.record["prompt"], str)][:_SAMPLE]
    if not training or not rows:
        return
    turns = [row.record["prompt"] + row.record["completion"] for row in rows]
    one = tokenizer.apply_chat_template(turns, tokenize=False, chat_template=training)
    two = tokenizer.apply_chat_template(turns, tokenize=False)
    ids = [row.id for row, a, b in zip(rows, one, two, strict=True) if a != b]
    if ids:
        yield stop(
            "template",
            f"trl trains with a chat template of its own, and it writes other text than the one that is saved: "
            f"{context.named(ids)}; leave assistant_only_loss out",
            ids=ids,
            training=template_hash(training),
            saved=template_hash(tokenizer.chat_template),
        )


def template_hash(template: str | None) -> str:
    """Hash a chat template (32 hex digits)."""
    return hashlib.sha256((template or "").encode()).hexdigest()[:32]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "".join(turn["content"] or "" for turn in value)


def _squeezed(text: str) -> str:
    return "".join(text.split())
