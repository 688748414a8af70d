"""Files in a store (S3, Google Cloud Storage, the Hugging Face hub): listed, fetched, put there.

fsspec's libraries speak to the stores, and find credentials and endpoints where they always do. What is asked is the
least that all of them have: what there is (`find`, `info`), a range of bytes (`cat_file`), a whole file put there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from curate.address import Address, named
from curate.errors import cut
from curate.models.settings import mask
from curate.rows import Origin, SourceError, SourceMissing, hash_file

log = logging.getLogger("curate.remote")
_SILENT = logging.NullHandler()
T = TypeVar("T")

# Bytes asked for at a time; less where a connection breaks off.
_PIECE, _LEAST = 8 * 2**20, 2**18
# Seconds before each new try, and for one answer; within that time the libraries try several times themselves.
WAITS = (0.5, 2.0)
PATIENCE = 20.0
# What each store calls its mark of a file's content.
_MARKS = ("ETag", "generation", "blob_id", "xet_hash")
_BY_CONTENT = "sha256:"
_NO_KEYS = {"NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "DefaultCredentialsError"}


def find(address: Address, depth: int | None = None) -> dict[str, Origin]:
    """List the files below an address by their names there, `depth` levels of them; none where nothing is there.

    Raises:
        SourceError: when the store cannot be asked, or holds a name that no file on a disk can have.
    """
    infos = _ask(address, lambda store: store.find(address.path, detail=True, maxdepth=depth))
    below = f"{address.path}/"
    files = {path.removeprefix(below): info for path, info in sorted(infos.items()) if path.startswith(below)}
    files = {name: info for name, info in files.items() if name and not name.endswith("/")}
    if wrong := [name for name in files if not named(name)]:
        raise SourceError(f"{address} holds {cut(wrong[0])!r}, a name that no file on a disk can have: rename it there")
    return {name: Origin(f"{address}/{name}", int(info["size"]), _mark(info)) for name, info in files.items()}


def info(address: Address) -> Origin | None:
    """Look at an address: the file that is there; None where it is a folder.

    Raises:
        SourceMissing: when nothing is there.
        SourceError: when the store cannot be asked.
    """
    answer = _ask(address, lambda store: store.info(address.path, **_within(store)))
    return None if answer["type"] == "directory" else Origin(str(address), int(answer["size"]), _mark(answer))


def by_content(origin: Origin, folder: Path) -> Origin:
    """Mark a file by its content, which has to be fetched for that, where its store has no mark of its own."""
    if origin.mark:
        return origin
    file = folder / "content"
    fetch(origin, file)
    return origin._replace(mark=_BY_CONTENT + hash_file(file))


def fetch(origin: Origin, to: Path) -> None:
    """Bring a file here, and see that it is the one that was listed.

    Raises:
        SourceMissing: when it is there no more.
        SourceError: when the store does not give it, it was changed since it was listed, or there is no room for it.
    """
    address = Address(origin.address)
    log.info("%s is fetched (%s bytes)", address, f"{origin.size:,}")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with to.open("wb") as file:
            for piece in _pieces(address, origin.size):
                file.write(piece)
    except OSError as error:
        raise SourceError(
            f"{address}, of {origin.size:,} bytes, cannot be held in {to.parent} while it is read ({error.strerror}): "
            "make room there, or name another place with CURATE_CACHE"
        ) from None
    now = info(address)
    mark = _BY_CONTENT + hash_file(to) if origin.mark.startswith(_BY_CONTENT) else now and now.mark
    if now is None or (now.size, mark) != (origin.size, origin.mark or mark):
        raise SourceError(f"{address} was changed while it was read: run the same command again")


def _pieces(address: Address, size: int) -> Iterator[bytes]:
    """Yield a file's bytes, each piece from where the last one ended."""
    at, length, tries = 0, _PIECE, 0
    while at < size:
        try:
            store = _store(address)
            piece = store.cat_file(address.path, start=at, end=min(at + length, size), **_within(store))
            if not piece:
                raise EOFError(f"there is nothing behind byte {at:,}")
        except Exception as error:  # each library has its own
            if tries == len(WAITS) or not _passes(error):
                raise _in_words(error, address, f"broke off after {at:,} of {size:,} bytes") from None
            log.info("%s broke off after %s bytes, and is tried again (%s)", address, f"{at:,}", _first(error))
            time.sleep(WAITS[tries])
            length, tries = max(length // 8, _LEAST), tries + 1
            continue
        yield piece
        at, tries = at + len(piece), 0


def put(file: Path, address: Address) -> None:
    """Put a file at an address, where it appears whole.

    Raises:
        SourceError: when the store does not take it.
    """
    log.info("%s is put to %s", file, address)
    try:
        _store(address).put_file(str(file), address.path)  # tries several times, and in pieces where a file is large
    except Exception as error:  # each library has its own
        raise _in_words(error, address, "was not written") from None


def remove(address: Address) -> None:
    """Remove a file.

    Raises:
        SourceError: when the store does not let it go.
    """
    _ask(address, lambda store: store.rm_file(address.path))


def _store(address: Address) -> Any:
    import fsspec

    for name in ("gcsfs", "s3fs"):  # they would print the trace of what is said in a sentence here
        logging.getLogger(name).addHandler(_SILENT)
    return fsspec.filesystem(address.store)


def _ask(address: Address, question: Callable[[Any], T]) -> T:
    """Ask a store, nothing of earlier answers kept; what goes wrong is said in one sentence."""
    try:
        store = _store(address)
        store.invalidate_cache()
        return question(store)
    except Exception as error:  # each library has its own
        raise _in_words(error, address, "was not answered for") from None


def _within(store: Any) -> dict[str, float]:
    """Bound the time of an answer, where the library can."""
    return {"timeout": PATIENCE} if store.async_impl else {}


def _mark(info: Mapping[str, Any]) -> str:
    return next((str(info[name]).strip('"') for name in _MARKS if info.get(name)), "")


def _passes(error: Exception) -> bool:
    """Tell whether another try may help."""
    return not (isinstance(error, FileNotFoundError | ImportError) or _refused(error) or _keyless(error))


def _refused(error: Exception) -> bool:
    text = str(error)
    code = getattr(error, "code", None) or getattr(getattr(error, "response", None), "status_code", None)
    return isinstance(error, PermissionError) or str(code) in {"401", "403"} or text.startswith("Forbidden")


def _keyless(error: Exception) -> bool:
    return type(error).__name__ in _NO_KEYS


def _in_words(error: Exception, address: Address, what: str) -> SourceError:
    """Say in one sentence what a store's library raises."""
    if isinstance(error, ImportError):
        return SourceError(f"{address} needs packages that are not installed: pip install 'curate-lm[remote]'")
    if _keyless(error):
        return SourceError(
            f"there are no credentials for {address}: set them as for the store's own tools (AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, say); a public bucket needs FSSPEC_S3='{\"anon\": true}'"
        )
    if _refused(error):
        return SourceError(f"the credentials here give no right to {address}: {_first(error)}")
    if isinstance(error, FileNotFoundError):
        root = Address(f"{address.store}://{'/'.join(address.path.split('/')[: 3 if address.store == 'hf' else 1])}")
        whole = address != root and _there(root)
        return SourceMissing(
            f"there is nothing at {address}" if whole else f"there is no {_ROOT[address.store]} {root}"
        )
    return SourceError(
        f"{address} {what}: {_first(error)}; look at the network and the endpoint, and run the same command again"
    )


_ROOT = {"s3": "bucket", "gs": "bucket", "hf": "repository"}


def _there(root: Address) -> bool:
    try:
        return bool(_store(root).exists(root.path))
    except Exception:  # what went wrong first is said
        return True


def _first(error: Exception) -> str:
    if isinstance(error, TimeoutError) and not str(error):
        return f"no answer within {PATIENCE:g} seconds"
    line = mask(str(error).strip().partition("\n")[0])[:200]
    return f"{type(error).__name__}: {line}" if line else type(error).__name__
