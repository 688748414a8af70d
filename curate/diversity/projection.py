"""A map of a pool and what was chosen of it: its two principal axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curate.diversity.drawing import order
from curate.lattice import to_lattice

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHOWN = 1500  # points of either kind: more hide each other, and make a page heavy


def principal_axes(vectors: Any) -> NDArray[np.float64]:
    """Project vectors, (n, d), onto their two principal axes, (n, 2); each axis points to its largest component.

    Principal component analysis by the d x d covariance (Jolliffe 2002, section 1.1): 0.1 s for 20,000 rows. It shows
    the broad lie of a pool and not its neighbourhoods: a sixth part or less of the variance of sentence vectors.

    >>> principal_axes([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]).shape
    (4, 2)
    """
    import numpy as np

    rows = to_lattice(vectors).astype(np.float64)
    rows -= rows.mean(axis=0)
    _, axes = np.linalg.eigh(rows.T @ rows)
    first = axes[:, ::-1][:, :2]
    largest = np.abs(first).argmax(axis=0)
    found: NDArray[np.float64] = rows @ (first * np.sign(first[largest, [0, 1]]))
    return found


def points(vectors: Any, chosen: int, ids: Any) -> list[list[float]]:
    """List points of a map as [x, y, 1 if chosen else 0], x and y from 0 to 1; the first `chosen` rows are the set.

    At most 1,500 of either kind are shown, those whose ids hash lowest.
    """
    import numpy as np

    flat = principal_axes(vectors)
    low, high = flat.min(axis=0), flat.max(axis=0)
    flat = (flat - low) / np.where(high > low, high - low, 1)
    turn = order(len(flat), ids, 0, "map")
    kinds = (turn[turn >= chosen][:SHOWN], turn[turn < chosen][:SHOWN])
    return [[round(float(flat[i, 0]), 3), round(float(flat[i, 1]), 3), int(i < chosen)] for kind in kinds for i in kind]
