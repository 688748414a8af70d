"""Character references, named and numeric, each resolved once, from tables that the compiled scanner can read too.

The names are those of the HTML standard, as the standard library lists them (html.entities.html5): with the
semicolon, and for the 106 old ones without. A table is an open-addressing hash of name numbers; names and texts lie
end to end.
"""

from __future__ import annotations

from html.entities import html5

from curate.filters.html.find import Numbers, Output, Source
from curate.filters.html.tags import is_letter, is_space
from curate.filters.html.write import LOW, OUT, SPACE, begin_text

LONGEST_NAME = max(map(len, html5))
LONGEST_OLD = max(len(name) for name in html5 if not name.endswith(";"))
NAME_SLOTS = 8192


def name_hash(name: bytes) -> int:
    """Hash a name byte by byte, as `find_name` does."""
    value = 0
    for byte in name:
        value = (value * 31 + byte) & 0x3FFFFFFF
    return value


def _lay_out() -> tuple[list[int], bytes, list[int], bytes, list[int]]:
    slots = [0] * NAME_SLOTS
    names, texts = bytearray(), bytearray()
    name_starts, text_starts = [0], [0]
    for number, (name, text) in enumerate(html5.items(), 1):
        slot = name_hash(name.encode()) % NAME_SLOTS
        while slots[slot]:
            slot = (slot + 1) % NAME_SLOTS
        slots[slot] = number
        names += name.encode()
        texts += text.encode()
        name_starts.append(len(names))
        text_starts.append(len(texts))
    return slots, bytes(names), name_starts, bytes(texts), text_starts


SLOTS, NAMES, NAME_STARTS, TEXTS, TEXT_STARTS = _lay_out()

# &#128; to &#159; mean the characters of Windows-1252 (HTML standard, 13.2.5.80); five of them have none.
WINDOWS = [ord(bytes([byte]).decode("cp1252", "ignore") or chr(byte)) for byte in range(128, 160)]


def find_name(src: Source, at: int, end: int) -> int:
    """Look up src[at:end] among the names; give its number, or 0."""
    value = 0
    for place in range(at, end):
        value = (value * 31 + src[place]) & 0x3FFFFFFF
    slot = value % NAME_SLOTS
    while SLOTS[slot]:
        number = SLOTS[slot]
        first = NAME_STARTS[number - 1]
        if NAME_STARTS[number] - first == end - at:
            same = 0
            while same < end - at and NAMES[first + same] == src[at + same]:
                same += 1
            if same == end - at:
                return number
        slot = (slot + 1) % NAME_SLOTS
    return 0


def named(src: Source, at: int, end: int, strict: bool) -> tuple[int, int]:
    """Read the longest name at `at`; give its number (0: none) and the place after it.

    Old names need no semicolon, unless `strict`.
    """
    stop = at
    while stop < end and stop - at < LONGEST_NAME and (is_letter(src[stop]) or 48 <= src[stop] <= 57):
        stop += 1
    if stop < end and src[stop] == 59:
        number = find_name(src, at, stop + 1)
        if number:
            return number, stop + 1
    if not strict:
        for last in range(min(stop, at + LONGEST_OLD), at + 1, -1):
            number = find_name(src, at, last)
            if number:
                return number, last
    return 0, at


def hex_digit(byte: int) -> int:
    """Give the value of a hexadecimal digit, or -1."""
    if 48 <= byte <= 57:
        return byte - 48
    if 97 <= byte | 32 <= 102:
        return (byte | 32) - 87
    return -1


def numeric(src: Source, at: int, end: int, strict: bool) -> tuple[int, int]:
    """Read a number after "&#"; give its code point (-1: none) and the place after it."""
    base = 10
    if at < end and src[at] | 32 == 120:
        base = 16
        at += 1
    first = at
    value = 0
    while at < end:
        digit = hex_digit(src[at])
        if digit < 0 or digit >= base:
            break
        value = min(value * base + digit, 0x110000)
        at += 1
    if at == first:
        return -1, at
    if at < end and src[at] == 59:
        return value, at + 1
    return (-1 if strict else value), at


def meant(point: int) -> int:
    """Give the code point that a number stands for, as the HTML standard does; 0 for what is not text."""
    if 128 <= point < 160:
        point = WINDOWS[point - 128]
    if point == 0 or point > 0x10FFFF or 0xD800 <= point < 0xE000:
        return 0xFFFD
    if (point < 32 and not is_space(point)) or 127 <= point < 160:
        return 0
    return point


def write_point(out: Output, at: int, point: int) -> int:
    """Write a code point in UTF-8."""
    if point < 0x80:
        out[at] = point
        return at + 1
    if point < 0x800:
        out[at] = 0xC0 | (point >> 6)
    elif point < 0x10000:
        out[at] = 0xE0 | (point >> 12)
    else:
        out[at] = 0xF0 | (point >> 18)
        at += 1
        out[at] = 0x80 | ((point >> 12) & 63)
    if point >= 0x800:
        at += 1
        out[at] = 0x80 | ((point >> 6) & 63)
    out[at + 1] = 0x80 | (point & 63)
    return at + 2


def resolve(src: Source, at: int, end: int, strict: bool, out: Output, to: int) -> tuple[int, int]:
    """Write what the reference at `at` means to out[to:]; give the places after both, or (-1, to) when it is none."""
    if at + 1 < end and src[at + 1] == 35:
        point, after = numeric(src, at + 2, end, strict)
        if point < 0:
            return -1, to
        point = meant(point)
        return after, write_point(out, to, point) if point else to
    number, after = named(src, at + 1, end, strict)
    if not number:
        return -1, to
    for place in range(TEXT_STARTS[number - 1], TEXT_STARTS[number]):
        out[to] = TEXTS[place]
        to += 1
    return after, to


def reference(src: Source, at: int, end: int, out: Output, state: Numbers) -> int:
    """Do what the "&" at `at` begins; give the place after it. White space waits, as if it stood there itself."""
    plain = state[LOW] < 0
    to = state[OUT]
    after, stop = resolve(src, at, end, plain, out, to)
    if after < 0:
        out[to] = 38
        stop = to + 1
    elif stop == to:
        return after
    if not plain:
        if is_space(out[to]) or (stop == to + 2 and out[to] == 0xC2 and out[to + 1] == 0xA0):
            state[SPACE] = 1
            return after
        # What it is decided whether anything comes before it, so it is written once more, behind that.
        begin_text(out, state)
        to = state[OUT]
        stop = resolve(src, at, end, plain, out, to)[1]
        if after < 0:
            out[to] = 38
            stop = to + 1
    state[OUT] = stop
    return after if after >= 0 else at + 1
