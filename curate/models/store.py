"""What models gave, on disk: by model and by the hash of what it was asked, in chunks that never change."""

from __future__ import annotations

import hashlib
import io
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import polars as pl
import polars_hash as plh

from curate import cache
from curate.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger("curate.models.store")

Placed: TypeAlias = "tuple[NDArray[np.intp], NDArray[Any]]"  # positions of texts, and their records
# Of lists of texts: the number of a list, positions in it, and what the fields of their records hold.
Make: TypeAlias = "Callable[[list[list[str]]], Iterator[tuple[int, Any, dict[str, Any]]]]"
# Of chunks that this process has read: each batch looks through all of them, and most have nothing for it.
_KEYS: dict[Path, NDArray[np.bytes_]] = {}
_REMEMBERED = 4096  # chunks: 64 MB


class Maker(NamedTuple):
    """What makes the records of texts: their type, how many texts share a file, and the model at work."""

    dtype: np.dtype[Any]
    chunk: int
    make: Make


class StoreError(UserError):
    """Say that what a model gave cannot be kept, and where it could be."""


def record(*fields: Any) -> np.dtype[Any]:
    """Say what stands for one text: its hash, and fields as numpy names them."""
    import numpy as np

    return np.dtype([("key", "S16"), *fields])


def keys(texts: pl.Series) -> NDArray[np.bytes_]:
    """Hash texts (xxh3, 128 bits) to the keys they are stored under."""
    import numpy as np

    hashed: Any = plh.col("text")
    numbers = texts.alias("text").to_frame().select(hashed.nchash.xxh3_128()).to_series()
    return np.array([int(number).to_bytes(16, "big") for number in numbers], dtype="S16")


def distinct(texts: pl.Series) -> tuple[pl.DataFrame, NDArray[np.intp]]:
    """List each text once, by key; and for every text where it stands in that list."""
    import numpy as np

    once, first, at = np.unique(keys(texts), return_index=True, return_inverse=True)
    columns = {"key": once.tolist(), "text": texts.gather(first)}
    return pl.DataFrame(columns, schema={"key": pl.Binary, "text": pl.String}), at


def records(folder: Path, texts: pl.DataFrame, begin: Callable[[], Maker]) -> NDArray[Any]:
    """Look up the record of each of some distinct texts, in their order; those missing are made and stored.

    `begin` loads the model, which happens only where a record is missing.
    """
    import numpy as np

    names = np.array(texts["key"].to_list(), dtype="S16")
    stored = list(take(folder, names))
    if stored and sum(len(at) for at, _ in stored) == len(names):
        dtype = stored[0][1].dtype
    else:
        maker = begin()
        dtype = maker.dtype
        with hold(folder):  # another process may be at the same texts
            stored = list(take(folder, names))
            stored += _missing(folder, texts, stored, maker)
    result = np.zeros(len(names), dtype=dtype)
    for at, chunk in stored:
        result[at] = chunk
    return result


def _missing(folder: Path, texts: pl.DataFrame, stored: list[Placed], maker: Maker) -> Iterator[Placed]:
    """Make and store the records of the texts that are not stored, each piece as soon as it is made."""
    import numpy as np

    missing = np.ones(texts.height, dtype=bool)
    for at, _ in stored:
        missing[at] = False
    # In an order of their own, by length and then by key: chunks do not depend on the caller's order.
    rows = texts.with_row_index("at").filter(pl.Series(missing)).sort(pl.col("text").str.len_chars(), "key")
    parts = list(rows.iter_slices(maker.chunk))
    pieces: dict[int, list[NDArray[Any]]] = defaultdict(list)
    for number, at, fields in maker.make([part["text"].to_list() for part in parts]):
        places = parts[number]["at"].to_numpy().astype(np.intp)[at]
        piece = np.zeros(len(places), dtype=maker.dtype)
        piece["key"] = texts["key"].gather(places).to_list()
        for name, values in fields.items():
            piece[name] = values
        put(folder, piece)
        pieces[number].append(piece)
        yield places, piece
        if sum(map(len, pieces[number])) == parts[number].height:
            _join(folder, pieces.pop(number))


def _join(folder: Path, pieces: list[NDArray[Any]]) -> None:
    """Put the pieces of a chunk, which are stored, into one file."""
    import numpy as np

    if len(pieces) > 1:
        put(folder, np.concatenate(pieces))
        for piece in pieces:
            _file(folder, _bytes(piece)).unlink(missing_ok=True)


def put(folder: Path, chunk: NDArray[Any]) -> None:
    """Write a chunk whole or not at all, under the hash of its bytes; the same chunk by two processes is one file."""
    data = _bytes(chunk)
    with _in_words(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = _file(folder, data)
        if not file.exists():  # Windows does not replace what another process reads
            cache.write_whole(file, data)


def _bytes(chunk: NDArray[Any]) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, chunk, allow_pickle=False)
    return buffer.getvalue()


def _file(folder: Path, data: bytes) -> Path:
    return folder / f"{_name(data)}.npy"


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold a folder of records against other threads and processes that would make the same ones."""
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
            f"what a model gave cannot be kept in {folder}: {error.strerror or error}; "
            "set CURATE_CACHE to a folder with room"
        ) from None


def take(folder: Path, keys: NDArray[np.bytes_]) -> Iterator[tuple[NDArray[np.intp], NDArray[Any]]]:
    """Look for keys (sorted, each once); yield positions in `keys`, and the records stored under them.

    Chunks come in the order of their names, so that of two records for one text (two processes at once, a newer
    release of an engine) always the same one is taken.
    """
    import numpy as np

    missing = np.ones(len(keys), dtype=bool)
    for file in sorted(folder.glob("*.npy")):
        if not missing.any():
            return
        if file in _KEYS and not _hits(_KEYS[file], keys, missing)[1].any():
            continue
        chunk = _read(file)
        if chunk is None:
            continue
        if len(_KEYS) < _REMEMBERED:
            _KEYS[file] = chunk["key"].copy()  # not a view, which would hold the chunk
        at, hit = _hits(chunk["key"], keys, missing)
        if hit.any():
            missing[at[hit]] = False
            yield at[hit], chunk[hit]


def _hits(
    stored: NDArray[Any], keys: NDArray[np.bytes_], missing: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Give for each stored key where it would stand in `keys`, and whether it is looked for."""
    import numpy as np

    at = np.minimum(np.searchsorted(keys, stored), len(keys) - 1)
    return at, (keys[at] == stored) & missing[at]


def _read(file: Path) -> NDArray[Any] | None:
    """Read a chunk; one whose bytes are not those once written is cleared away, and what it held is made anew."""
    import numpy as np

    try:
        data = file.read_bytes()
    except FileNotFoundError:  # another process has just put it into a larger one
        return None
    except OSError as error:
        log.warning("what a model gave cannot be read, so it is made anew: %s: %s", file, error.strerror)
        return None
    if _name(data) == file.stem:
        loaded: NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False)
        return loaded
    log.warning("what a model gave is damaged, so it is made anew: %s", file)
    with suppress(OSError):
        file.unlink()
    return None


def _name(data: bytes | memoryview) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
