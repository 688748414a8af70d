"""How alike two short texts are: ROUGE-L, looked up in a pool of thousands."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from math import ceil

_ROUNDING = 1e-9


def words(text: str) -> list[str]:
    """List the words of a text: small letters and figures; an apostrophe inside a word vanishes.

    >>> words("Why don't cats *swim*?")
    ['why', 'dont', 'cats', 'swim']
    """
    return re.findall(r"\w+", re.sub(r"['’]", "", text.lower()))


def rouge_l(one: Sequence[str], other: Sequence[str]) -> float:
    """Measure how alike two texts are by their longest common subsequence of words (ROUGE-L, F1; Lin 2004, section 3).

    >>> rouge_l(words("How do I bake bread?"), words("How do I bake a cake?"))
    0.7272727272727273
    """
    if not one or not other:
        return 0.0
    row = [0] * (len(other) + 1)
    for word in one:
        corner = 0
        for j, their in enumerate(other, 1):
            above = row[j]
            row[j] = corner + 1 if word == their else max(above, row[j - 1])
            corner = above
    return 2 * row[-1] / (len(one) + len(other))


class Pool:
    """Texts, among which those like a new one are found without measuring all.

    With F1 = 2 c / (m + n) of at least t, and c of at most m words in common, c is at least t n / (2 - t), n being the
    words of the new text. So one of its rarest n - c + 1 words stands in every text that is like it, and only texts
    with such a word are looked at: nothing is missed. `similarity` is above 0.
    """

    def __init__(self, similarity: float, texts: Iterable[str] = ()) -> None:
        self.similarity = similarity
        self._texts: list[list[str]] = []
        self._bags: list[frozenset[str]] = []
        self._holding: defaultdict[str, list[int]] = defaultdict(list)
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Take a text into the pool."""
        tokens = words(text)
        bag = _bag(tokens)
        for word in bag:
            self._holding[word].append(len(self._texts))
        self._texts.append(tokens)
        self._bags.append(bag)

    def has_like(self, text: str) -> bool:
        """Say whether a text of the pool is as similar to this one as `similarity` says, or more.

        >>> Pool(0.7, ["How do I bake bread?"]).has_like("How do I bake a cake?")
        True
        """
        tokens = words(text)
        bag = _bag(tokens)
        least = ceil(self.similarity * len(tokens) / (2 - self.similarity) - _ROUNDING)
        rarest = sorted(bag, key=lambda word: len(self._holding.get(word, ())))[: len(tokens) - least + 1]
        near = {i for word in rarest for i in self._holding.get(word, ())}
        return any(self._is_similar(tokens, bag, i) for i in near)

    def _is_similar(self, tokens: Sequence[str], bag: frozenset[str], i: int) -> bool:
        other = self._texts[i]
        needed = self.similarity * (len(tokens) + len(other)) / 2 - _ROUNDING
        if len(bag & self._bags[i]) < needed:  # no subsequence in common is longer than that
            return False
        return rouge_l(tokens, other) >= self.similarity - _ROUNDING


def _bag(tokens: Sequence[str]) -> frozenset[str]:
    """Make words a set; the second one of a kind is another word there."""
    seen: Counter[str] = Counter()
    bag = set()
    for word in tokens:
        bag.add(f"{word} {seen[word]}" if seen[word] else word)
        seen[word] += 1
    return frozenset(bag)
