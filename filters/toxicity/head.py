"""Judge texts by the worst of their windows: a head on the packaged embeddings, or the user's classifier."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Short sentences are judged together, up to so many characters; a longer sentence alone, in pieces where it has no end.
WINDOW, PIECE = 100, 400
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
# A vector is a mean over words and loses who says what of whom, and whether it is denied: signs of that go beside it.
_WORDS = [
    r"\b(not|no|never|nobody|none|nothing|neither|nor|without|cannot)\b|n['’]t\b",
    r"\b(wrong|false|lies?|myth|mistaken|untrue|racist|sexist|bigot\w*|hateful|shame|stop|crime|unjust|refuse)\b",
    r"[\"“”]|(?<!\w)'|'(?!\w)",
    r"\b(say|says|said|saying|claim\w*|call(s|ed|ing)?|writes?|wrote|shout\w*|told|tell\w*|heard|post\w*|words?)\b",
    r"\b(you|your|you're|u)\b",
    r"\b(I|I'm|I'd|I've|my|me|mine)\b",
    r"\b(we|our|us)\b",
    r"\b(they|them|their|these|those)\b",
    r"\?",
    r"\b(all|every|everyone|always|only|most)\b",
    r"\b(should|must|deserve\w*|ought|needs?)\b",
    r"\b(if|whoever|anyone|people) (who|that|thinks?|says?|you)\b",
    r"\bhat(e|es|ed|red|ing)\b",
    r"\b(love|respect|proud|admire|support|equal\w*|rights?)\b",
]
SIGNS = [re.compile(words, re.IGNORECASE) for words in _WORDS]
SCALE = 510  # of a sign that is there; a vector has the length 4080
BLOCK = 4096  # windows judged at a time, of 3 kB each


class Head(NamedTuple):
    """A hidden layer and what it is worth: weights (units, inputs), their biases, and log-odds in parts of `unit`."""

    weights: list[list[int]]
    biases: list[int]
    out: list[int]
    bias: int
    unit: int


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

    vectors, result = embed(texts), np.empty(len(texts))
    for start in range(0, len(texts), BLOCK):
        part = slice(start, start + BLOCK)
        result[part] = probability(log_odds(inputs(vectors[part], texts[part]), head()))
    return result


def inputs(vectors: NDArray[np.int16], texts: list[str]) -> NDArray[np.float64]:
    """Put the signs of each text beside its vector, (n, 384 + signs)."""
    import numpy as np

    signs = [[SCALE * bool(sign.search(text)) for sign in SIGNS] for text in texts]
    return np.hstack([vectors, np.array(signs).reshape(len(texts), len(SIGNS))]).astype(np.float64)


def log_odds(rows: NDArray[np.float64], head: Head) -> NDArray[np.float64]:
    """Run the head. All numbers are whole and below 2**53, so that a sum is the same in any order, on any machine."""
    import numpy as np

    hidden = np.maximum(rows @ np.array(head.weights, dtype=np.float64).T + head.biases, 0)
    result: NDArray[np.float64] = (hidden @ np.array(head.out, dtype=np.float64) + head.bias) / head.unit
    return result


def probability(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn log-odds into probabilities."""
    import numpy as np

    result: NDArray[np.float64] = 1 / (1 + np.exp(-logits))
    return result


@cache
def head() -> Head:
    """Read the numbers of the head."""
    return Head(**json.loads((resources.files(__package__) / "head.json").read_text(encoding="utf-8")))


def classifier(texts: list[str], model: str, label: str) -> NDArray[np.float64]:
    """Judge windows by a text classifier: the probability of `label`."""
    import polars as pl

    from curate.models.scores import probability as of_label

    result: NDArray[np.float64] = of_label(pl.Series(texts), model, label).to_numpy()
    return result
