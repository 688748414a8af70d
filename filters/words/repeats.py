"""How much of a text repeats itself, by the measures of Gopher (Rae et al. 2021, arXiv 2112.11446, table A1)."""

from __future__ import annotations

from collections import Counter

import polars as pl

# What the paper allows of each, as shares of lines or paragraphs, or of the characters of a text.
LINES = {"lines": 0.30, "line_chars": 0.20, "paragraphs": 0.30, "paragraph_chars": 0.20}
TOP = {2: 0.20, 3: 0.18, 4: 0.16}
DUPLICATES = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}
BOUNDS = {
    **LINES,
    **{f"top_{n}_gram": bound for n, bound in TOP.items()},
    **{f"duplicate_{n}_grams": bound for n, bound in DUPLICATES.items()},
}

# A word is what stands between blanks, without the signs at its ends, each of which is one by itself: so the bounds
# were tried, and a formula or a name with points stays whole. Parts of a compound and contractions are parted, and in
# scripts without blanks each letter is a word.
_ALONE = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_CONTRACTED = r"(\p{L})(n['’][tT]|['’](?:s|S|t|d|m|ll|re|ve))\b"
_COMPOUND = r"([\p{L}\p{N}])([-–—:<>=/,]+)(\p{L})"
_OPENING = r"\p{So}…,:;!?¿¡()\[\]{}<>_#*&\"'`“”‘’«»$£€=%§—–"
_CLOSING = r"\p{So}….,:;!?()\[\]{}<>_#*&\"'`“”‘’«»—–%"
_PART = rf"https?://\S*[\w/]|['’](?:s|t|d|m|ll|re|ve)\b|\.{{2,}}|[^\s{_OPENING}](?:\S*[^\s{_CLOSING}])?|\S"


def parts(text: pl.Expr) -> pl.Expr:
    """List the words and signs of texts."""
    text = text.str.replace_all(_COMPOUND, "$1 $2 $3").str.replace_all(_CONTRACTED, "$1 $2")
    return text.str.replace_all(_ALONE, " $0 ").str.extract_all(_PART)


def repeats(texts: pl.Series) -> pl.Series:
    """Measure each text by each of `BOUNDS`."""
    frame = texts.cast(pl.String).to_frame("text").with_columns(parts=parts(pl.col("text")))
    shares = [None if text is None else _shares(text, words) for text, words in frame.iter_rows()]
    return pl.Series(texts.name, shares, dtype=pl.Struct(dict.fromkeys(BOUNDS, pl.Float64)))


def _shares(text: str, words: list[str]) -> dict[str, float]:
    shares = dict.fromkeys(BOUNDS, 0.0)
    for name, between in (("line", "\n"), ("paragraph", "\n\n")):
        pieces = [piece for piece in (piece.lstrip("\n") for piece in text.strip().split(between)) if piece]
        again = _again(pieces)
        shares[f"{name}s"] = len(again) / max(1, len(pieces))
        shares[f"{name}_chars"] = sum(map(len, again)) / max(1, len(text))
    for n in TOP:
        shares[f"top_{n}_gram"] = _top(words, n) / max(1, len(text))
    for n in DUPLICATES:
        shares[f"duplicate_{n}_grams"] = chars = _duplicates(words, n) / max(1, len(text))
        if not chars:  # what does not stand twice is part of nothing longer that does
            break
    return shares


def _again(pieces: list[str]) -> list[str]:
    """List what has stood before."""
    seen: set[str] = set()
    return [piece for piece in pieces if piece in seen or seen.add(piece)]  # type: ignore[func-returns-value]


def _runs(words: list[str], n: int) -> list[tuple[str, ...]]:
    return list(zip(*(words[ahead:] for ahead in range(n)), strict=False))


def _top(words: list[str], n: int) -> int:
    """Count the characters of the run that stands most often, blanks included, if that is twice at least."""
    most = Counter(_runs(words, n)).most_common(1)
    return sum((len(" ".join(run)) * times for run, times in most if times > 1), 0)


def _duplicates(words: list[str], n: int) -> int:
    """Count the characters of runs that stood before, from left to right, of which none overlap."""
    runs = _runs(words, n)
    if len(set(runs)) == len(runs):
        return 0
    seen: set[tuple[str, ...]] = set()
    chars = free = 0  # free: where the last duplicate ends
    for at, run in enumerate(runs):
        if at < free:
            continue
        if run in seen:
            chars, free = chars + sum(map(len, run)), at + n
        seen.add(run)
    return chars
