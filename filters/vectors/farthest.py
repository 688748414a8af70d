"""Farthest-first without looking at most of the pool, and with the result of looking at all of it.

A row's score only falls as more is chosen, so the score of the last time it was looked at is an upper bound. The rows
lie in shards, one where there is one process. In a round each shard brings the rows with its highest bounds up to date
and hands over the best of them, and the highest bound of all its others; from these, which fit in cache, rows are
picked greedily until the best is no better than the bounds.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from curate.engine import current
from curate.filters.pool import Draw
from curate.filters.vectors.cells import fixed, in_ranges
from curate.filters.vectors.pool import within_quotas
from curate.models.embeddings.quantised import SQUARE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Rows brought up to date in a round, and rows picked from: 2048 vectors of 384 are 1.5 MB, so they stay in cache.
ROUND = 8192
INSIDE = 2048
# Products a round should make for each row there is: looking for the rows to bring up to date costs about one.
WORTH = 3.0
# Rows that make a shard worth its messages: a round on so many takes about 10 ms.
SHARD = 50_000


class Rows(NamedTuple):
    """The rows of a shard: the position of the first, and of each its vector, weight, rank in the draw and group."""

    first: int
    vectors: NDArray[np.int16]
    weights: NDArray[np.float64]
    ranks: NDArray[np.int64]
    groups: NDArray[np.int32]


class Best(NamedTuple):
    """Rows that have seen all that is chosen, and the bound of all others: none of them goes before (score, rank)."""

    positions: NDArray[np.int64]
    vectors: NDArray[np.int16]
    weights: NDArray[np.float64]
    ranks: NDArray[np.int64]
    groups: NDArray[np.int32]
    most: NDArray[np.int32]  # the largest product with what is chosen
    scores: NDArray[np.float64]
    bound: tuple[float, int]


class Shard:
    """Some of the rows, and for each its score when last looked at and how much of the chosen it had seen by then.

    That only saves work: what a shard gives rests on its rows and on what it is told.
    """

    def __init__(self, rows: Rows) -> None:
        import numpy as np

        from curate.filters.vectors import kernels_farthest as kernels

        self.rows = Rows(rows.first, *map(fixed, rows[1:]))
        self.size = ROUND
        # Nothing seen yet: a cosine of -1, below any other.
        count = len(rows.vectors)
        self.most = np.full(count, -SQUARE, dtype=np.int32)
        self.seen = np.zeros(count, dtype=np.int32)
        self.scores = np.empty(count)
        self.scanned = False
        in_ranges(kernels.begin, count, 65_536, self.rows.vectors, *self._state())

    def _state(self) -> tuple[Any, ...]:
        """Give what every kernel reads and writes."""
        return SQUARE, self.rows.weights, self.most, self.seen, self.scores

    def first(self, room: Any) -> Best:
        """Give the row of the highest weight."""
        import numpy as np

        self._close(np.empty(0, dtype=np.int64), room)
        best = np.flatnonzero(self.scores == self.scores.max())
        return self._best(best[[np.argmin(self.rows.ranks[best])]], (float("-inf"), -1))

    def best(self, centres: Any, picks: Any, room: Any, inside: int) -> Best:
        """Give the best rows, `inside` at most, once `centres` are chosen, and `picks` are the positions of those."""
        import numpy as np

        from curate.filters.vectors import kernels_farthest as kernels

        centres, scores, ranks = fixed(centres), self.scores, self.rows.ranks
        self._close(picks, room)
        if not self.scanned:
            in_ranges(kernels.scan, len(scores), 65_536, self.rows.vectors, centres, 0, 1, *self._state())
            self.scanned = True
        rows, floor = self._current(centres)
        bound = floor, -1
        if len(rows) > inside:
            rows = rows[np.lexsort((ranks[rows], -scores[rows]))]
            bound = float(scores[rows[inside]]), int(ranks[rows[inside]])
            rows = rows[:inside]
        return self._best(rows, bound)

    def _current(self, centres: Any) -> tuple[Any, float]:
        """Bring rows up to date until some are above the bound of all others: these, and that bound."""
        while True:
            rows, floor = _highest(self.scores, self.size)
            before = self.seen[rows].sum()
            in_ranges(_chunk, len(rows), 256, rows, floor, self.rows.vectors, centres, *self._state())
            cost = self.seen[rows].sum() - before + len(rows)
            self.size = int(self.size * min(2.0, max(0.5, WORTH * len(self.scores) / max(cost, 1))))
            best = rows[self.scores[rows] > floor]
            if len(best) or not len(rows):
                return best, floor

    def _best(self, rows: Any, bound: tuple[float, int]) -> Best:
        columns = (column[rows] for column in (*self.rows[1:], self.most, self.scores))
        return Best._make((self.rows.first + rows, *columns, bound))

    def _close(self, picks: Any, room: Any) -> None:
        """Take the rows that are picked, and those of a group without room, out of the game."""
        mine = picks - self.rows.first
        self.scores[mine[(mine >= 0) & (mine < len(self.scores))]] = float("-inf")
        if (room == 0).any():
            self.scores[room[self.rows.groups] == 0] = float("-inf")


def farthest_first(
    vectors: Any, draw: Draw, weights: Any, chosen: Any, n: int, groups: Any, room: Any
) -> NDArray[np.int64]:
    """Pick n rows, at most room[g] of group g, each the one with the highest ln(1 - max cosine) + weight.

    The cosine is to the picks before it and to `chosen`; before there are any, the weight alone decides. Ties go to
    the smaller rank. Rows without a direction, or with nothing to add, come after all others.
    """
    import numpy as np

    before = len(chosen)
    centres = np.empty((before + n, vectors.shape[1]), dtype=np.int16)
    centres[:before] = chosen
    picks = np.full(len(centres), -1, dtype=np.int64)
    shards = max(1, min(current().workers, len(vectors) // SHARD))
    cuts = np.linspace(0, len(vectors), shards + 1).astype(int).tolist()
    # Vectors go to a shard by value, once: the engine keeps them for one that is lost, and no folder need be shared.
    settings = [Rows(a, vectors[a:b], weights[a:b], draw.rank[a:b], groups[a:b]) for a, b in pairwise(cuts)]
    with current().hire(Shard, settings) as crew:
        count = before
        if not before and n:
            count = _take([min(crew.each("first", room), key=_turn)], 1, centres, count, picks, room)
        while count < len(picks):
            best = crew.each("best", centres[:count], picks[before:count], room, -(-INSIDE // shards))
            if not any(len(one.positions) for one in best):
                break  # no row has anything to add
            count = _take(best, len(picks) - count, centres, count, picks, room)
    picks[count:] = _rest(draw.rank, picks[before:count], groups, room)[: len(picks) - count]
    return picks[before:]


def _turn(first: Best) -> tuple[float, int]:
    return -first.scores[0], first.ranks[0]


def _take(best: list[Best], want: int, centres: Any, count: int, picks: Any, room: Any) -> int:
    """Pick from the best rows of all shards what goes before all bounds; give the number of centres then."""
    import numpy as np

    from curate.filters.vectors import kernels_farthest as kernels

    columns = [np.concatenate(column) for column in list(zip(*best, strict=True))[:7]]
    bound = min((one.bound for one in best), key=lambda bound: (-bound[0], bound[1]))
    return int(kernels.take_from(*columns, *bound, want, SQUARE, centres, count, room, picks))


def _chunk(first: int, last: int, rows: Any, floor: float, vectors: Any, centres: Any, *state: Any) -> None:
    from curate.filters.vectors import kernels_farthest as kernels

    kernels.catch_up(rows, first, last, vectors, centres, len(centres), floor, *state)


def _highest(scores: Any, count: int) -> tuple[Any, float]:
    """Find about as many rows as asked with the highest bounds, and the highest bound of all the others."""
    import numpy as np

    from curate.filters.vectors import kernels_farthest as kernels
    from curate.filters.vectors.kernels import NOTHING

    # Where to cut is guessed from every 64th row of a large pool; any cut is right, some are faster.
    every = 64 if len(scores) > 64 * count // 16 else 1
    sample = scores[::every]
    place = max(0, len(sample) - max(1, count // every))
    least = max(float(np.partition(sample, place)[place]), np.nextafter(NOTHING, 0))
    parts = in_ranges(kernels.above, len(scores), 262_144, scores, least)
    return np.concatenate([rows for rows, _ in parts]), max(below for _, below in parts)


def _rest(rank: Any, picks: Any, groups: Any, room: Any) -> NDArray[np.int64]:
    """List the rows that are left, as far as there is room, in the order of the draw: none has anything to add."""
    import numpy as np

    left = np.ones(len(rank), dtype=bool)
    left[picks] = False
    order = np.argsort(rank)
    return within_quotas(order[left[order]], groups, room)
