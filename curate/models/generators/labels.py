"""How likely an answer is to begin with each of some labels, from the probabilities of single tokens."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

Tokens: TypeAlias = tuple[int, ...]


def places(labels: Iterable[Sequence[int]]) -> dict[Tokens, list[int]]:
    """List where a model has to be looked at: what has been said of a label so far, and the tokens that may follow.

    Labels of one token each are one place, the empty one.

    >>> places([(7,), (8,), (7, 9)])
    {(): [7, 8], (7,): [9]}
    """
    found: dict[Tokens, list[int]] = {}
    for label in labels:
        for i, token in enumerate(label):
            following = found.setdefault(tuple(label[:i]), [])
            if token not in following:
                following.append(token)
    return found


def scores(labels: Mapping[str, Sequence[int]], seen: Mapping[Tokens, Mapping[int, float]]) -> dict[str, float]:
    """Add up each label's log-probability, without the share of longer labels that begin with it.

    >>> seen = {(): {7: math.log(0.5), 8: math.log(0.25)}, (7,): {9: math.log(0.2)}}
    >>> {text: round(math.exp(p), 3) for text, p in scores({"1": (7,), "2": (8,), "10": (7, 9)}, seen).items()}
    {'1': 0.4, '2': 0.25, '10': 0.1}
    """
    begins = {
        text: sum(seen[tuple(tokens[:i])][token] for i, token in enumerate(tokens)) for text, tokens in labels.items()
    }
    return {text: _without(begins[text], _next(labels, text, begins)) for text in labels}


def _next(labels: Mapping[str, Sequence[int]], text: str, begins: Mapping[str, float]) -> list[float]:
    """List the log-probabilities of the labels that begin with this one, but not with a longer one between them."""
    own = tuple(labels[text])
    longer = [t for t, tokens in labels.items() if len(tokens) > len(own) and tuple(tokens[: len(own)]) == own]
    return [
        begins[t]
        for t in longer
        if not any(o != t and tuple(labels[t][: len(labels[o])]) == tuple(labels[o]) for o in longer)
    ]


def _without(whole: float, parts: list[float]) -> float:
    left = math.exp(whole) - math.fsum(math.exp(part) for part in parts)
    return whole if not parts else math.log(left) if left > 0 else -math.inf
