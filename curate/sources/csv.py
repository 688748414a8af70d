"""CSV files, one row a row: the standard library's reader over lines that can be given back."""

from __future__ import annotations

import csv as stdlib
from collections import Counter, deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from curate.rows import Bad, Batch, Part, SourceError
from curate.sources import files
from curate.sources.columns import Record
from curate.sources.layout import Options
from curate.sources.records import Read, batches, start
from curate.sources.shapes import Shape

_DELIMITERS = ",;\t|"
# A line that stood in so many records that broke is read alone: else each of them would be read to the end of the file.
_TRIES = 8
# Names of columns that go on for longer are records behind a quote left open.
_HEADER_LINES, _NAME = 10, 1000
MAX_COLUMNS = 10_000  # more take polars minutes


def csv(
    path: Path,
    *,
    delimiter: str | None = None,
    escape: str | None = None,
    columns: dict[str, str] | None = None,
    shape: Shape | None = None,
    domain: str | None = None,
    license: str | None = None,
    encoding: str | None = None,
) -> list[Part]:
    r"""Read CSV files with a header, packed or not (.gz .bz2 .xz .zst).

    A row with too many or too few cells, broken quotes or broken UTF-8 is bad and no other. An empty cell is
    null; every column is text but `score`, which is read as a number.

    Args:
        path: a file, a folder (its .csv and .tsv files, packed or not) or a glob.
        delimiter: what parts the cells; found in the first line (comma, semicolon, tab or bar) if not given.
        escape: what stands before a quote that is part of a cell, such as a backslash; a second quote if not given.
        columns: column here -> column in the file, as in `{prompt: title}`.
        shape: how instructions and pairs are laid out; found by the names when not given.
        domain: the domain of rows that have none.
        license: the licence of rows that have none.
        encoding: what the file is in, as in `cp1252`; UTF-8, or what its mark says, when not given.

    Raises:
        SourceMissing: when there is no such file.
        SourceError: when a column that is named is not there, or none holds a prompt.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = file.write_text('title,score\n"Why,\nthen?",3\nHow?\n')
    >>> [batch] = csv(file, columns={"prompt": "title"})[0].read(1000)
    >>> batch.rows.to_dicts(), batch.bad[0].where, batch.bad[0].error
    ([{'prompt': 'Why,\nthen?', 'score': 3.0}], 'line 4', 'expected 2 cells, as in the first line, got 1')
    """
    if escape is not None and len(escape) != 1:
        raise ValueError(f"escape is one character, not {escape!r}")
    options = Options(columns or {}, shape, domain, license)
    records = partial(read, delimiter=delimiter, encoding=encoding, escape=escape)
    parts = files.parts(path, (".csv", ".tsv"), partial(_read_csv, options, records))
    first = parts[0].files[0]
    start(first, records(first), options, text=True)
    return parts


def _read_csv(
    options: Options, records: Callable[[Path], Iterator[Read | Bad]], file: Path, batch_rows: int
) -> Iterator[Batch]:
    stream, layout = start(file, records(file), options, text=True)
    yield from batches(file, stream, layout, "line", batch_rows)


def read(
    file: Path, delimiter: str | None = None, encoding: str | None = None, escape: str | None = None
) -> Iterator[Read | Bad]:
    """Yield the records of a CSV file under the names in its first line, and those that cannot be read.

    Where quotes are broken, reading goes on at the next line: an open quote must not swallow the records
    after it.

    Raises:
        SourceError: when the first line names a column twice.
    """
    stdlib.field_size_limit(max(stdlib.field_size_limit(), files.MAX_RECORD))
    form = {"delimiter": delimiter or _likely(file, encoding), "escapechar": escape, "strict": True}
    lines = _Lines(file, encoding)
    header = _header(file, lines, form)
    for item in _rows(file, lines, form) if header else ():
        yield item if isinstance(item, Bad) else _record(file, header, *item)
    if lines.damage:
        yield lines.damage


