"""The budget: how many rows each source is asked for, which it gives, and where a share that falls short goes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, astuple, dataclass, replace
from functools import partial
from inspect import signature
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.cache import code_of, contents_of
from curate.filter import Choice
from curate.filters import quotas
from curate.filters.pool import picks
from curate.filters.sampling import by_domain
from curate.recipe.overrides import Overrides
from curate.recipe.plan import Sample, Source
from curate.recipe.step import columns_read
from curate.run.overrides import decided
from curate.run.pool import Reader, decide, demand, in_words, look, reader, write_verdicts
from curate.run.state import Piece, Pool, Run, RunError

_USUAL = ("by", "prefer", "quality", "vectors", "column")  # parameters that name columns where nothing is declared


@dataclass(frozen=True)
class Share:
    """A source's share of the set: rows asked for, rows available, rows it will give."""

    asked: int
    available: int
    taken: int


class HeldOut(NamedTuple):
    """Rows held out: which of all in the pool's files, how many of each source, and how many more are near one."""

    rows: pl.Series
    sources: dict[str, int]
    near: int


@dataclass(frozen=True)
class Result:
    """What a run yields before it is written: the rows chosen, all verdicts, how the budget was met."""

    pool: Pool
    shares: dict[str, Share]
    quotas: list[dict[str, Any]]  # a line a source and domain: rows asked, available, taken
    short: str | None = None  # which sources fall short, where the recipe does not allow it
    held_out: HeldOut | None = None


def fill(state: Run, pool: Pool, held_out: HeldOut | None = None) -> Result:
    """Fill the budget from the rows alive, last of all, so that exactly `size` rows remain."""
    recipe = state.recipe
    state.pool = sorted({file.parent.name for file in pool.files})
    if recipe.size is None and all(s.take is None and s.sample is None for s in recipe.sources):
        return _all(state, pool, held_out)
    depends = {
        "pool": pool.key,
        "sources": [[s.name, s.take, s.name in state.absent, _depends(s.sample)] for s in recipe.sources],
        "budget": [recipe.size, recipe.shortfall, recipe.seed, recipe.formats],
        **decided(recipe.overrides),
    }
    stage = state.stage("sample", "sample", depends, partial(_choose, state, pool))
    settled = {name: Share(*share) for name, share in stage.meta["shares"].items()}
    chosen = pool.only(stage.files("choice-*.parquet"), state.stages.folder)
    short = shortfall(settled, recipe.shortfall)
    if short and held_out:
        short += f"; {sum(held_out.sources.values()):,} rows are held out, and {held_out.near:,} more are near one"
    return Result(chosen, settled, stage.meta["quotas"], short, held_out)


def _depends(sample: Sample | None) -> list[Any]:
    return [sample.name, sample.params, contents_of(sample.params), code_of(sample.function)] if sample else []


def _choose(state: Run, pool: Pool, folder: Path) -> dict[str, Any]:
    """Settle each source's share and choose its rows: choice-*.parquet, and the shares and quotas."""
    recipe = state.recipe
    read = reader(pool, [column for s in recipe.sources for column in _sample_columns(s.sample)])
    by = {s.name: s.sample.params.get("by") if s.sample else None for s in recipe.sources}
    pieces: dict[str, list[Piece]] = {s.name: [] for s in recipe.sources}
    sizes: dict[str, Counter[Any]] = {s.name: Counter() for s in recipe.sources}
    for piece, counts in zip(pool.pieces(), read.each(pool.pieces)(partial(_sizes, by)), strict=True):
        for name, count in counts.items():
            pieces[name].append(piece)
            sizes[name].update(count)
    for s in recipe.sources:
        if pieces[s.name]:
            demand(pool, _sample_columns(s.sample), f"{s.read.place}: source '{s.name}': sample")
    available = {s.name: _available(sizes[s.name], s.sample) for s in recipe.sources}
    asked = {s.name: (0 if s.name in state.absent and s.take is None else s.take) for s in recipe.sources}
    settled = shares(asked, available, size=recipe.size, rule=recipe.shortfall, seed=recipe.seed)
    taken: dict[str, Counter[Any]] = {s.name: Counter() for s in recipe.sources}
    repel = any(s.sample and "chosen" in signature(s.sample.function).parameters for s in recipe.sources)

    def verdicts() -> Iterator[pl.DataFrame]:
        yield decide(read.like, "sample", Choice(pl.Series([], dtype=pl.Boolean), pl.Series([], dtype=pl.String)))
        before = [read.like]
        for s in recipe.sources:
            own = replace(read, source=s.name)
            sure = _accepted(own, pieces[s.name], recipe.overrides)
            n, of = settled[s.name].taken - sure.height, sizes[s.name].total() - sure.height
            if n < 0:
                raise RunError(
                    f"source '{s.name}': {sure.height} of its rows were accepted by hand, and its share is "
                    f"{settled[s.name].taken}: raise `size` or `take`, or accept fewer"
                )
            own = replace(own, without=tuple(recipe.overrides.accepted))
            all_ = Choice(
                pl.repeat(True, sure.height, eager=True), pl.repeat(None, sure.height, dtype=pl.String, eager=True)
            )
            rest = _sampled(own, pieces[s.name], s, n, of, recipe.seed, before)
            for rows, choice in chain([(sure, all_)], rest):
                yield decide(rows, "sample", choice)
                kept = rows.filter(choice.kept)
                taken[s.name].update(_sizes(by, kept).get(s.name, {}))
                before += [kept] if repel else []

    write_verdicts(folder, verdicts())
    quotas = [q for s in recipe.sources for q in _quotas(sizes[s.name], taken[s.name], s, settled[s.name])]
    return {"shares": {name: astuple(share) for name, share in settled.items()}, "quotas": quotas}


