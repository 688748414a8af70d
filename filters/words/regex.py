"""Regular expressions as polars runs them (Rust's `regex`): checked, fast, shown with their surroundings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

import polars as pl

from curate.filters.compiled import voice
from curate.rows import text_of


def span(text: pl.Expr, patterns: list[str]) -> pl.Expr:
    """Show the first place where a pattern is found, with up to 40 characters on either side, on one line."""
    shown: pl.Expr = text.map_batches(partial(_show, patterns), return_dtype=pl.String, is_elementwise=True)
    return shown


def _show(patterns: list[str], texts: pl.Series) -> pl.Series:
    # Not by one pattern with .{0,40} at its ends, which is forty patterns to the engine.
    text, starts = pl.col("text"), [f"start {i}" for i in range(len(patterns))]
    places = (_hinted(text, p).str.find(p).alias(start) for p, start in zip(patterns, starts, strict=True))
    first = text_of(texts).to_frame("text").with_columns(places).with_columns(start=pl.min_horizontal(starts))
    match = pl.coalesce(
        pl.when(pl.col(start) == pl.col("start")).then(text).otherwise(pl.lit("")).str.extract(p, 0)
        for p, start in zip(patterns, starts, strict=True)
    )
    first = first.with_columns(match=match).with_columns(end=pl.col("start") + pl.col("match").str.len_bytes())
    before, after = (
        text.cast(pl.Binary).bin.slice(*part).cast(pl.String) for part in ((0, pl.col("start")), (pl.col("end"), None))
    )
    shown = pl.concat_str(before.str.tail(40), "match", after.str.head(40))
    return first.select(shown.str.replace_all(r"\s+", " ").str.strip_chars()).to_series().alias(texts.name)


def _hinted(text: pl.Expr, pattern: str) -> pl.Expr:
    """Empty texts that cannot hold a pattern: a count of signs takes the engine long, any number of them does not."""
    looser = re.sub(r"\{0,\d+\}\??", "*", pattern)
    return text if looser == pattern else pl.when(text.str.contains(looser)).then(text).otherwise(pl.lit(""))


def check_pattern(pattern: str) -> None:
    """Raise ValueError with the reason in one sentence if polars cannot take a regular expression."""
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError as error:
        reason = str(error).split("\n\n")[0].split("error: ")[-1].rstrip(".")
        raise ValueError(f"{pattern!r} is no regular expression for polars: {reason}") from None


def leave_out(text: pl.Expr, patterns: Sequence[str]) -> pl.Expr:
    """Replace what patterns find by [...]; of two that overlap the first to begin counts."""
    return text.str.replace_all(ascii_boundaries("|".join(patterns)), "[...]") if patterns else text


def holds_outside(
    column: str,
    patterns: list[str],
    kinds: int,
    without: Sequence[str] = (),
    hints: Sequence[str] = (),
) -> pl.Expr:
    """Hold if a pattern matches in a text without some stretches and then without what some patterns find.

    It is looked for there only in texts that hold it at all: leaving something out makes none that is meant, since
    [...] has no letters and ends at no letter. And that is asked only of texts that hold one of the hints: patterns
    that are quick to look for, one of which is found wherever one of the patterns is.
    """
    judge = partial(_holds_outside, patterns=patterns, kinds=kinds, without=without, hints=hints)
    verdicts: pl.Expr = pl.col(column).map_batches(judge, return_dtype=pl.Boolean, is_elementwise=True)
    return verdicts


def _holds_outside(
    texts: pl.Series, patterns: list[str], kinds: int, without: Sequence[str], hints: Sequence[str]
) -> pl.Series:
    text = pl.col("text")
    frame = text_of(texts).to_frame("text").with_row_index("row")
    verdicts = frame.select(pl.when(text.is_not_null()).then(False)).to_series().alias(texts.name)
    if hints:
        frame = frame.filter(pl.any_horizontal(text.str.contains(hint) for hint in hints))
    held = {f"pattern {i}": _hinted(text, pattern).str.contains(pattern) for i, pattern in enumerate(patterns)}
    frame = frame.with_columns(**held).filter(pl.any_horizontal(*held))
    frame = frame.with_columns(leave_out(voice.leave_out(text, kinds), without))
    outside = (
        pl.when(name).then(text).otherwise(pl.lit("")).str.contains(pattern)
        for name, pattern in zip(held, patterns, strict=True)
    )
    return verdicts.scatter(frame.filter(pl.any_horizontal(outside))["row"], True)


def ascii_boundaries(pattern: str) -> str:
    r"""Let \b look at ASCII letters alone.

    With a Unicode \b the engine leaves its fast path on every text that holds another letter, which is also
    why the mark of `leave_out` is ASCII: on Stack Exchange answers 220 ms a megabyte became 14.
    """
    return re.sub(r"(?<!\\)\\b", r"(?-u:\\b)", pattern)
