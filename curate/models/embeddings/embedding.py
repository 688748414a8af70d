"""Embed texts: look up what is stored, run the model over the rest, store that."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import polars as pl

from curate import cache
from curate.engine import current
from curate.models import store as chunks
from curate.models.embeddings.encoder import Encoder, Engine, Model, Refused, choose, find, load, vectors_rest_on
from curate.models.embeddings.quantised import quantise
from curate.models.weights import EMBEDDING, ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_How: TypeAlias = tuple[Model, str, Path]  # what `load` takes
log = logging.getLogger("curate.models.embeddings")
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
    distinct, at = chunks.distinct(column.filter(filled))
    records = _records(distinct, find(model), engine, store or cache.home(), tell or (lambda what, rows: None))
    vectors = np.zeros((len(column), records["vector"].shape[1]), dtype=np.int16)
    cut = np.zeros(len(column), dtype=bool)
    rows = filled.to_numpy()
    vectors[rows], cut[rows] = records["vector"][at], records["cut"][at]
    return Embedded(vectors, cut)


def _records(
    distinct: pl.DataFrame, model: Model, engine: Engine, folder: Path, tell: Callable[[str, int], None]
) -> NDArray[Any]:
    """Look up or make the record of each text, in the order of the keys."""
    backend = choose(model, engine, folder)
    room = folder / "embeddings" / f"{backend}-{vectors_rest_on(model, backend)}"

    def begin() -> chunks.Maker:
        how = (model, backend, folder)
        encoder = load(*how)
        dtype = chunks.record(("cut", "?"), ("vector", "<i2", (encoder.dimensions,)))
        return chunks.Maker(dtype, CHUNK, partial(_fields, encoder=encoder, how=how, tell=tell))

    try:
        return chunks.records(room, distinct, begin)
    except Refused as error:
        if engine == "openvino":
            raise ModelError(f"OpenVINO cannot run the model {model.name}: {error}") from None
        return _records(distinct, model, "torch", folder, tell)


def _fields(
    pieces: list[list[str]], encoder: Encoder, how: _How, tell: Callable[[str, int], None]
) -> Iterator[tuple[int, Any, dict[str, Any]]]:
    for number, (vectors, cut) in _encoded(pieces, encoder, how, tell):
        yield number, slice(None), {"vector": vectors, "cut": cut}


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
