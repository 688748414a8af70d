"""What is asked of a judge, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from curate.models.generators.generator import Generator
from curate.thoughts import split
from curate.turns import Turn, answer, without_thoughts

Better: TypeAlias = Literal["first", "second", "tie"]
BETTER: tuple[Better, ...] = ("first", "second", "tie")


class Case(NamedTuple):
    """An answer to be graded: its row, the conversation before it, the answer.

    `turns` are those of an answer that come before its text, calls of tools and their results; `tools` describes what
    there was to be called, as a row has it. Thoughts are no part of any of it.
    """

    id: str
    messages: Sequence[Turn]
    response: str
    turns: Sequence[Turn] = ()
    tools: str | None = None


class Grade(NamedTuple):
    """A grade: one number (greater is better), and the parts it was made of.

    Without a number, `why` says why there is none; `again` says whether a later run should ask once more.
    """

    score: float | None
    parts: Mapping[str, float] = {}
    why: str | None = None
    again: bool = False


class Pairing(NamedTuple):
    """Two answers to be compared, in the order in which the judge sees them: their row, the conversation, the texts.

    The other fields are those of a `Case`.
    """

    id: str
    messages: Sequence[Turn]
    first: str
    second: str
    first_turns: Sequence[Turn] = ()
    second_turns: Sequence[Turn] = ()
    tools: str | None = None


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


def answer_of(row: Mapping[str, Any], column: str = "response") -> tuple[list[Turn], str | None]:
    """Take an answer as a judge sees it: the turns before its text, and the text; neither with thoughts.

    There is no text where there is no answer: none at all, nothing but thoughts, or a call of a tool.

    >>> answer_of({"response": "<think>2 + 2</think>4"}), answer_of({"response": "<think>2 +"})
    (([], '4'), ([], None))
    """
    *before, last = without_thoughts(answer(row, column)) or [{}]
    text = None if last.get("tool_calls") else last.get("content")
    return before, text and split(text).answer


def grades_none(cases: Sequence[Case]) -> list[Grade]:
    """Grade as a judge does that only compares: no answer has a grade, and each says why."""
    return [Grade(None, why="this judge compares two answers and grades none") for _ in cases]
