"""Embed texts: look up what is stored, run the model over the rest, store that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import polars as pl
import polars_hash as plh

from curate import cache
from curate.engine import current
from curate.models.embeddings import store as chunks
from curate.models.embeddings.encoder import Encoder, Engine, Model, Refused, choose, find, load, vectors_rest_on
from curate.models.embeddings.quantised import quantise
from curate.models.embeddings.store import log
from curate.models.weights import EMBEDDING, ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_How: TypeAlias = tuple[Model, str, Path]  # what `load` takes
Placed: TypeAlias = "tuple[NDArray[np.intp], NDArray[Any]]"  # positions of texts, and their records
# Texts that are written to disk together: what a killed process loses at most, some 40 s of long texts.
CHUNK = 1024


class Embedded(NamedTuple):
    """The vectors of texts, and of each text whether the model read only its beginning."""

    vectors: NDArray[np.int16]  # (n, d), quantised
    cut: NDArray[np.bool_]  # (n,)


def embed(
    texts: Iterable[str | None],
    *,
    model: str = EMBEDDING,
    store: Path | None = None,
    engine: Engine = "auto",
    tell: Callable[[str, int], None] | None = None,
) -> NDArray[np.int16]:
    """Turn n texts into quantised vectors, (n, d) of int16; a null or blank text becomes the zero vector.

    `model` is all-MiniLM-L6-v2 as packaged (384 dimensions, 256 tokens), the folder of a sentence-transformers or
    model2vec model, or a name on the Hugging Face hub, which alone needs a network. `engine` is OpenVINO where it is
    installed and can run the model, else torch. Each text is embedded once ever: vectors are kept in `store` (by
    default the user's cache folder, or $CURATE_CACHE) by model, engine and content, 1,024 at a time, so a killed
    process goes on where it was. A vector depends on its text alone, not on its neighbours; between machines and
    engines it may differ by about 1e-4. Texts longer than the model reads are counted in a warning of the log
    `curate.models.embeddings`; `embedded` says which. `tell(what, rows)` hears of the progress.

    Raises ModelError or StoreError, one sentence each.
    """
    result = embedded(texts, model=model, store=store, engine=engine, tell=tell)
    if result.cut.any():
        count = f"{result.cut.sum():,} of {len(result.cut):,}"
        log.warning("%s reads only the beginning of %s texts", model, count)
    return result.vectors


def embedded(
    texts: Iterable[str | None],
    *,
    model: str = EMBEDDING,
    store: Path | None = None,
    engine: Engine = "auto",
    tell: Callable[[str, int], None] | None = None,
) -> Embedded:
    """Embed like `embed`, and say of each text whether the model read only its beginning."""
    import numpy as np

    column = texts.cast(pl.String) if isinstance(texts, pl.Series) else pl.Series(list(texts), dtype=pl.String)
    filled = column.is_not_null() & (column.str.strip_chars() != "")
    distinct, at = _distinct(column.filter(filled))
    records = _records(distinct, find(model), engine, store or cache.home(), tell or (lambda what, rows: None))
    vectors = np.zeros((len(column), records["vector"].shape[1]), dtype=np.int16)
    cut = np.zeros(len(column), dtype=bool)
    rows = filled.to_numpy()
    vectors[rows], cut[rows] = records["vector"][at], records["cut"][at]
    return Embedded(vectors, cut)


def keys(texts: pl.Series) -> NDArray[np.bytes_]:
    """Hash texts (xxh3, 128 bits) to the keys they are stored under."""
    import numpy as np

    hashed: Any = plh.col("text")
    numbers = texts.alias("text").to_frame().select(hashed.nchash.xxh3_128()).to_series()
    return np.array([int(number).to_bytes(16, "big") for number in numbers], dtype="S16")


def _distinct(texts: pl.Series) -> tuple[pl.DataFrame, NDArray[np.intp]]:
    """List each text once, by key; and for every text where it stands in that list."""
    import numpy as np

    once, first, at = np.unique(keys(texts), return_index=True, return_inverse=True)
    columns = {"key": once.tolist(), "text": texts.gather(first)}
    return pl.DataFrame(columns, schema={"key": pl.Binary, "text": pl.String}), at


def _records(
    distinct: pl.DataFrame, model: Model, engine: Engine, folder: Path, tell: Callable[[str, int], None]
) -> NDArray[Any]:
    """Look up or make the record of each text, in the order of the keys."""
    import numpy as np

    backend = choose(model, engine, folder)
    room = folder / "embeddings" / f"{backend}-{vectors_rest_on(model, backend)}"
    names = np.array(distinct["key"].to_list(), dtype="S16")
    stored = list(chunks.take(room, names))
    if not stored or sum(len(at) for at, _ in stored) < len(names):
        try:
            encoder = load(model, backend, folder)
        except Refused as error:
            if engine == "openvino":
                raise ModelError(f"OpenVINO cannot run the model {model.name}: {error}") from None
            return _records(distinct, model, "torch", folder, tell)
        with chunks.hold(room):  # another process may be at the same texts
            stored = list(chunks.take(room, names))
            stored += _missing(distinct, stored, encoder, (model, backend, folder), room, tell)
    dimensions = stored[0][1]["vector"].shape[1] if stored else encoder.dimensions
    records = np.zeros(len(names), dtype=chunks.record(dimensions))
    for at, chunk in stored:
        records[at] = chunk
    return records


def _missing(
    distinct: pl.DataFrame,
    stored: list[Placed],
    encoder: Encoder,
    how: _How,
    room: Path,
    tell: Callable[[str, int], None],
) -> Iterator[Placed]:
    """Make and store the records of the texts that are not stored."""
    import numpy as np

    missing = np.ones(distinct.height, dtype=bool)
    for at, _ in stored:
        missing[at] = False
    # In an order of their own, by length and then by key: chunks do not depend on the caller's order.
    rows = distinct.with_row_index("at").filter(pl.Series(missing)).sort(pl.col("text").str.len_chars(), "key")
    parts = list(rows.iter_slices(CHUNK))
    for number, (vectors, cut) in _encoded([part["text"].to_list() for part in parts], encoder, how, tell):
        part = parts[number]
        chunk = np.zeros(part.height, dtype=chunks.record(encoder.dimensions))
        chunk["key"], chunk["cut"], chunk["vector"] = part["key"].to_list(), cut, vectors
        chunks.put(room, chunk)
        yield part["at"].to_numpy().astype(np.intp), chunk


def _encoded(
    pieces: list[list[str]], encoder: Encoder, how: _How, tell: Callable[[str, int], None]
) -> Iterator[tuple[int, Any]]:
    """Encode pieces of texts, here or side by side; yield (number of the piece, its vectors and what was cut)."""
    engine = current()
    if engine.workers == 1 or len(pieces) < 2:
        for number, texts in enumerate(pieces):
            yield number, _quantised(encoder, texts, lambda rows: tell("embedding", rows))
        return
    gpus = engine.gpus if how[1] == "torch" else 0  # the other two compute on the CPU
    count = min(gpus or engine.workers, len(pieces))
    with engine.hire(_Embedder, [how] * count, gpus=1 if gpus else 0) as crew:
        for number, result in crew.spread("encode", pieces):
            tell("embedding", len(pieces[number]))
            yield number, result


class _Embedder:
    """A model loaded at another place: its vectors are what they are here, as a text's rest on that text alone."""

    def __init__(self, how: _How) -> None:
        self.how = how

    def encode(self, texts: list[str]) -> Any:
        try:
            encoder = load(*self.how)  # once a process
        except Refused as error:
            raise ModelError(f"OpenVINO cannot run the model {self.how[0].name} on a worker: {error}") from None
        return _quantised(encoder, texts, lambda rows: None)


def _quantised(encoder: Encoder, texts: list[str], done: Callable[[int], None]) -> Any:
    vectors, cut = encoder.encode(texts, done)
    return quantise(vectors), cut
