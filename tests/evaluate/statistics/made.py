"""Grades for tests, from arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl


def frame(**arms: Any) -> pl.DataFrame:
    """Make a line an answer of arms: arrays of (prompts, seeds) or (prompts, seeds, samples), nan for no grade."""
    parts = []
    for arm, scores in arms.items():
        grid = np.asarray(scores, dtype=float)
        grid = grid[..., None] if grid.ndim == 2 else grid
        prompt, seed, sample = (axis.ravel() for axis in np.indices(grid.shape))
        part = pl.DataFrame({"id": [f"p{i:03}" for i in prompt], "seed": seed, "sample": sample, "score": grid.ravel()})
        parts.append(part.select(pl.lit(arm).alias("arm"), pl.all()))
    return pl.concat(parts).with_columns(pl.col("score").fill_nan(None), tokens=pl.lit(10))


def drawn(seed: int, arms: int, prompts: int = 12, seeds: int = 3) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    of_prompt = rng.normal(3.5, 1, (prompts, 1))
    return {
        name: of_prompt + rng.normal(0, 0.3, (1, seeds)) + rng.normal(0, 0.7, (prompts, seeds))
        for name in "abcdefgh"[:arms]
    }
