"""The budget: how many rows each source is asked for, which it gives, and where a share that falls short goes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from inspect import signature
from typing import Any

import polars as pl

from curate.errors import UserError
from curate.filter import Choice
from curate.filters import domains, quotas
from curate.recipe.plan import Sample, Source
from curate.recipe.step import columns_read
from curate.run.complete import complete
from curate.run.pool import decide, demand, look
from curate.run.state import Pool, Run
from curate.run.step_error import StepError, misfit

_USUAL = ("by", "prefer", "quality", "vectors", "column")  # parameters that name columns where nothing is declared


class Shortfall(UserError):
    """Say which sources fall short, when the recipe does not allow it."""


@dataclass(frozen=True)
class Share:
    """A source's share of the set: rows asked for, rows available, rows it will give."""

    asked: int
    available: int
    taken: int


@dataclass(frozen=True)
class Result:
    """What a run yields before it is written: the rows chosen, all verdicts, how the budget was met."""

    pool: Pool
    shares: dict[str, Share]
    quotas: list[dict[str, Any]]  # a line a source and domain: rows asked, available, taken


def fill(state: Run, pool: Pool) -> Result:
    """Fill the budget from the rows alive that are complete, last of all, so that exactly `size` rows remain."""
    recipe, pool = state.recipe, complete(state, pool)
    state.pool = sorted({file.parent.name for file in pool.files})
    if recipe.size is None and all(s.take is None and s.sample is None for s in recipe.sources):
        return _all(state, pool)
    rows = look(pool, [column for s in recipe.sources for column in _sample_columns(s.sample)])
    by_source = {s.name: rows.filter(pl.col("source") == s.name) for s in recipe.sources}
    for s in recipe.sources:
        if by_source[s.name].height:
            demand(pool, _sample_columns(s.sample), f"{s.read.place}: source '{s.name}': sample")
    available = {s.name: _available(by_source[s.name], s.sample) for s in recipe.sources}
    asked = {s.name: (0 if s.name in state.absent and s.take is None else s.take) for s in recipe.sources}
    settled = shares(asked, available, size=recipe.size, rule=recipe.shortfall, seed=recipe.seed)
    choices: list[pl.DataFrame] = []
    for s in recipe.sources:
        before = (
            rows.join(pl.concat(choices).filter("kept"), on=["source", "id"], how="semi") if choices else rows.clear()
        )
        choices.append(_sampled(by_source[s.name], s, settled[s.name].taken, recipe.seed, before))
    verdicts = pl.concat(choices)
    rows = rows.join(verdicts.filter("kept"), on=["source", "id"], how="semi")
    by_domain = [q for s in recipe.sources for q in _quotas(by_source[s.name], rows, s, settled[s.name])]
    return Result(pool.only(verdicts.lazy()), settled, by_domain)


def _all(state: Run, pool: Pool) -> Result:
    """Take all rows alive, which need not be looked at where there is nothing to choose."""
    counts = Counter[str]()
    for rows in pool.read(["source"]):
        counts.update(dict(rows["source"].value_counts().iter_rows()))
    shares = {s.name: Share(n, n, n) for s in state.recipe.sources for n in [counts[s.name]]}
    return Result(replace(pool, ledger=pool.ledger._replace(whole=True)), shares, [])


def _sample_columns(sample: Sample | None) -> list[str]:
    """Name the columns that a sample reads."""
    if sample is None:
        return []
    columns, declared = columns_read(sample.function, sample.params)
    return columns if declared else [str(sample.params[name]) for name in _USUAL if sample.params.get(name) is not None]


def _available(rows: pl.DataFrame, sample: Sample | None) -> int:
    cap = sample.params.get("per_domain") if sample else None
    if sample is None or cap is None:
        return rows.height
    return int(rows.group_by(sample.params["by"]).len().select(pl.col("len").clip(upper_bound=cap).sum()).item() or 0)


