"""The shortcuts of a preference set: what simple rules alone would get right."""

from __future__ import annotations

import polars as pl

from curate.rows import hash01
from curate.shortcuts.contract import ShortcutError, Shortcuts
from curate.shortcuts.scoring import FOLDS, opening, openings, rules
from curate.shortcuts.telling import verdict, warned
from curate.shortcuts.words import words


def shortcuts(
    pairs: pl.DataFrame, *, chosen: str = "chosen", rejected: str = "rejected", prompt: str = "prompt", seed: int = 0
) -> Shortcuts:
    """Say what simple rules alone would get right of a set of pairs: one-line rules, the opening word, words.

    A preference set teaches whatever tells its two sides apart. Where “more emoji” does, a model may learn that.
    Rules that learn (the opening word, the words) are tried on prompts that they have not learnt from; `seed` draws
    these. The rows' order does not matter. A row without both answers is left out and counted.

    Raises:
        ShortcutError: when there are no pairs: a column is missing, holds no text, or no row has both answers.

    >>> rows = pl.DataFrame({"prompt": ["1?", "2?"], "chosen": ["One 😊", "Two 😊"], "rejected": ["One.", "Two."]})
    >>> found = shortcuts(rows)
    >>> found["rules"][0]["direction"], found["rules"][0]["accuracy"], found["words"]
    ('more emoji', 1.0, None)
    """
    frame = _pairs(pairs, chosen, rejected, prompt, seed)
    learnt = words(frame)
    first = sorted([*rules(frame["chosen"], frame["rejected"]), opening(frame)], key=lambda found: -found["accuracy"])
    found: Shortcuts = {
        "pairs": frame.height,
        "prompts": frame["group"].n_unique(),
        "left_out": pairs.height - frame.height,
        "rules": first,
        "openings": openings(frame),
        "words": None if isinstance(learnt, str) else learnt,
        "no_words": learnt if isinstance(learnt, str) else None,
        "warned": [],
        "verdict": [],
    }
    found["warned"] = warned(found)
    found["verdict"] = verdict(found)
    return found


def _pairs(pairs: pl.DataFrame, chosen: str, rejected: str, prompt: str, seed: int) -> pl.DataFrame:
    """Take the pairs that have both answers, in one order, and give every prompt a fold."""
    for name in (chosen, rejected):
        if name not in pairs.columns:
            raise ShortcutError(f"shortcuts are looked for in pairs: there is no column '{name}'")
        if pairs.schema[name] != pl.String:
            raise ShortcutError(f"the column '{name}' holds {pairs.schema[name]}, where text is needed")
    frame = pairs.select(
        pl.col("id").cast(pl.String) if "id" in pairs.columns else pl.lit("").alias("id"),
        (pl.col(prompt).cast(pl.String) if pairs.schema.get(prompt) == pl.String else pl.lit(None)).alias("group"),
        pl.col(chosen).alias("chosen"),
        pl.col(rejected).alias("rejected"),
    ).drop_nulls(["chosen", "rejected"])
    if not frame.height:
        raise ShortcutError("shortcuts are looked for in pairs: no row has both answers")
    frame = frame.sort("id", "group", "chosen", "rejected")
    # A pair whose prompt is not known stands for itself.
    alone = pl.format("{}\x1f{}\x1f{}", "id", "chosen", "rejected")
    frame = frame.with_columns(pl.col("group").fill_null(alone)).with_columns(draw=hash01("group", seed, "shortcuts"))
    # By rank, not by the number itself, so that small sets too have folds of one size.
    return frame.with_columns(fold=(pl.col("draw").rank("dense") - 1) % FOLDS)
