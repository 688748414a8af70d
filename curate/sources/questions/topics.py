"""A file of topics: groups of topics, and for each topic questions that people wrote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from curate.models.generators.ask import seed_of
from curate.rows import Batch, Part, SourceError, SourceMissing
from curate.sources.columns import describe
from curate.sources.questions.rouge import words

_FORM = "topics are written as `group:`, below it `topic:`, below that `- a question?`"
_LETTERS = 5  # of a word tell what it is about, whatever its ending
_ONE_IN = 30  # topics may have a word that is still one topic's own


@dataclass
class Topic:
    """A topic: the questions that people wrote for it, how many are wanted, and those that were made.

    `own` are beginnings of words that its name and those questions have, and hardly another topic's.
    """

    name: str
    group: str | None
    seeds: list[str]
    own: frozenset[str] = frozenset()
    quota: int = 0
    accepted: list[str] = field(default_factory=list)

    @property
    def missing(self) -> int:
        """Count the questions it lacks."""
        return self.quota - len(self.accepted)

    def owns(self, question: str) -> bool:
        """Say whether a question has a word of the topic's own. One without may be about the topic all the same."""
        return not self.own.isdisjoint(_beginnings(question))


def parse(text: str) -> list[Topic]:
    """Read topics in their order; groups may be left out.

    Raises SourceError in words for what is no list of topics, a topic without a question, one that is there twice.

    >>> [(topic.group, topic.name) for topic in parse("food: {soup: ['Is borscht cold?'], tea: ['How hot?']}")]
    [('food', 'soup'), ('food', 'tea')]
    """
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a number or a date in it may be none
        raise SourceError(f"the topics are no YAML: {' '.join(str(error).split())[:300]}") from None
    if not isinstance(data, dict) or not data:
        raise SourceError(f"there are no topics: {_FORM}")
    topics = [_topic(group, name, seeds) for group, name, seeds in _listed(data)]
    names = [topic.name for topic in topics]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise SourceError(f"the topic '{twice}' is there twice")
    _find_own(topics)
    return topics


def share(topics: Sequence[Topic], total: int, seed: int) -> None:
    """Say how many questions each topic is to have: `total` in equal parts, and one more for some drawn by hash."""
    each, more = divmod(total, len(topics))
    drawn = sorted(topics, key=lambda topic: seed_of(seed, topic.name, "one more"))
    for i, topic in enumerate(drawn):
        topic.quota = each + (i < more)


def _find_own(topics: Sequence[Topic]) -> None:
    stems = [_beginnings(" ".join([topic.name, *topic.seeds])) for topic in topics]
    holding = Counter(word for one in stems for word in one)
    most = max(1, len(topics) // _ONE_IN)
    for topic, one in zip(topics, stems, strict=True):
        topic.own = frozenset(word for word in one if holding[word] <= most)


def _beginnings(text: str) -> set[str]:
    return {word[:_LETTERS] for word in words(text) if len(word) > 2}


def _listed(data: dict[Any, Any]) -> Iterator[tuple[str | None, Any, Any]]:
    for name, below in data.items():
        if isinstance(below, dict):
            yield from ((str(name), topic, seeds) for topic, seeds in below.items())
        else:
            yield None, name, below


def _topic(group: str | None, name: Any, seeds: Any) -> Topic:
    if not isinstance(seeds, list) or not seeds:
        raise SourceError(f"the topic '{name}' has no questions to start from: {_FORM}")
    if wrong := [seed for seed in seeds if not isinstance(seed, str) or not seed.strip()]:
        raise SourceError(
            f"the topic '{name}' has a question that is no text (a colon in it needs quotes): {describe(wrong[0])}"
        )
    return Topic(str(name), group, [seed.strip() for seed in seeds])


_SCHEMA = dict.fromkeys(("prompt", "domain", "group", "license"), pl.String())
_LICENSE = "Apache-2.0"  # of the packaged ones, which were written for this project


def topics(*, path: Path | None = None, ask: str = "{question}") -> list[Part]:
    """Read the questions of a topics file as prompts: short ones, that somebody would really type.

    They are what `questions` takes as examples for a model that makes more of them. A row has the question as `prompt`,
    the topic as `domain`, and its `group`.

    Args:
        path: a topics file (YAML: groups, topics, questions); 102 topics with two questions each are packaged.
        ask: how a question is put, with {question} in it: "{question} Reply in two short sentences."

    Raises:
        SourceMissing: when there is no such file.
        SourceError: when `ask` has no place for the question; while reading, for what is no list of topics.

    >>> [part.name for part in topics()]
    ['topics']
    """
    file = path or Path(str(resources.files("curate.recipes") / "topics.yaml"))
    if not file.is_file():
        raise SourceMissing(f"there is no topics file {file}")
    if "{question}" not in ask:
        raise SourceError(f"ask has no {{question}} in it: {ask!r}")
    return [Part(file.stem, (file,), partial(_read, file, ask, None if path else _LICENSE))]


def _read(file: Path, ask: str, license_: str | None, batch_rows: int) -> Iterator[Batch]:
    try:
        listed = parse(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise SourceError(f"{file} is not UTF-8 (byte {error.start + 1}): save it as UTF-8") from None
    rows = [
        (ask.replace("{question}", seed), topic.name, topic.group, license_) for topic in listed for seed in topic.seeds
    ]
    for i in range(0, len(rows), batch_rows):
        yield Batch(pl.DataFrame(rows[i : i + batch_rows], schema=_SCHEMA, orient="row"))
