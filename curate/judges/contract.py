"""What is asked of a judge, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from curate.generators.contract import Turn
from curate.generators.generator import Generator


class Case(NamedTuple):
    """An answer to be graded: its row, the conversation before it, the answer."""

    id: str
    messages: Sequence[Turn]
    response: str


class Grade(NamedTuple):
    """A grade: one number (greater is better), and the parts it was made of.

    Without a number, `why` says why there is none; `again` says whether a later run should ask once more.
    """

    score: float | None
    parts: Mapping[str, float] = {}
    why: str | None = None
    again: bool = False


@dataclass(frozen=True)
class Judge:
    """A judge: a function from cases to grades, one each and in their order.

    `about` describes it as data, for keys and the manifest; `generators` are those it asks, for a run to keep their
    answers.
    """

    grade: Callable[[Sequence[Case]], list[Grade]] = field(repr=False)
    about: Mapping[str, Any]
    name: str = ""
    generators: tuple[Generator, ...] = field(default=(), repr=False)

    def describe(self) -> Mapping[str, Any]:
        """Describe the judge as data."""
        return self.about
