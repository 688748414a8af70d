"""A file of topics: groups of topics, and for each topic questions that people wrote."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from curate.rows import SourceError
from curate.sources._selfinstruct import Topic

_FORM = "topics are written as `group:`, below it `topic:`, below that `- a question?`"


def parse(text: str) -> list[Topic]:
    """Read topics in their order; groups may be left out.

    Raises SourceError in words for what is no list of topics, a topic without a question, one that is there twice.

    >>> [(topic.group, topic.name) for topic in parse("food: {soup: [Is borscht cold?], tea: ['How hot?']}")]
    [('food', 'soup'), ('food', 'tea')]
    """
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SourceError(f"the topics are no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict) or not data:
        raise SourceError(f"there are no topics: {_FORM}")
    topics = [_topic(group, name, seeds) for group, name, seeds in _listed(data)]
    names = [topic.name for topic in topics]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise SourceError(f"the topic '{twice}' is there twice")
    return topics


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
        raise SourceError(f"the topic '{name}' has a question that is no text (a colon in it needs quotes): {wrong[0]}")
    return Topic(str(name), group, [seed.strip() for seed in seeds])
