"""A generator whose engine is a function of what is asked, and cases to grade."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from curate.models.generators.ask import Answer, Ask, Failed, Settings
from curate.models.generators.generator import Generator
from curate.models.judges.judge import Case
from curate.turns import Turn

Reply = str | Answer | Failed


class Scripted:
    """An engine that replies what its function says."""

    context = None

    def __init__(self, reply: Callable[[Ask], Reply]) -> None:
        self.reply = reply
        self.asked: list[Ask] = []

    def prompt_tokens(self, messages: Sequence[Turn], tools: str | None = None) -> int | None:
        return None

    def answer(self, asks: Sequence[Ask], sampling: Mapping[str, Any]) -> Iterator[tuple[int, Answer | Failed]]:
        for i, ask in enumerate(asks):
            self.asked.append(ask)
            said = self.reply(ask)
            yield i, Answer(said, "stop", 10, 5) if isinstance(said, str) else said

    def close(self) -> None:
        pass


def scripted(reply: Callable[[Ask], Reply], journal: Path | None = None) -> tuple[Generator, list[Ask]]:
    """Make a generator, and the list that fills with what it is asked."""
    engine = Scripted(reply)
    # An address: it holds no model, so it does not push out one that other tests share.
    settings = Settings("scripted", "script", address="here")
    return Generator(settings, lambda: engine, journal=journal), engine.asked


def case(response: str, prompt: str = "Why is the sky blue?", *before: tuple[str, str], row: str = "r1") -> Case:
    """Make a case of an answer, with earlier turns as (role, content)."""
    turns = [{"role": role, "content": content} for role, content in before]
    return Case(row, [*turns, {"role": "user", "content": prompt}], response)
