"""The writing half of the markup scanner: what stands between two pieces of text.

Nothing is written before the text it belongs to: breaks, spaces, list markers, quote signs and backticks wait in
the state until text comes, so empty elements leave no trace and nothing has to be trimmed. The state is a flat row
of numbers, in the subset of Python that numba compiles.
"""

from __future__ import annotations

from curate.filters.html.find import Numbers, Output, find
from curate.filters.html.tables import LI, QUOTE, TICK

# The places of the state.
OUT = 0  # where the next byte is written
START = 1  # where this row began
GAP = 2  # waiting before the next text: 1 a new line, 2 a blank line
SPACE = 3  # waiting: a space
IN_SPAN = 4  # inside <code>
SPAN = 5  # where the text of the open code span begins; 0 when none is open
SPAN_ENDED = 6  # </code> was seen, but the closing backtick waits: <code>a</code><code>b</code> is one span
DEPTH = 7  # containers open: quotes, lists and items
LOW = 8  # fewest containers open since the last text
OVER = 9  # containers too deep to be kept
LIST_ENDED = 10  # an inner list ended after the last text
SEPARATORS = 11  # waiting: bars between table cells
CELLS = 12  # cells begun in this table row
IN_CELL = 13
LAX = 14  # a quote in a tag ran to the end of the text: tags end at the first ">" from now on
NO_GT = 15  # there is no further ">"
UNCLOSED = 16  # bits of the SKIP elements known to have no further end tag
FULL = 17  # the output buffer is too small
MATH_END = 18  # where the displayed formula ends that we are in, or were last
STACK = 19

# A container: its kind (QUOTE, LI, or UL and OL), its number (-1: a bullet), its indent, whether its marker waits.
NUMBER, INDENT, WAITS, FIELDS = 1, 2, 3, 4
MAX_DEPTH = 24
MAX_BARS = 64
STATE_SIZE = STACK + FIELDS * MAX_DEPTH
MARGIN = 1024  # room for the most that can wait: two prefixes of 24 markers and 64 bars


def reset(state: Numbers, out_at: int) -> None:
    """Begin a row."""
    for place in range(STACK):
        state[place] = 0
    state[OUT] = out_at
    state[START] = out_at
    state[GAP] = 1


def line_break(state: Numbers, level: int) -> None:
    """Ask for a new line (1) or a blank line (2) before the next text."""
    if state[IN_CELL]:
        state[SPACE] = 1  # a table row stays on one line
    elif state[LOW] == state[DEPTH]:  # the first thing in a container stands on its first line
        state[GAP] = max(state[GAP], level)


def block_break(state: Numbers, level: int) -> None:
    """Ask for a break that a table cell does not swallow."""
    state[IN_CELL] = 0
    line_break(state, level)
    state[GAP] = max(state[GAP], 1)


def push(state: Numbers, kind: int, number: int, indent: int) -> None:
    """Open a container."""
    if state[DEPTH] == MAX_DEPTH:
        state[OVER] += 1
        return
    at = STACK + FIELDS * state[DEPTH]
    state[at] = kind
    state[at + NUMBER] = number
    state[at + INDENT] = indent
    state[at + WAITS] = 1 if kind == LI else 0
    state[DEPTH] += 1


def pop_to(state: Numbers, level: int) -> None:
    """Close containers until `level` are open."""
    state[DEPTH] = level
    state[LOW] = min(state[LOW], level)


def digits(number: int) -> int:
    """Count the digits of a number."""
    count = 1
    while number > 9:
        number //= 10
        count += 1
    return count


def write_marker(out: Output, at: int, number: int) -> int:
    """Write "- " or "12. "."""
    if number < 0:
        out[at] = 45
        at += 1
    else:
        width = digits(number)
        for place in range(width):
            out[at + width - 1 - place] = 48 + number % 10
            number //= 10
        out[at + width] = 46
        at += width + 1
    out[at] = 32
    return at + 1


def write_prefix(out: Output, at: int, state: Numbers, depth: int) -> int:
    """Write what the outermost `depth` containers put before a line."""
    for level in range(depth):
        entry = STACK + FIELDS * level
        if state[entry] == QUOTE:
            out[at] = 62
            out[at + 1] = 32
            at += 2
        elif state[entry + WAITS]:
            at = write_marker(out, at, state[entry + NUMBER])
            state[entry + WAITS] = 0
        else:
            for _ in range(state[entry + INDENT]):
                out[at] = 32
                at += 1
    return at


def write_blank(out: Output, at: int, state: Numbers, depth: int) -> int:
    """Write an empty line inside the outermost `depth` containers."""
    line = at
    at = write_prefix(out, at, state, depth)
    while at > line and out[at - 1] == 32:
        at -= 1
    out[at] = 10
    return at + 1


def longest_run(out: Output, at: int, end: int) -> int:
    """Measure the longest run of backticks in out[at:end]."""
    longest = 0
    at = find(out, at, end, TICK)
    while at < end:
        run = at
        while run < end and out[run] == 96:
            run += 1
        longest = max(longest, run - at)
        at = find(out, run, end, TICK)
    return longest


def shift(out: Output, at: int, end: int, by: int) -> None:
    """Move out[at:end] to the right."""
    for place in range(end - 1, at - 1, -1):
        out[place + by] = out[place]


def close_span(out: Output, state: Numbers) -> None:
    """Close the open code span, with more backticks than it holds in a row."""
    start, end = state[SPAN], state[OUT]
    ticks = longest_run(out, start, end)
    if end + 2 * ticks + MARGIN > len(out):
        state[FULL] = 1
        ticks = 0
    pad = 1 if out[start] == 96 or out[end - 1] == 96 else 0
    if ticks:
        shift(out, start, end, ticks + pad)
        for place in range(ticks):
            out[start + place] = 96
        if pad:
            out[start + ticks] = 32
        end += ticks + pad
        if pad:
            out[end] = 32
            end += 1
    for place in range(ticks + 1):
        out[end + place] = 96
    state[OUT] = end + ticks + 1
    state[SPAN] = 0


def begin(out: Output, state: Numbers) -> None:
    """Write all that waits before the next text, except the backtick that opens a code span."""
    ended = state[SPAN_ENDED] and (not state[IN_SPAN] or state[SPACE])
    if state[SPAN] and (state[GAP] or state[SEPARATORS] or ended):
        close_span(out, state)
    at = state[OUT]
    if state[GAP]:
        if at > state[START]:
            out[at] = 10
            at += 1
            # Text after an inner list needs a blank line, or Markdown reads it as part of the last item.
            if state[GAP] == 2 or (state[LIST_ENDED] and state[LOW] == state[DEPTH]):
                at = write_blank(out, at, state, state[LOW])
        at = write_prefix(out, at, state, state[DEPTH])
    elif state[SPACE] or state[SEPARATORS]:
        out[at] = 32
        at += 1
    for _ in range(state[SEPARATORS]):
        out[at] = 124
        out[at + 1] = 32
        at += 2
    state[OUT] = at
    state[GAP] = state[SPACE] = state[SEPARATORS] = state[LIST_ENDED] = 0
    state[LOW] = state[DEPTH]


def begin_text(out: Output, state: Numbers) -> None:
    """Write all that waits before the next text."""
    begin(out, state)
    if state[IN_SPAN] and not state[SPAN]:
        out[state[OUT]] = 96
        state[OUT] += 1
        state[SPAN] = state[OUT]
    state[SPAN_ENDED] = 0
