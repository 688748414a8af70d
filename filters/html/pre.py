"""Code blocks: <pre> becomes a fenced block, its text as it was, inside whatever list or quote holds it."""

from __future__ import annotations

from curate.filters.html.entities import resolve
from curate.filters.html.find import Numbers, Output, Source, copy, find
from curate.filters.html.tables import BR, CELL, CODE, CODE_KEY, IN_CODE, INLINE, KIND_BITS, PRE, UNKNOWN
from curate.filters.html.tags import attribute, in_comment, is_letter, is_space, tag_close, tag_does, tag_name
from curate.filters.html.write import (
    CELLS,
    DEPTH,
    FULL,
    GAP,
    IN_SPAN,
    MARGIN,
    OUT,
    SPAN_ENDED,
    begin,
    block_break,
    longest_run,
    shift,
    write_blank,
    write_prefix,
)


def language(src: Source, at: int, end: int) -> tuple[int, int]:
    """Give where the language named by a class like "lang-r" or "language-r" lies, (0, 0) when none is."""
    at = attribute(src, at, end, 0)
    if at < 0:
        return 0, 0
    while at < end and src[at] != 34 and src[at] != 39 and src[at] != 62:
        word = at
        while at < end and not is_space(src[at]) and src[at] != 34 and src[at] != 39 and src[at] != 62:
            at += 1
        dash = word
        while dash < at and src[dash] != 45:
            dash += 1
        if is_lang(src, word, dash) and dash + 1 < at and is_name(src, dash + 1, at):
            return dash + 1, at
        if at < end and is_space(src[at]):
            at += 1
    return 0, 0


def is_lang(src: Source, at: int, end: int) -> bool:
    """Say whether a word is "lang" or "language"."""
    if end - at != 4 and end - at != 8:
        return False
    if not (src[at] == 108 and src[at + 1] == 97 and src[at + 2] == 110 and src[at + 3] == 103):
        return False
    return end - at == 4 or (src[at + 4] == 117 and src[at + 5] == 97 and src[at + 6] == 103 and src[at + 7] == 101)


def is_name(src: Source, at: int, end: int) -> bool:
    """Say whether a word can follow a fence, and is not "none"."""
    if end - at == 4 and src[at] == 110 and src[at + 1] == 111 and src[at + 2] == 110 and src[at + 3] == 101:
        return False
    for place in range(at, end):
        byte = src[place]
        if not (
            is_letter(byte) or 48 <= byte <= 57 or byte == 43 or byte == 35 or byte == 45 or byte == 46 or byte == 95
        ):
            return False
    return end - at <= 32


def ends_here(src: Source, at: int, end: int) -> bool:
    """Say whether nothing but white space is left before </code> or </pre>, or the end."""
    while at < end and is_space(src[at]):
        at += 1
    if at == end:
        return True
    if at + 2 < end and src[at] == 60 and src[at + 1] == 47 and is_letter(src[at + 2]):
        kind = tag_does(tag_name(src, at + 2, end)[0]) % KIND_BITS
        return PRE <= kind <= CODE
    return False


def inner_code(src: Source, at: int, end: int, state: Numbers) -> tuple[int, int]:
    """Give where the name and the ">" of a <code> tag at `at` lie, (-1, -1) when there is none."""
    if at + 5 < end and src[at] == 60 and is_letter(src[at + 1]):
        key, name_end = tag_name(src, at + 1, end)
        if key == CODE_KEY:
            close = tag_close(src, name_end, end, state)
            if close >= 0:
                return name_end, close
    return -1, -1


def pre_block(src: Source, name_end: int, close: int, end: int, out: Output, state: Numbers) -> int:
    """Write the block whose <pre> tag ends at `close`; give the place after it, or -1 when `out` is too small."""
    at = close + 1
    if at < end and src[at] == 13:
        at += 1
    if at < end and src[at] == 10:  # a new line right after <pre> is not part of it
        at += 1
    word, word_end = language(src, name_end, close)
    code_name, code_close = inner_code(src, at, end, state)
    if code_close >= 0:
        at = code_close + 1
        if word == word_end:
            word, word_end = language(src, code_name, code_close)
    block_break(state, 2)
    if ends_here(src, at, end):
        return skip_end(src, at, end, code_close >= 0)
    in_span = state[IN_SPAN]
    begin(out, state)
    fence = state[OUT]
    for _ in range(3):
        out[state[OUT]] = 96
        state[OUT] += 1
    for place in range(word, word_end):
        out[state[OUT]] = src[place]
        state[OUT] += 1
    out[state[OUT]] = 10
    state[OUT] += 1
    at = code_lines(src, at, end, out, state)
    if at < 0:
        return -1
    close_fence(out, state, fence)
    state[IN_SPAN] = in_span
    state[SPAN_ENDED] = 0
    state[CELLS] = 0
    state[GAP] = 2
    return at


