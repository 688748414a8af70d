"""Regular expressions as polars runs them (Rust's `regex`): checked, fast, shown with their surroundings."""

from __future__ import annotations

import re
from functools import partial

import polars as pl

# Fenced and inline code and web addresses: letters that are no words. A fence left open runs to the end.
CODE = (
    r"(?m:^[ \t>]*```)(?s:.*?)(?:```|\z)|(?m:^[ \t>]*~~~)(?s:.*?)(?:~~~|\z)"
    r"|``(?:[^`]|`[^`])*``|`[^`\n]*(?:\n[^`\n]+)*`|\bhttps?://[^\s)]+"
)
# Quoted lines (>) and quotations. An opening " or ' stands after no letter, so 5" and the dogs' are none.
QUOTES = (
    r"(?m:^[ \t]*(?:(?:[-*+]|\d+\.)[ \t]+)?>[^\n]*)"
    r'|\B"[^"\n]*(?:\n[^"\n]+)*"|“[^”\n]*(?:\n[^”\n]+)*”|«[^»\n]*»'
    r"|\B'[^\s'][^'\n]*(?:\b'\b[^'\n]*)*'\B|‘[^‘’\n]*(?:\b’\b[^‘’\n]*)*’\B"
)
# TeX between dollars, brackets or \\begin and \\end. An opening $ stands after no letter and before no blank,
# and a closing one before no letter or digit, or prices would open formulas.
FORMULAS = (
    r"\$\$(?s:.*?)\$\$|\\\[(?s:.*?)\\\]|\\\((?s:.*?)\\\)|\\begin\{(?s:.*?)\\end\{[a-z]+\*?\}"
    r"|\B\$[^\s$](?:(?:[^$\n]|\n[^$\n])*[^\s$])?\$\B|\$ [^\d\s$][^$\n]* \$"
)


def span(text: pl.Expr, pattern: str) -> pl.Expr:
    """Show the first place where a pattern is found, with up to 40 characters on either side, on one line."""
    return text.str.extract(_around(pattern), 1).str.replace_all(r"\s+", " ").str.strip_chars()


def check_pattern(pattern: str) -> None:
    """Raise ValueError with the reason in one sentence if polars cannot take a regular expression."""
    for variant in (pattern, _around(pattern)):
        try:
            pl.Series([""]).str.contains(variant)
        except pl.exceptions.ComputeError as error:
            reason = str(error).split("\n\n")[0].split("error: ")[-1].rstrip(".")
            raise ValueError(f"{pattern!r} is no regular expression for polars: {reason}") from None


def leave_out(text: pl.Expr, groups: list[list[str]]) -> pl.Expr:
    """Replace what patterns find by [...], one group after another; of two that overlap the first to begin counts."""
    for patterns in groups:
        text = text.str.replace_all(ascii_boundaries("|".join(patterns)), "[...]")
    return text


def holds_outside(column: str, pattern: str, groups: list[list[str]]) -> pl.Expr:
    """Hold if a pattern matches in a text outside some stretches, which are left out one group after another.

    Looking for stretches costs ten times as much as looking for the pattern, so it is done only in texts that hold the
    pattern at all: leaving something out never makes one, since [...] has no letters and ends at no letter.
    """
    judge = partial(_holds_outside, pattern=pattern, groups=groups)
    verdicts: pl.Expr = pl.col(column).map_batches(judge, return_dtype=pl.Boolean, is_elementwise=True)
    return verdicts


def _holds_outside(texts: pl.Series, pattern: str, groups: list[list[str]]) -> pl.Series:
    anywhere = texts.cast(pl.String).str.contains(pattern)
    rows = anywhere.arg_true()
    if not rows.len() or not groups:
        return anywhere
    outside = leave_out(pl.col(texts.name), groups).str.contains(pattern)
    return anywhere.scatter(rows, texts.gather(rows).to_frame().select(outside).to_series())


def ascii_boundaries(pattern: str) -> str:
    r"""Let \b look at ASCII letters alone.

    With a Unicode \b the engine leaves its fast path on every text that holds another letter, which is also
    why the mark of `leave_out` is ASCII: on Stack Exchange answers 220 ms a megabyte became 14.
    """
    return re.sub(r"(?<!\\)\\b", r"(?-u:\\b)", pattern)


def _around(pattern: str) -> str:
    # A group of its own keeps the pattern's alternatives and flags to itself.
    return rf"((?s:.{{0,40}}?)(?:{pattern})(?s:.{{0,40}}))"
