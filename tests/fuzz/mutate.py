"""Mutations of small files: bytes cut, flipped, doubled and moved, and pieces put in that readers have stumbled over."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

# Separators that only some readers take for the end of a line, halves of characters, numbers at the edges of types,
# brackets without an end, and what formats begin or escape with.
PIECES: tuple[bytes, ...] = (
    *(
        mark.encode()
        for mark in ("\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\r", "\n", "\r\n")
    ),
    *(
        b"\x00",
        b"\xff",
        b"\xc3",
        b"\xed\xa0\xbd",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xfe\xff",
        b"\\ud83d",
        b"\\u0000",
        b"\x1b[2J",
    ),
    *(b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e-999", b"9" * 400, b"18446744073709551616", b"-0.0", b"1e19"),
    *(b"null", b"true", b"[]", b"{}", b"[null]", b"[[]]", b'{"a": [NaN]}', b'""', b"0", b'{"role": 5}'),
    *(b"[" * 200, b'{"a":' * 200, b'"' * 50, b"\\" * 50, b"<" * 50, b"&" * 50, b"&amp;" * 20, b"]" * 50, b"}" * 50),
    *(b'"', b"'", b",", b";", b"\t", b":", b"<", b">", b"/>", b"&#0;", b"&#xD800;", b"<!DOCTYPE x>", b"<![CDATA["),
    *(b"^a$", b"*", b"{}", b"_row", b"id", b"source", b"score", b"misfits", b"prompt", b"- ", b"&x ", b"*x", b"!!int "),
)


def mutations(data: bytes, seed: int, n: int) -> Iterator[bytes]:
    """Yield `n` mutants of `data`, each one to four changes away from it; the same ones for the same seed.

    >>> [len(mutant) for mutant in mutations(b"a line", seed=0, n=2)] == [
    ...     len(mutant) for mutant in mutations(b"a line", seed=0, n=2)
    ... ]
    True
    """
    draw = random.Random(seed)
    for _ in range(n):
        mutant = data
        for _ in range(draw.choice((1, 1, 1, 2, 4))):
            mutant = draw.choice(_CHANGES)(mutant, draw)
        yield mutant


def _span(data: bytes, draw: random.Random) -> tuple[int, int]:
    start = draw.randint(0, len(data))
    return start, min(len(data), start + int(draw.paretovariate(0.7)))


def _cut(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randint(0, len(data))]


def _remove(data: bytes, draw: random.Random) -> bytes:
    start, end = _span(data, draw)
    return data[:start] + data[end:]


def _double(data: bytes, draw: random.Random) -> bytes:
    start, end = _span(data, draw)
    return data[:end] + data[start:end] * draw.choice((1, 1, 2, 50)) + data[end:]


def _move(data: bytes, draw: random.Random) -> bytes:
    (start, end), to = _span(data, draw), draw.randint(0, len(data))
    rest = data[:start] + data[end:]
    return rest[:to] + data[start:end] + rest[to:]


def _flip(data: bytes, draw: random.Random) -> bytes:
    if not data:
        return data
    at = draw.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << draw.randrange(8))]) + data[at + 1 :]


def _insert(data: bytes, draw: random.Random) -> bytes:
    at = draw.randint(0, len(data))
    return data[:at] + draw.choice(PIECES) + data[at:]


def _replace(data: bytes, draw: random.Random) -> bytes:
    start, end = _span(data, draw)
    return data[:start] + draw.choice(PIECES) + data[end:]


_CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _cut,
    _remove,
    _double,
    _move,
    _flip,
    _insert,
    _insert,
    _replace,
    _replace,
)
