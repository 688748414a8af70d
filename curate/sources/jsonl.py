"""JSON Lines, and JSON files that are one array: one object a row."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from curate.rows import Batch, Part
from curate.sources import files
from curate.sources.layout import Wanted, wanted
from curate.sources.records import batches, read, start, unit
from curate.sources.shapes import Shape

SUFFIXES = (".jsonl", ".ndjson", ".json", ".zst")


def jsonl(
    path: Path,
    *,
    columns: dict[str, str] | None = None,
    shape: Shape | None = None,
    domain: str | None = None,
    license: str | None = None,
) -> list[Part]:
    r"""Read JSON Lines, packed (.gz .bz2 .xz .zst) or not; also .json files that are one array.

    Broken UTF-8, broken JSON, a line that is no object, text that is not Unicode (half a surrogate pair) or a
    wrong value in a standard column make that record bad and no other. In an array, broken JSON makes the
    rest of the file bad: where the next item starts cannot be known. Of a key that stands twice the last
    value counts.

    Args:
        path: a file, a folder (its .jsonl, .ndjson and .json files, packed or not, and .zst dumps) or a glob.
        columns: column here -> column in the file, as in `{prompt: title}`.
        shape: how conversations and pairs are laid out; found by the keys when not given.
        domain: the domain of rows that have none.
        license: the licence of rows that have none.

    Raises:
        SourceMissing: when there is no such file.
        SourceError: when a column that is named is not there, or none holds a prompt.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a.jsonl"
    >>> _ = file.write_text('{"question": "2 + 2?", "answer": "4"}\n{"question": 5}\n')
    >>> [batch] = jsonl(file)[0].read(1000)
    >>> batch.rows.to_dicts(), batch.bad[0].where, batch.bad[0].error
    ([{'prompt': '2 + 2?', 'response': '4'}], 'line 2', 'prompt: expected text, got the number 5')
    """
    want = wanted(columns, shape, domain, license)
    found = files.parts(path, SUFFIXES, partial(_read, want))
    first = found[0].files[0]
    start(first, read(first), want)
    return found


def _read(want: Wanted, file: Path, batch_rows: int) -> Iterator[Batch]:
    stream, layout = start(file, read(file), want)
    yield from batches(file, stream, layout, unit(file), batch_rows)
