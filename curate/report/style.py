"""How alike the sources of a set write: a profile of their answers, and how far each source is from the others.

LIMA credits much of its result to answers of one style (Zhou et al. 2023, section 2.2). The features are cheap rules,
of which opening, person and tone know English alone; nothing here says whose style is the better one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any, TypeAlias

import polars as pl

from curate.pairs.shortcuts.rules import RULES
from curate.report.words import percent, plural
from curate.rows import hash01

_MOST = 2_000  # answers of a source that are looked at
_DRAWS = 99  # one source in a hundred is farther than the farthest of so many by chance
_NAMED, _SOURCES = 3, 8  # features in which a source differs, and sources of the profile, that a page names

_TEXT = pl.col("text")
_NUMBER = {rule.name: rule.number for rule in RULES}
_ACKNOWLEDGES = (
    r"(?i)^\W*(?:sure|certainly|of course|absolutely|definitely|great|good|excellent|thanks|thank you|hello|hi|hey|yes"
    r"|no|yeah|ok|okay|sorry|i understand|(?:i['’]m|i am) (?:sorry|happy|glad)|happy to|glad to)\b"
)
_MARKED = r"^\s*(?:#{1,6}[ \t]|[-*+•][ \t]|\d{1,3}[.)][ \t]|```|\|)"
_I, _YOU = _NUMBER["first_person"] > 0, _TEXT.str.contains(r"(?i)\byou(?:rs?|rself)?\b")
_EASY = _NUMBER["emoji"] + _NUMBER["exclamations"] + _NUMBER["casual_words"] > 0

Kinds: TypeAlias = dict[str, pl.Expr]


def _steps(number: pl.Expr, *ends: int) -> Kinds:
    """Part a number into what is below each end, and the rest."""
    names = [f"under {ends[0]:,}", *(f"{low:,} to {high - 1:,}" for low, high in pairwise(ends))]
    below = {name: number < end for name, end in zip(names, ends, strict=True)}
    return {**below, f"{ends[-1]:,} or more": pl.lit(True)}


# Of each feature its kinds: an answer is of the first that holds.
FEATURES: dict[str, Kinds] = {
    "opening": {
        "acknowledges": _TEXT.str.contains(_ACKNOWLEDGES),
        "heading, list or code": _TEXT.str.contains(_MARKED),
        "I or we": _TEXT.str.contains(r"^\W*(?:I|We|My|Our)\b"),
        "a question": _TEXT.str.contains(r"^[^.!?\n]*[?？]"),
        "the matter itself": pl.lit(True),
    },
    "person": {"I and you": _I & _YOU, "I": _I, "you": _YOU, "neither": pl.lit(True)},
    "markup": {
        "code": _NUMBER["code"] > 0,
        "headings or bold": _NUMBER["headings"] + _NUMBER["bold"] > 0,
        "plain": pl.lit(True),
    },
    "list items": {
        "none": _NUMBER["bullets"] == 0,
        "1 to 5": _NUMBER["bullets"] <= 5,
        "6 or more": pl.lit(True),
    },
    "characters": _steps(_NUMBER["characters"], 300, 1_200, 4_096),
    "words a sentence": _steps(_NUMBER["sentence_length"], 12, 18, 25),
    "tone": {
        "emoji, exclamations, easy words": _EASY,
        "contractions": _NUMBER["contractions"] > 0,
        "formal": pl.lit(True),
    },
}
Counts: TypeAlias = dict[str, dict[str, list[int]]]  # answers of each kind, by source and feature
Divergences: TypeAlias = dict[str, dict[str, float]]  # by source and feature


def style(rows: pl.LazyFrame) -> dict[str, Any] | None:
    """Give each source's distance from the others beside what chance makes of it, and the profile; None of one source.

    An answer is `response`, or of a pair `chosen`; of a dialogue it is the last one. Null and blank answers have no
    style. Of a source with more than 2,000 answers some 2,000 are looked at, drawn by a hash of their ids.
    """
    answers, drawn = _answers(rows)
    counts = tally(answers)
    if len(counts) < 2:
        return None
    apart, chance = divergences(counts), by_chance(answers)
    means = {source: _mean(apart[source]) for source in counts}
    bounds = {source: max(_mean(draw[source]) for draw in chance) for source in counts}
    # A small source may be farther than all others, and yet by chance.
    order = sorted(counts, key=lambda source: (means[source] <= bounds[source], -means[source], source))
    most = max(means.values()) or 1
    lines = []
    for source in order:
        far = means[source] > bounds[source]
        bar = {"share": means[source] / most, "value": f"{means[source]:.3f}", "far": far}
        marks = _differs(source, counts, apart, chance) if far else []
        lines.append([source, _size(counts[source]), bar, f"{bounds[source]:.3f}", {"marks": marks}])
    shown = order[:_SOURCES]
    return {
        "verdict": _verdict(lines),
        "rows": lines,
        "sources": shown,
        "profile": list(_profile(counts, shown)),
        "drawn": drawn,
        "most": _MOST,
        "draws": _DRAWS,
    }


def _mean(by_feature: dict[str, float]) -> float:
    return round(fmean(by_feature.values()), 9)  # of two sources each is as far as the other


def _verdict(lines: list[list[Any]]) -> str:
    source, _, bar, bound, _ = lines[0]
    far = sum(line[2]["far"] for line in lines)
    if not far:
        return "No source is farther from the others in style than a random draw of as many answers may be."
    numbers = f"{bar['value']}, by chance {bound} at most."
    if len(lines) == 2:
        return f"{source} and {lines[1][0]} differ in style: {numbers}"
    farthest = f"{source} is the farthest from the others in style: {numbers}"
    return f"{farthest} {plural(far, 'source is', 'sources are')} farther than by chance."


def _answers(rows: pl.LazyFrame) -> tuple[pl.DataFrame, list[str]]:
    """Find the kinds of each answer, numbered by feature, and name the sources of which only some are drawn."""
    columns = [name for name in ("response", "chosen") if name in rows.collect_schema()]
    text = pl.coalesce(columns) if columns else pl.lit(None, dtype=pl.String)
    texts = rows.select("id", "source", text=text).filter(_TEXT.str.contains(r"\S"))
    sizes = dict(texts.group_by("source").len().collect(engine="streaming").iter_rows())
    shares = pl.LazyFrame(
        {"source": list(sizes), "share": [_MOST / size for size in sizes.values()]},
        schema={"source": pl.String, "share": pl.Float64},
    )
    some = texts.join(shares, on="source").filter(hash01("id", 0, "style") < pl.col("share"))
    kinds = some.select("id", "source", *(_kind(feature) for feature in FEATURES)).collect(engine="streaming")
    return kinds.sort("id", "source"), sorted(name for name, size in sizes.items() if size > _MOST)


def _kind(feature: str) -> pl.Expr:
    holds = [pl.when(kind).then(pl.lit(i, pl.UInt8)) for i, kind in enumerate(FEATURES[feature].values())]
    return pl.coalesce(holds).alias(feature)


def tally(answers: pl.DataFrame) -> Counts:
    """Count the answers of each kind, by source and feature."""
    kinds = [(feature, i) for feature, names in FEATURES.items() for i in range(len(names))]
    sums = [(pl.col(feature) == i).sum().alias(f"{feature} {i}") for feature, i in kinds]
    lines = answers.group_by("source").agg(sums).sort("source").iter_rows(named=True)
    return {
        line["source"]: {name: [line[f"{name} {i}"] for i in range(len(FEATURES[name]))] for name in FEATURES}
        for line in lines
    }


def divergences(counts: Counts) -> Divergences:
    """Measure how far each source is from all others together, by feature."""
    totals = {name: _sum(source[name] for source in counts.values()) for name in FEATURES}
    return {
        source: {name: divergence(own[name], _less(totals[name], own[name])) for name in FEATURES}
        for source, own in counts.items()
    }


def divergence(one: Sequence[int], other: Sequence[int]) -> float:
    """Measure how far two distributions are apart, given as counts: the Jensen-Shannon divergence, in bits.

    It is 0 where they are the same and 1 where they have nothing in common (Lin 1991, IEEE Transactions on Information
    Theory 37, 1).

    >>> divergence([1, 1], [5, 5]), divergence([3, 0], [0, 8]), round(divergence([1, 1], [1, 0]), 3)
    (0.0, 1.0, 0.311)
    """
    shares = [(a / sum(one), b / sum(other)) for a, b in zip(one, other, strict=True)]
    return sum(share * math.log2(share / (p + q) * 2) for p, q in shares for share in (p, q) if share) / 2


def by_chance(answers: pl.DataFrame) -> list[Divergences]:
    """Measure the same of random draws: answers dealt out anew to the sources, to each as many as it has."""
    source = pl.col("source")
    return [divergences(tally(answers.with_columns(source.shuffle(seed=draw)))) for draw in range(_DRAWS)]


def _sum(lists: Iterable[Sequence[int]]) -> list[int]:
    return [sum(numbers) for numbers in zip(*lists, strict=True)]


def _less(all_: Sequence[int], own: Sequence[int]) -> list[int]:
    return [a - b for a, b in zip(all_, own, strict=True)]


def _size(counts: dict[str, list[int]]) -> int:
    return sum(next(iter(counts.values())))


def _differs(source: str, counts: Counts, apart: Divergences, chance: list[Divergences]) -> list[str]:
    """Say in which features a source is farther than by chance, the farthest first, and by which kind most."""
    own = apart[source]
    far = [name for name in FEATURES if own[name] > max(draw[source][name] for draw in chance)]
    return [_contrast(source, name, counts) for name in sorted(far, key=lambda name: -own[name])[:_NAMED]]


def _contrast(source: str, name: str, counts: Counts) -> str:
    mine = counts[source][name]
    rest = _sum(each[name] for other, each in counts.items() if other != source)
    shares = [(a / sum(mine), b / sum(rest)) for a, b in zip(mine, rest, strict=True)]
    kind, (here, there) = max(zip(FEATURES[name], shares, strict=True), key=lambda pair: abs(pair[1][0] - pair[1][1]))
    return f"{name}: {kind} in {percent(here, 1)}, of the others {percent(there, 1)}"


def _profile(counts: Counts, sources: Sequence[str]) -> Iterable[list[str]]:
    """Give a line a kind: which share of each source's answers is of it."""
    for name, kinds in FEATURES.items():
        for i, kind in enumerate(kinds):
            shares = (percent(counts[source][name][i], _size(counts[source])) for source in sources)
            yield [f"{name}: {kind}", *shares]
