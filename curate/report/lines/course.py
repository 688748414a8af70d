"""The course of many values: what a screen can show of them, and their running mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

_DRAWN = 1000  # points that a line can show: a screen is not wider
Place: TypeAlias = tuple[float, float]


def thin(placed: Sequence[Place | None], most: int = _DRAWN) -> list[Place | None]:
    """Keep the lowest and the highest of each bucket where there are more points than can be seen."""
    if len(placed) <= most:
        return list(placed)
    size = math.ceil(2 * len(placed) / most)
    kept: list[Place | None] = []
    for start in range(0, len(placed), size):
        bucket = placed[start : start + size]
        there = [at for at in bucket if at]
        ends = sorted({min(there, key=lambda at: at[1]), max(there, key=lambda at: at[1])}) if there else []
        kept += [*ends, None] if None in bucket else ends
    return kept


def noisy(placed: Sequence[Place | None]) -> bool:
    """Tell whether values jump up and down, so that their course is seen only in a mean; a schedule does not."""
    ys = [at[1] for at in placed if at]
    rises = [b > a for a, b in pairwise(ys) if a != b]
    turns = sum(a != b for a, b in pairwise(rises))
    return turns > len(ys) / 5


def mean(placed: Sequence[Place | None]) -> list[Place | None]:
    """Take each point's mean with its neighbours: a twentieth of all, half to either side.

    At the start, where most happens, the window is as narrow as what lies before; at the end it keeps its left half.
    """
    half = max(len(placed) // 40, 1)
    smooth: list[Place | None] = []
    for i, at in enumerate(placed):
        around = [near[1] for near in placed[max(i - half, 0) : i + min(half, i) + 1] if near]
        smooth.append((at[0], sum(around) / len(around)) if at else None)
    return thin(smooth)
