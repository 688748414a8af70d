"""The budget: how many rows each source is asked for, and where the share of a source that falls short goes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from curate.errors import UserError
from curate.filters import quotas


class Shortfall(UserError):
    """Say which sources fall short, when the recipe does not allow it."""


@dataclass(frozen=True)
class Share:
    """A source's share of the set: rows asked for, rows available, rows it will give."""

    asked: int
    available: int
    taken: int


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
    given = sum(take for take in asked.values() if take)
    weights = {name: float(take or 0) for name, take in asked.items()}
    if open_:
        rest = max(size - given, 0)
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
            given = min(more, room[name])
            taken[name] += given
            missing -= given
    return taken


def _sentence(goal: Mapping[str, int], available: Mapping[str, int]) -> str:
    short = [f"{name} has {available[name]:,} of {goal[name]:,}" for name in goal if available[name] < goal[name]]
    return "too few rows: " + ", ".join(short)
