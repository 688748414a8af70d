"""Regions of a map: cells of its plane, each with the words that tell it from the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CELLS, _LEAST = 9, 0.03  # cells at most, and the share of points that makes one
_ROUNDS = 20
_COMMON = 0.2  # the share of texts from which on a word tells nothing
_WORDS, _MOSTLY = 3, 0.5  # words that name a cell; a domain that has more of its rows than this names it too
_WORD = r"\p{L}[\p{L}'’-]{2,23}"


def regions(
    plane: NDArray[np.float64], chosen: int, shown: NDArray[np.int64], rows: pl.DataFrame
) -> list[dict[str, Any]]:
    """Name the regions of a map, the largest first: its place, its words, and its shares of the pool and of the set.

    `plane` has of each row its place, (n, 2), from 0 to 1; the first `chosen` rows are the set. `shown` lists the rows
    whose points are drawn, among which the cells are found; `rows` has the `domain` of each, and maybe its `text`.

    The cells are those of k-means (Lloyd 1982), from centres each the farthest from those before. A word counts once a
    text; it names a cell by its part in the divergence of the cell's texts from the others, p ln(p / q), unless many
    texts of any cell have it.
    """
    import numpy as np

    centres = _centres(plane[shown])
    cells = _nearest(plane, centres)
    every, own = (np.bincount(some, minlength=len(centres)) for some in (cells, cells[:chosen]))
    words = _words(rows[shown].with_columns(cell=pl.Series(cells[shown])))
    lines = [
        {
            "x": round(float(x), 3),
            "y": round(float(y), 3),
            "name": words.get(i, ""),
            "pool": round(float(every[i] / len(cells)), 4),
            "set": round(float(own[i] / max(chosen, 1)), 4),
        }
        for i, (x, y) in enumerate(centres)
    ]
    return sorted(lines, key=lambda line: (-line["pool"], line["x"], line["y"]))


def _centres(points: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    centres: NDArray[np.float64] = points.mean(axis=0, keepdims=True)
    for _ in range(_CELLS - 1):
        far = _distances(points, centres).min(axis=1)
        centres = np.vstack([centres, points[far.argmax()]]) if far.max() > 0 else centres
    for _ in range(_ROUNDS):  # of k-means
        cells = _nearest(points, centres)
        large = np.flatnonzero(np.bincount(cells, minlength=len(centres)) >= max(1, _LEAST * len(points)))
        centres = np.vstack([points[cells == i].mean(axis=0) for i in large])
    return centres


def _distances(points: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = ((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    return result


def _nearest(points: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.int64]:
    result: NDArray[np.int64] = _distances(points, centres).argmin(axis=1)
    return result


def _words(rows: pl.DataFrame) -> dict[int, str]:
    """Name each cell: by a domain that has most of its rows, and by the words that tell its texts from the others."""
    names: dict[int, list[str]] = {}
    sizes = dict(rows.group_by("cell").len().iter_rows())
    for cell, domain, count in rows.drop_nulls("domain").group_by("cell", "domain").len().iter_rows():
        if count > _MOSTLY * sizes[cell]:
            names[cell] = [domain]
    if "text" not in rows.columns:
        return {cell: ", ".join(own) for cell, own in names.items()}
    words = rows.select("cell", word=pl.col("text").str.to_lowercase().str.extract_all(_WORD).list.unique())
    counts = words.explode("word").drop_nulls().group_by("cell", "word").agg(own=pl.len())
    counts = counts.join(counts.group_by("word").agg(every=pl.col("own").sum()), on="word")
    counts = counts.filter(pl.col("every") < _COMMON * rows.height)
    size = pl.col("cell").replace_strict(sizes, return_dtype=pl.Float64)
    here = pl.col("own") / size
    # One text more or less elsewhere must not decide, so that no share is nothing.
    there = (pl.col("every") - pl.col("own") + 1) / (rows.height - size + 1)
    best = counts.with_columns(part=here * (here / there).log()).sort("part", "word", descending=[True, False])
    for cell, word in best.group_by("cell", maintain_order=True).head(_WORDS).select("cell", "word").iter_rows():
        names.setdefault(cell, []).append(word)
    return {cell: ", ".join(dict.fromkeys(own)) for cell, own in names.items()}
