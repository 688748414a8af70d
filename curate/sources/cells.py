"""Records of a CSV file: the standard library's reader over lines that can be taken back."""

from __future__ import annotations

import csv
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path

from curate.rows import Bad, SourceError
from curate.sources import files
from curate.sources.columns import Record
from curate.sources.records import Read

_DELIMITERS = ",;\t|"
# A line that stood in so many records that broke is read alone: else each of them would be read to the end of the file.
_TRIES = 8
# Names of columns that go on for longer are records behind a quote left open.
_HEADER_LINES, _NAME = 10, 1000
MAX_COLUMNS = 10_000  # more take polars minutes


def read(file: Path, delimiter: str | None) -> Iterator[Read | Bad]:
    """Yield the records of a CSV file under the names in its first line, and those that cannot be read.

    Where quotes are broken, reading goes on at the next line: an open quote must not swallow the records
    after it.

    Raises:
        SourceError: when the first line names a column twice.
    """
    csv.field_size_limit(max(csv.field_size_limit(), files.MAX_RECORD))
    delimiter = delimiter or _likely(file)
    lines = _Lines(file)
    header = _header(file, lines, delimiter)
    for item in _rows(file, lines, delimiter) if header else ():
        yield item if isinstance(item, Bad) else _record(file, header, *item)
    if lines.damage:
        yield lines.damage


class _Lines:
    """The lines of a file as text; those of the record being read are kept, to be given back."""

    def __init__(self, file: Path) -> None:
        self._lines = files.lines(file, blank=True)
        self._back: deque[tuple[files.Line, int]] = deque()  # each with how often it was taken
        self._taken: list[tuple[files.Line, int]] = []
        self._size = 0
        self.damage: Bad | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line, times = self._back.popleft() if self._back else (next(self._lines), 0)
        if isinstance(line, Bad):
            self.damage = line
            raise StopIteration
        if self._taken and (times >= _TRIES or self._size > files.MAX_RECORD):
            self._back.appendleft((line, times))
            raise StopIteration
        self._taken.append((line, times))
        self._size += len(line.raw)
        # Broken bytes stay recognisable in the cells: only their own record is bad.
        return line.raw.decode("utf-8", "surrogateescape")

    @property
    def taken(self) -> list[files.Line]:
        """List the lines of the record being read."""
        return [line for line, _ in self._taken]

    def begin(self) -> None:
        """Begin a record."""
        self._taken, self._size = [], 0

    def give_back(self) -> None:
        """Take back all lines of the record but the first."""
        self._back.extendleft((line, times + 1) for line, times in reversed(self._taken[1:]))
        del self._taken[1:]


def _likely(file: Path) -> str:
    """Guess the delimiter: the one that cuts the first line into most cells."""
    first = next(files.lines(file), None)
    text = first.raw.decode("utf-8", "replace") if isinstance(first, files.Line) else ""
    return max(_DELIMITERS, key=lambda mark: _cells(text, mark))


def _cells(line: str, delimiter: str) -> int:
    """Count the cells of a line; none where it is not CSV."""
    try:
        return len(next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:
        return 0


def _header(file: Path, lines: _Lines, delimiter: str) -> list[str]:
    try:
        names = next((cells for cells in csv.reader(lines, delimiter=delimiter, strict=True) if cells), [])
    except csv.Error as error:
        raise SourceError(f"{file}: the names of the columns, in its first line, are not CSV ({error})") from None
    if len(lines.taken) > _HEADER_LINES or any(len(name) > _NAME for name in names):
        raise SourceError(
            f"{file}: the names of the columns go on for {len(lines.taken):,} lines: close the quote in line 1"
        )
    if len(names) > MAX_COLUMNS:
        raise SourceError(f"{file} has {len(names):,} columns; up to {MAX_COLUMNS:,} can be read")
    names = [name.strip() or f"column_{i}" for i, name in enumerate(names, 1)]
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise SourceError(f"{file} has two columns {twice[0]!r}: rename one in its first line")
    return names


def _rows(file: Path, lines: _Lines, delimiter: str) -> Iterator[tuple[list[str], list[files.Line]] | Bad]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.begin()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            lines.give_back()
            number, raw, size = lines.taken[0]
            yield files.bad(file, f"line {number}", f"not CSV: {error}", raw, size)
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            continue
        if cells is None:
            return
        if cells:  # a blank line between records is none
            yield cells, lines.taken


def _record(file: Path, header: list[str], cells: list[str], lines: list[files.Line]) -> Read | Bad:
    number, raw = lines[0].number, b"".join(line.raw for line in lines)
    size = sum(line.size for line in lines)
    try:
        raw.decode("utf-8")
        return Read(number, raw, size, _named(header, cells))
    except UnicodeDecodeError as error:
        reason = f"not UTF-8: byte 0x{raw[error.start]:02x} at byte {error.start + 1} of the record"
    except ValueError as error:
        reason = str(error)
    return files.bad(file, f"line {number}", reason, raw, size)


def _named(header: list[str], cells: list[str]) -> Record:
    """Put the cells under their names; an empty cell is null."""
    if len(cells) != len(header):
        raise ValueError(f"expected {len(header)} cells, as in the first line, got {len(cells)}")
    return {name: cell or None for name, cell in zip(header, cells, strict=True)}
