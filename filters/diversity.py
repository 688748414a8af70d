"""Choose rows that differ: selectors over vectors, for a pool of rows or for an array.

All are exact for the vectors as stored (`curate.lattice`): neither the order of the rows nor the number of threads can
change what is chosen, and all chance comes from (seed, id).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import polars as pl

from curate.filter import Choice
from curate.filters import _given

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ids: TypeAlias = pl.Series | list[str] | list[int] | NDArray[Any]
    Values: TypeAlias = pl.Series | list[Any] | NDArray[Any]
    Named: TypeAlias = str | Values
    Array: TypeAlias = NDArray[Any] | list[list[float]]
    Pool: TypeAlias = pl.DataFrame | Array
    Selected: TypeAlias = Choice | NDArray[np.int64]
else:
    # What a recipe can give and get: the name of a column, a choice among the rows.
    Ids, Values, Named, Pool, Selected = Any, Any, str, pl.DataFrame, Choice

MODEL = "all-MiniLM-L6-v2"


@overload
def farthest(
    pool: pl.DataFrame,
    ids: None = None,
    *,
    n: int,
    column: str = "prompt",
    vectors: str | None = None,
    model: str = MODEL,
    temperature: float = 0.2,
    quality: str | None = None,
    quality_weight: float = 1.0,
    by: str | None = None,
    domain_temperature: float = 1,
    chosen: Values | None = None,
    seed: int = 0,
) -> Choice: ...
@overload
def farthest(
    pool: Array,
    ids: Ids | None = None,
    *,
    n: int,
    temperature: float = 0.2,
    quality: Values | None = None,
    quality_weight: float = 1.0,
    by: Values | None = None,
    domain_temperature: float = 1,
    chosen: Values | None = None,
    seed: int = 0,
) -> NDArray[np.int64]: ...
def farthest(
    pool: Pool,
    ids: Ids | None = None,
    *,
    n: int,
    column: str = "prompt",
    vectors: str | None = None,
    model: str = MODEL,
    temperature: float = 0.2,
    quality: Named | None = None,
    quality_weight: float = 1.0,
    by: Named | None = None,
    domain_temperature: float = 1,
    chosen: Values | None = None,
    seed: int = 0,
) -> Selected:
    """Pick n rows one by one, each the farthest from those before it: farthest-first, or k-center, with a temperature.

    Each pick is the row with the highest quality^quality_weight * (1 - c) * exp(temperature * G), where c is its
    largest cosine with what is picked already and G is Gumbel noise from (seed, id); the first pick has the highest
    weight, and ties go by the hash. Temperature 0 is the greedy algorithm (Gonzalez 1985; core-set selection, Sener
    and Savarese 2018), which hunts outliers; inf is a uniform draw without replacement; between, the noise makes
    each pick a draw in proportion to (quality^quality_weight * (1 - c))^(1 / temperature) (the Gumbel trick). The
    result is that of looking at every row before every pick, though most rows are looked at rarely.

    Give a pool, and get a Choice; its vectors are those of the text in `column`, by `model`, or come in a column
    named by `vectors`. Or give an array of vectors (n, d), of any floats or of int16 on the lattice, with an id for
    each (else their positions), and get the positions picked, in order: the first m are those of n = m.

    Args:
        pool: the rows, or an array of their vectors.
        ids: what names each vector of an array, in whatever order they stand.
        n: how many to pick; all rows, if there are fewer.
        column: the text whose meaning is compared.
        vectors: a column of vectors to use instead.
        model: the model that makes vectors of texts.
        temperature: from 0 (as far apart as can be) to inf (at random).
        quality: a column, or values beside an array, 0 or more; nulls and NaN count as 0, which goes last.
        quality_weight: the power to which quality is raised.
        by: a column of domains, or values: each gives what `quotas` says, and all keep their distance from all.
        domain_temperature: how `quotas` shares n among the domains.
        chosen: vectors chosen before, (m, d), which the picks keep away from too.
        seed: of the noise and of the ties.

    Rows without a vector (null text, a zero vector) come last. Raises ValueError if a number is out of its range, an
    id occurs twice, or a vector holds NaN.

    >>> farthest([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]], ["a", "b", "c"], n=2, temperature=0).tolist()
    [0, 2]
    """
    _given.check(n, temperature, quality_weight)
    _given.require_numba("farthest")
    table = _given.vectors_of(pool, column, vectors, model, "farthest")
    drawn = _given.draw_for(pool, ids, len(table), seed, "farthest")
    factor = None if quality is None else _given.qualities(pool, quality, len(table), "farthest")
    domains = _given.shared(pool, by, n, len(table), domain_temperature, seed, "farthest")
    before = _given.chosen_of(chosen, table.shape[1], "farthest")
    if math.isinf(temperature):
        picks = _given.within(drawn.rank.argsort(), domains.number, domains.room)
    else:
        from curate.filters._farthest import farthest_first

        weights = _given.weights_of(drawn.number, factor, quality_weight, temperature)
        picks = farthest_first(table, drawn, weights, before, min(n, len(table)), domains.number, domains.room)
    return _given.choice(picks, len(table), domains.why) if isinstance(pool, pl.DataFrame) else picks
