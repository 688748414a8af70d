"""Run the scanner over a column: interpreted on little text, compiled on much.

The compiled scanner is the same source: the functions are rebuilt over one namespace in which their names mean compiled
functions, the tables are arrays, and `find` and `text_end` are loops. numba keeps the machine code on disk, beside the
modules or, where that is read-only, in the user's cache.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import sys
import time
from pathlib import Path
from threading import Lock
from types import FunctionType, ModuleType
from typing import Any

import polars as pl

from curate.filters import (
    _entities,
    _html_entity,
    _html_find,
    _html_pre,
    _html_scan,
    _html_tables,
    _html_tags,
    _html_write,
)
from curate.filters._html_write import MARGIN, STATE_SIZE

# In the order in which they use one another.
_MODULES = (_html_tables, _entities, _html_find, _html_write, _html_tags, _html_entity, _html_pre, _html_scan)

# Bytes seen by this process from which the compiled scanner pays: see benchmarks/markup.py.
COMPILE_FROM = 4_000_000
# Text taken at a time: bounds the buffers, whatever the column's size.
_RANGE = 32_000_000

OPT = {"nogil": True}
_lock = Lock()
_seen = 0


def convert(text: pl.Series) -> pl.Series:
    """Turn each row's HTML into text; null stays null."""
    sizes = text.str.len_bytes()
    full = sizes > 0
    if not full.all() or full.null_count():
        done = convert(text.filter(full)) if full.any() else text.clear()
        return _put_back(text, full, done)
    rows = compiled() if _much(int(sizes.sum())) else None
    if rows is None:
        return pl.Series(text.name, list(map(convert_one, text.cast(pl.Binary))), dtype=pl.Binary).cast(
            pl.String
        )
    parts = [_convert_range(text.slice(first, count), rows) for first, count in _ranges(sizes)]
    return pl.concat(parts).rename(text.name) if parts else text


def _put_back(text: pl.Series, full: pl.Series, done: pl.Series) -> pl.Series:
    """Put the rows that were converted between the empty and the null ones."""
    at = pl.Series(range(len(text)), dtype=pl.UInt32)
    out = text.clone()
    return out.scatter(at.filter(full), done) if len(done) else out


def _much(size: int) -> bool:
    """Say whether this process has seen enough text for loading, or making, the compiled scanner."""
    global _seen
    with _lock:
        _seen += size
        return _seen >= COMPILE_FROM


def convert_one(html: bytes) -> bytes:
    """Turn one text, interpreted."""
    size = 2 * len(html) + 2 * MARGIN
    while True:
        out = bytearray(size)
        end = _html_scan.scan_row(html, 0, len(html), out, 0, [0] * STATE_SIZE)
        if end >= 0:
            return bytes(out[:end])
        size *= 2


def _ranges(sizes: pl.Series) -> list[tuple[int, int]]:
    """Cut the rows into ranges of about _RANGE bytes: (first row, rows)."""
    number = (sizes.cast(pl.Int64).cum_sum() - sizes) // _RANGE
    counts = number.rle().struct.field("len").to_list()
    firsts = [0]
    for count in counts:
        firsts.append(firsts[-1] + count)
    return list(zip(firsts, counts, strict=False))


def _convert_range(text: pl.Series, rows: Any) -> pl.Series:
    """Turn rows, none empty, none null, by the compiled scanner."""
    import numpy as np

    src = text.cast(pl.Binary).cast(pl.List(pl.UInt8)).explode().to_numpy()
    starts = np.zeros(len(text) + 1, dtype=np.int64)
    np.cumsum(text.str.len_bytes().to_numpy(), out=starts[1:])
    out = np.empty(len(src) + len(src) // 8 + 2 * MARGIN, dtype=np.uint8)
    ends = np.zeros(len(text), dtype=np.int64)
    state = np.zeros(STATE_SIZE, dtype=np.int64)
    row = 0
    while (row := rows(src, starts, row, out, ends, state)) < len(text):
        out = np.concatenate([out, np.empty_like(out)])
    used = ends.tolist()
    written = out[: used[-1]].tobytes()
    texts = [written[start:end] for start, end in zip([0, *used], used, strict=False)]
    return pl.Series(texts, dtype=pl.Binary).cast(pl.String)


def compiled() -> Any:
    """Give the compiled `scan_rows`, or None without numba."""
    with _lock:
        return _compile() if importlib.util.find_spec("numba") else None


@functools.cache
def _compile() -> Any:
    import numpy as np
    from numba import njit

    names: dict[str, Any] = {"__name__": __name__, "__builtins__": __builtins__}
    for module in _MODULES:
        for name, value in vars(module).items():
            if name.isupper():
                names[name] = _as_array(value, np)
    loops = {
        "find": _html_find.find_compiled,
        "text_end": _html_find.text_end_compiled,
        "copy": _html_find.copy_compiled,
    }
    functions = {f.__name__: f for module in _MODULES for f in _functions(module)} | loops
    for name, function in functions.items():
        if name != "scan_rows":
            names[name] = njit(**OPT)(_over(function, names))
    entry = _over(_html_scan.scan_rows, names)
    # numba looks for changes in one file only: the name under which it keeps the code stands for all of them.
    entry.__qualname__ = f"scan_rows_{_digest()}"
    return _ready(_cached(entry, njit), np)


def _functions(module: ModuleType) -> list[FunctionType]:
    kept = ("find", "text_end", "copy", "_ends", "_tag_table", "_lay_out", "name_key", "name_hash")
    own = [
        f for f in vars(module).values() if isinstance(f, FunctionType) and f.__module__ == module.__name__
    ]
    return [f for f in own if f.__name__ not in kept]


def _over(function: FunctionType, names: dict[str, Any]) -> FunctionType:
    """Give the same function over other globals."""
    return FunctionType(function.__code__, names, function.__name__, function.__defaults__)


def _as_array(value: Any, np: ModuleType) -> Any:
    if isinstance(value, bytes):
        return np.frombuffer(value, dtype=np.uint8)
    return np.array(value, dtype=np.int64) if isinstance(value, list) else value


def _digest() -> str:
    digest = hashlib.sha256()
    for module in _MODULES:
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()[:12]


def _cached(entry: FunctionType, njit: Any) -> Any:
    try:
        return njit(cache=True, **OPT)(entry)
    except RuntimeError:  # no place to keep it: compiled anew in each process
        return njit(nogil=True)(entry)


def _ready(rows: Any, np: ModuleType) -> Any:
    """Compile now, on an empty text, and say so when it is not a matter of a moment."""
    import threading

    told = threading.Timer(
        2.0, print, ["curate: compiling the markup scanner, once (about ten seconds)"], {"file": sys.stderr}
    )
    told.start()
    started = time.perf_counter()
    none = np.zeros(0, dtype=np.uint8)
    none.flags.writeable = False
    whole = np.zeros(1, dtype=np.int64)
    rows(
        none,
        whole,
        0,
        np.zeros(2 * MARGIN, dtype=np.uint8),
        np.zeros(0, dtype=np.int64),
        np.zeros(STATE_SIZE, dtype=np.int64),
    )
    told.cancel()
    rows.seconds = time.perf_counter() - started
    return rows
