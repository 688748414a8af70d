"""Whole files from the web: gone on with where a connection broke off, and checked before they appear.

Connections, proxies and bars are huggingface_hub's. Its own `http_get` goes on too, but writes 10 MB at a time: on a
line that breaks sooner it would never end, and what came before the break is lost.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from curate.errors import cut
from curate.models.settings import mask
from curate.remote import PATIENCE, WAITS
from curate.rows import SourceError

log = logging.getLogger("curate.download")
T = TypeVar("T")
# How an archive begins: what a server says instead of giving one does not.
_BEGIN = {".7z": b"7z\xbc\xaf\x27\x1c", ".zst": b"\x28\xb5\x2f\xfd", ".zip": b"PK"}
_PIECE = 2**16  # bytes written at a time, which is what a broken connection may cost
_PLAIN = {"Accept-Encoding": "identity"}  # a packed answer has another length


class Web(NamedTuple):
    """A file on the web: its address, and its size in bytes and checksum (`sha1:…`) where they are known."""

    url: str
    size: int | None = None
    checksum: str | None = None
    mark: str = ""  # the server's own, of the content


def look(file: Web) -> Web:
    """Ask a server for the size and the mark of a file; what it does not say stays unknown.

    Raises:
        SourceError: when there is no such file, it has another size than it should, or the server does not answer.
    """
    with _in_words(file.url):
        from huggingface_hub.utils import get_session

        answer = _patiently(file.url, lambda: get_session().head(file.url, headers=_PLAIN, timeout=PATIENCE))
    if answer.status_code in {401, 403, 404, 410}:
        raise SourceError(f"there is no file for us at {file.url} (the server says {answer.status_code})")
    headers = answer.headers if answer.is_success else {}  # some servers know GET only
    length = headers.get("Content-Length", "")
    size = int(length) if length.isdecimal() else None
    if size is not None and file.size not in {None, size}:
        raise SourceError(f"{file.url} has {size:,} bytes, where {file.size:,} are right: it is another file by now")
    return file._replace(size=file.size or size, mark=headers.get("ETag", ""))


def read_json(url: str) -> Any:
    """Read a small JSON file.

    Raises:
        SourceError: when the server does not give it.
    """
    with _in_words(url):
        from huggingface_hub.utils import get_session

        return _patiently(url, lambda: get_session().get(url, timeout=PATIENCE).raise_for_status().json())


def download(file: Web, to: Path) -> bool:
    """Bring a file here, where it appears whole and checked; tell whether it had to be fetched.

    What an earlier start left is gone on with, if the server's file is still the same.

    Raises:
        SourceError: when another file stands there, there is no room, the server does not give the file, or it has
            another size, checksum or kind than it should.
    """
    if to.exists():
        if wrong := _wrong(file, to, to.suffix):
            raise SourceError(f"{to} is there, but {wrong}: move it away, and run the same command again")
        return False
    file = look(file)
    key = hashlib.sha256(f"{file.url} {file.size} {file.mark}".encode()).hexdigest()[:8]
    half = to.with_name(f".{to.name}.{key}.part")
    for old in set(to.parent.glob(f".{to.name}.*.part")) - {half}:
        old.unlink()
    to.parent.mkdir(parents=True, exist_ok=True)
    missing = (file.size or 0) - _size(half)
    if missing > (free := shutil.disk_usage(to.parent).free):
        raise SourceError(f"{file.url} needs {missing:,} bytes, and {to.parent} has room for {free:,}: make room there")
    _transfer(file, half)
    if wrong := _wrong(file, half, to.suffix):
        half.unlink()
        raise SourceError(
            f"what {file.url} gave is not the file: {wrong}; it was removed, and all else stays as it was"
        )
    half.replace(to)
    return True


def _transfer(file: Web, half: Path) -> None:
    """Add what is missing of a file to what is here of it."""

    def go_on() -> None:
        if file.size is not None and _size(half) > file.size:
            half.unlink()
        if (at := _size(half)) != file.size:
            _receive(file, half, at)

    with _in_words(file.url, half, file.size):
        _patiently(file.url, go_on, lambda: _size(half))


def _patiently(url: str, ask: Callable[[], T], came: Callable[[], int] = lambda: 0) -> T:
    """Ask a server, and again where that may help, as often as `WAITS` says; each time more bytes came counts anew."""
    tries = 0
    while True:
        before = came()
        try:
            return ask()
        except Exception as error:  # of the library, or of the disk
            tries = 0 if came() > before else tries + 1
            if tries > len(WAITS) or not lost(error):
                raise
        log.info("%s broke off after %s bytes, and is tried again", url, f"{came():,}")
        time.sleep(WAITS[max(tries - 1, 0)])


def _receive(file: Web, half: Path, at: int) -> None:
    from huggingface_hub.utils import get_session, tqdm

    # A file that is another one by now is sent from its beginning (RFC 9110, 13.1.5, which lets no weak mark count).
    same = {"If-Range": file.mark} if file.mark.startswith('"') else {}
    rest = {"Range": f"bytes={at}-", **same} if at else {}
    with (
        get_session().stream("GET", file.url, headers=_PLAIN | rest, timeout=PATIENCE) as answer,
        half.open("ab") as part,
    ):
        if answer.status_code in {200, 416}:  # it has no ranges and sends all of it, or none behind what is here
            part.truncate(at := 0)
        answer.raise_for_status()
        bars: Any = tqdm
        with bars(
            desc=file.url.rpartition("/")[2], total=file.size, initial=at, unit="B", unit_scale=True, disable=None
        ) as bar:
            for piece in answer.iter_bytes(_PIECE):
                part.write(piece)
                bar.update(len(piece))
                if file.size is not None and part.tell() > file.size:  # of which nobody knows where it ends
                    return


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def lost(error: BaseException) -> bool:
    """Tell whether another try may help: a connection was lost, or the server is in trouble."""
    status = status_of(error)
    return status >= 500 or status == 429 if status else type(error).__module__.startswith("httpx")


def status_of(error: BaseException) -> int | None:
    """Give the status of the answer that an error is about."""
    status: int | None = getattr(getattr(error, "response", None), "status_code", None)
    return status


def _wrong(file: Web, here: Path, suffix: str) -> str | None:
    """Say what is not right with a file that is here; None where all that is known of it is."""
    if file.size not in {None, _size(here)}:
        return f"it has {_size(here):,} bytes, where {file.size:,} are right"
    with here.open("rb") as content:
        if file.checksum:
            kind, _, right = file.checksum.partition(":")
            digest = hashlib.file_digest(content, kind).hexdigest()
            return None if digest == right else f"its {kind} is {digest}, where {right} is right"
        begin = _BEGIN.get(suffix, b"")
        return None if content.read(len(begin)) == begin else f"it does not begin as a {suffix} file does"


@contextmanager
def _in_words(url: str, half: Path | None = None, size: int | None = None) -> Iterator[None]:
    """Say in one sentence what the library raises; what the disk refuses is said elsewhere."""
    try:
        with quiet():
            yield
    except ImportError:
        raise SourceError(f"{url} needs a package that is not installed: pip install 'curate-lm[hub]'") from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        if type(error).__name__ == "OfflineModeIsEnabled":
            raise SourceError(f"{url} was not asked for: HF_HUB_OFFLINE is set, which forbids it") from None
        if status := status_of(error):
            raise SourceError(f"{url} was not given: the server says {status}; try again later") from None
        why = f"{type(error).__name__}: {cut(mask(str(error).strip().partition(chr(10))[0]))}".removesuffix(": ")
        if half is None:
            raise SourceError(f"{url} was not answered for ({why}): look at the network, and try again") from None
        of = f" of {size:,}" if size else ""
        raise SourceError(
            f"{url} broke off after {_size(half):,}{of} bytes ({why}): these are kept, and the same command goes on "
            "from there"
        ) from None


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the hub's library from printing each try, which is said in a sentence, and bars where there is no screen."""
    logger = logging.getLogger("huggingface_hub")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with _no_bars() if not sys.stderr.isatty() else nullcontext():
            yield
    finally:
        logger.setLevel(before)


@contextmanager
def _no_bars() -> Iterator[None]:
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    if are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()
