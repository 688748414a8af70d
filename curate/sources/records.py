"""Records of a file of any format: the layout settled on the first of them, then all made rows, some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import polars as pl

from curate.rows import Bad, Batch
from curate.sources import files
from curate.sources.columns import Record
from curate.sources.layout import HEAD, Layout, Options, settle

# So many records, or so many bytes of them, become columns at a time: they stay in the processor's cache till then.
_STEP, _STEP_BYTES = 1000, 2**22


class Read(NamedTuple):
    """One record as it was read, with what is needed to say where it stood."""

    where: int  # line of the file, or item of the array
    raw: bytes
    size: int
    record: Record


# What the notes call records in another encoding.
NOT_UTF8 = "records that are not UTF-8: `encoding:` says what a file is in"
Stream = Iterator[Read | Bad]
_size = attrgetter("size")


def chunks(items: Iterable[Read | Bad], rows: int, size: int) -> Iterator[list[Read | Bad]]:
    """Group records: at most so many, and no more once they have so many bytes."""
    chunk: list[Read | Bad] = []
    room = size
    for item in items:
        chunk.append(item)
        room -= item.size
        if len(chunk) >= rows or room <= 0:
            yield chunk
            chunk, room = [], size
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
    step = min(batch_rows, _STEP)
    frames: list[pl.DataFrame] = []
    bad: list[Bad] = []
    left, room = batch_rows, files.BATCH_BYTES
    size = file.stat().st_size
    for chunk in chunks(stream, step, min(room, _STEP_BYTES)):
        records = [item.record for item in chunk if isinstance(item, Read)]
        rows, wrong = layout.rows(records)
        frames.append(rows)
        if wrong or len(records) < len(chunk):
            some = list(_bad(file, unit, chunk, wrong))
            bad += map(_without_guess, some) if layout.utf8 else some
            layout.notes[NOT_UTF8] += sum(item.error.startswith("not UTF-8") for item in some)
        left -= len(chunk)
        room -= sum(map(_size, chunk))
        if left < step or room <= 0:
            place = files.position(file)
            yield Batch(pl.concat(frames), bad, dict(+layout.notes), place and place / size)
            frames, bad, left, room = [], [], batch_rows, files.BATCH_BYTES
    if frames:
        yield Batch(pl.concat(frames), bad, dict(+layout.notes))


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
