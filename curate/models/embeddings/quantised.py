"""Vectors as whole numbers: every similarity is then exact, whatever the machine, the order or the threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# The length of every vector. No sum of products of two such vectors passes 2**24, below which float32 holds each whole
# number too; the cosines differ from those of the vectors given by about 1e-4 (root mean square, 384 dimensions).
LENGTH = 4080
SQUARE = LENGTH * LENGTH

_BLOCK = 256  # rows turned at a time: the float64 copies stay in cache, which is eight times as fast as 16,384


def quantise(vectors: Any) -> NDArray[np.int16]:
    """Round vectors, scaled to length 4080, to whole numbers: (n, d) of any floats or integers to (n, d) of int16.

    Vectors of int16 are taken to be quantised already; the lengths of some are checked, to be sure. A zero
    vector, which has no direction, stays zero.

    Raises ValueError if there are not two axes, for NaN or infinity, and for vectors of int16 of another length.

    >>> quantise([[3.0, 4.0], [0.0, 0.0]]).tolist()
    [[2448, 3264], [0, 0]]
    """
    import numpy as np

    table = np.asarray(vectors)
    if table.ndim != 2:
        raise ValueError(f"vectors must be a table of (rows, dimensions), not of shape {table.shape}")
    if table.dtype == np.int16:
        _check_lengths(table)
        return table
    out = np.empty(table.shape, dtype=np.int16)
    for first in range(0, len(table), _BLOCK):
        out[first : first + _BLOCK] = _rounded(table[first : first + _BLOCK].astype(np.float64), first)
    return out


def _check_lengths(table: NDArray[np.int16]) -> None:
    """Look at about a thousand rows: other int16 vectors, longer ones, could overflow the sums without a word."""
    import numpy as np

    step = max(1, len(table) // 1000)
    lengths = np.linalg.norm(table[::step].astype(np.float64), axis=1)
    # Rounding moves each value by a half at most.
    wrong = (lengths > 0) & (np.abs(lengths - LENGTH) > 0.5 * table.shape[1] ** 0.5 + 1e-6)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            f"int16 vectors must be quantised ones, of length {LENGTH}, but row {row * step} has length "
            f"{lengths[row]:.0f}; give them as floats"
        )


def _rounded(block: NDArray[np.float64], first: int) -> NDArray[np.float64]:
    import numpy as np

    # By the largest value first: squares of very small or very large numbers would vanish or overflow.
    largest = np.abs(block).max(axis=1, initial=0.0, keepdims=True)
    if not np.isfinite(largest).all():
        row = first + int(np.argmin(np.isfinite(largest)))
        raise ValueError(f"the vector of row {row} holds NaN or infinity: it has no direction")
    scaled = block / np.where(largest > 0, largest, 1.0)
    norms = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))[:, None]
    rounded: NDArray[np.float64] = np.rint(LENGTH * scaled / np.where(norms > 0, norms, 1.0))
    return rounded


def cosine(dot: Any) -> Any:
    """Turn products of quantised vectors into cosines.

    >>> cosine(LENGTH * LENGTH)
    1.0
    """
    return dot / SQUARE
