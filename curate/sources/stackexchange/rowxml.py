"""The `<row …/>` elements of a Stack Exchange XML table, read as a stream that survives broken rows.

A dump holds one row a line. Everything goes through one expat parser until it stops; the row it stopped at is
set apart, and a new parser goes on at the next line that begins a row.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import NamedTuple
from xml.parsers import expat

from curate.sources.files import MAX_RECORD
from curate.sources.stackexchange.archive import DamagedError

RAW = 2000  # bytes of a broken record kept; the quarantine cuts again, to 500 characters

# Where reading can go on after a broken row. "<" never stands inside a sound row, so none is taken for
# another one.
_RESUME = re.compile(rb"(?:\n|/>)[ \t\r]*(?=<(?:row[ \t\r\n]|/posts>))")
_LITTLE = 2**14  # bytes read at a time where rows are broken
_OVERLAP = 64  # bytes kept while skipping, so that a line break and its row may lie in two pieces
_PROLOGUE = b"<posts>"
# expat counts in C longs, of 32 bits on Windows: positions are taken modulo 2**32, relative to the window.
_MODULO = 2**32 - 1


class Broken(NamedTuple):
    """A stretch of the XML that is no row: where it begins, why, its first bytes, its size."""

    start: int
    error: str
    raw: bytes
    size: int


class Rows(NamedTuple):
    """Some rows: their attributes, the byte each starts at, and the XML around them, from `offset` on."""

    attributes: list[dict[str, str]]
    starts: list[int]
    broken: list[Broken]
    window: bytes
    offset: int

    def ends(self) -> list[int]:
        """Find the byte after each row: behind the last ">" before the next tag."""
        window, ends = self.window, []
        for start in self.starts:
            row = start - self.offset
            tag = window.find(b"<", row + 1)
            ends.append(self.offset + window.rfind(b">", row, tag if tag > 0 else len(window)) + 1)
        return ends

    def raw(self, start: int, end: int) -> bytes:
        """Cut one row's XML out of the window."""
        return self.window[start - self.offset : min(end, start + RAW) - self.offset].rstrip()


def read_rows(chunks: Iterator[bytes]) -> Iterator[Rows]:
    """Parse a stream of XML into its rows; raise DamagedError if it is empty or declares a DTD."""
    reader = _Reader()
    for piece in _pieces(chunks):
        yield from reader.feed(piece) if piece.endswith(b">") else reader.give_up(piece)
    reader.finish()
    yield reader.take()


