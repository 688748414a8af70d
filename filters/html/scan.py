"""The scanning half: one pass over the bytes of HTML, driven by tags, writing text as it goes.

Every function here runs as it stands and also compiled by numba (curate.filters.html.engine). -1 says that the
output buffer is too small: the row is then begun again with a larger one. The rules follow the HTML standard's
tokenizer, except that nothing is thrown away for a "<" that opens no tag.
"""

from __future__ import annotations

from curate.filters.html.entities import reference
from curate.filters.html.find import Numbers, Output, Source, copy, find, text_end
from curate.filters.html.pre import pre_block
from curate.filters.html.tables import (
    AMP,
    BR,
    CELL,
    CODE,
    DOLLAR,
    INLINE,
    KIND_BITS,
    LI,
    LINE,
    LT,
    OL,
    PARAGRAPH,
    PRE,
    QUOTE,
    RAW,
    ROW,
    SUP,
    TABLE,
    UL,
    UNKNOWN,
)
from curate.filters.html.tags import (
    attribute,
    find_end_tag,
    in_comment,
    is_letter,
    number_in,
    tag_close,
    tag_does,
    tag_name,
)
from curate.filters.html.write import (
    CELLS,
    DEPTH,
    FIELDS,
    FULL,
    GAP,
    IN_CELL,
    IN_SPAN,
    LIST_ENDED,
    LOW,
    MARGIN,
    MATH_END,
    MAX_BARS,
    NUMBER,
    OUT,
    OVER,
    SEPARATORS,
    SPACE,
    SPAN,
    SPAN_ENDED,
    STACK,
    START,
    UNCLOSED,
    begin_text,
    block_break,
    close_span,
    digits,
    line_break,
    pop_to,
    push,
    reset,
)


def innermost(state: Numbers, kind: int, other: int) -> int:
    """Give the level of the innermost container of either kind, or -1."""
    for level in range(state[DEPTH] - 1, -1, -1):
        if state[STACK + FIELDS * level] == kind or state[STACK + FIELDS * level] == other:
            return level
    return -1


def list_break(state: Numbers) -> None:
    """Ask for the break around a list: a blank line, or only a new line where it is inside another list."""
    inside = max(innermost(state, UL, OL), innermost(state, LI, LI)) >= 0
    block_break(state, 1 if inside else 2)


def open_list(src: Source, name_end: int, close: int, state: Numbers, kind: int) -> None:
    """Open a list; one that stands in a list without an item of its own is indented as if it had one."""
    list_break(state)
    top = STACK + FIELDS * (state[DEPTH] - 1)
    inside = state[DEPTH] > 0 and (state[top] == UL or state[top] == OL)
    number = -1
    if kind == OL:
        at = attribute(src, name_end, close, 1)
        number = number_in(src, at, close, 1)
    push(state, kind, number, (2 if state[top] == UL else 3) if inside else 0)


def open_item(src: Source, name_end: int, close: int, state: Numbers) -> None:
    """Open an item, closing the one before it; its number is its list's next."""
    level = innermost(state, LI, QUOTE)
    holder = innermost(state, UL, OL)
    if level > holder and state[STACK + FIELDS * level] == LI:
        pop_to(state, level)
    block_break(state, 1)
    number = -1
    if holder >= 0 and state[STACK + FIELDS * holder] == OL and state[OVER] == 0:
        entry = STACK + FIELDS * holder + NUMBER
        number = number_in(src, attribute(src, name_end, close, 2), close, state[entry])
        state[entry] = min(number + 1, 999999999)
    push(state, LI, number, 2 if number < 0 else digits(number) + 2)


def close_container(state: Numbers, kind: int, other: int, barrier: int, barrier2: int) -> None:
    """Close the innermost container of either kind, with all in it, unless a barrier stands before it."""
    if state[OVER]:
        state[OVER] -= 1
        return
    level = innermost(state, kind, other)
    if level > max(innermost(state, barrier, barrier2), -1):
        pop_to(state, level)


def container_tag(src: Source, name_end: int, close: int, state: Numbers, kind: int, ends: bool) -> None:
    """Open or close a list, an item or a quote."""
    if kind == LI:
        if ends:
            close_container(state, LI, LI, UL, OL)
            block_break(state, 1)
        else:
            open_item(src, name_end, close, state)
    elif kind == QUOTE:
        if ends:
            close_container(state, QUOTE, QUOTE, UNKNOWN, UNKNOWN)
        block_break(state, 2)
        if not ends:
            push(state, QUOTE, -1, 0)
    elif ends:
        close_container(state, UL, OL, UNKNOWN, UNKNOWN)
        list_break(state)
        state[LIST_ENDED] = 1
    else:
        open_list(src, name_end, close, state, kind)


