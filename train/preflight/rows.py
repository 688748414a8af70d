"""Rows that vanish and rows that are cut: a set that is smaller than the one that was chosen, without a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from curate.train.findings import Finding, stop, warn
from curate.train.preflight.context import Context

# Our choice: DPO learns length from far less than a doubling (Park et al. 2024, arXiv 2403.19159).
_RATIO = 1.5
_SHARE = 0.8  # of the pairs in which the same side is longer


def vanished(context: Context) -> Iterator[Finding]:
    """Find rows of the file that are not in trl's set: it drops prompts that fill max_length, and says nothing."""
    if not context.answers:
        return
    rows = Counter(row.id for row in context.rows)
    trained = rows if context.packed else Counter(context.answers[0].ids)
    missing = [i for i, n in (rows - trained).items() for _ in range(n)]
    if missing:
        reason = "one of their answers is longer" if context.stage.grades else "their prompts fill it"
        yield stop(
            "vanished rows",
            f"{len(missing):,} of the {len(context.rows):,} rows are not in the set that trl trains on, since "
            f"max_length is {context.limit} and {reason}: {context.named(missing)}.",
            ids=missing,
            rows=len(context.rows),
            trained=sum(trained.values()),
        )


def cut(context: Context) -> Iterator[Finding]:
    """Find rows that max_length cuts: they lose the end that teaches the model to stop, or the beginning."""
    if not context.cut:
        return
    loss = "their prompts lose their beginnings"
    if context.keeps_start:
        loss = "their answers lose their ends, so that nothing teaches the model to stop there"
    yield stop(
        "cut rows",
        f"{len(context.cut):,} of the {len(context.rows):,} rows are cut at max_length {context.limit} (the longest "
        f"has {max(context.cut.values()):,} tokens), and {loss}: {context.named(context.cut)}.",
        ids=list(context.cut),
        tokens=list(context.cut.values()),
        max_length=context.limit,
    )


def too_long(context: Context) -> Iterator[Finding]:
    """Find rows that are longer than the positions a model knows."""
    config = getattr(context.trainer.model, "config", None)
    limit = getattr(config.get_text_config(), "max_position_embeddings", None) if config else None
    if not limit:
        return
    over = [i for answers in context.answers for i, n in zip(answers.ids, answers.lengths, strict=True) if n > limit]
    ids = sorted(set(over))
    if ids:
        yield stop(
            "positions",
            f"{len(ids):,} rows are longer than the {limit:,} positions the model knows: {context.named(over)}; "
            f"set max_length to {limit:,} at most, and shorten them.",
            ids=ids,
            max_position_embeddings=limit,
        )


def length_ratio(context: Context) -> Iterator[Finding]:
    """Find sets whose chosen answers are much longer or shorter than the rejected ones, or nearly always so."""
    import numpy as np

    sides = {answers.name: answers for answers in context.answers}
    if not {"chosen", "rejected"} <= sides.keys() or not sides["chosen"].ids:
        return
    # A row is never empty, so that reduceat adds up each row's own tokens.
    chosen, rejected = (np.add.reduceat(sides[s].trained, sides[s].starts[:-1]) for s in ("chosen", "rejected"))
    ratio = float(chosen.mean() / max(rejected.mean(), 1))
    longer, shorter = float((chosen > rejected).mean()), float((chosen < rejected).mean())
    if ratio > _RATIO or ratio < 1 / _RATIO or longer > _SHARE or shorter > _SHARE:
        share, how = (longer, "longer") if longer >= shorter else (shorter, "shorter")
        yield warn(
            "length ratio",
            f"chosen answers have {ratio:.2f} times the tokens of rejected ones and are {how} in {share:.0%} of the "
            "pairs: what is learned may be length; keep pairs by length_ratio, and judge answers of the same length",
            ratio=ratio,
            chosen_longer=longer,
            chosen_shorter=shorter,
        )
