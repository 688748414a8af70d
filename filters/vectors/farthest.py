"""Farthest-first without looking at most of the pool, and with the result of looking at all of it.

A row's score only falls as more is chosen, so the score of the last time it was looked at is an upper bound. A round
takes the rows with the highest such bounds, brings them up to date, and picks greedily among the best of them, which
fit in cache, until the best of those is no better than the bounds of all the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curate.filters.pool import Draw
from curate.filters.vectors.cells import in_ranges
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


class Greedy:
    """The state of a selection: for every row its score when last looked at, and how much of the chosen it had seen."""

    def __init__(self, vectors: Any, draw: Draw, weights: Any, chosen: Any, n: int, groups: Any, room: Any) -> None:
        import numpy as np

        count, d = vectors.shape
        self.vectors = np.ascontiguousarray(vectors).view()
        self.vectors.flags.writeable = False  # one type for arrays and mapped files, so one compiled kernel
        self.draw, self.weights, self.groups, self.room = draw, weights, groups, room
        self.count = len(chosen)
        self.size = ROUND
        self.centres = np.empty((len(chosen) + n, d), dtype=np.int16)
        self.centres[: self.count] = chosen
        self.picks = np.full(len(self.centres), -1, dtype=np.int64)
        # Nothing seen yet: a cosine of -1, below any other.
        self.most = np.full(count, -SQUARE, dtype=np.int32)
        self.seen = np.zeros(count, dtype=np.int32)
        self.scores = np.empty(count)

    def state(self) -> tuple[Any, ...]:
        """Give what every kernel reads and writes."""
        return SQUARE, self.weights, self.most, self.seen, self.scores


def farthest_first(
    vectors: Any, draw: Draw, weights: Any, chosen: Any, n: int, groups: Any, room: Any
) -> NDArray[np.int64]:
    """Pick n rows, at most room[g] of group g, each the one with the highest ln(1 - max cosine) + weight.

    The cosine is to the picks before it and to `chosen`; before there are any, the weight alone decides. Ties go to
    the smaller rank. Rows without a direction, or with nothing to add, come after all others.
    """
    from curate.filters.vectors import kernels_farthest as kernels

    greedy = Greedy(vectors, draw, weights, chosen, n, groups, room)
    total, before = len(greedy.centres), greedy.count
    in_ranges(kernels.begin, len(vectors), 65_536, greedy.vectors, *greedy.state())
    _close(greedy)
    if not before and n:
        _first(greedy)
    in_ranges(
        kernels.scan, len(vectors), 65_536, greedy.vectors, greedy.centres, 0, min(greedy.count, 1), *greedy.state()
    )
    while greedy.count < total and _round(greedy, total):
        pass
    _fill(greedy)
    return greedy.picks[before:]


def _first(greedy: Greedy) -> None:
    """Pick the row of the highest weight."""
    import numpy as np

    best = np.flatnonzero(greedy.scores == greedy.scores.max())
    _pick(greedy, best[np.argmin(greedy.draw.rank[best])])


def _pick(greedy: Greedy, row: Any) -> None:
    greedy.centres[greedy.count] = greedy.vectors[row]
    greedy.picks[greedy.count] = row
    greedy.count += 1
    greedy.room[greedy.groups[row]] -= 1
    greedy.scores[row] = float("-inf")


def _round(greedy: Greedy, total: int) -> bool:
    """Pick what can be picked from the rows with the highest bounds; tell whether any row had something to add."""
    import numpy as np

    from curate.filters.vectors import kernels_farthest as kernels

    scores, rank = greedy.scores, greedy.draw.rank
    rows, floor = _highest(scores, greedy.size)
    if not len(rows):
        return False
    before = greedy.seen[rows].sum()
    in_ranges(_chunk, len(rows), 256, rows, floor, greedy.vectors, greedy.centres, greedy.count, *greedy.state())
    done = greedy.seen[rows].sum() - before + len(rows)
    greedy.size = int(greedy.size * min(2.0, max(0.5, WORTH * len(scores) / done)))
    rows = rows[scores[rows] > floor]
    outside, outside_rank = floor, -1
    if len(rows) > INSIDE:
        rows = rows[np.lexsort((rank[rows], -scores[rows]))]
        outside, outside_rank = scores[rows[INSIDE]], rank[rows[INSIDE]]
        rows = rows[:INSIDE]
    square, *state = greedy.state()
    greedy.count = kernels.take_from(
        rows,
        greedy.vectors[rows],
        outside,
        outside_rank,
        total - greedy.count,
        greedy.centres,
        greedy.count,
        square,
        greedy.weights,
        rank,
        greedy.groups,
        greedy.room,
        *state[1:],
        greedy.picks,
    )
    _close(greedy)
    return True


def _chunk(first: int, last: int, rows: Any, floor: float, *rest: Any) -> None:
    from curate.filters.vectors import kernels_farthest as kernels

    vectors, centres, count, *state = rest
    kernels.catch_up(rows, first, last, vectors, centres, count, floor, *state)


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


def _close(greedy: Greedy) -> None:
    """Take the rows of a group without room out of the game."""
    if (greedy.room == 0).any():
        greedy.scores[greedy.room[greedy.groups] == 0] = float("-inf")


def _fill(greedy: Greedy) -> None:
    """Pick the rest in the order of the draw: no row has anything to add."""
    import numpy as np

    order = np.argsort(greedy.draw.rank)
    rest = within_quotas(order[greedy.scores[order] > float("-inf")], greedy.groups, greedy.room)
    greedy.picks[greedy.count :] = rest[: len(greedy.picks) - greedy.count]
