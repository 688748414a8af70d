"""Near-duplicates by shared runs of words, all of them: an index of the rarest runs, and Jaccard as the judge.

The Jaccard similarity of two sets is the share of their elements that both have; here of the different runs of words of
two texts (Broder 1997, "On the resemblance and containment of documents"). Sets of a and b runs that reach a threshold
t share t / (1 + t) * (a + b) or more. With all runs in one order, rarest first, the first that they share has so many
from itself to the end of either set, at least: a run with fewer behind it need not be looked up (Chaudhuri, Ganti,
Kaushik 2006, "A primitive operator for similarity joins in data cleaning"; Bayardo, Ma, Srikant 2007, "Scaling up all
pairs similarity search"). What rows have from one template is frequent, so it leads to no candidates.

An engine does the work in pieces: equal runs come together to be counted, those of a row to be put in order, and equal
ones again to be looked up (Vernica, Carey, Li 2010, "Efficient parallel set-similarity joins using MapReduce"). Of a
large pool they wait in temporary files; pairs of rows stay in memory, and the places of runs that many rows have.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import polars as pl

from curate.engine import Crew, current
from curate.filters.words.runs import runs, slices, words

_PIECE = 64 * 2**20  # bytes of text whose runs are one piece of work, of some 400 MB
_COMPARED = 16 * 2**20  # bytes of the texts of pairs that are compared at a time
_LINES = 1_000_000  # of a join that are held at a time
_FEW = 16  # rows that can be found by a run, of which all pairs are looked at: judging them by halves saves nothing
_BITS = pl.Series([1 << bit for bit in range(64)], dtype=pl.UInt64)
_HIGH = pl.lit(2**32, dtype=pl.UInt64)  # puts two numbers into one, to sort and search by both
_NONE = pl.Series("pair", [], dtype=pl.UInt64)
_NEAR = pl.DataFrame(schema={"row": pl.UInt32, "of": pl.UInt32, "similarity": pl.Float64})

Near = Callable[[pl.Series, pl.Series], pl.DataFrame]


class Rule(NamedTuple):
    """How many words a run has, and how similar near texts are."""

    words: int
    threshold: float

    @property
    def bound(self) -> float:
        """A threshold below all that rounding does: what gets past it is compared with the real one."""
        return self.threshold * (1 - 1e-12)


def survivors(text: pl.Series, n: int, threshold: float) -> pl.DataFrame:
    """Go through texts, best first, and drop those near a kept one: (row, of, similarity) of each that goes.

    `of` is the kept row most like it, the earliest among equals. Two texts are as similar as their runs of n words, or
    as their words with a sign if these are less so.
    """
    rule = Rule(n, threshold)
    candidates, frequent = _candidates(text, rule)
    with _hired(candidates, frequent, text, rule) as (crew, near):
        limit = _LINES + sum(postings.height for postings in frequent)
        return _judge(pl.repeat(True, len(text), eager=True), crew, near, limit).sort("row")


def near(text: pl.Series, first: int, n: int, threshold: float) -> pl.DataFrame:
    """Find the texts behind the `first` so many that are near one of these: (row, of, similarity), as in `survivors`.

    `of` is the one most like it, the earliest among equals.
    """
    rule = Rule(n, threshold)
    candidates, frequent = _candidates(text, rule)
    candidates = candidates.filter((candidates // 2**32 < first) & (candidates % 2**32 >= first))
    before = pl.int_range(len(text), eager=True) < first
    with _hired(candidates, frequent, text, rule) as (_, near):
        return _best(near(~before, before))


@contextmanager
def _hired(
    candidates: pl.Series, frequent: list[pl.DataFrame], text: pl.Series, rule: Rule
) -> Iterator[tuple[Crew, Near]]:
    """Compare candidates, and hire who finds the pairs of frequent runs; give them, and what lists all near pairs."""
    few, workers = _similar(candidates, text, rule), current().workers
    shares = [frequent[first::workers] for first in range(min(workers, len(frequent)))]
    with current().hire(partial(Frequent, bound=rule.bound), shares) as crew:
        yield crew, partial(_near, few, crew, text, rule)


def _candidates(text: pl.Series, rule: Rule) -> tuple[pl.Series, list[pl.DataFrame]]:
    """List the pairs of rows with a run that few have, and the postings of runs that more have, in groups."""
    engine = current()
    count = max(engine.workers, 1 + int(text.str.len_bytes().sum()) // _PIECE)
    run, row = pl.col("run") // 2**32 % count, pl.col("row") // (1 + len(text) // count)
    with tempfile.TemporaryDirectory(prefix="curate-") as name:
        folder = Path(name)
        counted = engine.shuffle(partial(_listed, n=rule.words), slices(text), run, count, _counted, folder)
        postings = engine.shuffle(_same, counted, row, count, partial(_postings, bound=rule.bound), folder)
        groups = list(engine.shuffle(_same, postings, run, count, partial(_shared, bound=rule.bound), folder))
    frequent = [postings for _, postings in groups if postings.height]
    return pl.concat([_NONE, *(pairs for pairs, _ in groups)]), frequent


def _listed(part: tuple[int, pl.Series], n: int) -> pl.DataFrame:
    first, text = part
    return shingles(words(text).with_columns(pl.col("row") + pl.lit(first, pl.UInt32)), n)


def _same(rows: pl.DataFrame) -> pl.DataFrame:
    return rows


def _counted(listed: pl.DataFrame) -> pl.DataFrame:
    return listed.with_columns(pl.len().over("run").alias("count"))


def shingles(listed: pl.DataFrame, n: int) -> pl.DataFrame:
    """List the different runs of n words as (row, run), from lines of (row, word hash); a shorter row is one run."""
    counted = listed.with_columns(pl.len().over("row").alias("count"))
    short = [runs(counted.filter(pl.col("count") == k), k) for k in range(1, n)]
    return _different(pl.concat([*short, runs(listed, n)]).sort("row"))


def _different(listed: pl.DataFrame) -> pl.DataFrame:
    return listed.group_by("row", maintain_order=True).agg(pl.col("run").unique()).explode("run")


def _postings(listed: pl.DataFrame, bound: float) -> pl.DataFrame:
    """List by which runs rows can be found, of all that they have, as (row, run, rest, size, odd).

    `rest` is the number of runs from this one on, rarest first, runs of one row left out; `size` that of all; and `odd`
    the odd sketch of the set: a bit for each of 64 classes of runs, whether their number is odd. Two sketches differ in
    no more bits than the sets in runs (Mitzenmacher, Pagh, Pham 2014, "Efficient estimation for high similarities using
    odd sketches").
    """
    bits = listed.select("row", _BITS.gather(listed["run"] // 2**58).alias("odd"))
    sets = bits.group_by("row").agg(pl.len().alias("size"), pl.col("odd").bitwise_xor())
    several = listed.filter(pl.col("count") > 1).sort("row", "count", "run")
    end = pl.col("row").rle().struct.field("len").cum_sum().gather(pl.col("row").rle_id())
    rest = (end - pl.int_range(pl.len(), dtype=pl.UInt32)).alias("rest")
    postings = several.select("row", "run", rest).join(sets, on="row")
    return postings.filter(pl.col("rest") >= pl.col("size") * bound)


def _shared(postings: pl.DataFrame, bound: float) -> tuple[pl.Series, pl.DataFrame]:
    """List the pairs of rows with a run that few have, and the postings of the other runs.

    Postings are sorted by slot: the rank of the run, then the size of the set.
    """
    postings = postings.filter(pl.col("run").is_duplicated()).sort("run", "size")
    slot = (pl.col("run").rle_id() * _HIGH + pl.col("size")).alias("slot")
    is_rare = (pl.len().over("run") <= _FEW).alias("rare")
    postings = postings.select("row", "rest", "size", "odd", slot, is_rare)
    rare, frequent = (postings.filter(some).drop("rare") for some in (pl.col("rare"), ~pl.col("rare")))
    return _pairs(_ranges(rare, rare, bound), rare, bound), frequent


class Frequent:
    """The rows that can be found by runs that many have, in some groups of runs."""

    def __init__(self, groups: list[pl.DataFrame], bound: float) -> None:
        self.groups, self.bound = groups, bound

    def lines(self, rows: pl.Series) -> int:
        """Count what has to be looked at to find all pairs of some rows."""
        some = (_only(rows, group) for group in self.groups)
        return sum(int(_ranges(group, group, self.bound)["count"].sum()) for group in some)

    def pairs(self, rows: pl.Series, others: pl.Series) -> pl.Series:
        """List the pairs of some rows and others before them that may be near."""
        pairs = [_NONE]
        for group in self.groups:
            index = _only(others, group)
            pairs.append(_pairs(_ranges(_only(rows, group), index, self.bound), index, self.bound))
        return pl.concat(pairs)


def _only(rows: pl.Series, postings: pl.DataFrame) -> pl.DataFrame:
    return postings.filter(rows.gather(postings["row"]))


def _judge(rows: pl.Series, crew: Crew, near: Near, limit: int) -> pl.DataFrame:
    """Drop the rows near a kept one before them: (row, of, similarity), `of` being the most similar.

    Where many rows are alike, their first half is judged first, so that the second meets only those of it that stay.
    """
    if sum(crew.each("lines", rows)) <= limit or rows.sum() < 2:
        return _direct(near(rows, rows))
    middle = rows.arg_true()[int(rows.sum()) // 2]
    first = rows & (pl.int_range(len(rows), eager=True) < middle)
    second = rows & ~first
    before = _judge(first, crew, near, limit)
    across = near(second, first & ~_lost(before, rows))
    rest = second & ~_lost(across, rows)
    after = _judge(rest, crew, near, limit)
    late = near(second & ~rest, rest & ~_lost(after, rows))
    return _best(pl.concat([before, across, after, late]))


def _lost(near: pl.DataFrame, rows: pl.Series) -> pl.Series:
    return pl.repeat(False, len(rows), eager=True).scatter(near["row"].unique(), True)


def _direct(near: pl.DataFrame) -> pl.DataFrame:
    """Judge rows in their order by all pairs that are near."""
    lost: set[int] = set()
    for row, of in near.sort("row").select("row", "of").iter_rows():
        if of not in lost:
            lost.add(row)
    return _best(near.filter(~pl.col("of").is_in(lost)))


def _best(near: pl.DataFrame) -> pl.DataFrame:
    return near.sort("row", "similarity", "of", descending=[False, True, False]).unique("row", keep="first")


def _near(
    few: pl.DataFrame, crew: Crew, text: pl.Series, rule: Rule, rows: pl.Series, others: pl.Series
) -> pl.DataFrame:
    """List the pairs that are near, of some rows and others before them: (row, of, similarity)."""
    pairs = _similar(pl.concat([_NONE, *crew.each("pairs", rows, others)]), text, rule)
    few = few.filter(rows.gather(few["row"]) & others.gather(few["of"]))
    return pl.concat([pairs, few])


def _ranges(rows: pl.DataFrame, index: pl.DataFrame, bound: float) -> pl.DataFrame:
    """Find where in an index stand the rows that have a run in common and a size that lets them be near."""
    size, run, t = pl.col("size"), pl.col("slot") // _HIGH * _HIGH, bound
    most = pl.min_horizontal(size / t, pl.col("rest") * ((1 + t) / t) - size, pl.lit(2.0**31))
    slots = rows.select(
        low=run + (size * t).ceil().cast(pl.UInt64),
        high=run + most.floor().cast(pl.UInt64),
    )
    first = index["slot"].search_sorted(slots["low"], "left").alias("first")
    last = index["slot"].search_sorted(slots["high"], "right").alias("last")
    ranges = rows.select("row", "size", "odd", first, last).filter(pl.col("last") > pl.col("first"))
    return ranges.with_columns(count=pl.col("last") - pl.col("first"))


def _pairs(ranges: pl.DataFrame, index: pl.DataFrame, bound: float) -> pl.Series:
    """List the pairs that may be near, of a row and one before it in the index, `of`, as of * 2**32 + row."""
    pairs = [_NONE]
    each = [pl.col("size", "odd").first(), pl.col("first", "last"), pl.col("count").sum()]
    for part in _parts(ranges.sort("row").group_by("row", maintain_order=True).agg(each), _LINES):
        at = pl.int_ranges("first", "last", dtype=pl.UInt32)
        lines = part.explode("first", "last").select("row", "size", "odd", at=at).explode("at")
        others = index.select("rest", of="row", other="size", sketch="odd")[lines["at"]]
        total, t = pl.col("size") + pl.col("other"), bound
        some = (
            pl.concat([lines, others], how="horizontal")
            .lazy()
            .filter(
                pl.col("of") < pl.col("row"),
                pl.col("rest") * (1 + t) >= total * t,
                (pl.col("odd") ^ pl.col("sketch")).bitwise_count_ones() * (1 + t) <= total * (1 - t),
            )
        )
        pairs.append(some.select((pl.col("of") * _HIGH + pl.col("row")).alias("pair").unique()).collect().to_series())
    return pl.concat(pairs)


def _similar(pairs: pl.Series, text: pl.Series, rule: Rule) -> pl.DataFrame:
    """Compare the texts of pairs: (row, of, similarity) of those that are near."""
    pairs, size = pairs.unique().sort(), text.str.len_bytes()
    row, of = (pairs % 2**32).cast(pl.UInt32), (pairs // 2**32).cast(pl.UInt32)
    lines = pl.DataFrame({"row": row, "of": of, "count": size.gather(row) + size.gather(of)})
    return pl.concat([_NEAR, *current().map(partial(_compared, rule=rule), _with_texts(lines, text))])


def _with_texts(lines: pl.DataFrame, text: pl.Series) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    for part in _parts(lines, _COMPARED):
        rows = pl.concat([part["row"], part["of"]]).unique().sort()
        yield part.select("row", "of"), pl.DataFrame({"row": rows, "text": text.gather(rows)})


def _compared(item: tuple[pl.DataFrame, pl.DataFrame], rule: Rule) -> pl.DataFrame:
    pairs, texts = item
    listed = words(texts["text"])
    signed = _different(listed.filter(pl.col("word") % 2 == 1).rename({"word": "run"}))
    near = pairs.with_columns(similarity=1.0)
    for sets in (shingles(listed, rule.words), signed):
        own = _jaccard(near, sets, texts["row"]).alias("own")
        near = near.with_columns(pl.min_horizontal("similarity", own).alias("similarity"))
        near = near.filter(pl.col("similarity") >= rule.threshold)
    return near


def _jaccard(pairs: pl.DataFrame, listed: pl.DataFrame, rows: pl.Series) -> pl.Series:
    """Measure the similarity of pairs of sets, from lines of (place in `rows`, run); two empty ones are the same."""
    every = pl.DataFrame({"row": pl.int_range(len(rows), dtype=pl.UInt32, eager=True)})
    joined = every.join(listed.group_by("row").agg("run"), on="row", how="left", maintain_order="left")
    sets = joined.select(pl.col("run").fill_null([])).to_series()
    one, other = (sets.gather(rows.search_sorted(pairs[name])) for name in ("row", "of"))
    both = one.list.set_intersection(other).list.len()
    either = one.list.len() + other.list.len() - both
    return pl.select(pl.when(either == 0).then(1.0).otherwise(both / either)).to_series()


def _parts(lines: pl.DataFrame, size: int) -> Iterator[pl.DataFrame]:
    """Cut lines where their counts add up to what is held at a time; a single one may be more."""
    sums, first, last = lines["count"].cum_sum(), 0, 0
    while last < lines.height:
        last = max(first + 1, sums.search_sorted((sums[first - 1] if first else 0) + size, "right"))
        yield lines[first:last]
        first = last
