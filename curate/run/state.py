"""A run under way: its settings, its stages, and what it found out for the manifest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from curate.cache import Cache, Entry
from curate.errors import UserError
from curate.recipe.plan import Recipe

ANSWERS = "answers"  # the folder among the stages that holds the generators' journals


class Tell(Protocol):
    """Hear of progress: what is being done, and how much of it since the last call.

    Where the end is known, `total` is all that there is to do; `tokens` were generated for it.
    """

    def __call__(self, what: str, rows: int, *, total: int | None = None, tokens: int = 0) -> None:
        """Take note of `rows` more done."""


def silent(what: str, rows: int, *, total: int | None = None, tokens: int = 0) -> None:
    """Hear nothing."""


class RunError(UserError):
    """Say in words why a run stopped; what was finished is kept for the next one."""


@dataclass
class Run:
    """One run under way: its settings, and what it found out."""

    recipe: Recipe
    stages: Cache
    batch_rows: int = 10_000
    limit: int | None = None
    tell: Tell = silent
    built: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    quarantine: list[Path] = field(default_factory=list)
    examples: list[Path] = field(default_factory=list)
    open: dict[str, int] = field(default_factory=dict)  # by step, the rows that another run would ask about again
    reasons: dict[str, list[Any]] = field(
        default_factory=dict
    )  # by step that makes, why rows have nothing, with counts
    notes: dict[str, dict[str, float]] = field(default_factory=dict)  # what selectors say of their choice as a whole
    pool: list[str] = field(default_factory=list)  # the stages that hold the rows which all steps left
    seconds: dict[str, float] = field(default_factory=dict)

    def hear(self) -> None:
        """Give the recipe's generators their place on disk, and an ear for how far they are."""
        of_judges = [generator for judge in self.recipe.judges.values() for generator in judge.generators]
        for generator in [*self.recipe.generators.values(), *of_judges]:
            generator.journal = self.stages.folder / ANSWERS
            generator.tell = lambda name, done, asked, tokens: self.tell(name, done, total=asked, tokens=tokens)

    def stage(
        self,
        name: str,
        label: str,
        depends: dict[str, Any],
        build: Callable[[Path], dict[str, Any]],
        keep: Callable[[dict[str, Any]], bool] = lambda meta: True,
    ) -> Entry:
        """Get a stage and note whether it had to be built."""
        stage = self.stages.get(name, depends, build, keep=keep)
        (self.reused if stage.reused else self.built).append(label)
        return stage
