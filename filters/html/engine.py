"""Run the scanner over a column: interpreted on little text, compiled on much."""

from __future__ import annotations

import importlib.util
from threading import Lock
from typing import Any

import polars as pl

from curate.filters.html.scan import scan_row
from curate.filters.html.write import MARGIN, STATE_SIZE

# Bytes seen by this process from which the compiled scanner pays (benchmarks/markup.py): loading it takes 0.6 s, in
# which the interpreted one does 10 MB; making it takes 15 s, once on a machine.
LOAD_FROM = 16_000_000
MAKE_FROM = 64_000_000
# Text taken at a time: bounds the buffers, whatever the column's size.
RANGE = 32_000_000

_lock = Lock()
_seen = 0


def convert(text: pl.Series) -> pl.Series:
    """Turn each row's HTML into text; null stays null."""
    if text.dtype == pl.Null:
        return text.cast(pl.String)
    sizes = text.str.len_bytes().fill_null(0)
    rows = scanner_for(int(sizes.sum()))
    if rows is None:
        done = [html if html is None else convert_one(html) for html in text.cast(pl.Binary)]
        return pl.Series(text.name, done, dtype=pl.Binary).cast(pl.String)
    parts = [
        _convert_range(text.slice(first, count), sizes.slice(first, count), rows) for first, count in _ranges(sizes)
    ]
    return pl.concat(parts).rename(text.name) if parts else text


def scanner_for(size: int) -> Any:
    """Give the compiled scanner, or None: without numba, or while too little was seen to make up for loading it."""
    global _seen
    with _lock:
        _seen += size
        if _seen < LOAD_FROM or not importlib.util.find_spec("numba"):
            return None
        from curate.filters.html.compile import scanner

        return scanner(make=_seen >= MAKE_FROM)


def convert_one(html: bytes) -> bytes:
    """Turn one text, interpreted."""
    size = 2 * len(html) + 2 * MARGIN
    while True:
        out = bytearray(size)
        end = scan_row(html, 0, len(html), out, 0, [0] * STATE_SIZE)
        if end >= 0:
            return bytes(out[:end])
        size *= 2


def _ranges(sizes: pl.Series) -> list[tuple[int, int]]:
    """Cut the rows into ranges of about RANGE bytes: (first row, rows)."""
    counts = (sizes.cast(pl.Int64).cum_sum() // RANGE).rle().struct.field("len").to_list()
    firsts = [0]
    for count in counts:
        firsts.append(firsts[-1] + count)
    return list(zip(firsts, counts, strict=False))


def _convert_range(text: pl.Series, sizes: pl.Series, rows: Any) -> pl.Series:
    """Turn rows by the compiled scanner."""
    import numpy as np

    # Exploding makes a null of an empty list, so rows without a byte stay out.
    full = text.filter(sizes > 0).cast(pl.Binary).cast(pl.List(pl.UInt8))
    src = full.explode().to_numpy()
    src.flags.writeable = False
    starts = np.zeros(len(text) + 1, dtype=np.int64)
    np.cumsum(sizes.to_numpy(), out=starts[1:])
    out = np.empty(len(src) + len(src) // 8 + 2 * MARGIN, dtype=np.uint8)
    ends = np.zeros(len(text), dtype=np.int64)
    state = np.zeros(STATE_SIZE, dtype=np.int64)
    row = 0
    while (row := rows(src, starts, row, out, ends, state)) < len(text):
        out = np.concatenate([out, np.empty_like(out)])
    used = ends.tolist()
    written = out[: used[-1]].tobytes()
    texts = [written[start:end] for start, end in zip([0, *used], used, strict=False)]
    done = pl.Series(texts, dtype=pl.Binary).cast(pl.String)
    return done.zip_with(text.is_not_null(), pl.Series([None], dtype=pl.String)) if text.null_count() else done