def _pieces(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Cut after the last ">", which ends a row: older expats scan an unfinished one anew at every feed.

    A piece without one is the beginning of a row longer than any is, or the end of the stream.
    """
    pending: list[bytes] = []
    for chunk in chunks:
        cut = chunk.rfind(b">") + 1
        if cut:
            yield b"".join([*pending, chunk[:cut]])
            pending = []
        pending.append(chunk[cut:])
        if sum(map(len, pending)) > MAX_RECORD:
            yield b"".join(pending)
            pending = []
    if rest := b"".join(pending):
        yield rest


class _Reader:
    def __init__(self) -> None:
        self.attributes: list[dict[str, str]] = []
        self.starts: list[int] = []
        self.broken: list[Broken] = []
        self.window, self.offset = b"", 0
        self.skipping: Broken | None = None
        self._parse_from(0, b"")

    def _parse_from(self, start: int, prologue: bytes) -> None:
        """Begin a new parser at byte `start`; `last` is where the latest element that it accepted begins."""
        self.parser = parser = expat.ParserCreate()
        self.shift, self.last = start - len(prologue), start

        def element(name: str, attributes: dict[str, str]) -> None:
            if name == "row":
                self.attributes.append(attributes)
                self.starts.append(parser.CurrentByteIndex)
            else:
                self.last = self._place(parser.CurrentByteIndex)

        parser.StartElementHandler = element
        parser.StartDoctypeDeclHandler = _refuse
        parser.Parse(prologue, False)
        self.last = start

    def _place(self, index: int) -> int:
        return self.offset + ((index + self.shift - self.offset) & _MODULO)

    def feed(self, piece: bytes) -> Iterator[Rows]:
        """Read on; rows are handed over before the window moves on past them."""
        while piece:
            piece = yield from self._feed(piece)

    def _feed(self, piece: bytes) -> Generator[Rows, None, bytes]:
        """Read on; where rows are broken, only a little way, and give back the rest: each break copies the window."""
        rest = b""
        begin: int | None = self.offset + len(self.window)
        self.window += piece
        if self.skipping is not None:
            begin = self._resume()
        while begin is not None:
            error = self._parse(begin)
            yield self.take()
            if error is None:
                return rest
            self._set_apart(error)
            if len(self.window) > 2 * _LITTLE:
                cut = max(self.window.rfind(b">", 0, _LITTLE) + 1, self.window.rfind(b"\n", 0, _LITTLE))
                cut = cut if cut > 0 else len(self.window)
                self.window, rest = self.window[:cut], self.window[cut:]
            begin = self._resume()
        return rest

    def give_up(self, piece: bytes) -> Iterator[Rows]:
        """Set a row apart that does not end within `piece`; at the end of the stream `finish` does."""
        if len(piece) <= MAX_RECORD or self.skipping is not None:
            yield from self.feed(piece)
            return
        start = len(self.window) + len(piece) - len(piece.lstrip())
        self.window += piece
        self._skip_from(start, f"a row longer than {MAX_RECORD // 2**20} MiB")
        yield from self._feed(b"")

    def _parse(self, begin: int) -> expat.ExpatError | None:
        """Feed the window from `begin` on to the parser, and turn what it counted into places in the file."""
        stopped = None
        try:
            self.parser.Parse(memoryview(self.window)[begin - self.offset :], False)
        except expat.ExpatError as error:
            stopped = error
        except (LookupError, ValueError) as error:
            raise DamagedError(f"the file declares an encoding that is not known ({str(error)[:80]})") from None
        self.starts[:] = [self._place(index) for index in self.starts]
        self.last = max([self.last, *self.starts[-1:]])
        return stopped

    def _set_apart(self, error: expat.ExpatError) -> None:
        at = min(self._place(self.parser.ErrorByteIndex) - self.offset, len(self.window))
        row = _RESUME.search(self.window, self.last - self.offset)
        start = row.end() if row and row.end() <= at else at
        self._skip_from(start, f"broken XML: {expat.ErrorString(error.code)}")

    def _skip_from(self, start: int, error: str) -> None:
        self.skipping = Broken(self.offset + start, error, self.window[start : start + RAW], 0)
        self.offset, self.window = self.offset + start, self.window[start:]

    def _resume(self) -> int | None:
        """Look for the next row after a broken one; if there is one, begin a new parser there."""
        assert self.skipping is not None
        match = _RESUME.search(self.window)
        if match is None:
            # Bytes skipped are forgotten, all but an overlap: garbage can be of any size.
            keep = max(len(self.window) - _OVERLAP, 0)
            self.offset, self.window = self.offset + keep, self.window[keep:]
            return None
        resumed = self.offset + match.end()
        self._end_skip(resumed)
        self._parse_from(resumed, _PROLOGUE)
        self.last = self.offset + match.start()  # just before the row, where it can be found again
        return resumed

    def _end_skip(self, end: int) -> None:
        assert self.skipping is not None
        size = end - self.skipping.start
        self.broken.append(self.skipping._replace(raw=self.skipping.raw[:size].rstrip(), size=size))
        self.skipping = None

    def take(self) -> Rows:
        """Hand over what has been read, and forget all XML before the last element."""
        rows = Rows(self.attributes, self.starts, self.broken, self.window, self.offset)
        self.attributes, self.starts, self.broken = [], [], []
        if self.skipping is None:
            self.window = self.window[self.last - self.offset :]
            self.offset = self.last
        return rows

    def finish(self) -> None:
        if not self.offset and not self.window:
            raise DamagedError("the file is empty")
        if self.skipping is not None:
            self._end_skip(self.offset + len(self.window))
            return
        try:
            self.parser.Parse(b"", True)
        except expat.ExpatError:
            self._cut()

    def _cut(self) -> None:
        row = _RESUME.search(self.window)
        start = row.end() if row else self.window.rfind(b">") + 1
        rest = self.window[start:].strip()
        end = self.offset + len(self.window)
        if rest:
            place = end - len(self.window[start:].lstrip())
            self.broken.append(Broken(place, "file ends in the middle of a record", rest[:RAW], end - place))
        else:
            self.broken.append(Broken(end, "file ends without its closing tag: later records may be missing", b"", 0))


def _refuse(*_: object) -> None:
    raise DamagedError("the file declares a document type (DTD), which no dump does; nothing of it is used")
