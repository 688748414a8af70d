"""Judge texts by the worst of their windows: a head on the packaged embeddings, or the user's classifier."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Short sentences are judged together, up to so many characters; a longer sentence alone, in pieces where it has no end.
WINDOW, PIECE = 100, 400
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def worst(texts: list[str], judge: Callable[[list[str]], NDArray[np.float64]]) -> list[float]:
    """Give each text the probability of its worst window; 0 for a blank text."""
    import numpy as np

    parts = [list(windows(text)) for text in texts]
    result = np.zeros(len(texts))
    owners = np.repeat(np.arange(len(texts)), [len(part) for part in parts])
    if len(owners):
        np.fmax.at(result, owners, judge([window for part in parts for window in part]))
    scores: list[float] = result.tolist()
    return scores


def windows(text: str) -> Iterator[str]:
    r"""Cut a text at empty lines, and each paragraph at the ends of sentences, into windows.

    >>> [len(window) for window in windows("One. Two!\n\n" + "A sentence of thirty letters. " * 9)]
    [9, 89, 89, 89]
    """
    for paragraph in re.split(r"\n\s*\n", text):
        window = ""
        for sentence in _SENTENCE.split(paragraph.strip()):
            for start in range(0, len(sentence), PIECE):
                piece = sentence[start : start + PIECE]
                if window and len(window) + len(piece) >= WINDOW:
                    yield window
                    window = piece
                else:
                    window = f"{window} {piece}".strip()
        if window:
            yield window


def packaged(texts: list[str]) -> NDArray[np.float64]:
    """Judge windows by the packaged head."""
    import numpy as np

    from curate.models.embeddings import embed

    weights, bias, unit = head()
    # Whole numbers, so that a sum is the same on every machine.
    sums = embed(texts).astype(np.int64) @ np.array(weights, dtype=np.int64) + bias
    return probability(sums / unit)


def probability(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn log-odds into probabilities."""
    import numpy as np

    result: NDArray[np.float64] = 1 / (1 + np.exp(-logits))
    return result


@cache
def head() -> tuple[list[int], int, int]:
    """Read the numbers of the head: its weights, its bias, and what a unit of log-odds is in them."""
    numbers = json.loads((resources.files(__package__) / "head.json").read_text(encoding="utf-8"))
    return numbers["weights"], numbers["bias"], numbers["unit"]


def classifier(texts: list[str], model: str, label: str) -> NDArray[np.float64]:
    """Judge windows by a text classifier: the probability of `label`."""
    import polars as pl

    from curate.models.scores import probability as of_label

    result: NDArray[np.float64] = of_label(pl.Series(texts), model, label).to_numpy()
    return result
