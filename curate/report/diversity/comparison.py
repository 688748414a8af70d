"""Draws from a pool, by a hash of each row's id."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from curate.models.embeddings.quantised import quantise
from curate.report.diversity.metrics import (
    cluster_entropy,
    codebook,
    directed,
    mean_pairwise_distance,
    nearest,
    neighbours,
    vendi,
)
from curate.rows import hash01

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def order(n: int, ids: Any, seed: int, use: str) -> NDArray[np.int64]:
    """Shuffle n rows by a hash of (seed, id), so that their order does not matter; their places are ids if none are."""
    import numpy as np

    names = pl.Series("id", np.arange(n) if ids is None else ids, strict=False).cast(pl.String)
    if len(names) != n:
        raise ValueError(f"there are {len(names)} ids for {n} vectors")
    drawn = names.to_frame().select(hash01("id", seed, use).alias("draw"), "id").with_row_index("at")
    return drawn.sort("draw", "id")["at"].to_numpy().astype(np.int64)


TEMPERATURES = (0.0, 0.05, 0.1, 0.2, 0.3, 1.0, math.inf)
DRAWS = 5


def measure(chosen: Any, pool: Any = None, codebook: Any = None) -> dict[str, float]:
    """Take all measures of a set by name; those against a pool where one is given.

    >>> measure([[1, 0], [0, 1]])["vendi"]
    2.0
    """
    near, pairs = neighbours(chosen, (0.9, 0.95))
    values = {
        "vendi": vendi(chosen),
        "mean_pairwise_distance": mean_pairwise_distance(chosen),
        "nearest_neighbour_distance": near,
        "pairs_above_0.9": pairs[0.9],
        "pairs_above_0.95": pairs[0.95],
    }
    if pool is not None:
        values |= _against(chosen, pool)
    if codebook is not None:
        values["cluster_entropy"] = cluster_entropy(chosen, codebook)
    return values


def _against(chosen: Any, pool: Any) -> dict[str, float]:
    import numpy as np

    similar = nearest(pool, chosen)
    if not len(similar):
        return dict.fromkeys(("coverage_radius", "coverage_radius_99", "facility_location"), float("nan"))
    return {
        "coverage_radius": float(1 - similar.min()),
        "coverage_radius_99": float(1 - np.quantile(similar, 0.01)),
        "facility_location": float(similar.mean(dtype=np.float64)),
    }


def draw(pool: Any, n: int, *, ids: Any = None, seed: int = 0) -> NDArray[np.int64]:
    """Draw the places of n rows with a direction at random, by a hash of (seed, id).

    >>> len(draw([[1, 0], [0, 1], [1, 1]], 2))
    2
    """
    rows = quantise(pool)
    shuffled = order(len(rows), ids, seed, "random draw")
    return shuffled[rows[shuffled].any(axis=1)][:n]


def compare(
    pool: Any, chosen: Any, *, ids: Any = None, seed: int = 0, draws: int = DRAWS, cells: int = 100
) -> list[dict[str, Any]]:
    """Measure the rows at the places `chosen` of a pool of vectors, beside random draws as large from it.

    Returns a row a measure: `metric`, `value`, the `random` values of the draws, their least and greatest (`low`,
    `high`), and whether the value is below, within or above these. All are measured on one codebook of the pool. With
    `ids`, the draws and the codebook do not depend on the order of the pool.

    >>> table = compare([[1, 0], [0, 1], [1, 0], [1, 0]], [0, 1], draws=2, cells=2)
    >>> [row["value"] for row in table if row["metric"] == "facility_location"]
    [1.0]
    """
    import numpy as np

    rows = quantise(pool)
    book = codebook(rows, cells, ids)
    chosen = np.asarray(chosen, dtype=np.int64)
    size = len(directed(rows[chosen]))
    ours = measure(rows[chosen], rows, book)
    band = [measure(rows[draw(rows, size, ids=ids, seed=seed + i)], rows, book) for i in range(draws)]
    return [_beside(name, value, [one[name] for one in band]) for name, value in ours.items()]


def _beside(name: str, value: float, drawn: list[float]) -> dict[str, Any]:
    row = {"metric": name, "value": value, "random": drawn}
    if not drawn:
        return row
    low, high = min(drawn), max(drawn)
    where = "below" if value < low else "above" if value > high else "within"
    return {**row, "low": low, "high": high, "band": where}


def domain_counts(domains: Sequence[str | None], chosen: Any, asked: dict[str, int] | None = None) -> pl.DataFrame:
    """Count by domain the rows of the pool, those asked for (where quotas are given) and those taken.

    >>> domain_counts(["ai", "ai", "tea"], [0, 2]).rows()
    [('ai', 2, 1), ('tea', 1, 1)]
    """
    rows = pl.DataFrame({"domain": pl.Series(domains, dtype=pl.String)}).with_row_index("at")
    taken = pl.col("at").is_in([int(at) for at in chosen]).sum()
    counts = rows.group_by("domain").agg(pool=pl.len(), taken=taken).sort("domain", nulls_last=True)
    if asked is None:
        return counts
    quotas = pl.DataFrame({"domain": list(asked), "asked": list(asked.values())})
    return counts.join(quotas, on="domain", how="left").select("domain", "pool", "asked", "taken")


def ladder(
    pool: Any,
    ids: Any = None,
    *,
    n: int,
    temperatures: Sequence[float] = TEMPERATURES,
    seeds: Sequence[int] = (0,),
    cells: int = 100,
) -> list[dict[str, Any]]:
    """Choose n rows by `farthest` at each temperature and seed, and measure each choice: the curve of the temperature.

    Returns a row a choice: `temperature`, `seed`, and the measures of `measure`. At 0 the choice is greedy, at infinity
    uniformly random.

    >>> [rung["temperature"] for rung in ladder([[1, 0], [0, 1], [1, 1]], n=2, temperatures=[0, 1])]
    [0, 1]
    """
    from curate.filters.diversity import farthest

    rows = quantise(pool)
    book = codebook(rows, cells, ids)
    return [
        {"temperature": t, "seed": seed} | measure(rows[farthest(rows, ids, n=n, temperature=t, seed=seed)], rows, book)
        for t in temperatures
        for seed in seeds
    ]
