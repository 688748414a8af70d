"""What judging will cost, before it starts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from curate.evaluate.grades.side_by_side import compared
from curate.models.generators.ask import Ask, Failed, Result
from curate.models.generators.generator import Generator
from curate.models.judges.judge import Case, Judge, Pairing


class Cost(NamedTuple):
    """What a judge will ask of its generators.

    `asks` are all, `requests` those that have to be sent: each once, without what the journals know already.
    `characters` is the length of the prompts to be sent; what they are in tokens only the model knows.
    """

    asks: int
    requests: int
    characters: int


def cost_of(judge: Judge, asked: Sequence[Case] | Sequence[Pairing]) -> Cost:
    """Count what a judge would send for these cases or pairings; nothing is sent.

    The judge is called with generators that only take notes. One that asks further, by what it was answered, is not
    followed: for a function of your own that does so, the numbers are the least.

    >>> from curate.models.judges import verdict
    >>> from curate.pairs.example import says
    >>> case = Case("1", [{"role": "user", "content": "Hi"}], "Hello!")
    >>> found = cost_of(verdict(generator=says(lambda ask: "")), [case, case])
    >>> found.asks, found.requests, found.characters > 1000
    (2, 1, True)
    """
    with ExitStack() as noted:
        notes = [(generator, noted.enter_context(_noting(generator))) for generator in judge.generators]
        pairings = [one for one in asked if isinstance(one, Pairing)]
        cases = [one for one in asked if isinstance(one, Case)]
        if notes:
            compared(judge, pairings) if pairings else judge.grade(cases)
    sent = [ask for generator, asks in notes for ask in generator.missing(asks)]
    return Cost(sum(len(asks) for _, asks in notes), len(sent), sum(map(_length, sent)))


@contextmanager
def _noting(generator: Generator) -> Iterator[list[Ask]]:
    """Let a generator take notes for a while, and answer nothing."""
    notes: list[Ask] = []

    def note(asks: Sequence[Ask]) -> list[Result]:
        notes.extend(asks)
        return [Failed("it was only counted", again=True) for _ in asks]

    generator.ask = note  # type: ignore[method-assign] # in the instance only, until it is taken out again
    try:
        yield notes
    finally:
        del generator.ask


def _length(ask: Ask) -> int:
    return sum(len(turn["content"]) for turn in ask.messages)
