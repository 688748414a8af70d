"""Prompts that fill max_length, found by the tokenizer alone, before a model is loaded."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from curate.train.config import TrainConfig
from curate.train.data import Row
from curate.train.findings import Finding

_TOLD = 8  # rows named at once


def tokens(words: Any, rows: Sequence[Row]) -> list[list[int]]:
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
    found = [(row, n) for row, ids in zip(rows, tokens(words, rows), strict=True) if (n := len(ids)) >= limit]
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
