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
    """Texts, among which those like a new one are found without comparing it with all.

    With F1 = 2 c / (m + n) of at least t, and c of at most m words in common, c is at least t n / (2 - t), n being the
    words of the new text. So one of its rarest n - c + 1 words stands in every text that is like it, and only texts
    with such a word are measured: nothing is missed. `similarity` is above 0.
    """

    def __init__(self, similarity: float, texts: Iterable[str] = ()) -> None:
        self.similarity = similarity
        self._texts: list[list[str]] = []
        self._holding: defaultdict[str, list[int]] = defaultdict(list)
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Take a text into the pool."""
        said = words(text)
        for word in set(said):
            self._holding[word].append(len(self._texts))
        self._texts.append(said)

    def has_like(self, text: str) -> bool:
        """Say whether a text of the pool is as similar to this one as `similarity` says, or more.

        >>> Pool(0.7, ["How do I bake bread?"]).has_like("How do I bake a cake?")
        True
        """
        said = words(text)
        near = {i for word in self._telling(said) for i in self._holding.get(word, ())}
        return any(self._alike(said, self._texts[i]) for i in near)

    def _telling(self, said: Sequence[str]) -> list[str]:
        """Take the rarest words, until those that are left are too few to make a text alike."""
        least = ceil(self.similarity * len(said) / (2 - self.similarity) - _ROUNDING)
        count, left = Counter(said), len(said)
        telling: list[str] = []
        for word in sorted(count, key=lambda word: len(self._holding.get(word, ()))):
            if left < least:
                break
            telling.append(word)
            left -= count[word]
        return telling

    def _alike(self, said: Sequence[str], other: Sequence[str]) -> bool:
        needed = self.similarity * (len(said) + len(other)) / 2 - _ROUNDING
        common = sum((Counter(said) & Counter(other)).values())  # no subsequence is longer
        return common >= needed and rouge_l(said, other) >= self.similarity - _ROUNDING