def table_tag(state: Numbers, kind: int, ends: bool) -> None:
    """Begin or end a table, a row or a cell: a row is a line, its cells stand between bars."""
    if kind == CELL:
        if not ends:
            if state[CELLS]:
                state[SEPARATORS] = min(state[SEPARATORS] + 1, MAX_BARS)
            state[CELLS] = 1
        state[IN_CELL] = 0 if ends else 1
        return
    block_break(state, 1 if kind == ROW else 2)
    state[CELLS] = state[SEPARATORS] = 0


def flow_tag(state: Numbers, kind: int, ends: bool) -> None:
    """Do what tags that only break lines or mark code do."""
    if kind == PARAGRAPH:
        line_break(state, 2)
    elif kind == LINE:
        line_break(state, 1)
    elif kind == BR:
        line_break(state, min(state[GAP] + 1, 2))
    elif kind == CODE:
        state[IN_SPAN] = 0 if ends else 1
        if ends and state[SPAN]:
            state[SPAN_ENDED] = 1


def unseen(src: Source, at: int, end: int, key: int, does: int, state: Numbers) -> int:
    """Skip an element that is not shown; give the place after its end tag's name."""
    bit = 1 << (does // KIND_BITS)
    raw = does % KIND_BITS == RAW
    if not raw and state[UNCLOSED] & bit:
        return at
    place = find_end_tag(src, at, end, key)
    if place < end:
        close = find_close(src, place, end)
        return close
    if raw:
        return end
    state[UNCLOSED] |= bit
    return at


def find_close(src: Source, at: int, end: int) -> int:
    """Give the place after the ">" of the end tag at `at`."""
    while at < end and src[at] != 62:
        at += 1
    return min(at + 1, end)


def literal(src: Source, at: int, out: Output, state: Numbers) -> int:
    """Write one byte as it is."""
    begin_text(out, state)
    out[state[OUT]] = src[at]
    state[OUT] += 1
    return at + 1


def is_power(src: Source, at: int, end: int, out: Output, state: Numbers) -> bool:
    """Say whether the raised text at `at` is an exponent: 10<sup>6</sup> is no 106. Ordinals and footnotes are none."""
    last = state[OUT] - 1
    if at >= end or last < state[START] or state[GAP] or state[SPACE]:
        return False
    if not (48 <= src[at] <= 57 or src[at] == 45 or src[at] == 0xE2):  # a digit, "-" or the minus sign
        return False
    base = out[last]
    alone = last == state[START] or not (is_letter(out[last - 1]) or out[last - 1] >= 128)
    return bool(48 <= base <= 57 or base == 41 or (is_letter(base) and alone))


def markup(src: Source, at: int, end: int, out: Output, state: Numbers) -> int:
    """Do what the "<" at `at` begins; give the place after it."""
    after = in_comment(src, at, end)
    if after >= 0:
        return after
    ends = at + 1 < end and src[at + 1] == 47
    name = at + 2 if ends else at + 1
    if name >= end or not is_letter(src[name]):
        return literal(src, at, out, state)
    key, name_end = tag_name(src, name, end)
    close = tag_close(src, name_end, end, state)
    if close < 0:
        return literal(src, at, out, state)
    does = tag_does(key)
    kind = does % KIND_BITS
    after = close + 1
    if kind <= INLINE:
        if does == SUP and not ends and is_power(src, after, end, out, state):
            out[state[OUT]] = 94
            state[OUT] += 1
        return after
    if kind == PRE:
        if ends:
            line_break(state, 2)
            return after
        return pre_block(src, name_end, close, end, out, state)
    if kind >= RAW:
        return after if ends else unseen(src, after, end, key, does, state)
    if kind >= TABLE:
        table_tag(state, kind, ends)
    elif UL <= kind <= QUOTE:
        container_tag(src, name_end, close, state, kind, ends)
    else:
        flow_tag(state, kind, ends)
    return after


def copy_run(src: Source, at: int, end: int, out: Output, state: Numbers) -> None:
    """Write a run of plain text; the spaces around it wait."""
    if src[at] == 32:
        state[SPACE] = 1
        at += 1
    trailing = end > at and src[end - 1] == 32
    if trailing:
        end -= 1
    if end > at:
        begin_text(out, state)
        state[OUT] = copy(src, at, end, out, state[OUT])
    if trailing:
        state[SPACE] = 1


def dollar(src: Source, at: int, end: int, out: Output, state: Numbers) -> int:
    """Write a "$"; where it begins a displayed formula ("$$" to "$$", no tag between), note its end."""
    if at + 1 < end and src[at + 1] == 36 and at >= state[MATH_END]:
        stop = find(src, at + 2, end, LT)
        close = find(src, at + 2, stop, DOLLAR)
        while close + 1 < stop and src[close + 1] != 36:
            close = find(src, close + 1, stop, DOLLAR)
        if close + 1 < stop:
            if state[SPACE] and src[at - 1] == 10:
                line_break(state, 1)
            state[MATH_END] = close + 2
            literal(src, at, out, state)
            at += 1
    return literal(src, at, out, state)


def white(src: Source, at: int, state: Numbers) -> int:
    """Note the white space at `at`; give the place after it."""
    byte = src[at]
    if byte == 10 and at <= state[MATH_END]:
        line_break(state, 1)  # the lines of a displayed formula are its author's
    elif byte:
        state[SPACE] = 1
    return at + (2 if byte == 0xC2 else 1)


def scan_html(src: Source, at: int, end: int, out: Output, state: Numbers) -> int:
    """Turn the HTML in src[at:end] into text; give the place after it in `out`, or -1."""
    while at < end:
        stop = text_end(src, at, end)
        if state[OUT] + stop - at + MARGIN > len(out) or state[FULL]:
            return -1
        if stop > at:
            copy_run(src, at, stop, out, state)
        at = stop
        if at == end:
            break
        byte = src[at]
        if byte == 60:
            at = markup(src, at, end, out, state)
            if at < 0:
                return -1
        elif byte == 38:
            at = reference(src, at, end, out, state)
        elif byte == 36:
            at = dollar(src, at, end, out, state)
        elif byte == 0xC2 and at + 1 < end and src[at + 1] != 0xA0:
            at = literal(src, literal(src, at, out, state), out, state)
        else:
            at = white(src, at, state)
    if state[SPAN]:
        close_span(out, state)
    return -1 if state[FULL] else int(state[OUT])


def scan_plain(src: Source, at: int, end: int, out: Output, state: Numbers) -> int:
    """Copy text that holds no tag, resolving only references that end in a semicolon."""
    while at < end:
        stop = find(src, at, end, AMP)
        to = state[OUT]
        if to + stop - at + MARGIN > len(out):
            return -1
        state[OUT] = copy(src, at, stop, out, to)
        at = stop
        if at < end:
            at = reference(src, at, end, out, state)
    return int(state[OUT])


def has_tag(src: Source, at: int, end: int, state: Numbers) -> bool:
    """Say whether any element of HTML, or a comment, is there."""
    at = find(src, at, end, LT)
    while at < end:
        if in_comment(src, at, end) >= 0:
            return True
        name = at + 2 if at + 1 < end and src[at + 1] == 47 else at + 1
        if name < end and is_letter(src[name]):
            key, name_end = tag_name(src, name, end)
            if tag_does(key) != UNKNOWN and tag_close(src, name_end, end, state) >= 0:
                return True
        at = find(src, at + 1, end, LT)
    return False


def scan_row(src: Source, at: int, end: int, out: Output, out_at: int, state: Numbers) -> int:
    """Turn one row into text; give the place after it in `out`, or -1 when `out` is too small."""
    reset(state, out_at)
    if has_tag(src, at, end, state):
        reset(state, out_at)
        return scan_html(src, at, end, out, state)
    state[GAP] = 0
    state[LOW] = -1  # marks plain text for `reference`
    return scan_plain(src, at, end, out, state)


def scan_rows(src: Source, starts: Numbers, first: int, out: Output, ends: Numbers, state: Numbers) -> int:
    """Turn rows into text from row `first` on; give the number of the first row that did not fit."""
    at = ends[first - 1] if first else 0
    for row in range(first, len(ends)):
        at = scan_row(src, starts[row], starts[row + 1], out, at, state)
        if at < 0:
            return row
        ends[row] = at
    return len(ends)
