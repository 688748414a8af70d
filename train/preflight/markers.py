"""Control tokens inside the texts of turns: a text that holds one ends there, or speaks for another role."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from curate.train.data import Row
from curate.train.findings import Finding, listing, stop, warn
from curate.train.preflight.context import Context
from curate.train.rendering import REFUSALS, answers, of_turns

# What templates write around turns, token of the vocabulary or not: <|user|>, [INST], <start_of_turn>, <｜User｜>.
_MARKER = re.compile(r"<[|｜][^<>|｜\s]{1,40}[|｜]>|</?[A-Za-z_]{1,40}>|\[/?[A-Z_]{3,30}\]")
_THOUGHTS = {"<think>", "</think>"}  # in answers they mark thoughts, as in the models' own
_PROBE = [{"role": role, "content": role} for role in ("user", "assistant", "user", "assistant")]


def control_tokens(tokenizer: Any) -> list[str]:
    """List the texts that a tokenizer or its template takes for more than text: special tokens, and marks of turns."""
    added = {token.content for token in tokenizer.added_tokens_decoder.values()}
    special = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    try:
        marks = set(_MARKER.findall(tokenizer.apply_chat_template(_PROBE, tokenize=False)))
    except REFUSALS:
        marks = set()
    return _legible({*tokenizer.all_special_tokens, *special, *(marks - added)} - _THOUGHTS)


def inside(tokenizer: Any, rows: Sequence[Row]) -> Iterator[Finding]:
    """Find control tokens in what the turns of a row hold."""
    hits, counts = _search(control_tokens(tokenizer), rows)
    if hits:
        yield stop(
            "control tokens",
            f"{len(hits):,} rows hold control tokens in their texts ({_common(counts)}), where a turn would end or "
            f"another begin: {listing(row.name for row in hits)}; take them out, or drop these rows.",
            ids=[row.id for row in hits],
            tokens=dict(counts),
        )


def other_tokens(context: Context) -> Iterator[Finding]:
    """Find other tokens that were added to the vocabulary, as those of thoughts and calls, in the texts."""
    tokenizer = context.tokenizer
    if not tokenizer.chat_template:
        return
    added = {token.content for token in tokenizer.added_tokens_decoder.values()} | _THOUGHTS
    hits, counts = _search(_legible(added - set(control_tokens(tokenizer))), context.rows)
    if hits:
        yield warn(
            "control tokens",
            f"{len(hits):,} rows hold in their texts what the model has tokens of its own for ({_common(counts)}): "
            f"{listing(row.name for row in hits)}; thoughts and calls have fields of their own",
            ids=[row.id for row in hits],
            tokens=dict(counts),
        )


def _search(tokens: list[str], rows: Sequence[Row]) -> tuple[list[Row], Counter[str]]:
    pattern = re.compile("|".join(map(re.escape, tokens)) or r"(?!)")
    counts: Counter[str] = Counter()
    hits = []
    for row in of_turns(rows):
        matches = [m for text in _texts(row) for m in pattern.findall(text)]
        counts.update(matches)
        hits += [row] if matches else []
    return hits, counts


def _texts(row: Row) -> Iterator[str]:
    for name in ("prompt", *filter(None, answers(row.record))):
        for turn in row.record[name]:
            yield turn["content"] or ""
            yield turn.get("thinking", "")
            for call in turn.get("tool_calls", ()):
                yield json.dumps(call["function"], ensure_ascii=False)


def _legible(tokens: set[str]) -> list[str]:
    """Leave out white space and plain words, which some vocabularies add too; the longest come first."""
    return sorted((t for t in tokens if not t.isspace() and not t.isalnum()), key=lambda t: (-len(t), t))


def _common(counts: Counter[str]) -> str:
    return ", ".join(repr(token) for token, _ in counts.most_common(4))
