"""Reading tags: names, where they end, the few attributes that matter, comments."""

from __future__ import annotations

from curate.filters.html.find import Numbers, Source, find
from curate.filters.html.tables import DOUBLE, GT, IN_TAG, LT, SINGLE, TAG_DOES, TAG_KEYS, TAG_SLOTS, UNKNOWN
from curate.filters.html.write import LAX, NO_GT


def is_letter(byte: int) -> bool:
    """Say whether a byte is an ASCII letter."""
    return 97 <= (byte | 32) <= 122


def is_space(byte: int) -> bool:
    """Say whether a byte is HTML white space."""
    return byte == 32 or byte == 10 or byte == 9 or byte == 13 or byte == 12


def tag_name(src: Source, at: int, end: int) -> tuple[int, int]:
    """Read a name; give its number (-1: none that the table can hold) and the place after it."""
    key = 0
    first = at
    while at < end:
        byte = src[at] | 32
        if 97 <= byte <= 122:
            key = key * 37 + (byte - 96)
        elif 48 <= src[at] <= 57:
            key = key * 37 + (src[at] - 21)
        else:
            break
        at += 1
        if at - first > 12:
            return -1, at
    if at < end and not (is_space(src[at]) or src[at] == 62 or src[at] == 47):
        key = -1
    return key, at


def tag_does(key: int) -> int:
    """Look up what an element does."""
    if key < 0:
        return UNKNOWN
    slot = key % TAG_SLOTS
    while TAG_KEYS[slot]:
        if TAG_KEYS[slot] == key:
            return TAG_DOES[slot]
        slot = (slot + 1) % TAG_SLOTS
    return UNKNOWN


def after_equals(src: Source, at: int, first: int) -> bool:
    """Say whether the quote at `at` begins a value, rather than being a stray one."""
    at -= 1
    while at > first and is_space(src[at]):
        at -= 1
    return at >= first and src[at] == 61


def tag_close(src: Source, at: int, end: int, state: Numbers) -> int:
    """Give the place of the ">" that ends the tag, or -1.

    A ">" in a quoted value does not end it. When such a quote runs to the end of the text, quotes are not trusted
    any more in this row: that also keeps the scan linear.
    """
    if state[NO_GT]:
        return -1
    place = at
    while not state[LAX]:
        place = find(src, place, end, IN_TAG)
        if place == end:
            break
        if src[place] == 62:
            return place
        if after_equals(src, place, at):
            place = find(src, place + 1, end, DOUBLE if src[place] == 34 else SINGLE)
            if place == end:
                break
        place += 1
    state[LAX] = 1
    place = find(src, at, end, GT)
    if place < end:
        return place
    state[NO_GT] = 1
    return -1


def in_comment(src: Source, at: int, end: int) -> int:
    """Give the place after the comment, declaration or instruction at `at`, or -1 when there is none."""
    if at + 2 >= end:
        return -1
    mark, then = src[at + 1], src[at + 2]
    if mark == 33 and then == 45 and at + 3 < end and src[at + 3] == 45:
        return comment_end(src, at + 4, end)
    if (mark == 47 and then == 62) or (mark == 33 and then == 62):
        return at + 3
    if mark == 63 or (mark == 33 and (is_letter(then) or then == 91)):
        close = find(src, at, end, GT)
        return close + 1 if close < end else -1
    return -1


def comment_end(src: Source, at: int, end: int) -> int:
    """Give the place after "-->"; a comment without an end takes the rest, as in a browser."""
    if at < end and src[at] == 62:
        return at + 1
    close = find(src, at, end, GT)
    while close < end:
        if src[close - 1] == 45 and src[close - 2] == 45:
            return close + 1
        if src[close - 1] == 33 and src[close - 2] == 45 and src[close - 3] == 45:
            return close + 1
        close = find(src, close + 1, end, GT)
    return end


def find_end_tag(src: Source, at: int, end: int, key: int) -> int:
    """Give the place of the next end tag of the named element, or `end`."""
    at = find(src, at, end, LT)
    while at < end:
        if at + 2 < end and src[at + 1] == 47 and is_letter(src[at + 2]) and tag_name(src, at + 2, end)[0] == key:
            return at
        at = find(src, at + 1, end, LT)
    return end


def attribute(src: Source, at: int, end: int, which: int) -> int:
    """Give the place where the value of an attribute begins in src[at:end], or -1.

    `which` is 0 for class, 1 for start, 2 for value.
    """
    while at + 6 < end:
        if is_space(src[at]) or src[at] == 34 or src[at] == 39:
            if which == 0 and same5(src, at + 1, 99, 108, 97, 115, 115):
                return value_start(src, at + 6, end)
            if which == 1 and same5(src, at + 1, 115, 116, 97, 114, 116):
                return value_start(src, at + 6, end)
            if which == 2 and same5(src, at + 1, 118, 97, 108, 117, 101):
                return value_start(src, at + 6, end)
        at += 1
    return -1


def same5(src: Source, at: int, a: int, b: int, c: int, d: int, e: int) -> bool:
    """Compare five letters, whatever their case."""
    return bool(
        src[at] | 32 == a
        and src[at + 1] | 32 == b
        and src[at + 2] | 32 == c
        and src[at + 3] | 32 == d
        and src[at + 4] | 32 == e
    )


def value_start(src: Source, at: int, end: int) -> int:
    """Give the first place of the value after "=", inside its quotes, or -1."""
    while at < end and is_space(src[at]):
        at += 1
    if at >= end or src[at] != 61:
        return -1
    at += 1
    while at < end and is_space(src[at]):
        at += 1
    if at < end and (src[at] == 34 or src[at] == 39):
        at += 1
    return at


def number_in(src: Source, at: int, end: int, default: int) -> int:
    """Read a number of at most nine digits (more are no list number in Markdown), or give the default."""
    if at < 0 or at >= end:
        return default
    value = 0
    first = at
    while at < end and 48 <= src[at] <= 57:
        value = value * 10 + (src[at] - 48)
        at += 1
        if at - first > 9:
            return default
    return value if at > first else default
