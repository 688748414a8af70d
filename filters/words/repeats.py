"""How much of a text repeats itself, by the measures of Gopher (Rae et al. 2021, arXiv 2112.11446, table A1)."""

from __future__ import annotations

import polars as pl

from curate.filters.compiled import repeats as reference
from curate.filters.compiled import step
from curate.rows import text_of

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


# Which of the numbers of the step make each share.
_SHARES = {"lines": (2, 1), "line_chars": (3, 0), "paragraphs": (5, 4), "paragraph_chars": (6, 0)} | {
    name: (7 + at, 0) for at, name in enumerate(list(BOUNDS)[4:])
}


def repeats(texts: pl.Series) -> pl.Series:
    """Measure each text by each of `BOUNDS`."""
    text = pl.col("text")
    frame = text_of(texts).to_frame("text").select("text", words=parts(text).list.join(" "))
    frame = frame.select(text=pl.concat_str("words", pl.lit("\n"), "text"))
    counts = frame.select(n=step("repeats", text, reference.repeats, pl.List(pl.UInt64)))
    n = pl.col("n").list
    shares = ((n.get(part) / pl.max_horizontal(1, n.get(whole))).alias(name) for name, (part, whole) in _SHARES.items())
    measured = pl.when(pl.col("n").is_not_null()).then(pl.struct(shares))
    return counts.select(measured).to_series().alias(texts.name)
