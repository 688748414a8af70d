"""Records of a CSV file: the standard library's reader over lines that can be taken back."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from curate.rows import Bad, SourceError
from curate.sources import files
from curate.sources._columns import Record
from curate.sources._records import Read

_DELIMITERS = ",;\t|"


def read(file: Path, delimiter: str | None) -> Iterator[Read | Bad]:
    """Yield the records of a CSV file under the names in its first line, and those that cannot be read.

    Where quotes are broken, reading goes on at the next line: an open quote must not swallow the records
    after it.

    Raises:
        SourceError: when the first line names a column twice.
    """
    csv.field_size_limit(max(csv.field_size_limit(), files.MAX_RECORD))
    lines = _Lines(file)
    header = _header(file, lines, delimiter or _likely(file))
    for item in _rows(file, lines, delimiter or _likely(file)) if header else ():
        yield item if isinstance(item, Bad) else _record(file, header, *item)
    if lines.damage:
        yield lines.damage


class _Lines:
    """The lines of a file as text; those of the record being read are kept, to be given back."""

    def __init__(self, file: Path) -> None:
        self._lines = files.lines(file, blank=True)
        self._back: deque[files.Line] = deque()
        self.taken: list[files.Line] = []
        self.damage: Bad | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else next(self._lines)
        if isinstance(line, Bad):
            self.damage = line
            raise StopIteration
        self.taken.append(line)
        # Broken bytes stay recognisable in the cells: only their own record is bad.
        return line.raw.decode("utf-8", "surrogateescape")

    def give_back(self) -> None:
        """Take back all lines of the record but the first."""
        self._back.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]


def _likely(file: Path) -> str:
    """Guess the delimiter: the one that cuts the first line into most cells."""
    first = next(files.lines(file), None)
    text = first.raw.decode("utf-8", "replace") if isinstance(first, files.Line) else ""
    return max(_DELIMITERS, key=lambda mark: len(next(csv.reader([text], delimiter=mark), [])))


def _header(file: Path, lines: _Lines, delimiter: str) -> list[str]:
    names = next((cells for cells in csv.reader(lines, delimiter=delimiter) if cells), [])
    names = [name.strip() or f"column_{i}" for i, name in enumerate(names, 1)]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise SourceError(f"{file} has two columns {twice[0]!r}: rename one in its first line")
    return names


def _rows(file: Path, lines: _Lines, delimiter: str) -> Iterator[tuple[list[str], list[files.Line]] | Bad]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.taken = []
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