def _accepted(read: Reader, pieces: list[Piece], overrides: Overrides) -> pl.DataFrame:
    """Read the rows that people accepted: they come first."""
    ids = list(overrides.accepted)
    some = (rows.filter(pl.col("id").is_in(ids)) for rows in read.each(lambda: pieces)(_same))
    return pl.concat([read.like, *(some if ids else [])])


def _sizes(by: dict[str, str | None], rows: pl.DataFrame) -> dict[str, dict[Any, int]]:
    """Count the rows of each source, by domain where its sample is by domain."""
    domain = {name: pl.col(column).cast(pl.String) for name, column in by.items() if column in rows.columns}
    return {
        str(source): dict(own.group_by(domain.get(source, pl.lit(None))).len().iter_rows())
        for (source,), own in rows.group_by("source")
    }


def _all(state: Run, pool: Pool, held_out: HeldOut | None) -> Result:
    """Take all rows alive, which need not be looked at where there is nothing to choose."""
    counts = Counter[str]()
    for rows in pool.read(["source"]):
        counts.update(dict(rows["source"].value_counts().iter_rows()))
    shares = {s.name: Share(n, n, n) for s in state.recipe.sources for n in [counts[s.name]]}
    return Result(replace(pool, ledger=pool.ledger._replace(whole=True)), shares, [], held_out=held_out)


def _sample_columns(sample: Sample | None) -> list[str]:
    """Name the columns that a sample reads."""
    if sample is None:
        return []
    columns, declared = columns_read(sample.function, sample.params)
    return columns if declared else [str(sample.params[name]) for name in _USUAL if sample.params.get(name) is not None]


def _available(sizes: Mapping[Any, int], sample: Sample | None) -> int:
    cap = sample.params.get("per_domain") if sample else None
    return sum(size if cap is None else min(size, cap) for size in sizes.values())


def _sampled(
    read: Reader, pieces: list[Piece], source: Source, n: int, of: int, seed: int, before: list[pl.DataFrame]
) -> Iterator[tuple[pl.DataFrame, Choice]]:
    """Choose a source's share: by its `sample` block, else at random; `before` are the rows of sources before it."""
    how, each = source.sample, read.each(lambda: pieces)
    if n in (0, of):  # all or none: nothing to choose
        why = pl.Series("why", [None if n else f"not picked: 0 asked of {source.name}"], dtype=pl.String)
        for rows in each(_same):
            kept = pl.Series("kept", [n > 0], dtype=pl.Boolean).new_from_index(0, rows.height)
            yield rows, Choice(kept, why.new_from_index(0, rows.height))
    elif how is None:
        yield from picks(each, by_domain(read.like, n=n, seed=seed, by="source", prefer=None))
    else:
        choose = how.function
        more: dict[str, Any] = {"seed": seed} if "seed" in signature(choose).parameters else {}
        at = f"{how.place}: source '{source.name}': sample by {how.name}"
        with in_words(at, read.like, _sample_columns(how)):
            if hasattr(choose, "ranking"):
                yield from picks(each, choose.ranking(read.like, n=n, **how.params, **more))
                return
            rows = look(read, pieces)
            if "chosen" in signature(choose).parameters and (chosen := pl.concat(before)).height:
                more["chosen"] = chosen.sort("id")  # sources repel each other
            yield rows, choose(rows, n=n, **how.params, **more)


def _same(rows: pl.DataFrame) -> pl.DataFrame:
    return rows


def _quotas(sizes: Mapping[Any, int], taken: Mapping[Any, int], source: Source, share: Share) -> list[dict[str, Any]]:
    """List what each domain of a source was asked for and gave, for sources sampled by domain."""
    params = source.sample.params if source.sample else {}
    if params.get("by") is None:
        return []
    counts = [Counter[str](), Counter[str]()]
    for count, sums in zip(counts, (sizes, taken), strict=True):
        for name, n in sums.items():
            count["none" if name is None else name] += n
    temperature = params.get("domain_temperature", 1)
    available = dict(sorted(counts[0].items()))
    each = domain_shares(max(share.asked, share.taken), available, counts[1], domain_temperature=temperature)
    return [{"source": source.name, "domain": name, **asdict(one)} for name, one in each.items()]


