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
# TeX between dollars, brackets or \\begin and \\end. An opening $ stands after no letter and before no blank,
# and a closing one before no letter or digit, or prices would open formulas.
FORMULAS = (
    r"\$\$(?s:.*?)\$\$|\\\[(?s:.*?)\\\]|\\\((?s:.*?)\\\)|\\begin\{(?s:.*?)\\end\{[a-z]+\*?\}"
    r"|\B\$[^\s$](?:(?:[^$\n]|\n[^$\n])*[^\s$])?\$\B|\$ [^\d\s$][^$\n]* \$"
)


def span(text: pl.Expr, pattern: str) -> pl.Expr:
    """Show the first place where a pattern is found, with up to 40 characters on either side, on one line."""
    found = text.str.extract(_around(pattern), 1)
    return found.str.replace_all(r"\s+", " ").str.strip_chars()


def check_pattern(pattern: str) -> None:
    """Raise ValueError with the reason in one sentence if polars cannot take a regular expression."""
    for tried in (pattern, _around(pattern)):
        try:
            pl.Series([""]).str.contains(tried)
        except pl.exceptions.ComputeError as error:
            said = str(error).split("\n\n")[0]
            reason = re.split(r"error: ", said)[-1].rstrip(".")
            raise ValueError(f"{pattern!r} is no regular expression for polars: {reason}") from None


def leave_out(text: pl.Expr, patterns: list[str]) -> pl.Expr:
    """Replace what any of the patterns finds by [...]; where two overlap, the first to begin counts."""
    return text.str.replace_all(ascii_boundaries("|".join(patterns)), "[...]") if patterns else text


def found_outside(column: str, pattern: str, stretches: list[list[str]]) -> pl.Expr:
    """Hold if a pattern is found in a text outside some stretches, which are left out one group after another.

    Looking for stretches costs ten times as much as looking for the pattern, so it is done only in texts that hold the
    pattern at all: leaving something out never makes one, since [...] has no letters and ends at no letter.
    """
    judge = partial(_found_outside, pattern=pattern, stretches=stretches)
    found: pl.Expr = pl.col(column).map_batches(judge, return_dtype=pl.Boolean, is_elementwise=True)
    return found


def _found_outside(texts: pl.Series, pattern: str, stretches: list[list[str]]) -> pl.Series:
    found = texts.cast(pl.String).str.contains(pattern)
    at = found.arg_true()
    if not at.len() or not stretches:
        return found
    rest = pl.col(texts.name)
    for patterns in stretches:
        rest = leave_out(rest, patterns)
    closer = texts.gather(at).to_frame().select(rest.str.contains(pattern)).to_series()
    return found.scatter(at, closer)


def ascii_boundaries(pattern: str) -> str:
    r"""Let \b look at ASCII letters alone.

    With a Unicode \b the engine leaves its fast path on every text that holds another letter, which is also
    why the mark of `leave_out` is ASCII: on Stack Exchange answers 220 ms a megabyte became 14.
    """
    return re.sub(r"(?<!\\)\\b", r"(?-u:\\b)", pattern)


def _around(pattern: str) -> str:
    # A group of its own keeps the pattern's alternatives and flags to itself.
    return rf"((?s:.{{0,40}}?)(?:{pattern})(?s:.{{0,40}}))"
