"""Rows as the loss sees them, on the screen: the text of each token, and whether it is trained."""

from __future__ import annotations

from itertools import groupby
from typing import Any, NamedTuple

from curate.errors import visible
from curate.train.preflight.context import Answers, read

_ENDS = 24  # tokens shown at each end of a long stretch
_OPEN, _CLOSE = "[[", "]]"  # around what is trained, so that it is legible without colour


class Masked(NamedTuple):
    """A row as the loss sees it: its tokens' texts, each with whether it is trained."""

    id: str
    answer: str
    tokens: list[tuple[str, bool]]


def masks(trainer: Any, rows: int = 3) -> list[Masked]:
    """Give the first rows of a trainer's set as the loss sees them."""
    few = trainer.train_dataset.select(range(min(rows, len(trainer.train_dataset))))
    keeps_start = getattr(trainer.args, "truncation_mode", "keep_start") == "keep_start"
    answers = read(few, getattr(trainer.args, "max_length", None), keeps_start)
    tokenizer = trainer.processing_class
    return [Masked(one.ids[i], one.name, _texts(one, i, tokenizer)) for i in range(len(few)) for one in answers]


def _texts(answers: Answers, i: int, tokenizer: Any) -> list[tuple[str, bool]]:
    """Give a row's tokens as text; tokens that only together are a character come together."""
    tokens, trained = answers.row(i)
    texts: list[tuple[str, bool]] = []
    part: list[int] = []
    for token, flag in zip(tokens.tolist(), trained.tolist(), strict=True):
        part.append(token)
        text = tokenizer.decode(part)
        if "\ufffd" not in text or len(part) == 4:  # a character has four bytes at most
            texts.append((text, bool(flag)))
            part = []
    return texts + ([(tokenizer.decode(part), bool(trained[-1]))] if part else [])


def stretches(row: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """Join neighbouring tokens that are all trained or all not, leaving out the middle of long stretches.

    >>> stretches([("a", False), ("b", True), ("c", True)])
    [('a', False), ('bc', True)]
    """
    result = []
    for trained, group in groupby(row, key=lambda token: token[1]):
        texts = [text for text, _ in group]
        if len(texts) > 3 * _ENDS:
            texts = [*texts[:_ENDS], f" … {len(texts) - 2 * _ENDS:,} tokens … ", *texts[-_ENDS:]]
        result.append(("".join(texts), trained))
    return result


def show(masked: list[Masked], console: Any = None) -> None:
    """Print rows: what is trained in green and in double brackets, the rest dim."""
    from rich.console import Console
    from rich.text import Text

    console = console or Console()
    console.print(Text(f"In the loss is what stands in {_OPEN}{_CLOSE}:", style="bold"))
    for row in masked:
        count = sum(trained for _, trained in row.tokens)
        line = Text(f"{row.id}, {row.answer}: {count:,} of {len(row.tokens):,} tokens\n", style="bold")
        for part, trained in stretches(row.tokens):
            text = visible(part)
            line.append(
                f"{_OPEN}{text}{_CLOSE}" if trained else text, style="not bold green" if trained else "not bold dim"
            )
        console.print(line, highlight=False)
