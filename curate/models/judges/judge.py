"""What is asked of a judge, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from curate.models.generators.generator import Generator
from curate.turns import Turn

Better: TypeAlias = Literal["first", "second", "tie"]
BETTER: tuple[Better, ...] = ("first", "second", "tie")


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


class Pairing(NamedTuple):
    """Two answers to be compared, in the order in which the judge sees them: their row, the conversation, the texts."""

    id: str
    messages: Sequence[Turn]
    first: str
    second: str


class Comparison(NamedTuple):
    """Which of two answers is better, and the parts that this rests on.

    Without a verdict, `why` says why there is none; `again` says whether a later run should ask once more.
    """

    better: Better | None
    parts: Mapping[str, float] = {}
    why: str | None = None
    again: bool = False


@dataclass(frozen=True)
class Judge:
    """A judge: a function from cases to grades, one each and in their order.

    `about` describes it as data, for keys and the manifest; `generators` are those it asks, for a run to keep their
    answers. One that compares has `compare`, from pairings to comparisons; all others compare by their grades.
    """

    grade: Callable[[Sequence[Case]], list[Grade]] = field(repr=False)
    about: Mapping[str, Any]
    name: str = ""
    generators: tuple[Generator, ...] = field(default=(), repr=False)
    compare: Callable[[Sequence[Pairing]], list[Comparison]] | None = field(default=None, repr=False)

    def describe(self) -> Mapping[str, Any]:
        """Describe the judge as data."""
        return self.about


def grades_none(cases: Sequence[Case]) -> list[Grade]:
    """Grade as a judge does that only compares: no answer has a grade, and each says why."""
    return [Grade(None, why="this judge compares two answers and grades none") for _ in cases]
