"""How often lines, paragraphs and runs of words stand in a text again: the reference of repeats.c."""

from __future__ import annotations

from collections import Counter

TOP, AGAIN = range(2, 5), range(5, 11)  # the runs of words: the most frequent, and those that stood before


def repeats(texts: str) -> list[int]:
    r"""Count what returns in a text, given as its words in one line, with one blank between them, and then itself.

    Gives the number of its characters; of lines, of those that stood before, and of the characters in these; the same
    of paragraphs; the characters in the run of two, three, four words that stands most often, blanks included; and
    those in runs of five to ten words that stood before.

    >>> repeats("a b a b c\na b\na b\nc")
    [9, 3, 1, 3, 1, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0]
    """
    line, _, text = texts.partition("\n")
    words = line.split(" ") if line else []
    pieces = [_again(text.strip().split(between)) for between in ("\n", "\n\n")]
    return [len(text), *pieces[0], *pieces[1], *(_top(words, n) for n in TOP), *(_duplicates(words, n) for n in AGAIN)]


def _again(pieces: list[str]) -> tuple[int, int, int]:
    """Count the pieces, those that have stood before, and the characters of these."""
    pieces = [piece for piece in (piece.lstrip("\n") for piece in pieces) if piece]
    again = Counter(pieces)
    return len(pieces), len(pieces) - len(again), sum(len(piece) * (times - 1) for piece, times in again.items())


def _runs(words: list[str], n: int) -> list[tuple[str, ...]]:
    return list(zip(*(words[ahead:] for ahead in range(n)), strict=False))


def _top(words: list[str], n: int) -> int:
    """Count the characters of the run that stands most often, of several the first, if that is twice at least."""
    most = Counter(_runs(words, n)).most_common(1)
    return sum((len(" ".join(run)) * times for run, times in most if times > 1), 0)


def _duplicates(words: list[str], n: int) -> int:
    """Count the characters of runs that stood before, from left to right, of which none overlap."""
    seen: set[tuple[str, ...]] = set()
    chars = free = 0  # free: where the last duplicate ends
    for at, run in enumerate(_runs(words, n)):
        if at < free:
            continue
        if run in seen:
            chars, free = chars + sum(map(len, run)), at + n
        seen.add(run)
    return chars
