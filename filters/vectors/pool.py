"""What a selector by vectors is given: a pool with its columns, or an array with others beside it."""

from __future__ import annotations

import importlib.util
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from curate.errors import UserError
from curate.filter import Choice
from curate.filters.pool import Draw, check_numbers, draw, require
from curate.filters.sampling import quotas
from curate.models.embeddings.quantised import quantise
from curate.texts import with_texts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


# Above this temperature the noise alone decides, as at inf: whatever else a score holds is below its last bit.
UNIFORM = 1e12


class Rows(NamedTuple):
    """The rows to choose from: quantised vectors (n, d), the draw, and the quality of each if there is one."""

    vectors: NDArray[np.int16]
    draw: Draw
    quality: NDArray[np.float64] | None


class Domains(NamedTuple):
    """The domain of each row by number, how many rows each domain may still give, and the words for those left over."""

    number: NDArray[np.int32]
    room: NDArray[np.int64]
    why: pl.Series | str


def rows(pool: Any, ids: Any, column: str, vectors: str | None, model: str, quality: Any, seed: int, who: str) -> Rows:
    """Collect what every selector needs to know of the rows."""
    if not importlib.util.find_spec("numba"):
        raise UserError(f"{who} needs numba: pip install 'curate-lm[embed]'")
    table = vectors_of(pool, column, vectors, model, who)
    drawn = draw_for(pool, ids, len(table), seed, who)
    return Rows(table, drawn, None if quality is None else qualities(pool, quality, len(table), who))


def vectors_of(pool: Any, column: str, vectors: str | None, model: str, who: str) -> NDArray[np.int16]:
    """Give the vectors of a pool, brought along in a column or made from its text; or the array itself."""
    if not isinstance(pool, pl.DataFrame):
        return quantise(pool)
    if vectors is None:
        from curate.models.embeddings import embed

        pool = with_texts(pool, column)
        require(pool, column, who)
        return _beside_nulls(pool[column], lambda texts: embed(texts, model=model))
    require(pool, vectors, who)
    return _beside_nulls(pool[vectors], lambda column: _table(column, who))


def _beside_nulls(values: pl.Series, turn: Any) -> NDArray[np.int16]:
    """Turn values into vectors; a null has none, so it gets the zero vector."""
    import numpy as np

    if not values.null_count():
        return quantise(turn(values))
    table = quantise(turn(values.drop_nulls()))
    out = np.zeros((len(values), table.shape[1]), dtype=np.int16)
    out[values.is_not_null().to_numpy()] = table
    return out


def _table(column: pl.Series, who: str) -> Any:
    """Make a table of a column of lists or arrays of numbers."""
    import numpy as np

    inner = column.dtype.inner if isinstance(column.dtype, pl.List | pl.Array) else pl.String()
    if not (inner.is_numeric() or inner == pl.Null):
        raise ValueError(f"{who}: column {column.name!r} holds {column.dtype}, not vectors")
    listed = column.arr.to_list() if isinstance(column.dtype, pl.Array) else column
    numbers = listed.explode()
    if (listed.list.len() == 0).any() or numbers.null_count():
        raise ValueError(f"{who}: a vector in {column.name!r} is empty or lacks a number: make the vector null instead")
    if inner.is_float() and not numbers.is_finite().all():
        raise ValueError(f"{who}: a vector in {column.name!r} holds NaN or infinity: make the vector null instead")
    if isinstance(column.dtype, pl.Array):
        return column.to_numpy()
    lengths = column.list.len().unique().to_list()
    if len(lengths) > 1:
        raise ValueError(
            f"{who}: the vectors in {column.name!r} are not of one length: {min(lengths)} to {max(lengths)}"
        )
    return np.reshape(numbers.to_numpy(), (len(column), lengths[0] if lengths else 0))


def draw_for(pool: Any, ids: Any, count: int, seed: int, who: str) -> Draw:
    """Draw for the ids of a pool, for those given, or for the positions where there are none."""
    if isinstance(pool, pl.DataFrame):
        require(pool, "id", who)
        return draw(pool["id"], seed, who)
    names = pl.Series("id", range(count) if ids is None else ids)
    if len(names) != count:
        raise ValueError(f"{who}: {count} vectors, but {len(names)} ids")
    return draw(names, seed, who)


def column_of(pool: Any, named: Any, count: int, who: str) -> pl.Series:
    """Give the column of a pool by its name, or the values beside an array."""
    if isinstance(pool, pl.DataFrame):
        require(pool, named, who)
        column: pl.Series = pool[named]
        return column
    values = pl.Series(named)
    if len(values) != count:
        raise ValueError(f"{who}: {count} vectors, but {len(values)} values beside them")
    return values


def numbers_of(pool: Any, named: Any, count: int, who: str) -> pl.Series:
    """Give the numbers in a column of a pool, or beside an array; a NaN is null."""
    column = column_of(pool, named, count, who)
    check_numbers(column, who)
    return column.cast(pl.Float64).fill_nan(None)


