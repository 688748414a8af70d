"""Rows that vanish and rows that are cut: a set that is smaller than the one that was chosen, without a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from curate.train.findings import Finding
from curate.train.preflight.seen import Answers, Seen


def vanished(seen: Seen) -> Iterator[Finding]:
    """Find rows of the file that are not in trl's set: it drops prompts that fill max_length, and says nothing."""
    if not seen.answers:
        return
    there = Counter(seen.answers[0].ids) if not seen.packed else Counter(row.id for row in seen.rows)
    lost = [i for i, n in (Counter(row.id for row in seen.rows) - there).items() for _ in range(n)]
    if lost:
        yield Finding(
            "vanished rows",
            "stop",
            f"{len(lost):,} of the {len(seen.rows):,} rows are not in the set that trl trains on, since max_length is "
            f"{seen.limit} and {_why(seen)}: {seen.named(lost)}.",
            {"ids": lost, "rows": len(seen.rows), "trained": sum(there.values())},
        )


def cut(seen: Seen) -> Iterator[Finding]:
    """Find rows that max_length cuts, and say how many of them lose the end that teaches the model to stop."""
    found: dict[str, int] = {}
    for answers in seen.answers:
        for i, length in _over(seen, answers):
            found[i] = max(length, found.get(i, 0))
    if not found:
        return
    lost = "their answers lose their ends, so that nothing teaches the model to stop there"
    if not seen.keeps_start:
        lost = "their prompts lose their beginnings"
    longest = max(found.values())
    yield Finding(
        "cut rows",
        "stop",
        f"{len(found):,} of the {len(seen.rows):,} rows are cut at max_length {seen.limit} (the longest has "
        f"{longest:,} tokens), and {lost}: {seen.named(found)}.",
        {"ids": list(found), "tokens": list(found.values()), "max_length": seen.limit},
    )


def too_long(seen: Seen) -> Iterator[Finding]:
    """Find rows that are longer than the positions a model knows."""
    config = getattr(seen.trainer.model, "config", None)
    known = getattr(config.get_text_config(), "max_position_embeddings", None) if config else None
    if not known:
        return
    over = [i for answers in seen.answers for i, n in zip(answers.ids, answers.lengths, strict=True) if n > known]
    if over:
        yield Finding(
            "positions",
            "stop",
            f"{len(set(over)):,} rows are longer than the {known:,} positions the model knows: {seen.named(over)}; set "
            f"max_length to {known:,} at most, and shorten them.",
            {"ids": sorted(set(over)), "max_position_embeddings": known},
        )


def _why(seen: Seen) -> str:
    return "one of their answers is longer" if seen.stage == "reward" else "their prompts fill it"


def _over(seen: Seen, answers: Answers) -> Iterator[tuple[str, int]]:
    """List rows that were longer than max_length, with their whole length.

    In SFT trl has cut them already: those as long as can be are made once more, uncut.
    """
    if seen.limit is None or (seen.packed and seen.trainer.args.packing_strategy != "bfd"):
        return  # the other ways of packing put what is over into another sequence
    longer = answers.full > seen.limit
    if seen.stage != "sft" or seen.packed:
        yield from _pairs(answers, longer)
        return
    full = {answers.ids[i] for i in (answers.full == seen.limit).nonzero()[0]}
    again = [row for row in seen.rows if row.id in full]
    if again:
        (whole,) = seen.uncut(again)
        yield from _pairs(whole, whole.full > seen.limit)


def _pairs(answers: Answers, which: Any) -> Iterator[tuple[str, int]]:
    yield from ((answers.ids[i], int(answers.full[i])) for i in which.nonzero()[0])
