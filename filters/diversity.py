"""Choose rows that differ: selectors over vectors, for a pool of rows or for an array.

All are exact for quantised vectors: neither the order of the rows nor the number of threads can
change what is chosen, and all chance comes from (seed, id).
"""

from __future__ import annotations

from curate.filter import reads
from curate.filters.pool import Ids, Named, Pool, Selected
from curate.filters.vectors import cover
from curate.filters.vectors import pool as _pool
from curate.filters.vectors.farthest import farthest_first

MODEL = "all-MiniLM-L6-v2"


@reads(("vectors", "column"), "quality", "by")
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
    chosen: Pool | None = None,
    seed: int = 0,
) -> Selected:
    """Pick n rows one by one, each the farthest from those before it: farthest-first, or k-center, with a temperature.

    Each pick is the row with the highest quality^quality_weight * (1 - c) * exp(temperature * G), where c is its
    largest cosine with what is picked already and G is Gumbel noise from (seed, id); the first pick has the highest
    weight, and ties go by the hash. Temperature 0 is the greedy algorithm (Gonzalez 1985; core-set selection, Sener
    and Savarese 2018), which hunts outliers; inf is a uniform draw without replacement; between, the noise makes
    each pick a draw in proportion to (quality^quality_weight * (1 - c))^(1 / temperature) (the Gumbel trick).

    Give a pool, and get a Choice; its vectors are those of the text in `column`, by `model`, or come in a column
    named by `vectors`. Or give an array of vectors (n, d), of any floats or quantised (int16), with an id for
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
        chosen: rows chosen before, with the same columns, or vectors (m, d): the picks keep away from them too.
        seed: of the noise and of the ties.

    Rows without a vector (null text, a zero vector) come last. Raises ValueError if a number is out of its range, an
    id occurs twice, or a vector holds NaN.

    >>> farthest([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]], ["a", "b", "c"], n=2, temperature=0).tolist()
    [0, 2]
    """
    _pool.check(n, temperature, quality_weight)
    rows = _pool.rows(pool, ids, column, vectors, model, quality, seed, "farthest")
    domains = _pool.domains_of(pool, by, n, len(rows.vectors), domain_temperature, seed, "farthest")
    before = _pool.vectors_chosen(chosen, rows.vectors.shape[1], column, vectors, model, "farthest")
    if temperature > _pool.UNIFORM:
        picks = _pool.within_quotas(rows.draw.rank.argsort(), domains.number, domains.room)
    else:
        weights = _pool.weights_of(rows, quality_weight, temperature)
        n = min(n, len(rows.vectors))
        picks = farthest_first(rows.vectors, rows.draw, weights, before, n, domains.number, domains.room)
    return _pool.selection(pool, picks, len(rows.vectors), domains.why)


@reads(("vectors", "column"), "quality")
def coverage(
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
    neighbours: int = 64,
    chosen: Pool | None = None,
    seed: int = 0,
) -> Selected:
    """Pick n rows that stand for the pool: each raises most the cosines of all rows to the picks nearest to them.

    Facility location (Lin and Bilmes 2011), greedily, on a sparse graph: a row is covered by those of its `neighbours`
    nearest rows that are picked, itself among them, as well as its largest cosine to one of them says. Greedy
    picking is exact on that graph, and the graph is exact up to 30,000 rows; beyond, neighbours are looked for in the
    8 cells of k-means around each row. Rows in the thick of the pool go first, so near-duplicates should be gone.

    Each pick has the highest quality^quality_weight * gain * exp(temperature * G), as in `farthest`, which tells of the
    other parameters too. A row that raises nothing any more comes after all others, in the order of the draw.

    >>> coverage([[1.0, 0.0], [0.9, 0.1], [0.8, 0.3], [0.0, 1.0]], n=2, temperature=0).tolist()
    [2, 3]
    """
    _pool.check(n, temperature, quality_weight)
    if neighbours < 1:
        raise ValueError(f"neighbours must be 1 or more, not {neighbours}")
    rows = _pool.rows(pool, ids, column, vectors, model, quality, seed, "coverage")
    before = _pool.vectors_chosen(chosen, rows.vectors.shape[1], column, vectors, model, "coverage")
    n = min(n, len(rows.vectors))
    if temperature > _pool.UNIFORM:
        picks = rows.draw.rank.argsort()[:n]
    else:
        weights = _pool.weights_of(rows, quality_weight, temperature)
        picks = cover.facility_location(rows.vectors, rows.draw, weights, before, n, neighbours)
    return _pool.selection(pool, picks, len(rows.vectors))


@reads(("vectors", "column"), "quality")
def cluster(
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
    cells: int | None = None,
    seed: int = 0,
) -> Selected:
    """Pick n rows from the cells of k-means, from each a share that grows with its size to the power t / (1 + t).

    At temperature 0 every cell gives the same, at inf as the pool has them; `quotas` makes the shares exact. Inside a
    cell, the highest quality^quality_weight * exp(temperature * G) go first. k-means is that of directions, with a cell
    for every five rows asked for, at most 1,000, unless `cells` says how many (of 30 to 1,000 cells, 200 gave
    the most diverse 1,000 of 7,277 posts); it learns from 64 rows a cell. The other parameters are those of `farthest`.
    The positions of an array come in no order of merit.

    >>> cluster([[1.0, 0.0], [0.9, 0.1], [0.8, 0.3], [0.0, 1.0]], n=2, temperature=0, cells=2).tolist()
    [0, 3]
    """
    _pool.check(n, temperature, quality_weight)
    if cells is not None and cells < 1:
        raise ValueError(f"cells must be 1 or more, not {cells}")
    rows = _pool.rows(pool, ids, column, vectors, model, quality, seed, "cluster")
    n = min(n, len(rows.vectors))
    uniform = temperature > _pool.UNIFORM
    weights = -rows.draw.rank if uniform else _pool.weights_of(rows, quality_weight, temperature)
    picks = cover.per_cell(rows.vectors, rows.draw, weights, n, cells or min(max(n // 5, 1), 1000), temperature, seed)
    return _pool.selection(pool, picks, len(rows.vectors))


@reads(("vectors", "column"), "quality")
def threshold(
    pool: Pool,
    ids: Ids | None = None,
    *,
    n: int,
    column: str = "prompt",
    vectors: str | None = None,
    model: str = MODEL,
    threshold: float = 0.9,
    quality: Named | None = None,
    seed: int = 0,
) -> Selected:
    """Go through rows by quality and pick each whose largest cosine to those picked is below `threshold`, up to n.

    DEITA's rule (Liu et al. 2023, arXiv 2312.15685, section 2.5, with their 0.9). It bars near-duplicates rather than
    spreads the picks. Rows are compared one after another, so neither batches nor the order of rows matter, and of two
    twins one stays.
    Without `quality`, and among equals, the draw decides; nulls and NaN go last. If fewer than n rows are
    that far apart, all of those are picked. The other parameters are those of `farthest`.

    >>> threshold([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]], n=2, quality=[1, 5, 3]).tolist()
    [1, 2]
    """
    _pool.check(n, 0)
    if not -1 <= threshold <= 1:
        raise ValueError(f"threshold is a cosine, from -1 to 1, not {threshold}")
    rows = _pool.rows(pool, ids, column, vectors, model, None, seed, "threshold")
    order = _pool.quality_order(pool, quality, rows.draw, "threshold")
    picks = cover.below_threshold(rows.vectors, order, threshold, min(n, len(order)))
    why = f"{len(picks)} of {len(order)} taken, each with a cosine below {threshold} to the others"
    return _pool.selection(pool, picks, len(order), why)
