"""The compiled loops of nearest neighbours, and of choosing rows that cover a graph of them."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np

from curate.filters.vectors.kernels import NOTHING, compiled, dot, four_each, score_of


@compiled
def put(ids: Any, products: Any, r: int, name: int, product: int) -> None:
    """Put a neighbour in its place among the nearest of row r: larger products first, ties by the smaller number."""
    k = ids.shape[1] - 1
    if product < products[r, k] or (product == products[r, k] and name > ids[r, k]):
        return
    while k > 0 and (product > products[r, k - 1] or (product == products[r, k - 1] and name < ids[r, k - 1])):
        ids[r, k], products[r, k] = ids[r, k - 1], products[r, k - 1]
        k -= 1
    ids[r, k], products[r, k] = name, product


@compiled
def nearest(
    first: int, last: int, rows: Any, others: Any, starts: Any, probes: Any, names: Any, ids: Any, products: Any
) -> None:
    """Find the nearest of `others` for rows[first:last], in the cells that each probes.

    Cell p holds others[starts[p]:starts[p + 1]]; `names` are the numbers that stand for them in `found`. A cell meets
    many rows before the next one does, so that it stays in cache.
    """
    for q in range(probes.shape[1]):
        for r in range(first, last):
            c, end = starts[probes[r, q]], starts[probes[r, q] + 1]
            while c + 4 <= end:
                a, b, e, f = four_each(rows, r, others, c)
                least = products[r, -1]
                if max(max(a, b), max(e, f)) >= least:
                    put(ids, products, r, names[c], a)
                    put(ids, products, r, names[c + 1], b)
                    put(ids, products, r, names[c + 2], e)
                    put(ids, products, r, names[c + 3], f)
                c += 4
            while c < end:
                put(ids, products, r, names[c], dot(rows, r, others, c))
                c += 1


@compiled
def sums(rows: Any, cell: Any, out: Any) -> None:
    """Add up the vectors of each cell."""
    for i in range(len(rows)):
        for j in range(rows.shape[1]):
            out[cell[i], j] += rows[i, j]


@compiled
def transposed(ids: Any, products: Any, count: int) -> Any:
    """Turn the lists of neighbours round: whom each row is a neighbour of, and with what product."""
    starts = np.zeros(count + 1, dtype=np.int64)
    for r in range(len(ids)):
        for k in range(ids.shape[1]):
            if products[r, k] > 0:
                starts[ids[r, k] + 1] += 1
    for i in range(count):
        starts[i + 1] += starts[i]
    fill = starts[:-1].copy()
    of, product = np.empty(starts[-1], dtype=np.int32), np.empty(starts[-1], dtype=np.int32)
    for r in range(len(ids)):
        for k in range(ids.shape[1]):
            if products[r, k] > 0:
                i = ids[r, k]
                of[fill[i]], product[fill[i]] = r, products[r, k]
                fill[i] += 1
    return starts, of, product


@compiled
def gain(i: int, starts: Any, of: Any, product: Any, covered: Any) -> Any:
    """Say by how much row i would raise what is covered."""
    total = 0
    for e in range(starts[i], starts[i + 1]):
        total += max(0, product[e] - covered[of[e]])
    return total


@compiled
def cover(want: int, starts: Any, of: Any, product: Any, covered: Any, weights: Any) -> Any:
    """Pick greedily what covers most, ties by the smaller number; a score is counted again only when it leads.

    Scores only fall, so a row that still leads with its score counted anew beats all others (Minoux 1978).
    """
    heap = [(-score_of(gain(i, starts, of, product, covered), weights[i]), i) for i in range(len(weights))]
    heapq.heapify(heap)
    picks = np.empty(want, dtype=np.int64)
    for k in range(want):
        while True:
            bound, i = heapq.heappop(heap)
            score = bound
            if -bound > NOTHING:
                score = -score_of(gain(i, starts, of, product, covered), weights[i])
            if score == bound or not heap or (score, i) < heap[0]:
                break
            heapq.heappush(heap, (score, i))
        picks[k] = i
        for e in range(starts[i], starts[i + 1]):
            covered[of[e]] = max(covered[of[e]], product[e])
    return picks


@compiled
def near_any(first: int, last: int, block: Any, chosen: Any, count: int, least: int, near: Any) -> None:
    """Tell of each row whether its product with one of the kept is `least` or more."""
    for r in range(first, last):
        c = 0
        while c < count and not near[r]:
            if c + 4 <= count:
                a, b, e, f = four_each(block, r, chosen, c)
                near[r] = max(max(a, b), max(e, f)) >= least
                c += 4
            else:
                near[r] = dot(block, r, chosen, c) >= least
                c += 1


@compiled
def keep_apart(block: Any, near: Any, chosen: Any, count: int, least: int) -> None:
    """Keep, in order, each row that is near to nothing kept before the block or in it, while there is room."""
    begun = count
    for r in range(len(block)):
        c = begun
        while c < count and not near[r]:
            near[r] = dot(block, r, chosen, c) >= least
            c += 1
        if count == len(chosen):
            return
        if not near[r]:
            for j in range(block.shape[1]):
                chosen[count, j] = block[r, j]
            count += 1
