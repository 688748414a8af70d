"""A generator for the examples of this package: a function in place of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from curate.models.generators.ask import Answer, Ask, Settings
from curate.models.generators.generator import Generator
from curate.turns import Turn


class _Function:
    context = None

    def __init__(self, reply: Callable[[Ask], str]) -> None:
        self.reply = reply

    def prompt_tokens(self, messages: Sequence[Turn], tools: str | None = None) -> int | None:
        return None

    def answer(self, asks: Sequence[Ask], sampling: Mapping[str, Any]) -> Iterator[tuple[int, Answer]]:
        for i, ask in enumerate(asks):
            yield i, Answer(self.reply(ask), "stop", 0, 0)

    def close(self) -> None:
        pass


def says(reply: Callable[[Ask], str], name: str = "example") -> Generator:
    """Make a generator that replies what a function says.

    >>> from curate.models.generators.ask import Ask
    >>> model = says(lambda ask: f"{ask.messages[-1]['content']}!")
    >>> model.ask([Ask([{"role": "user", "content": "Hi"}], seed=0)])[0].text
    'Hi!'
    """
    return Generator(Settings("function", name, address="here"), lambda: _Function(reply), name)
