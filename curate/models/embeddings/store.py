"""Vectors on disk: by model and by the hash of the text, in chunks that are written once and never changed."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curate import cache
from curate.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger("curate.models.embeddings")


class StoreError(UserError):
    """Say that vectors cannot be kept, and where they could be."""


def record(dimensions: int) -> np.dtype[Any]:
    """Say what stands for one text: its hash, whether the model cut it, its vector."""
    import numpy as np

    return np.dtype([("key", "S16"), ("cut", "?"), ("vector", "<i2", (dimensions,))])


def put(folder: Path, chunk: NDArray[Any]) -> None:
    """Write a chunk whole or not at all, under the hash of its bytes; the same chunk by two processes is one file."""
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, chunk, allow_pickle=False)
    data = buffer.getvalue()
    with _in_words(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{_name(data)}.npy"
        if not file.exists():  # Windows does not replace what another process reads
            cache.write_whole(file, data)


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold a folder of vectors against other threads and processes that would make the same ones."""
    with ExitStack() as stack:
        with _in_words(folder):
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(cache.lock(folder))
            cache.sweep(folder)
        yield


@contextmanager
def _in_words(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"vectors cannot be kept in {folder}: {error.strerror or error}; set CURATE_CACHE to a folder with room"
        ) from None


def take(folder: Path, keys: NDArray[np.bytes_]) -> Iterator[tuple[NDArray[np.intp], NDArray[Any]]]:
    """Look for keys (sorted, each once); yield positions in `keys`, and the records stored under them.

    Chunks come in the order of their names, so that of two vectors for one text (two processes at once, a newer
    release of an engine) always the same one is taken.
    """
    import numpy as np

    missing = np.ones(len(keys), dtype=bool)
    for file in sorted(folder.glob("*.npy")):
        if not missing.any():
            return
        chunk = _read(file)
        if chunk is None:
            continue
        at = np.minimum(np.searchsorted(keys, chunk["key"]), len(keys) - 1)
        hit = (keys[at] == chunk["key"]) & missing[at]
        if hit.any():
            missing[at[hit]] = False
            yield at[hit], chunk[hit]


def _read(file: Path) -> NDArray[Any] | None:
    """Read a chunk; one whose bytes are not those once written is cleared away, and what it held is made anew."""
    import numpy as np

    try:
        data = file.read_bytes()
    except OSError as error:
        log.warning("stored vectors cannot be read, so they are made anew: %s: %s", file, error.strerror)
        return None
    if _name(data) == file.stem:
        loaded: NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False)
        return loaded
    log.warning("stored vectors are damaged, so they are made anew: %s", file)
    with suppress(OSError):
        file.unlink()
    return None


def _name(data: bytes | memoryview) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