def skip_end(src: Source, at: int, end: int, has_code: bool) -> int:
    """Give the place of the end tag that follows white space (an empty block leaves no trace)."""
    while at < end and is_space(src[at]):
        at += 1
    return at


def close_fence(out: Output, state: Numbers, fence: int) -> None:
    """Write the closing fence; both fences are longer than any run of backticks between them."""
    start, at = fence + 3, state[OUT]
    ticks = max(longest_run(out, start, at) + 1, 3)
    if at + 2 * ticks + MARGIN > len(out):
        state[FULL] = 1
        return
    if ticks > 3:
        shift(out, start, at, ticks - 3)
        for place in range(start, fence + ticks):
            out[place] = 96
        at += ticks - 3
    at = write_prefix(out, at, state, state[DEPTH])
    for _ in range(ticks):
        out[at] = 96
        at += 1
    state[OUT] = at


def code_lines(src: Source, at: int, end: int, out: Output, state: Numbers) -> int:
    """Write the text of a code block, ending in a new line; give the place after it, or -1."""
    waits = True  # what containers put before a line waits for the line's first byte
    while at < end:
        stop = find(src, at, end, IN_CODE)
        to = state[OUT]
        if to + stop - at + MARGIN > len(out):
            return -1
        if stop > at:
            if waits:
                to = write_prefix(out, to, state, state[DEPTH])
                waits = False
            state[OUT] = copy(src, at, stop, out, to)
        at = stop
        if at < end:
            at, does = code_byte(src, at, end, waits, out, state)
            if does == DONE:
                break
            waits = does == NEW_LINE or (waits and does == NOTHING)
    if not waits:
        new_line(out, state, False)
    return at


# What a byte in a code block did.
NOTHING, WROTE, NEW_LINE, DONE = range(4)


def code_byte(src: Source, at: int, end: int, waits: bool, out: Output, state: Numbers) -> tuple[int, int]:
    """Do what the byte that ended a run of code means; give the place after it, and what was done."""
    byte = src[at]
    if byte == 0:
        return at + 1, NOTHING
    if byte == 13 and at + 1 < end and src[at + 1] == 10:
        return at + 1, NOTHING
    if byte == 10 or byte == 13:
        new_line(out, state, waits)
        return at + 1, NEW_LINE
    if byte == 60:
        after, does = code_tag(src, at, end, waits, out, state)
        if does != WROTE:
            return after, does
    if waits:
        state[OUT] = write_prefix(out, state[OUT], state, state[DEPTH])
    to = state[OUT]
    after = -1
    if byte == 38:
        after, stop = resolve(src, at, end, False, out, to)
        if after >= 0 and stop == to + 1 and out[to] == 10:
            new_line(out, state, False)
            return after, NEW_LINE
    if after < 0:
        out[to] = byte
        after, stop = at + 1, to + 1
    state[OUT] = stop
    return after, WROTE


def code_tag(src: Source, at: int, end: int, waits: bool, out: Output, state: Numbers) -> tuple[int, int]:
    """Do what the "<" at `at` begins inside code; WROTE when it is only a "<".

    Only elements of HTML are tags here: <stdio.h> or <String> in code that its author did not escape is code.
    """
    after = in_comment(src, at, end)
    if after >= 0 and src[at + 1] == 33 and src[at + 2] == 45:
        return after, NOTHING
    ends = at + 1 < end and src[at + 1] == 47
    name = at + 2 if ends else at + 1
    if name >= end or not is_letter(src[name]):
        return at, WROTE
    key, name_end = tag_name(src, name, end)
    kind = tag_does(key) % KIND_BITS
    close = -1 if kind == UNKNOWN else tag_close(src, name_end, end, state)
    if close < 0:
        return at, WROTE
    after = close + 1
    if kind == PRE and ends:
        return after, DONE
    if kind == CODE and ends and ends_here(src, after, end):
        return skip_end(src, after, end, False), DONE
    if kind == BR or (INLINE < kind < PRE and not waits) or (kind == CELL and not waits and not ends):
        new_line(out, state, waits)
        return after, NEW_LINE
    return after, NOTHING


def new_line(out: Output, state: Numbers, blank: bool) -> None:
    """End a line of code; an empty one keeps the quote signs before it."""
    to = state[OUT]
    if blank:
        state[OUT] = write_blank(out, to, state, state[DEPTH])
    else:
        out[to] = 10
        state[OUT] = to + 1
