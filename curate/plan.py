"""A plan: a recipe that was checked, as data that a run goes by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from curate.generators.generator import Generator
from curate.judges.contract import Judge
from curate.rows import Part
from curate.step import Step

Shortfall = Literal["fail", "accept", "redistribute"]
Format = Literal["prompt_completion", "messages", "alpaca", "sharegpt", "preference"]


@dataclass(frozen=True)
class Read:
    """How to read something: the reader, its parameters, the objects that they name, and where the recipe says so."""

    name: str
    function: Callable[..., Any]
    params: dict[str, Any]
    place: str
    given: dict[str, Any] = field(default_factory=dict, compare=False)

    def parts(self) -> list[Part]:
        """List what there is to read."""
        parts: list[Part] = self.function(**{**self.params, **self.given})
        return parts


@dataclass(frozen=True)
class Sample:
    """How a source's share is chosen: a selector that picks `n` rows, and its other parameters."""

    name: str
    function: Callable[..., Any]
    params: dict[str, Any]
    place: str


@dataclass(frozen=True)
class Source:
    """One source of a recipe: how it is read, its own steps, and its share of the set."""

    name: str
    read: Read
    optional: bool
    take: int | None
    steps: tuple[Step, ...]
    sample: Sample | None


@dataclass(frozen=True)
class Recipe:
    """A checked recipe; `raw` is what was written, `--set` applied, for the manifest."""

    name: str
    seed: int
    size: int | None
    shortfall: Shortfall
    max_bad: float
    sources: tuple[Source, ...]
    steps: tuple[Step, ...]
    formats: tuple[Format, ...]
    extra: dict[str, Read]  # dev, test_prompts
    raw: dict[str, Any] = field(compare=False)
    file: str = ""
    generators: dict[str, Generator] = field(default_factory=dict, compare=False)
    judges: dict[str, Judge] = field(default_factory=dict, compare=False)
    texts: dict[str, str] = field(default_factory=dict)  # what the text files say that the recipe names
