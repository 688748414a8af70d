"""Where a run of plain bytes ends: the one step that differs between the interpreted and the compiled scanner.

Interpreted, a regular expression looks; compiled, a loop over the table does. Both are made from the same table, and a
test holds them equal.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from curate.filters._html_tables import CLASS, IN_TEXT

# bytes and bytearray when interpreted, arrays of unsigned bytes when compiled
Bytes: TypeAlias = Any


def _ends(mask: int) -> bytes:
    return b"".join(re.escape(bytes([byte])) for byte in range(256) if CLASS[byte] & mask)


_RUNS = {1 << bit: re.compile(b"[" + _ends(1 << bit) + b"]") for bit in range(9)}
_TEXT = re.compile(b"[" + _ends(IN_TEXT) + b"]| (?= )")


def find(src: Bytes, at: int, end: int, mask: int) -> int:
    """Give the place of the first byte of class `mask`, or `end`."""
    found = _RUNS[mask].search(src, at, end)
    return found.start() if found else end


def text_end(src: Bytes, at: int, end: int) -> int:
    """Give the place where plain text stops being copied as it is, or `end`."""
    found = _TEXT.search(src, at, end)
    return found.start() if found else end


def copy(src: Bytes, at: int, end: int, out: Bytes, to: int) -> int:
    """Copy src[at:end] to out[to:]; give the place after it there."""
    out[to : to + end - at] = src[at:end]
    return to + end - at


def find_compiled(src: Bytes, at: int, end: int, mask: int) -> int:
    """Do what `find` does, as a loop to compile."""
    while at < end and not CLASS[src[at]] & mask:
        at += 1
    return at


def text_end_compiled(src: Bytes, at: int, end: int) -> int:
    """Do what `text_end` does, as a loop to compile."""
    while at < end:
        byte = src[at]
        if CLASS[byte] & IN_TEXT or (byte == 32 and at + 1 < end and src[at + 1] == 32):
            break
        at += 1
    return at


def copy_compiled(src: Bytes, at: int, end: int, out: Bytes, to: int) -> int:
    """Do what `copy` does, as a loop to compile."""
    for step in range(end - at):
        out[to + step] = src[at + step]
    return to + end - at
