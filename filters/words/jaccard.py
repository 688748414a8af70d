"""Near-duplicates by shared runs of words, all of them: an index of the rarest runs, and Jaccard as the judge.

The Jaccard similarity of two sets is the share of their elements that both have; here of the different runs of words of
two texts (Broder 1997, "On the resemblance and containment of documents"). Sets of a and b runs that reach a threshold
t share t / (1 + t) * (a + b) or more. With all runs in one order, rarest first, the first that they share has so many
from itself to the end of either set, at least: a run with fewer behind it need not be looked up (Chaudhuri, Ganti,
Kaushik 2006, "A primitive operator for similarity joins in data cleaning"; Bayardo, Ma, Srikant 2007, "Scaling up all
pairs similarity search"). What rows have from one template is frequent, so it leads to no candidates.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from curate.filters.words.runs import runs, slices, words

_LINES = 1_000_000  # of a join that are held at a time
_BITS = pl.Series([1 << bit for bit in range(64)], dtype=pl.UInt64)
_HIGH = pl.lit(2**32, dtype=pl.UInt64)  # puts two numbers into one, to sort and search by both
_END = pl.Series([2**64 - 1], dtype=pl.UInt64)  # behind all others, so that a search ends at a number
_NEAR = pl.DataFrame(schema={"row": pl.UInt32, "of": pl.UInt32, "similarity": pl.Float64})


class Sets(NamedTuple):
    """A set for each row: row * 2**32 + rank of all elements that several rows have, and where in these a row begins.

    The rarest element has rank 0. `rows` also has the size of each set, elements of one row included, and its odd
    sketch: a bit for each of 64 classes of elements, whether their number is odd. Two sketches differ in no more bits
    than the sets in elements (Mitzenmacher, Pagh, Pham 2014, "Efficient estimation for high similarities using odd
    sketches").
    """

    members: pl.Series
    rows: pl.DataFrame


class Pool(NamedTuple):
    """The runs and the words with a sign of all rows, and the threshold."""

    runs: Sets
    signs: Sets
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
    if text.is_empty():
        return _NEAR
    pool = _pool(text, n, threshold)
    return _judge(_postings(pool), pool).sort("row")


def _pool(text: pl.Series, n: int, threshold: float) -> Pool:
    shingled, signed = [], []
    for first, part in slices(text):
        listed = words(part).with_columns(pl.col("row") + pl.lit(first, pl.UInt32))
        shingled.append(shingles(listed, n))
        signed.append(_different(listed.filter(pl.col("word") % 2 == 1).rename({"word": "run"})))
    return Pool(_sets(shingled, len(text)), _sets(signed, len(text)), threshold)


def shingles(listed: pl.DataFrame, n: int) -> pl.DataFrame:
    """List the different runs of n words as (row, run), from lines of (row, word hash); a shorter row is one run."""
    counted = listed.with_columns(pl.len().over("row").alias("count"))
    short = [runs(counted.filter(pl.col("count") == k), k) for k in range(1, n)]
    return _different(pl.concat([*short, runs(listed, n)]).sort("row"))


def _different(listed: pl.DataFrame) -> pl.DataFrame:
    return listed.group_by("row", maintain_order=True).agg(pl.col("run").unique()).explode("run")


def _sets(parts: list[pl.DataFrame], height: int) -> Sets:
    bits = (part.with_columns(_BITS.gather(part["run"] // 2**58).alias("odd")) for part in parts)
    sizes = [part.group_by("row").agg(pl.len().alias("size"), pl.col("odd").bitwise_xor()) for part in bits]
    listed = pl.concat(parts, rechunk=False)
    shards = 1 + listed.height // _LINES
    counts = [listed.filter(pl.col("run") // 2**32 % shards == k).group_by("run").len() for k in range(shards)]
    several = pl.concat([count.filter(pl.col("len") > 1) for count in counts])
    ranks = several.sort("len", "run").select("run").with_row_index("rank")
    packed = [part.join(ranks, on="run").select(pl.col("row") * _HIGH + pl.col("rank")).to_series() for part in parts]
    members = pl.concat([pl.concat(packed).sort(), _END])
    row = pl.int_range(height + 1, dtype=pl.UInt32, eager=True).alias("row")
    bounds = members.search_sorted(pl.select(row * _HIGH).to_series())
    rows = pl.DataFrame({"row": row[:-1], "begin": bounds[:-1], "end": bounds[1:]})
    rows = rows.join(pl.concat(sizes), on="row", how="left", maintain_order="left").drop("row")
    return Sets(members, rows.with_columns(pl.col("size").fill_null(0)))


def _postings(pool: Pool) -> pl.DataFrame:
    """List by which runs rows can be found, sorted by slot: the rank of the run, then the size of the set."""
    members = pool.runs.members[:-1]
    listed = pl.DataFrame({"row": (members // 2**32).cast(pl.UInt32), "rank": (members % 2**32).cast(pl.UInt32)})
    listed = pl.concat([listed, pool.runs.rows.select("size", "end")[listed["row"]]], how="horizontal")
    rest = (pl.col("end") - pl.int_range(pl.len(), dtype=pl.UInt32)).alias("rest")
    listed = listed.select("row", "rank", "size", rest).filter(pl.col("rest") >= pl.col("size") * pool.bound)
    listed = listed.filter(pl.col("rank").is_duplicated())
    slot = (pl.col("rank") * _HIGH + pl.col("size")).alias("slot")
    return listed.with_columns(slot, pool.runs.rows["odd"].gather(listed["row"])).sort("slot")


def _judge(rows: pl.DataFrame, pool: Pool) -> pl.DataFrame:
    """Drop the rows near a kept one before them: (row, of, similarity), `of` being the most similar.

    Where many rows are alike, their first half is judged first, so that the second meets only those of it that stay.
    """
    ranges = _ranges(rows, rows, pool)
    if ranges["count"].sum() <= rows.height + _LINES:
        return _direct(_near(ranges, rows, pool))
    middle = rows["row"].unique().sort()[rows["row"].n_unique() // 2]
    first, second = rows.filter(pl.col("row") < middle), rows.filter(pl.col("row") >= middle)
    before = _judge(first, pool)
    first = _without(first, before)
    near = _near(_ranges(second, first, pool), first, pool)
    rest = _without(second, near)
    after = _judge(rest, pool)
    rest = _without(rest, after)
    lost = second.filter(pl.col("row").is_in(near["row"].implode()))
    return _best(pl.concat([before, near, after, _near(_ranges(lost, rest, pool), rest, pool)]))


def _direct(near: pl.DataFrame) -> pl.DataFrame:
    """Judge rows in their order by all pairs that are near."""
    lost: set[int] = set()
    for row, of in near.sort("row").select("row", "of").iter_rows():
        if of not in lost:
            lost.add(row)
    return _best(near.filter(~pl.col("of").is_in(lost)))


def _best(near: pl.DataFrame) -> pl.DataFrame:
    return near.sort("row", "similarity", "of", descending=[False, True, False]).unique("row", keep="first")


def _without(rows: pl.DataFrame, near: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(~pl.col("row").is_in(near["row"].implode()))


def _ranges(rows: pl.DataFrame, index: pl.DataFrame, pool: Pool) -> pl.DataFrame:
    """Find where in an index stand the rows that have a run in common and a size that lets them be near."""
    size, t = pl.col("size"), pool.bound
    most = pl.min_horizontal(size / t, pl.col("rest") * ((1 + t) / t) - size, pl.lit(2.0**31))
    slots = rows.select(
        low=pl.col("rank") * _HIGH + (size * t).ceil().cast(pl.UInt64),
        high=pl.col("rank") * _HIGH + most.floor().cast(pl.UInt64),
    )
    first = index["slot"].search_sorted(slots["low"], "left").alias("first")
    last = index["slot"].search_sorted(slots["high"], "right").alias("last")
    ranges = rows.select("row", "size", "odd", first, last).filter(pl.col("last") > pl.col("first"))
    return ranges.with_columns(count=pl.col("last") - pl.col("first"))


def _near(ranges: pl.DataFrame, index: pl.DataFrame, pool: Pool) -> pl.DataFrame:
    """List the pairs that are near, of a row and one before it in the index: (row, of, similarity)."""
    near = []
    each = [pl.col("size", "odd").first(), pl.col("first", "last"), pl.col("count").sum()]
    for part in _parts(ranges.sort("row").group_by("row", maintain_order=True).agg(each)):
        at = pl.int_ranges("first", "last", dtype=pl.UInt32)
        lines = part.explode("first", "last").select("row", "size", "odd", at=at).explode("at")
        others = index.select("rest", of="row", other="size", sketch="odd")[lines["at"]]
        total, t = pl.col("size") + pl.col("other"), pool.bound
        pairs = (
            pl.concat([lines, others], how="horizontal")
            .lazy()
            .filter(
                pl.col("of") < pl.col("row"),
                pl.col("rest") * (1 + t) >= total * t,
                (pl.col("odd") ^ pl.col("sketch")).bitwise_count_ones() * (1 + t) <= total * (1 - t),
            )
        )
        near.append(_similar(pairs.select("row", "of").unique().collect(), pool))
    return pl.concat(near)


def _similar(pairs: pl.DataFrame, pool: Pool) -> pl.DataFrame:
    pairs = pairs.sort("of", "row").with_columns(similarity=1.0)
    for sets in (pool.runs, pool.signs):
        pairs = pairs.with_columns(
            pl.min_horizontal("similarity", _jaccard(pairs, sets).alias("own")).alias("similarity")
        )
        pairs = pairs.filter(pl.col("similarity") >= pool.threshold)
    return pairs


def _jaccard(pairs: pl.DataFrame, sets: Sets) -> pl.Series:
    """Measure the similarity of pairs of sets; two empty ones are the same."""
    one, other = sets.rows[pairs["row"]], sets.rows[pairs["of"]]
    lines = one.select(pairs["of"], "begin", "end", count=pl.col("end") - pl.col("begin")).with_row_index("pair")
    both = []
    for part in _parts(lines):
        listed = part.select("pair", "of", at=pl.int_ranges("begin", "end")).explode("at")
        wanted = listed["of"].cast(pl.UInt64) * 2**32 + sets.members.gather(listed["at"]) % 2**32
        hits = sets.members.gather(sets.members.search_sorted(wanted)) == wanted
        both.append(listed.select("pair").filter(hits).group_by("pair").len("both"))
    shared = lines.join(pl.concat(both), on="pair", how="left", maintain_order="left")["both"]
    sizes = pl.DataFrame([shared, one["size"] + other["size"]]).fill_null(0)
    either = pl.col("size") - pl.col("both")
    return sizes.select(pl.when(either == 0).then(1.0).otherwise(pl.col("both") / either)).to_series()


def _parts(lines: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Cut lines where their counts add up to what is held at a time; a single one may be more."""
    sums, first, last = lines["count"].cum_sum(), 0, 0
    while last < max(lines.height, 1):
        last = max(first + 1, sums.search_sorted((sums[first - 1] if first else 0) + _LINES, "right"))
        yield lines[first:last]
        first = last
