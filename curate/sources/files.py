"""Files of a source: which there are, and their bytes, whatever they are packed in."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakSet

from curate.rows import Bad, Batch, Part, SourceError, SourceMissing, part_pattern

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PACKED = (".gz", ".bz2", ".xz", ".zst")
READERS = {  # the source of each kind of file
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}
# No honest record is longer; reading one bounds what a file without line ends can cost: eight times as much memory.
MAX_RECORD = 2**26
# Text packs to a fifth of its size, rows that share a long prompt to a fiftieth. A file of up to a megabyte may unpack
# to FLOOR bytes, which cost below 1 GB in the shortest rows, and each byte more of it to MOST bytes more.
MOST, FLOOR = 100, 24 * 2**20
# A batch is closed at this many bytes of its file even when it may hold more rows.
BATCH_BYTES = 2**26
# How a file may begin that says its encoding; the longer marks first.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# What a file is most likely in that is not UTF-8: what Windows writes in Western Europe and America.
GUESS = "cp1252"
A_GUESS = "; a guess: "
DAMAGED = "the file is damaged here and cannot be read on"
# Pushshift packs with a window of 2 GiB; zstandard refuses more than 128 MiB unless told.
ZST_WINDOW = 2**31
_ZST_STEP = 2**11  # packed bytes at a time; four of them may hold 128 KiB, and zstandard gives all at once


class Line(NamedTuple):
    """One line of a file: its number from 1, its bytes (cut at `MAX_RECORD`), its whole size in bytes."""

    number: int
    raw: bytes
    size: int


class Range(NamedTuple):
    """A piece of a file of lines: its first byte, the first one after it, and the lines before it."""

    start: int
    stop: int
    before: int


Reader = Callable[[int], Iterator[Batch]]
Split = Callable[[Path, int], Iterator[tuple[str, Reader]]]


def uncut(file: Path, size: int) -> Iterator[tuple[str, Reader]]:
    """Cut nothing."""
    return iter(())


def parts(
    path: Path,
    suffixes: tuple[str, ...],
    read: Callable[[Path, int], Iterator[Batch]],
    split: Split = uncut,
) -> list[Part]:
    """List the files at `path` (a file, a folder, a glob) as parts, sorted by name.

    `split` cuts a file into pieces of some bytes each, and yields where each begins, in words, and how it is read.

    Raises:
        SourceMissing: when there is none.
    """
    base, matches = _find(path, suffixes)
    named = sorted((file.relative_to(base).as_posix(), file) for file in matches)
    return [Part(name, (file,), partial(read, file), partial(_pieces, name, file, split)) for name, file in named]


def _pieces(name: str, file: Path, split: Split, size: int) -> list[Part]:
    return [Part(f"{name}, {place}", (file,), read) for place, read in split(file, size)]


def _find(path: Path, suffixes: tuple[str, ...]) -> tuple[Path, list[Path]]:
    if path.is_file():
        return path.parent, [path]
    if path.is_dir():
        matches = [file for file in _matching(path, "**/*") if kind(file) in suffixes]
        if not matches:
            raise SourceMissing(f"the folder {path} holds no file ending in {', '.join(suffixes)}")
        return path, matches
    base, pattern = part_pattern(path)
    matches = _matching(base, pattern) if pattern else []
    if not matches:
        raise SourceMissing(f"no file matches {path}" if pattern else f"there is no file {path}")
    return base, matches


def _matching(base: Path, pattern: str) -> list[Path]:
    """Find files by a pattern, hidden ones and those in hidden folders left out."""
    files = (file for file in base.glob(pattern) if file.is_file())
    return [f for f in files if not any(piece.startswith(".") for piece in f.relative_to(base).parts)]


def kind(file: Path) -> str:
    """Name what a file holds, from its name without the packing.

    >>> kind(Path("a.JSONL.gz")), kind(Path("RC_2019-01.zst"))
    ('.jsonl', '.zst')
    """
    suffix = file.suffix.lower()
    if suffix in PACKED and (inner := Path(file.stem).suffix.lower()):
        return inner
    return suffix


def skip_mark(stream: io.BufferedReader) -> None:
    """Skip a UTF-8 byte-order mark at the start."""
    if stream.peek(3)[:3] == codecs.BOM_UTF8:
        stream.read(3)


def encoded(file: Path, encoding: str | None = None) -> io.BufferedReader:
    """Open a file for its text in UTF-8, whatever it is in: UTF-16 or UTF-32 by its mark, or the encoding named.

    A byte that is no text in that encoding becomes one that is none in UTF-8: its own record is bad.

    Raises:
        SourceError: when it cannot be opened, or Python does not know the encoding.
    """
    own = encoding or "utf-8"
    try:
        io.TextIOWrapper(io.BytesIO(), own)
    except LookupError:
        raise SourceError(f"encoding: Python knows no {encoding!r}; as in utf-8, cp1252, shift_jis, gb18030") from None
    stream = unpacked(file)
    try:
        head = stream.peek(4)[:4]
    except damage():  # said where it is read
        return stream
    name = next((name for mark, name in _MARKS.items() if head.startswith(mark)), codecs.lookup(own).name)
    return stream if name == "utf-8" else io.BufferedReader(_Recoded(stream, name), 2**18)


def _mark_broken(error: UnicodeError) -> tuple[str, int]:
    """Put half of a surrogate pair, which turns into the byte 0xFF, where bytes are no text."""
    assert isinstance(error, UnicodeDecodeError)
    return "\udcff", error.end


codecs.register_error("curate-broken", _mark_broken)


class _Recoded(io.RawIOBase):
    """A file in another encoding as UTF-8."""

    def __init__(self, stream: io.BufferedReader, encoding: str) -> None:
        self._stream = stream
        self._decode = codecs.getincrementaldecoder(encoding)("curate-broken").decode
        self._ready = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._stream.close()
        super().close()

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        while not self._ready and not self._ended:
            packed = self._stream.read1(2**18)
            self._ended = not packed
            self._ready = memoryview(self._decode(packed, self._ended).encode("utf-8", "surrogateescape"))
        size = min(len(target), len(self._ready))
        target[:size], self._ready = self._ready[:size], self._ready[size:]
        return size


def not_utf8(error: UnicodeDecodeError) -> str:
    """Say what is wrong with the bytes of a record, and what it would say in the likeliest encoding."""
    raw, at = bytes(error.object), error.start
    what = f"not UTF-8: byte 0x{raw[at]:02x} at byte {at + 1} of the record"
    around = raw[max(0, at - 12) : at + 13]
    try:
        word = " ".join(around.decode(GUESS).split())
    except UnicodeDecodeError:
        return what
    broken = raw[at] == 0xFF  # what `encoded` puts where it is no text either
    likely = not broken and word.isprintable() and raw[at : at + 1].decode(GUESS).isalpha()
    return f"{what}{A_GUESS}`encoding: {GUESS}` would read {word!r}" if likely else what


def unpacked(file: Path) -> io.BufferedReader:
    """Open a file for its plain bytes.

    Raises:
        SourceError: when it cannot be opened, or its packing needs a package that is not installed.
    """
    openers: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, ".zst": _Zst}
    packed = openers.get(file.suffix.lower())
    try:
        raw = io.FileIO(file)
    except OSError as error:
        raise SourceError(f"{file} cannot be opened: {error.strerror or error}") from None
    with _registry:
        _open.add(raw)
    return io.BufferedReader(_Soon(packed, raw, most(file)) if packed else raw, 2**18)


_open: WeakSet[io.FileIO] = WeakSet()
_registry = Lock()


def position(file: Path) -> int | None:
    """Say how many bytes of a file are read so far, packed as it is; None while nobody reads it."""
    with _registry:
        streams = [stream for stream in _open if stream.name == file]
    with suppress(ValueError):  # closed just now
        return max((stream.tell() for stream in streams if not stream.closed), default=None)
    return None


def most(file: Path) -> int:
    """Say how many bytes a packed file may unpack to."""
    return FLOOR + MOST * max(0, file.stat().st_size - 2**20)


def swollen(limit: int) -> str:
    """Say that a packed file unpacks to more than that."""
    size = f"{limit // 2**20} MiB"
    return f"it unpacks to more than {size}, far more than its size allows: if you trust it, unpack it yourself"


class _Soon(io.RawIOBase):
    """A packed file that hands on what is unpacked so far: one cut short loses what stands behind its cut, no more.

    The packers' own `readinto` fills the whole buffer first, and drops all of it when the cut comes before its end.
    """

    def __init__(self, unpack: Callable[..., Any], raw: io.FileIO, limit: int) -> None:
        self._file = io.BufferedReader(raw)
        self._packed = unpack(self._file)
        self._limit, self._room = limit, limit

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._packed.close()
        self._file.close()  # the packers close no file that they were given
        super().close()

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        data = self._packed.read1(len(target))
        self._room -= len(data)
        if self._room < 0:
            raise OSError(swollen(self._limit))
        target[: len(data)] = data
        return len(data)


class _Zst:
    """A zstd file as plain bytes, frame after frame.

    zstandard's own stream reader takes a file cut short for one that ends there: a silent loss.
    """

    def __init__(self, file: io.BufferedReader) -> None:
        try:
            import zstandard
        except ImportError:
            file.close()
            raise SourceError(f"{file.name} needs the package zstandard: pip install 'curate-lm[dumps]'") from None
        self._file = file
        self._context = zstandard.ZstdDecompressor(max_window_size=ZST_WINDOW)
        self._frame: Any = None
        self._ready = memoryview(b"")

    def close(self) -> None:
        self._file.close()

    def read1(self, size: int) -> memoryview:
        while not self._ready:
            packed = self._frame.unused_data if self._frame is not None and self._frame.eof else b""
            packed = packed or self._file.read(_ZST_STEP)
            if not packed:
                if self._frame is not None and not self._frame.eof:
                    raise EOFError("the file ends in the middle of a zstd frame")
                return self._ready
            if self._frame is None or self._frame.eof:
                self._frame = self._context.decompressobj()
            self._ready = memoryview(self._frame.decompress(packed))
        part, self._ready = self._ready[:size], self._ready[size:]
        return part


def damage() -> tuple[type[Exception], ...]:
    """List what reading a damaged file may raise."""
    zstandard = sys.modules.get("zstandard")
    return (EOFError, OSError, zlib.error, lzma.LZMAError, *([zstandard.ZstdError] if zstandard else []))


def lines(
    file: Path, *, blank: bool = False, encoding: str | None = None, piece: Range | None = None
) -> Iterator[Line | Bad]:
    """Yield every line that is not blank (or those too), in UTF-8; where the file is damaged, one last Bad.

    With a `piece`, which `ranges` gives, only the lines in it.
    """
    number, left = (piece.before, piece.stop - piece.start) if piece else (0, sys.maxsize)
    with encoded(file, encoding) as stream:
        try:
            if piece:
                stream.seek(piece.start)
            else:
                skip_mark(stream)
            while left > 0 and (raw := stream.readline(MAX_RECORD)):
                number += 1
                size = len(raw)
                if size >= MAX_RECORD and not raw.endswith(b"\n"):
                    size += _skip_line(stream)
                left -= size
                if blank or not raw.isspace():
                    yield Line(number, raw, size)
        except damage() as error:
            yield broken(file, f"after line {number}", error)
            return
    if number == 0:
        yield Bad(str(file), "line 1", "the file is empty", "", 0)


def ranges(file: Path, size: int, encoding: str | None = None) -> Iterator[Range]:
    """Cut a file into pieces of whole lines, of at least `size` bytes but for the last; none if it is not plain UTF-8.

    Raises:
        OSError: when it cannot be read.
    """
    with encoded(file, encoding) as stream:
        if not isinstance(stream.raw, io.FileIO):  # packed, or turned into UTF-8: nobody can start in the middle
            return
        skip_mark(stream)
        start, before = stream.tell(), 0
        while stream.peek(1):
            breaks, left = 0, size
            while left > 0 and (raw := stream.read(min(left, 2**20))):
                breaks += raw.count(b"\n")
                left -= len(raw)
            if _skip_line(stream):
                breaks += 1
            yield Range(start, stream.tell(), before)
            start, before = stream.tell(), before + breaks


def _skip_line(stream: io.BufferedReader) -> int:
    skipped = 0
    while raw := stream.readline(2**20):
        skipped += len(raw)
        if raw.endswith(b"\n"):
            break
    return skipped


def broken(file: Path, where: str, error: Exception) -> Bad:
    """Make the record of a file that cannot be read on; what was lost is at most the size of the file."""
    reason = str(error) or type(error).__name__
    return Bad(str(file), where, f"{DAMAGED}: {reason}", "", file.stat().st_size)


def bad(file: Path, where: str, error: str, raw: bytes, size: int | None = None) -> Bad:
    r"""Make the record of one that cannot be read: text cut to 500 characters, broken bytes as \xNN."""
    text = raw[:2000].decode("utf-8", "backslashreplace").rstrip("\r\n")[:500]
    return Bad(str(file), where, error, text, len(raw) if size is None else size)
