"""The steps over runs of plain bytes, as they are done when interpreted: by regular expressions and slices.

The compiled scanner does them by loops (curate.filters.html.loops); both are made from the same table, and a test
holds them equal. All other steps are the same source in both.
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
    found = _RUNS[mask].search(src, at, end)
    return found.start() if found else end


def text_end(src: Source, at: int, end: int) -> int:
    """Give the place where plain text stops being copied as it is, or `end`."""
    found = _TEXT.search(src, at, end)
    return found.start() if found else end


def copy(src: Source, at: int, end: int, out: Output, to: int) -> int:
    """Copy src[at:end] to out[to:]; give the place after it there."""
    out[to : to + end - at] = src[at:end]
    return to + end - at
