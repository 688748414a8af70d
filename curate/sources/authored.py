"""The examples written for this project, which come with it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Literal

from curate.rows import Batch, Part, SourceMissing
from curate.sources.jsonl import read
from curate.sources.layout import Options
from curate.sources.records import batches, start

Split = Literal["train", "dialogues", "dev", "test"]
TRAINING: list[Split] = ["train", "dialogues"]


def authored(*, split: Split | list[Split] = TRAINING) -> list[Part]:
    """Read the packaged examples: what to train on, or the prompts to develop and test with.

    A dialogue is one row: its last user turn is the prompt, the answer to it the response, what comes
    before is the history. `dev` and `test` have prompts only; `test` says in `sensitive` which of them ask
    for care.

    Args:
        split: one or more of train (single turns), dialogues, dev and test.

    Raises:
        SourceMissing: when the installed package lacks them.

    >>> [part.name for part in authored(split="dev")]
    ['dev']
    """
    return [_part(name) for name in ([split] if isinstance(split, str) else split)]


def _part(split: Split) -> Part:
    file = Path(str(resources.files("curate.recipes") / "authored" / f"{split}.jsonl"))
    if not file.is_file():
        raise SourceMissing(f"the packaged examples lack {file.name}: install curate-lm again")
    return Part(split, (file,), partial(_read, file))


def _read(file: Path, batch_rows: int) -> Iterator[Batch]:
    stream, layout = start(file, read(file), Options({}))
    yield from batches(file, stream, layout, "line", batch_rows)
