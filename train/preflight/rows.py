"""Rows that vanish and rows that are cut: a set that is smaller than the one that was chosen, without a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from curate.errors import visible
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


# Our choice: DPO learns length from far less than a doubling (Park et al. 2024, arXiv 2403.19159).
_RATIO = 1.5
_SHARE = 0.8  # of the pairs in which the same side is longer


def length_ratio(seen: Seen) -> Iterator[Finding]:
    """Find sets whose chosen answers are much longer or shorter than the rejected ones, or nearly always so."""
    sides = {answers.name: answers for answers in seen.answers}
    if not {"chosen", "rejected"} <= sides.keys() or not sides["chosen"].ids:
        return
    chosen, rejected = (_lengths(seen, sides[name]) for name in ("chosen", "rejected"))
    ratio = float(chosen.mean() / max(rejected.mean(), 1))
    longer, shorter = float((chosen > rejected).mean()), float((chosen < rejected).mean())
    if ratio > _RATIO or ratio < 1 / _RATIO or longer > _SHARE or shorter > _SHARE:
        share, how = (longer, "longer") if longer >= shorter else (shorter, "shorter")
        yield Finding(
            "length ratio",
            "warn",
            f"chosen answers have {ratio:.2f} times the tokens of rejected ones and are {how} in {share:.0%} of the "
            "pairs: what is learned may be length; keep pairs by length_ratio, and judge answers of the same length",
            {"ratio": ratio, "chosen_longer": longer, "chosen_shorter": shorter},
        )


def _lengths(seen: Seen, answers: Answers) -> Any:
    import numpy as np

    return np.add.reduceat(answers.trained, answers.starts[:-1]) if seen.stage == "dpo" else answers.lengths


_SHOWN = 24  # tokens at each end of a long stretch
_OPEN, _CLOSE = "[[", "]]"  # around what is trained, so that it is legible without colour


class Masked(NamedTuple):
    """A row as the loss sees it: its tokens' texts, each with whether it is trained."""

    id: str
    answer: str
    tokens: list[tuple[str, bool]]


def texts(answers: Answers, i: int, words: Any) -> list[tuple[str, bool]]:
    """Give a row's tokens as text; tokens that only together are a character come together."""
    tokens, trained = answers.row(i)
    found: list[tuple[str, bool]] = []
    held: list[int] = []
    for token, kept in zip(tokens.tolist(), trained.tolist(), strict=True):
        held.append(token)
        text = words.decode(held)
        if "\ufffd" not in text or len(held) == 4:  # a character has four bytes at most
            found.append((text, bool(kept)))
            held = []
    return found + ([(words.decode(held), bool(trained[-1]))] if held else [])


def stretches(row: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """Join neighbouring tokens that are trained alike, leaving out the middle of long stretches.

    >>> stretches([("a", False), ("b", True), ("c", True)])
    [('a', False), ('bc', True)]
    """
    found: list[tuple[str, bool]] = []
    i = 0
    while i < len(row):
        j = next((k for k in range(i, len(row)) if row[k][1] != row[i][1]), len(row))
        parts = [text for text, _ in row[i:j]]
        if len(parts) > 3 * _SHOWN:
            parts = [*parts[:_SHOWN], f" … {len(parts) - 2 * _SHOWN:,} tokens … ", *parts[-_SHOWN:]]
        found.append(("".join(parts), row[i][1]))
        i = j
    return found


def show(masked: list[Masked], console: Any = None) -> None:
    """Print rows: what is trained in green and in double brackets, the rest dim."""
    from rich.console import Console
    from rich.text import Text

    console = console or Console()
    console.print(Text(f"In the loss is what stands in {_OPEN}{_CLOSE}:", style="bold"))
    for row in masked:
        kept = sum(trained for _, trained in row.tokens)
        line = Text(f"{row.id}, {row.answer}: {kept:,} of {len(row.tokens):,} tokens\n", style="bold")
        for part, trained in stretches(row.tokens):
            text = visible(part)
            line.append(
                f"{_OPEN}{text}{_CLOSE}" if trained else text, style="not bold green" if trained else "not bold dim"
            )
        console.print(line, highlight=False)
