"""Preference sets as they lie on disk, in whatever public shape, as prompt, chosen and rejected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl

from curate import sources
from curate.pairs.shortcuts.result import ShortcutError, Shortcuts
from curate.pairs.shortcuts.scoring import FOLDS, opening, openings, rules
from curate.pairs.shortcuts.summary import verdict, warned
from curate.pairs.shortcuts.words import words
from curate.rows import Bad, Batch, Part, SourceError, SourceMissing, hash01
from curate.sources.files import kind
from curate.thoughts import answers

_COLUMNS = ("file_id", "prompt", "chosen", "rejected")
_READERS = {".parquet": "parquet", ".csv": "csv", ".tsv": "csv"}  # of `curate.sources`
_FILES = ("train.parquet", "*.parquet", "*.jsonl*", "*.json*")  # of a folder, what is looked for, in this order


def read(path: Path) -> tuple[pl.DataFrame, Sequence[Bad]]:
    """Read pairs from an output folder of curate, or from parquet, JSON lines (packed or not), JSON or CSV.

    Answers may be texts, lists of messages (the prompt beside them or in them) or transcripts as in HH-RLHF; of
    messages the last turn is the answer. Returns the columns prompt, chosen and rejected, and id if there is one, and
    the records that could not be read.

    Raises:
        SourceError: when there is no such file, or it cannot be read.
        ShortcutError: when it holds no pairs.
    """
    batches = [batch for file in _files(path) for batch in _batches(file)]
    # Readers keep a file's own ids as `file_id`.
    frames = [batch.rows.select(name for name in _COLUMNS if name in batch.rows.columns) for batch in batches]
    rows = pl.concat(frames, how="diagonal_relaxed").rename({"file_id": "id"}, strict=False)
    if "id" in rows.columns:
        named = pl.col("id").cast(pl.String).fill_null("")
        rows = rows.drop("id") if rows.schema["id"].is_nested() else rows.with_columns(named)
    bad = [record for batch in batches for record in batch.bad]
    lacking = next((name for name in ("chosen", "rejected") if name not in rows.columns), None)
    if lacking:
        first = f"; {bad[0].where}: {bad[0].error}" if bad else ""
        raise ShortcutError(f"{path} holds no pairs: there is no column '{lacking}'{first}")
    return rows, bad


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = next((files for pattern in _FILES if (files := sorted(path.glob(pattern)))), None)
    if files is None:
        raise SourceMissing(f"the folder {path} holds no set: no train.parquet, nor other parquet or JSON lines files")
    return files


def _batches(file: Path) -> list[Batch]:
    reader: Callable[..., list[Part]] = getattr(sources, _READERS.get(kind(file), "jsonl"))
    try:
        return _read(reader, file)
    except SourceMissing:
        raise
    except SourceError as error:
        # Nearly every rule looks at answers alone, so pairs without prompts are read too. The readers ask for a prompt
        # unless told that a column is the response.
        with suppress(SourceError):
            batches = _read(reader, file, columns={"response": "chosen"})
            if any(batch.rows.height for batch in batches):
                return [Batch(batch.rows.rename({"response": "chosen"}), batch.bad) for batch in batches]
        # What the readers advise is for recipes.
        raise ShortcutError(f"no pairs of answers to read: {str(error).partition('. Map it: ')[0]}") from None


def _read(reader: Callable[..., list[Part]], file: Path, **params: Any) -> list[Batch]:
    return [batch for part in reader(file, **params) for batch in part.read(10_000)]


def shortcuts(
    pairs: pl.DataFrame, *, chosen: str = "chosen", rejected: str = "rejected", prompt: str = "prompt", seed: int = 0
) -> Shortcuts:
    """Say what simple rules alone would get right of a set of pairs: one-line rules, the opening word, words.

    A preference set teaches whatever tells its two sides apart. Where “more emoji” does, a model may learn that.
    Rules that learn (the opening word, the words) are tried on prompts that they have not learnt from; `seed` draws
    these. The rows' order does not matter. A row without both answers is left out and counted; thoughts before an
    answer are no part of it.

    Raises:
        ShortcutError: when there are no pairs: a column is missing, holds no text, or no row has both answers.

    >>> rows = pl.DataFrame({"prompt": ["1?", "2?"], "chosen": ["One 😊", "Two 😊"], "rejected": ["One.", "Two."]})
    >>> report = shortcuts(rows)
    >>> report["rules"][0]["direction"], report["rules"][0]["accuracy"], report["words"]
    ('more emoji', 1.0, None)
    """
    frame = _pairs(pairs, chosen, rejected, prompt, seed)
    learnt = words(frame)
    first = sorted([*rules(frame["chosen"], frame["rejected"]), opening(frame)], key=lambda score: -score["accuracy"])
    report: Shortcuts = {
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
    report["warned"] = warned(report)
    report["verdict"] = verdict(report)
    return report


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
    )
    frame = frame.with_columns(map(answers, frame["chosen", "rejected"])).drop_nulls(["chosen", "rejected"])
    if not frame.height:
        raise ShortcutError("shortcuts are looked for in pairs: no row has both answers")
    frame = frame.sort("id", "group", "chosen", "rejected")
    # A pair whose prompt is not known stands for itself.
    alone = pl.format("{}\x1f{}\x1f{}", "id", "chosen", "rejected")
    frame = frame.with_columns(pl.col("group").fill_null(alone)).with_columns(draw=hash01("group", seed, "shortcuts"))
    # By rank, not by the number itself, so that small sets too have folds of one size.
    return frame.with_columns(fold=(pl.col("draw").rank("dense") - 1) % FOLDS)
