"""Records of a file of any format: the layout settled on the first of them, then all made rows, some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from curate.rows import Bad, Batch
from curate.sources import files
from curate.sources.columns import Record
from curate.sources.layout import HEAD, Layout, Options, settle


class Read(NamedTuple):
    """One record as it was read, with what is needed to say where it stood."""

    where: int  # line of the file, or item of the array
    raw: bytes
    size: int
    record: Record


# What the notes call records in another encoding.
NOT_UTF8 = "records that are not UTF-8: `encoding:` says what a file is in"
Stream = Iterator[Read | Bad]


def chunks(items: Iterable[Read | Bad], rows: int) -> Iterator[list[Read | Bad]]:
    """Group records into batches of at most so many rows, closed early at `BATCH_BYTES`."""
    chunk: list[Read | Bad] = []
    room = files.BATCH_BYTES
    for item in items:
        chunk.append(item)
        room -= item.size
        if len(chunk) >= rows or room <= 0:
            yield chunk
            chunk, room = [], files.BATCH_BYTES
    if chunk:
        yield chunk


def start(file: Path, stream: Stream, options: Options, *, text: bool = False) -> tuple[Stream, Layout]:
    """Settle the layout of a file on its first records; give the whole stream back.

    Raises:
        SourceError: when a column that was named is not there, or none holds a prompt.
    """
    head: list[Read | Bad] = []
    good, room = 0, files.BATCH_BYTES
    while good < HEAD and room > 0 and (item := next(stream, None)):
        head.append(item)
        good += isinstance(item, Read)
        room -= item.size
    records = [item.record for item in head if isinstance(item, Read)]
    after = list(islice(stream, 1))
    layout = settle(file, records, options, whole=not after, text=text)
    broken = sum(isinstance(item, Bad) and item.error.startswith("not UTF-8") for item in head)
    if broken and broken > sum(isinstance(item, Read) and not item.raw.isascii() for item in head):
        layout = replace(layout, utf8=False)
    return chain(head, after, stream), layout


def batches(file: Path, stream: Stream, layout: Layout, unit: str, batch_rows: int) -> Iterator[Batch]:
    """Yield rows and bad records, both in the order of the file."""
    for chunk in chunks(stream, batch_rows):
        rows, wrong = layout.rows([item.record for item in chunk if isinstance(item, Read)])
        bad = [item if not layout.utf8 else _without_guess(item) for item in _bad(file, unit, chunk, wrong)]
        layout.notes[NOT_UTF8] += sum(item.error.startswith("not UTF-8") for item in bad)
        yield Batch(rows, bad, dict(+layout.notes))


def _without_guess(bad: Bad) -> Bad:
    """Leave the guess out: one broken record among many that are UTF-8 tells nothing of the file."""
    return bad._replace(error=bad.error.partition(files.A_GUESS)[0])


def _bad(file: Path, unit: str, chunk: list[Read | Bad], wrong: dict[int, str]) -> Iterator[Bad]:
    """Give all that is bad in a batch; `wrong` counts only the records that could be parsed."""
    i = 0
    for item in chunk:
        if isinstance(item, Bad):
            yield item
            continue
        if i in wrong:
            yield files.bad(file, f"{unit} {item.where}", wrong[i], item.raw, item.size)
        i += 1
