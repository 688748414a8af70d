"""A plan: a recipe that was checked, as data that a run goes by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import polars as pl

from curate.errors import UserError
from curate.models.generators.generator import Generator
from curate.models.judges.judge import Judge
from curate.own import is_own
from curate.recipe.overrides import Overrides
from curate.recipe.step import Step
from curate.rows import Batch, Part, SourceError, tried
from curate.sources.misread import misread
from curate.sources.remote import parts as parts_at

Shortfall = Literal["fail", "accept", "redistribute"]
Thoughts = Literal["keep", "drop"]
Format = Literal[
    "prompt_completion", "messages", "openai", "alpaca", "sharegpt",
    "preference", "implicit", "unpaired", "prompts", "hh",
]  # fmt: skip


@dataclass(frozen=True)
class Read:
    """How to read something: the reader, its parameters, the objects that they name, and where the recipe says so."""

    name: str
    function: Callable[..., Any]
    params: dict[str, Any]
    place: str
    objects: dict[str, Any] = field(default_factory=dict, compare=False)

    def parts(self) -> list[Part]:
        """List what there is to read."""
        with self._in_words():
            parts = parts_at(self.function, {**self.params, **self.objects})
        wrong = next((type(part).__name__ for part in parts if not isinstance(part, Part)), None)
        if wrong:
            raise SourceError(f"'{self.name}' gave a {wrong}, where a list of `curate.rows.Part` is needed")
        return parts

    def tried(self) -> str:
        """Say where its files were looked for."""
        return "".join(tried(value) for value in self.params.values() if isinstance(value, Path))

    def fetched(self) -> str:
        """Say how its files come to where they are looked for, if they are a public source."""
        from curate.sources.public import fetched

        return "".join(fetched(value) for value in self.params.values() if isinstance(value, Path))

    def misread(self) -> str | None:
        """Say what to do about a file of another kind than the reader reads, if one of its paths is such a file."""
        files = [value for value in self.params.values() if isinstance(value, Path) and value.is_file()]
        return next(filter(None, (misread(file, self.name) for file in files)), None)

    def batches(self, part: Part, batch_rows: int) -> Iterator[Batch]:
        """Read a part."""
        with self._in_words():
            for batch in part.read(batch_rows):
                if not isinstance(batch, Batch) or not isinstance(batch.rows, pl.DataFrame):
                    raise TypeError(f"it gives {type(batch).__name__}, where a Batch of rows is needed")
                yield batch

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """Say in one sentence what a reader of the user's own raises, which may be anything."""
        try:
            yield
        except UserError:
            raise
        except Exception as error:
            if not is_own(self.function):
                raise
            raise SourceError(f"'{self.name}' raised {type(error).__name__}: {error}") from None


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
    thoughts: Thoughts  # of the rows in the set
    extra: dict[str, Read]  # dev, test_prompts: prompts that are written beside the set
    raw: dict[str, Any] = field(compare=False)
    dev: int | float | None = None  # rows that are held out, or their share
    file: str = ""
    folder: Path | None = None  # where relative paths start first
    generators: dict[str, Generator] = field(default_factory=dict, compare=False)
    judges: dict[str, Judge] = field(default_factory=dict, compare=False)
    texts: dict[str, str] = field(default_factory=dict)  # what the text files say that the recipe names
    overrides: Overrides = field(default_factory=Overrides)  # what people decided about rows
    unrun: tuple[str, ...] = ()  # functions of the user's own that were not loaded, since the recipe is not trusted
