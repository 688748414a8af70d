"""Prompts that fill max_length, found by the tokenizer alone, before a model is loaded."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from curate.train.config import TrainConfig
from curate.train.data import Row
from curate.train.findings import Finding
from curate.train.preflight.seen import Answers, Seen

_TOLD = 8  # rows named at once


def prompt_tokens(words: Any, rows: Sequence[Row]) -> list[list[int]]:
    """Tokenise prompts as they are asked in use: by the tokenizer's template, with the start of the answer."""
    asked = [row.record["prompt"] for row in rows]
    turns = [prompt for prompt in asked if not isinstance(prompt, str)]
    texts = [prompt for prompt in asked if isinstance(prompt, str)]
    written = words.apply_chat_template(turns, tokenize=False, add_generation_prompt=True) if turns else []
    of_turns = iter(words(written, add_special_tokens=False)["input_ids"] if turns else [])
    of_texts = iter(words(texts)["input_ids"] if texts else [])
    return [next(of_texts if isinstance(prompt, str) else of_turns) for prompt in asked]


def filling(config: TrainConfig, rows: Sequence[Row]) -> list[Finding]:
    """Find prompts that leave no room for their answers; raise TrainError when the tokenizer cannot be loaded."""
    from curate.train.models import load_tokenizer

    limit = _limit(config)
    if limit is None or config.trainer.get("truncation_mode") == "keep_end":
        return []
    words, _ = load_tokenizer(config)
    if not words.chat_template and not all(isinstance(row.record["prompt"], str) for row in rows):
        return []  # trl says so when it tokenises
    found = [(row, n) for row, ids in zip(rows, prompt_tokens(words, rows), strict=True) if (n := len(ids)) >= limit]
    if not found:
        return []
    named = ", ".join(f"{row.name} ({n:,} tokens)" for row, n in found[:_TOLD])
    more = f" and {len(found) - _TOLD:,} more" if len(found) > _TOLD else ""
    return [
        Finding(
            "long prompts",
            "stop",
            f"the prompts of {len(found):,} rows fill max_length {limit:,} by themselves, and trl would drop these "
            f"rows without a word: {named}{more}.",
            {"ids": [row.id for row, _ in found], "tokens": [n for _, n in found], "max_length": limit},
        )
    ]


def _limit(config: TrainConfig) -> int | None:
    """Find max_length, the stage's own default where the config leaves it out."""
    from curate.train.stages import stage_of

    taken, _ = stage_of(config.stage).classes()
    own = {field.name: field.default for field in dataclasses.fields(taken)}
    limit: int | None = config.trainer.get("max_length", own.get("max_length"))
    return limit


_ASKED = ("sft", "dpo", "kto")  # stages that train answers after prompts
_LOOKED = 64  # rows whose text is compared; their tokens are compared in all
_WORDS = 16  # tokens of each that are told


def prefix(seen: Seen) -> Iterator[Finding]:
    """Find rows whose prompt, as it is asked in use, is not what the trained sequence begins with, or is trained on."""
    import numpy as np

    if seen.stage not in _ASKED or not seen.keeps_start:
        return
    for answers in seen.answers:
        rows = [seen.by_id[i] for i in answers.ids]
        asked = prompt_tokens(seen.words, rows)
        untrained = answers.untrained_prefix()
        other, inside = [], []
        for i, prompt in enumerate(asked):
            tokens, _ = answers.row(i)
            part = prompt[: len(tokens)]
            if not np.array_equal(tokens[: len(part)], part):
                other.append(answers.ids[i])
            elif untrained[i] < len(part):
                inside.append(answers.ids[i])
        if other:
            yield _other(seen, answers, other, asked)
        if inside:
            yield Finding(
                "prompts in the loss",
                "stop",
                f"a part of the prompt is trained on in {len(inside):,} rows: {seen.named(inside)}",
                {"ids": inside},
            )
        if other or inside:
            return


def _other(seen: Seen, answers: Answers, ids: list[str], asked: list[list[int]]) -> Finding:
    i = answers.ids.index(ids[0])
    tokens, _ = answers.row(i)
    same = next((n for n, (a, b) in enumerate(zip(tokens, asked[i], strict=False)) if a != b), len(tokens))
    inference = seen.words.decode(asked[i][same : same + _WORDS])
    training = seen.words.decode(tokens[same : same + _WORDS])
    return Finding(
        "prompt",
        "stop",
        f"in {len(ids):,} rows the prompt as it is asked in use is not what the trained sequence begins with (use has "
        f"{inference!r} where training has {training!r}): {seen.named(ids)}; use a chat template that writes a prompt "
        "the same way with and without its answer, or end plain prompts in a line break.",
        {"ids": ids, "in_use": inference, "in_training": training},
    )


def between(seen: Seen) -> Iterator[Finding]:
    """Find what training puts between prompt and answer, as templates do that write an empty thought there."""
    if seen.stage not in _ASKED:
        return
    for answers in seen.answers:
        ids = answers.ids[:_LOOKED]
        for i, answer in enumerate(ids):
            tokens, trained = answers.row(i)
            said = _squeezed(seen.words.decode(tokens[trained]))
            wanted = _squeezed(_text(seen.by_id[answer].record.get(answers.name, "")))
            if trained.any() and not (said.startswith(wanted) or wanted.startswith(said)):
                yield Finding(
                    "answer",
                    "warn",
                    f"what is trained on does not begin with the answer itself: {seen.named([answer])} has "
                    f"{seen.words.decode(tokens[trained])[:60]!r}",
                    {"ids": [answer]},
                )
                return


def double_bos(seen: Seen) -> Iterator[Finding]:
    """Find rows that begin with the token of beginnings twice: once from the template, once from the tokenizer."""
    bos = seen.words.bos_token_id
    for answers in seen.answers if bos is not None else []:
        starts = answers.starts[:-1][answers.lengths > 1]
        twice = (answers.tokens[starts] == bos) & (answers.tokens[starts + 1] == bos)
        if twice.any():
            ids = [i for i, n in zip(answers.ids, answers.lengths, strict=True) if n > 1]
            found = [ids[i] for i in twice.nonzero()[0]]
            yield Finding(
                "double bos",
                "stop",
                f"{len(found):,} rows begin with {seen.words.bos_token!r} twice: {seen.named(found)}; leave it out of "
                "the text, the tokenizer puts it there",
                {"ids": found},
            )
            return


def swapped(seen: Seen) -> Iterator[Finding]:
    """Find a template that trains and another that is saved: with assistant_only_loss trl may take one of its own."""
    training = getattr(seen.trainer, "chat_template", None)
    rows = [row for row in seen.rows if not isinstance(row.record["prompt"], str)][:_LOOKED]
    if not training or not rows:
        return
    turns = [row.record["prompt"] + row.record["completion"] for row in rows]
    one = seen.words.apply_chat_template(turns, tokenize=False, chat_template=training)
    two = seen.words.apply_chat_template(turns, tokenize=False)
    ids = [row.id for row, a, b in zip(rows, one, two, strict=True) if a != b]
    if ids:
        yield Finding(
            "template",
            "stop",
            f"trl trains with a chat template of its own, and it writes other text than the one that is saved: "
            f"{seen.named(ids)}; leave assistant_only_loss out",
            {"ids": ids, "training": template_hash(training), "saved": template_hash(seen.words.chat_template)},
        )


def template_hash(template: Any) -> str:
    """Hash a chat template (32 hex digits)."""
    return hashlib.sha256((template or "").encode()).hexdigest()[:32]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "".join(turn["content"] for turn in value)


def _squeezed(text: str) -> str:
    return "".join(text.split())
