"""Questions that people wrote about topics, as they stand in a topics file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib import resources
from pathlib import Path

import polars as pl

from curate.rows import Batch, Part, SourceError, SourceMissing
from curate.sources._topics import parse

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
