"""Rows as the loss sees them: what is trained and what is not, for the screen and for a file."""

from __future__ import annotations

from typing import Any, NamedTuple

from curate.train.preflight.seen import Answers
from curate.visible import visible

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
