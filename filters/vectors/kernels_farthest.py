"""The compiled loops of farthest-first; each takes a range of rows, or a list of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from curate.filters.vectors.kernels import GONE, NOTHING, compiled, dot, four, score_of


@compiled
def catch_up(
    rows: Any,
    first: int,
    last: int,
    vectors: Any,
    centres: Any,
    count: int,
    floor: float,
    square: int,
    weights: Any,
    most: Any,
    seen: Any,
    scores: Any,
) -> None:
    """Show rows[first:last] the centres they have not seen, each until it falls below `floor`."""
    for r in range(first, last):
        i = rows[r]
        c, top = seen[i], most[i]
        score = scores[i]
        while c < count and score >= floor:
            before = top
            if c + 4 <= count:
                top = four(vectors, i, centres, c, top)
                c += 4
            else:
                top = max(top, dot(vectors, i, centres, c))
                c += 1
            if top > before:
                score = score_of(square - top, weights[i])
        most[i], seen[i], scores[i] = top, c, score


@compiled
def begin(first: int, last: int, vectors: Any, square: int, weights: Any, most: Any, seen: Any, scores: Any) -> None:
    """Score rows before anything is chosen; a zero vector is at once as near as can be."""
    for i in range(first, last):
        j = 0
        while j < vectors.shape[1] and vectors[i, j] == 0:
            j += 1
        if j == vectors.shape[1]:
            most[i] = square
        scores[i] = score_of(square - max(most[i], 0), weights[i])


@compiled
def scan(
    first: int,
    last: int,
    vectors: Any,
    centres: Any,
    start: int,
    stop: int,
    square: int,
    weights: Any,
    most: Any,
    seen: Any,
    scores: Any,
) -> None:
    """Show every row of a range the centres start to stop."""
    for i in range(first, last):
        if scores[i] == GONE:
            continue
        top = most[i]
        for c in range(start, stop):
            top = max(top, dot(vectors, i, centres, c))
        most[i], seen[i], scores[i] = top, stop, score_of(square - top, weights[i])


@compiled
def above(first: int, last: int, scores: Any, least: float) -> Any:
    """Find the rows of a range that score `least` or more, and the highest score of the others."""
    rows = np.empty(last - first, dtype=np.int64)
    count, below = 0, NOTHING
    for i in range(first, last):
        if scores[i] >= least:
            rows[count] = i
            count += 1
        elif scores[i] > below:
            below = scores[i]
    return rows[:count].copy(), below


@compiled
def take_from(
    positions: Any,
    vectors: Any,
    weights: Any,
    ranks: Any,
    groups: Any,
    most: Any,
    scores: Any,
    outside: float,
    outside_rank: int,
    want: int,
    square: int,
    centres: Any,
    count: int,
    room: Any,
    picks: Any,
) -> int:
    """Pick greedily among rows that have seen every centre, while the best of them beats whatever is outside.

    `room` says how many each group may still give. Each pick becomes a centre; return how many centres there are then.
    """
    alive = np.arange(len(positions))
    n_alive = len(alive)
    while want > 0:
        best, best_score, best_rank = -1, outside, outside_rank
        alive_still = 0
        for a in range(n_alive):
            i = alive[a]
            score, rank = scores[i], ranks[i]
            # What has fallen behind the outside cannot be picked here; it waits as it is for a later round.
            if score < outside or (score == outside and rank > outside_rank) or room[groups[i]] == 0:
                continue
            alive[alive_still] = i
            alive_still += 1
            if score > best_score or (score == best_score and rank < best_rank):
                best, best_score, best_rank = i, score, rank
        n_alive = alive_still
        if best < 0:
            return count
        picks[count], scores[best] = positions[best], GONE
        room[groups[best]] -= 1
        for j in range(vectors.shape[1]):
            centres[count, j] = vectors[best, j]
        count += 1
        want -= 1
        for a in range(n_alive):
            i = alive[a]
            if scores[i] == GONE:
                continue
            product = dot(vectors, i, centres, count - 1)
            if product > most[i]:
                most[i] = product
                scores[i] = score_of(square - product, weights[i])
    return count