class _Lines:
    """The lines of a file as text; those of the record being read are kept, to be given back."""

    def __init__(self, file: Path, encoding: str | None) -> None:
        self._lines = files.lines(file, blank=True, encoding=encoding)
        self._back: deque[tuple[files.Line, int]] = deque()  # each with how often it was read
        self._current: list[tuple[files.Line, int]] = []
        self._size = 0
        self.damage: Bad | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line, times = self._back.popleft() if self._back else (next(self._lines), 0)
        if isinstance(line, Bad):
            self.damage = line
            raise StopIteration
        if self._current and (times >= _TRIES or self._size > files.MAX_RECORD):
            self._back.appendleft((line, times))
            raise StopIteration
        self._current.append((line, times))
        self._size += len(line.raw)
        # Broken bytes stay recognisable in the cells: only their own record is bad.
        return line.raw.decode("utf-8", "surrogateescape")

    @property
    def current(self) -> list[files.Line]:
        """List the lines of the record being read."""
        return [line for line, _ in self._current]

    def begin(self) -> None:
        """Begin a record."""
        self._current, self._size = [], 0

    def give_back(self) -> None:
        """Take back all lines of the record but the first."""
        self._back.extendleft((line, times + 1) for line, times in reversed(self._current[1:]))
        del self._current[1:]


def _likely(file: Path, encoding: str | None) -> str:
    """Guess the delimiter: the one that cuts the first line into most cells."""
    first = next(files.lines(file, encoding=encoding), None)
    text = first.raw.decode("utf-8", "replace") if isinstance(first, files.Line) else ""
    return max(_DELIMITERS, key=lambda mark: _cells(text, mark))


def _cells(line: str, delimiter: str) -> int:
    """Count the cells of a line; none where it is not CSV."""
    try:
        return len(next(stdlib.reader([line], delimiter=delimiter), []))
    except stdlib.Error:
        return 0


def _header(file: Path, lines: _Lines, form: dict[str, Any]) -> list[str]:
    try:
        names = next((cells for cells in stdlib.reader(lines, **form) if cells), [])
    except stdlib.Error as error:
        raise SourceError(f"{file}: the names of the columns, in its first line, are not CSV ({error})") from None
    if len(lines.current) > _HEADER_LINES or any(len(name) > _NAME for name in names):
        raise SourceError(
            f"{file}: the names of the columns go on for {len(lines.current):,} lines: close the quote in line 1"
        )
    if len(names) > MAX_COLUMNS:
        raise SourceError(f"{file} has {len(names):,} columns; up to {MAX_COLUMNS:,} can be read")
    names = [name.strip() or f"column_{i}" for i, name in enumerate(names, 1)]
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise SourceError(f"{file} has two columns {twice[0]!r}: rename one in its first line")
    return names


def _rows(file: Path, lines: _Lines, form: dict[str, Any]) -> Iterator[tuple[list[str], list[files.Line]] | Bad]:
    reader = stdlib.reader(lines, **form)
    while True:
        lines.begin()
        try:
            cells = next(reader, None)
        except stdlib.Error as error:
            lines.give_back()
            number, raw, size = lines.current[0]
            yield files.bad(file, f"line {number}", f"not CSV: {error}", raw, size)
            reader = stdlib.reader(lines, **form)
            continue
        if cells is None:
            return
        if cells:  # a blank line between records is none
            yield cells, lines.current


def _record(file: Path, header: list[str], cells: list[str], lines: list[files.Line]) -> Read | Bad:
    number, raw = lines[0].number, b"".join(line.raw for line in lines)
    size = sum(line.size for line in lines)
    try:
        raw.decode("utf-8")
        return Read(number, raw, size, _named(header, cells))
    except UnicodeDecodeError as error:
        reason = files.not_utf8(error)
    except ValueError as error:
        reason = str(error)
    return files.bad(file, f"line {number}", reason, raw, size)


def _named(header: list[str], cells: list[str]) -> Record:
    """Put the cells under their names; an empty cell is null."""
    if len(cells) != len(header):
        raise ValueError(f"expected {len(header)} cells, as in the first line, got {len(cells)}")
    return {name: cell or None for name, cell in zip(header, cells, strict=True)}
