"""The steps over runs of plain bytes: interpreted by regular expressions and slices, compiled as loops.

The compiled scanner takes `NAME_loop` for `NAME`. Both are made from the same table, and a test holds them equal; all
other steps are the same source in both.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from curate.filters.html.tables import CLASS, IN_TEXT

# What a parameter holds; the compiled scanner takes its types from these names.
Source: TypeAlias = Any  # bytes, read only
Output: TypeAlias = Any  # bytes, written
Numbers: TypeAlias = Any  # integers, written


def _ends(mask: int) -> bytes:
    return b"".join(re.escape(bytes([byte])) for byte in range(256) if CLASS[byte] & mask)


_RUNS = {1 << bit: re.compile(b"[" + _ends(1 << bit) + b"]") for bit in range(10)}
_TEXT = re.compile(b"[" + _ends(IN_TEXT) + b"]| (?= )")


def find(src: Source, at: int, end: int, mask: int) -> int:
    """Give the place of the first byte of class `mask`, or `end`."""
    match = _RUNS[mask].search(src, at, end)
    return match.start() if match else end


def text_end(src: Source, at: int, end: int) -> int:
    """Give the place where plain text stops being copied as it is, or `end`."""
    match = _TEXT.search(src, at, end)
    return match.start() if match else end


def copy(src: Source, at: int, end: int, out: Output, to: int) -> int:
    """Copy src[at:end] to out[to:]; give the place after it there."""
    out[to : to + end - at] = src[at:end]
    return to + end - at


# 1: ends a run of text; 2: a space, which ends it before another one.
STOPS = [(1 if ends & IN_TEXT else 0) | (2 if byte == 32 else 0) for byte, ends in enumerate(CLASS)]


def find_loop(src: Source, at: int, end: int, mask: int) -> int:
    """Do what `find` does."""
    while at < end and not CLASS[src[at]] & mask:
        at += 1
    return at


def text_end_loop(src: Source, at: int, end: int) -> int:
    """Do what `text_end` does."""
    # Eight bytes at a time without a branch between them: more than twice as fast.
    while at + 8 < end:
        a, b, c, d = STOPS[src[at]], STOPS[src[at + 1]], STOPS[src[at + 2]], STOPS[src[at + 3]]
        e, f, g, h = STOPS[src[at + 4]], STOPS[src[at + 5]], STOPS[src[at + 6]], STOPS[src[at + 7]]
        i = STOPS[src[at + 8]]
        if (a | b | c | d | e | f | g | h) & 1:
            break
        if (a & b | b & c | c & d | d & e | e & f | f & g | g & h | h & i) & 2:
            break
        at += 8
    while at < end:
        stop = STOPS[src[at]]
        if stop & 1 or (stop and at + 1 < end and src[at + 1] == 32):
            break
        at += 1
    return at


def copy_loop(src: Source, at: int, end: int, out: Output, to: int) -> int:
    """Do what `copy` does."""
    # Slices, for indices that are known not to be negative: four times as fast.
    source, target = src[at:end], out[to : to + end - at]
    for place in range(len(source)):
        target[place] = source[place]
    return to + end - at