def qualities(pool: Any, named: Any, count: int, who: str) -> NDArray[np.float64]:
    """Give each row's quality, 0 or more; a null or NaN is 0, so such a row goes last."""
    factors: NDArray[np.float64] = numbers_of(pool, named, count, who).fill_null(0.0).to_numpy()
    if (factors < 0).any():
        raise ValueError(f"{who}: quality is a factor, so it must be 0 or more, not {factors.min()}")
    return factors


def weights_of(rows: Rows, quality_weight: float, temperature: float) -> NDArray[np.float64]:
    """Give ln(quality ** quality_weight) + temperature * noise for each row."""
    import numpy as np

    from curate.filters.vectors import kernels

    number, weights = rows.draw.number, np.zeros(len(rows.draw.number))
    quality, power = (number, 0.0) if rows.quality is None else (np.ascontiguousarray(rows.quality), quality_weight)
    kernels.weigh(number, quality, float(power), float(temperature), weights)
    return weights


def quality_order(pool: Any, named: Any, drawn: Draw, who: str) -> NDArray[np.int64]:
    """Order rows by quality, highest first, nulls and NaN last, ties by the draw."""
    order: NDArray[np.int64] = drawn.rank.argsort()
    if named is None:
        return order
    numbers = numbers_of(pool, named, len(order), who)
    frame = pl.DataFrame({"quality": numbers, "rank": drawn.rank}).with_row_index("at")
    best = frame.sort("quality", "rank", descending=[True, False], nulls_last=True)["at"]
    return best.cast(pl.Int64).to_numpy()


def check(n: int, temperature: float, quality_weight: float = 1.0) -> None:
    """Raise ValueError for a number out of its range."""
    if n < 0:
        raise ValueError(f"n must be 0 or more, not {n}")
    if not temperature >= 0:
        raise ValueError(f"temperature must be 0 or more (inf for a uniform draw), not {temperature}")
    if not 0 <= quality_weight < math.inf:
        raise ValueError(f"quality_weight must be 0 or more and finite, not {quality_weight}")


def domains_of(pool: Any, by: Any, n: int, count: int, domain_temperature: float, seed: int, who: str) -> Domains:
    """Share n among the domains in `by` as `quotas` does; without it, all rows are of one domain."""
    import numpy as np

    if by is None:
        return Domains(
            np.zeros(count, dtype=np.int32), np.array([n], dtype=np.int64), f"{min(n, count)} of {count} taken"
        )
    # The separator keeps the rows without a domain apart from a domain of whatever name.
    name = column_of(pool, by, count, who).cast(pl.String).fill_null("\x1fno domain").alias("name")
    sizes = dict(name.value_counts(sort=False).sort("name").iter_rows())
    quota = quotas(sizes, n, domain_temperature=domain_temperature, seed=seed)
    places = {each: i for i, each in enumerate(quota)}
    number = name.replace_strict(places, return_dtype=pl.Int32).to_numpy()
    words = {each: f"{quota[each]} of {sizes[each]} taken in {each.removeprefix(chr(31))}" for each in quota}
    why = name.replace_strict(words, return_dtype=pl.String)
    return Domains(np.ascontiguousarray(number), np.array(list(quota.values()), dtype=np.int64), why)


def selection(
    pool: Any, picks: NDArray[np.int64], count: int, why: pl.Series | str | None = None
) -> Choice | NDArray[np.int64]:
    """Answer for an array with the positions picked; for a pool, tell which rows were, and of the others why not."""
    import numpy as np

    if not isinstance(pool, pl.DataFrame):
        return picks
    picked = np.zeros(count, dtype=bool)
    picked[picks] = True
    words = why.alias("why") if isinstance(why, pl.Series) else pl.lit(why or f"{len(picks)} of {count} taken")
    frame = pl.DataFrame({"kept": picked})
    reasons = frame.select(pl.when(~pl.col("kept")).then(pl.format("not picked: {}", words)).alias("why"))
    return Choice(frame["kept"], reasons.to_series())


def vectors_chosen(chosen: Any, d: int, column: str, vectors: str | None, model: str, who: str) -> NDArray[np.int16]:
    """Give the vectors chosen before, or those of the rows chosen before; those without a direction repel nothing."""
    import numpy as np

    if chosen is None or len(chosen) == 0:
        return np.empty((0, d), dtype=np.int16)
    table = vectors_of(chosen, column, vectors, model, who)
    if table.shape[1] != d:
        raise ValueError(f"{who}: the vectors have {d} dimensions, those chosen before {table.shape[1]}")
    return np.ascontiguousarray(table[table.any(axis=1)])


def within_quotas(order: Any, number: Any, room: Any) -> NDArray[np.int64]:
    """Pick rows in an order, from each domain as many as it has room for."""
    import numpy as np

    number = number[order]
    by_domain = np.argsort(number, kind="stable")
    # The place of a row within its domain: sorted by domain, the distance from where that begins.
    starts = np.searchsorted(number[by_domain], np.arange(len(room)))
    place = np.empty(len(order), dtype=np.int64)
    place[by_domain] = np.arange(len(order)) - starts[number[by_domain]]
    picked: NDArray[np.int64] = order[place < room[number]]
    return picked