def shares(
    asked: Mapping[str, int | None], available: Mapping[str, int], *, size: int | None, rule: str, seed: int = 0
) -> dict[str, Share]:
    """Settle how many rows each source gives, so that the sum is exactly `size`.

    `asked` are the recipe's `take`s; they are shares of `size`, scaled when they do not sum to it, and a source
    without one gets an equal part of what the others leave. Under the rule `redistribute`, what a source cannot give
    goes to the sources that still have rows, in proportion to their shares, and last to those that were asked for
    none. Under `accept` and `fail`, and when all sources together cannot fill the size, the sum is smaller: whether
    that may be, `shortfall` says.

    >>> shares({"a": 6, "b": 4, "docs": 0}, {"a": 3, "b": 5, "docs": 90}, size=10, rule="redistribute")["docs"]
    Share(asked=0, available=90, taken=2)
    """
    goal = scale(asked, available, size, seed)
    taken = {name: min(goal[name], available[name]) for name in goal}
    missing = sum(goal.values()) - sum(taken.values())
    if missing and rule == "redistribute":
        taken = _spread(taken, goal, available, missing, seed)
    return {name: Share(goal[name], available[name], taken[name]) for name in goal}


def shortfall(settled: Mapping[str, Share], rule: str) -> str | None:
    """Say in a sentence which sources fall short, where the rule does not allow it.

    >>> shortfall({"mine": Share(asked=10, available=7, taken=7)}, "fail")
    'too few rows: mine has 7 of 10; allow it with `shortfall: redistribute` or `shortfall: accept`'
    """
    short = [f"{name} has {s.available:,} of {s.asked:,}" for name, s in settled.items() if s.available < s.asked]
    asked, left, taken = (sum(astuple(s)[i] for s in settled.values()) for i in range(3))
    if not short or rule == "accept" or (rule == "redistribute" and taken == asked):
        return None
    if rule == "fail":
        way = "allow it with `shortfall: redistribute` or `shortfall: accept`"
    else:
        way = f"all sources together have {left:,} rows left, {asked:,} are asked"
    return f"too few rows: {', '.join(short)}; {way}"


def scale(asked: Mapping[str, int | None], available: Mapping[str, int], size: int | None, seed: int) -> dict[str, int]:
    """Turn `take`s into row counts that sum to `size` (or stand as they are when there is no size)."""
    if size is None:
        return {name: available[name] if take is None else take for name, take in asked.items()}
    open_ = [name for name, take in asked.items() if take is None]
    fixed = sum(take for take in asked.values() if take)
    weights = {name: float(take or 0) for name, take in asked.items()}
    if open_:
        rest = max(size - fixed, 0)
        weights |= {name: rest / len(open_) for name in open_}
    if not any(weights.values()):
        weights = dict.fromkeys(weights, 1.0)
    return _proportional(weights, size)


def _proportional(weights: Mapping[str, float], total: int) -> dict[str, int]:
    """Split a total by weights: largest remainder, ties to the source named first."""
    whole = sum(weights.values())
    exact = {name: weight * total / whole for name, weight in weights.items()}
    counts = {name: math.floor(value) for name, value in exact.items()}
    by_rest = sorted(exact, key=lambda name: counts[name] - exact[name])
    for name in by_rest[: total - sum(counts.values())]:
        counts[name] += 1
    return counts


def domain_shares(
    asked: int, available: Mapping[str, int], taken: Mapping[str, int], *, domain_temperature: float = 1
) -> dict[str, Share]:
    """Say what temperature sampling asks of each domain, what there is, and what was taken.

    The asked share is p ~ n^(1/T) of what the source is asked for, before any domain runs out (LIMA, section 2.1).

    >>> domain_shares(10, {"a": 1, "b": 27}, {"a": 1, "b": 9}, domain_temperature=3)["a"]
    Share(asked=3, available=1, taken=1)
    """
    weights = {name: n ** (1 / domain_temperature) for name, n in available.items() if n}
    ideal = _proportional(weights, asked) if weights else {}
    return {name: Share(ideal.get(name, 0), n, taken.get(name, 0)) for name, n in available.items()}


def _spread(
    taken: dict[str, int], goal: Mapping[str, int], available: Mapping[str, int], missing: int, seed: int
) -> dict[str, int]:
    """Hand what is missing to sources that have rows left: by their shares first, then to those asked for none."""
    taken = dict(taken)
    while missing:
        room = {name: available[name] - taken[name] for name in taken if available[name] > taken[name]}
        weighted = {name: float(goal[name]) for name in room if goal[name]}
        if not weighted:
            for name, more in quotas(room, min(missing, sum(room.values())), seed=seed).items():
                taken[name] += more
            break
        for name, more in _proportional(weighted, missing).items():
            more = min(more, room[name])
            taken[name] += more
            missing -= more
    return taken
