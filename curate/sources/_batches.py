"""Batches: the records of one file, streamed into frames of one schema, the bad ones beside them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from curate.rows import Bad, Batch
from curate.sources import files
from curate.sources._layout import HEAD, Layout, Wanted, settle
from curate.sources._records import Read, chunks

Stream = Iterator[Read | Bad]


def start(file: Path, stream: Stream, want: Wanted, *, text: bool = False) -> tuple[Stream, Layout]:
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
    layout = settle(file, records, want, whole=not after, text=text)
    return chain(head, after, stream), layout


def batches(file: Path, stream: Stream, layout: Layout, unit: str, batch_rows: int) -> Iterator[Batch]:
    """Yield rows and bad records, both in the order of the file."""
    for chunk in chunks(stream, batch_rows):
        rows, wrong = layout.rows([item.record for item in chunk if isinstance(item, Read)])
        yield Batch(rows, list(_bad(file, unit, chunk, wrong)))


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
