"""How likely an answer is to begin with each of some labels, from the probabilities of single tokens."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

Tokens: TypeAlias = tuple[int, ...]


def prefixes(labels: Iterable[Sequence[int]]) -> dict[Tokens, list[int]]:
    """List the beginnings of labels after which a model has to be asked, and the tokens that may follow each.

    Labels of one token each have one beginning, the empty one.

    >>> prefixes([(7,), (8,), (7, 9)])
    {(): [7, 8], (7,): [9]}
    """
    following: dict[Tokens, dict[int, None]] = {}
    for label in labels:
        for i, token in enumerate(label):
            following.setdefault(tuple(label[:i]), {})[token] = None
    return {prefix: list(tokens) for prefix, tokens in following.items()}


def logprobs(labels: Mapping[str, Sequence[int]], steps: Mapping[Tokens, Mapping[int, float]]) -> dict[str, float]:
    """Add up each label's log-probability, without the share of longer labels that begin with it.

    `steps` holds, for every prefix, the log-probability of each token after it.

    >>> steps = {(): {7: math.log(0.5), 8: math.log(0.25)}, (7,): {9: math.log(0.2)}}
    >>> {text: round(math.exp(p), 3) for text, p in logprobs({"1": (7,), "2": (8,), "10": (7, 9)}, steps).items()}
    {'1': 0.4, '2': 0.25, '10': 0.1}
    """
    tokens = {text: tuple(label) for text, label in labels.items()}
    sums = {text: sum(steps[label[:i]][token] for i, token in enumerate(label)) for text, label in tokens.items()}
    # Longest first, so that the share of each longer label is taken off once.
    own: dict[str, float] = {}
    for text in sorted(tokens, key=lambda text: -len(tokens[text])):
        n = len(tokens[text])
        longer = [own[t] for t in own if len(tokens[t]) > n and tokens[t][:n] == tokens[text]]
        rest = math.exp(sums[text]) - math.fsum(map(math.exp, longer))
        own[text] = sums[text] if not longer else math.log(rest) if rest > 0 else -math.inf
    return {text: own[text] for text in labels}
