"""Fill a budget of n rows: at random, from the top or the middle of a score, or spread over domains by exact quotas."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import polars as pl

from curate.filter import Choice, Ranking, ranks, reads
from curate.filters.pool import Ids, Pool, Positions, Selected, best_first, pick, require, require_numbers
from curate.rows import hash01


def _in_one(n: int, best: pl.Expr, draw: pl.Expr, how: str) -> Ranking:
    """Take all rows as one group; `how` says how n of them are taken."""
    _check_n(n)
    return Ranking(
        pl.lit(""),
        best,
        draw,
        lambda sizes: dict.fromkeys(sizes, n),
        pl.format("not picked: {} of {} {}", "quota", "size", pl.lit(how)),
    )


def _random(pool: pl.DataFrame, *, n: int, seed: int = 0) -> Ranking:
    return _in_one(n, pl.lit(None, dtype=pl.Float64), hash01("id", seed, "random"), "drawn at random")


@ranks(_random)
@reads()
def random(pool: Pool, ids: Ids | None = None, *, n: int, seed: int = 0) -> Selected:
    """Keep n rows drawn uniformly without replacement; all of them if there are no more than n.

    The draw is a hash of (seed, id), so neither the order of the rows nor what else is in the pool moves it:
    a larger n keeps what a smaller one kept. For an array with an id for each row (else their positions), give the
    positions drawn, in the order of the draw.

    Raises ValueError if n is negative, or if there is not one id for each row.

    >>> import polars as pl
    >>> pool = pl.DataFrame({"id": ["a", "b", "c"]})
    >>> random(pool, n=2, seed=1).kept.sum()
    2
    """
    if not isinstance(pool, pl.DataFrame):
        _check_n(n)
        return _positions(len(pool), ids, n, seed)
    return pick(pool, _random(pool, n=n, seed=seed))


def _positions(count: int, ids: Ids | None, n: int, seed: int) -> Positions:
    frame = pl.DataFrame({"id": pl.Series(range(count) if ids is None else ids).cast(pl.String)}).with_row_index("at")
    if frame.height != count:
        raise ValueError(f"random: {count} rows, but {frame.height} ids")
    ranked = frame.sort(hash01("id", seed, "random"), "id").head(n)
    return ranked["at"].cast(pl.Int64).to_numpy()


def _enough(pool: pl.DataFrame, *, size: int, surplus: float = 1.3, seed: int = 0) -> Ranking:
    if surplus < 1:
        raise ValueError(f"enough: a surplus of {surplus:g} is less than the set needs; 1 or more would be right")
    return _random(pool, n=math.ceil(size * surplus), seed=seed)


@ranks(_enough)
@reads()
def enough(pool: pl.DataFrame, *, size: int, surplus: float = 1.3, seed: int = 0) -> Choice:
    """Keep as many rows as the set needs and some more, before a step that costs: size times surplus, drawn at random.

    A recipe gives its own `size`. What the steps after this one drop comes out of the surplus.

    Raises ValueError if the surplus is below 1.

    >>> import polars as pl
    >>> enough(pl.DataFrame({"id": list("abcdef")}), size=2, surplus=1.5).kept.sum()
    3
    """
    return pick(pool, _enough(pool, size=size, surplus=surplus, seed=seed))


def _top(pool: pl.DataFrame, *, n: int, by: str = "score", seed: int = 0) -> Ranking:
    require_numbers(pool, by, "top")
    return _in_one(n, pl.col(by).fill_nan(None), hash01("id", seed, "top"), f"taken by {by}")


@ranks(_top)
@reads("by")
def top(pool: pl.DataFrame, *, n: int, by: str = "score", seed: int = 0) -> Choice:
    """Keep the n rows with the highest `by`, nulls and NaN last, ties by a hash of (seed, id).

    Raises ValueError if n is negative or the column is not there.

    >>> import polars as pl
    >>> top(pl.DataFrame({"id": ["a", "b", "c"], "score": [1, None, 7]}), n=1).why.to_list()
    ['not picked: 1 of 3 taken by score', 'not picked: 1 of 3 taken by score', None]
    """
    return pick(pool, _top(pool, n=n, by=by, seed=seed))


@reads("by")
def middle(pool: pl.DataFrame, *, n: int, by: str = "score", seed: int = 0) -> Choice:
    """Keep the n rows in the middle of `by`: as many are left out below them as above, or one more above.

    Marion et al. (2023, arXiv 2309.04564, section 4.2) prune texts for pretraining by their perplexity: of the variants
    the middle by a large model does best, the lowest worst. Rows without a number, null or NaN, come last. Ties go by a
    hash of (seed, id).

    Raises ValueError if n is negative or the column is not there.

    >>> import polars as pl
    >>> middle(pl.DataFrame({"id": list("abcd"), "score": [9.0, 2.0, 5.0, None]}), n=1).kept.to_list()
    [False, False, True, False]
    """
    _check_n(n)
    require(pool, "id", "middle")
    require_numbers(pool, by, "middle")
    number, draw = pl.col(by).fill_nan(None), hash01("id", seed, "middle")
    rows = pool.select("id", number=number, draw=draw).with_row_index("at")
    below = max(0, (rows["number"].count() - n) // 2)
    picked = rows.sort("number", "draw", "id", nulls_last=True)["at"].slice(below, n)
    kept = pl.Series("kept", [False]).new_from_index(0, pool.height).scatter(picked, True)
    why = f"not picked: {len(picked)} of {pool.height} taken from the middle of {by}"
    return Choice(kept, pl.select(why=pl.when(~kept).then(pl.lit(why))).to_series())


def by_domain(
    pool: pl.DataFrame,
    *,
    n: int,
    by: str = "domain",
    domain_temperature: float = 1,
    prefer: str | None = "score",
    per_domain: int | None = None,
    seed: int = 0,
) -> Ranking:
    """Rank the rows of each domain, for `domains`."""
    require(pool, by, "domains")
    # The separator keeps the rows without a domain apart from a domain of whatever name.
    group = pl.col(by).cast(pl.String).fill_null("\x1fno domain")
    name = pl.col("group").str.strip_prefix("\x1f")
    return Ranking(
        group,
        best_first(pool, prefer, "domains"),
        hash01("id", seed, "domains"),
        partial(quotas, n=n, domain_temperature=domain_temperature, per_domain=per_domain, seed=seed),
        pl.format("not picked: {} of {} taken in {}", "quota", "size", name),
    )


@ranks(by_domain)
@reads("by", "prefer")
def domains(
    pool: pl.DataFrame,
    *,
    n: int,
    by: str = "domain",
    domain_temperature: float = 1,
    prefer: str | None = "score",
    per_domain: int | None = None,
    seed: int = 0,
) -> Choice:
    """Keep n rows spread over domains by temperature: 1 as the pool has them, 3 as LIMA, inf alike.

    `quotas` says how many each domain gives, counted in the pool as it is now. Inside one, the highest
    `prefer` go first, as in LIMA (section 2.1: "the questions with the highest score"), ties by a hash of
    (seed, id); with `prefer` None, or the default and no score column, the hash alone decides. `per_domain`
    is a ceiling for every domain. Rows without a domain form one of their own. If fewer than n rows can be
    had, all of those are kept.

    Raises ValueError if a column is not there or a number is out of its range.

    >>> import polars as pl
    >>> pool = pl.DataFrame({"id": list("abcd"), "domain": ["ai", "ai", "ai", "tea"], "score": [1, 5, 3, 2]})
    >>> domains(pool, n=2, domain_temperature=float("inf")).kept.to_list()
    [False, True, False, True]
    >>> domains(pool, n=2, domain_temperature=float("inf")).why[0]
    'not picked: 1 of 3 taken in ai'
    """
    how: dict[str, Any] = {"domain_temperature": domain_temperature, "prefer": prefer, "per_domain": per_domain}
    return pick(pool, by_domain(pool, n=n, by=by, seed=seed, **how))


def quotas(
    sizes: dict[str, int], n: int, *, domain_temperature: float = 1, per_domain: int | None = None, seed: int = 0
) -> dict[str, int]:
    """Share n among domains of these sizes: domain i gets the part n_i^(1/T) / sum of n_j^(1/T), exactly.

    LIMA samples its communities "with a temperature of tau = 3 to get a more uniform sample of the different
    domains" (section 2.1) and gives no formula; this is the one of multilingual pre-training (mBERT, mT5). T
    = 1 is proportional, 3 the cube root, inf equal shares. Quotas are computed, not drawn: a domain that is
    too small for its part gives all it has, its rest goes to the others by the same rule until it fits, and
    what rounding leaves goes to the largest remainders, ties by a hash of (seed, domain). They sum to n, or
    to all there is if that is less, and never exceed a domain's size or `per_domain`.

    Raises ValueError if n, a size or `per_domain` is negative, or the temperature is below 0.1.

    >>> quotas({"ai": 1_000_000, "beer": 1_000, "coffee": 5}, 100, domain_temperature=3)
    {'ai': 89, 'beer': 9, 'coffee': 2}
    """
    _check_n(n)
    if math.isnan(domain_temperature) or domain_temperature < 0.1:
        raise ValueError(f"domain_temperature must be 0.1 or more (inf for equal shares), not {domain_temperature}")
    if per_domain is not None and per_domain < 0:
        raise ValueError(f"per_domain must be 0 or more, not {per_domain}")
    if low := [name for name, size in sizes.items() if size < 0]:
        raise ValueError(f"the size of {low[0]!r} is negative")
    caps = {name: size if per_domain is None else min(size, per_domain) for name, size in sizes.items()}
    # Whole numbers from here on: the sums are exact, so the order of the domains cannot matter.
    weights = {name: int(size ** (1 / domain_temperature) * 2**32) for name, size in sizes.items() if caps[name]}
    rest = min(n, sum(caps.values()))
    quota = dict.fromkeys(sizes, 0)
    while weights:
        total = sum(weights.values())
        full = [name for name, weight in weights.items() if rest * weight >= caps[name] * total]
        if not full:
            return quota | _largest_remainder(rest, weights, seed)
        for name in full:
            quota[name] = caps[name]
            rest -= caps[name]
            del weights[name]
    return quota


def _largest_remainder(n: int, weights: dict[str, int], seed: int) -> dict[str, int]:
    """Round the parts of n down, then give one more to the domains that lost most by it."""
    total = sum(weights.values())
    quota = {name: n * weight // total for name, weight in weights.items()}
    draws = pl.DataFrame({"domain": list(weights)}).select(hash01("domain", seed, "quotas"))["domain"]
    draw = dict(zip(weights, draws, strict=True))
    order = sorted(weights, key=lambda name: (-(n * weights[name] % total), draw[name], name))
    for name in order[: n - sum(quota.values())]:
        quota[name] += 1
    return quota


def _check_n(n: int) -> None:
    if n < 0:
        raise ValueError(f"n must be 0 or more, not {n}")
