"""The bytes of one file as a stream of chunks, whether it lies plain or in a 7z archive."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Generator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from curate.rows import SourceError
from curate.sources.files import most, swollen

if TYPE_CHECKING:
    from py7zr import SevenZipFile

CHUNK = 2**20  # bytes handed on at a time; py7zr may come with 128 MB of well compressed text at once
THREAD = "curate-7z"
AHEAD = 8  # chunks decompressed ahead of the reader


class DamagedError(Exception):
    """Say in words why a whole file cannot be used."""


class _StoppedError(Exception):
    """Leave py7zr from inside its own write: the reader wants no more."""


def chunks(path: Path, table: str) -> Generator[bytes, None, None]:
    """Stream `path` itself, or the member named `table` of it if it is a .7z archive.

    Raises DamagedError when the file cannot be read to its end, and that may be after chunks have come: an
    archive's checksum stands at its end.
    """
    return _member(path, table) if path.suffix.lower() == ".7z" else _plain(path)


def need_py7zr() -> None:
    """Raise SourceError naming the extra to install unless archives can be opened."""
    try:
        import py7zr  # noqa: F401
    except ImportError as error:
        raise SourceError("reading .7z dumps needs py7zr: pip install 'curate-lm[dumps]'") from error


def _plain(path: Path) -> Generator[bytes, None, None]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except OSError as error:
        raise DamagedError(f"the file cannot be read ({error.strerror})") from error


def _member(path: Path, table: str) -> Generator[bytes, None, None]:
    """Decompress in a thread of its own, a few chunks ahead: lzma and bz2 let go of the interpreter lock."""
    need_py7zr()
    ready: queue.Queue[bytes | Exception | None] = queue.Queue(AHEAD)
    stop = threading.Event()
    thread = threading.Thread(target=_extract, args=(path, table, ready, stop), name=THREAD, daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        stop.set()
        with contextlib.suppress(queue.Empty):  # makes room, so that a producer waiting to put sees `stop`
            ready.get_nowait()
        thread.join()


def _extract(path: Path, table: str, ready: queue.Queue[bytes | Exception | None], stop: threading.Event) -> None:
    def put(item: bytes | Exception | None) -> None:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                ready.put(item, timeout=0.1)
                return
        raise _StoppedError

    with contextlib.suppress(_StoppedError):
        try:
            _decompress(path, table, put)
        except (_StoppedError, MemoryError):
            raise
        # A damaged archive shows as almost any exception (lzma, bz2, struct, index, unicode, py7zr's own).
        except Exception as error:
            put(error if isinstance(error, DamagedError) else DamagedError(_in_words(error)))
        else:
            put(None)


def _decompress(path: Path, table: str, put: Callable[[bytes], None]) -> None:
    import py7zr
    import py7zr.io

    limit = most(path)

    class Pipe(py7zr.io.Py7zIO):
        room = limit

        def write(self, s: bytes | bytearray) -> int:
            self.room -= len(s)
            if self.room < 0:  # the size in the archive's header is not true
                raise DamagedError(f"{swollen(limit)}, nothing of it is used")
            for start in range(0, len(s), CHUNK):
                put(bytes(s[start : start + CHUNK]))
            return len(s)

        def read(self, size: int | None = None) -> bytes:
            return b""

        def seek(self, offset: int, whence: int = 0) -> int:
            return 0

        def flush(self) -> None:
            pass

        def size(self) -> int:
            return 0

    class Factory(py7zr.io.WriterFactory):
        def create(self, filename: str) -> Pipe:
            return Pipe()

    with py7zr.SevenZipFile(path) as archive:
        name = _only(archive, table)
        if sum(info.uncompressed for info in archive.list() if info.filename == name) > limit:
            raise DamagedError(f"{swollen(limit)}, nothing of it is used")
        archive.extract(targets=[name], factory=Factory())


def _only(archive: SevenZipFile, table: str) -> str:
    names = [name for name in archive.getnames() if PurePosixPath(name).name.lower() == table.lower()]
    if len(names) == 1:
        return str(names[0])
    raise DamagedError(f"the archive holds {len(names) or 'no'} {table}; a dump holds exactly one")


def _in_words(error: Exception) -> str:
    kind = type(error).__name__
    if kind == "PasswordRequired":
        return "the archive is locked with a password"
    if kind == "UnsupportedCompressionMethodError":
        return "the archive is compressed by a method that py7zr cannot open"
    if isinstance(error, PermissionError):
        return f"the archive cannot be read ({error.strerror})"
    detail = f"{kind}: {error}" if str(error) else kind
    return f"the archive is damaged or cut short, nothing of it is used ({detail})"