def _sampled(rows: pl.DataFrame, source: Source, n: int, seed: int, before: pl.DataFrame) -> pl.DataFrame:
    """Choose a source's share: by its `sample` block, else at random; `before` are the rows of sources before it."""
    if n == rows.height or n == 0:  # all or none: nothing to choose
        kept = pl.Series("kept", [n > 0], dtype=pl.Boolean).new_from_index(0, rows.height)
        why = pl.Series("why", [None if n else f"not picked: 0 asked of {source.name}"], dtype=pl.String)
        return decide(rows, "sample", Choice(kept, why.new_from_index(0, rows.height)))
    if source.sample is None:
        return decide(rows, "sample", domains(rows, n=n, seed=seed, by="source", prefer=None))
    how, choose = source.sample, source.sample.function
    more: dict[str, Any] = {"seed": seed} if "seed" in signature(choose).parameters else {}
    if "chosen" in signature(choose).parameters and before.height:
        more["chosen"] = before  # sources repel each other
    try:
        return decide(rows, "sample", choose(rows, n=n, **how.params, **more))
    except Exception as error:  # a user's own selector may raise anything
        reason = misfit(error, rows, _sample_columns(how))
        raise StepError(f"{how.place}: source '{source.name}': sample by {how.name}: {reason}") from error


def _quotas(pool: pl.DataFrame, chosen: pl.DataFrame, source: Source, share: Share) -> list[dict[str, Any]]:
    """List what each domain of a source was asked for and gave, for sources sampled by domain."""
    params = source.sample.params if source.sample else {}
    by = params.get("by")
    if by is None or not pool.height:
        return []
    taken = chosen.filter(pl.col("source") == source.name)
    counts = [dict(frame.group_by(pl.col(by).fill_null("none")).len().sort(by).rows()) for frame in (pool, taken)]
    temperature = params.get("domain_temperature", 1)
    by_domain = domain_shares(max(share.asked, share.taken), *counts, domain_temperature=temperature)
    return [{"source": source.name, "domain": name, **asdict(one)} for name, one in by_domain.items()]


def shares(
    asked: Mapping[str, int | None], available: Mapping[str, int], *, size: int | None, rule: str, seed: int = 0
) -> dict[str, Share]:
    """Settle how many rows each source gives, so that the sum is exactly `size`.

    `asked` are the recipe's `take`s; they are shares of `size`, scaled when they do not sum to it, and a source
    without one gets an equal part of what the others leave. Under the rule `redistribute`, what a source cannot give
    goes to the sources that still have rows, in proportion to their shares, and last to those that were asked for
    none; under `accept` the set stays smaller; under `fail` (and when all sources together cannot fill the size)
    `Shortfall` is raised.

    >>> shares({"a": 6, "b": 4, "docs": 0}, {"a": 3, "b": 5, "docs": 90}, size=10, rule="redistribute")["docs"]
    Share(asked=0, available=90, taken=2)
    """
    goal = scale(asked, available, size, seed)
    taken = {name: min(goal[name], available[name]) for name in goal}
    missing = sum(goal.values()) - sum(taken.values())
    if missing and rule == "fail":
        raise Shortfall(_sentence(goal, available) + "; allow it with `shortfall: redistribute` or `shortfall: accept`")
    if missing and rule == "redistribute":
        taken = _spread(taken, goal, available, missing, seed)
        if sum(taken.values()) < sum(goal.values()):
            raise Shortfall(
                _sentence(goal, available) + f"; all sources together have {sum(available.values()):,} rows left, "
                f"{sum(goal.values()):,} are asked: loosen a filter, add a source, or lower `size`"
            )
    return {name: Share(goal[name], available[name], taken[name]) for name in goal}


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


def _sentence(goal: Mapping[str, int], available: Mapping[str, int]) -> str:
    short = [f"{name} has {available[name]:,} of {goal[name]:,}" for name in goal if available[name] < goal[name]]
    return "too few rows: " + ", ".join(short)
