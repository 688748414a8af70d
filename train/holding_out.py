"""Rows held out for evaluation: a share of the prompts, each chosen by its own hash."""

from __future__ import annotations

import json
from dataclasses import replace

import polars as pl

from curate.rows import hash01
from curate.train.data import Data
from curate.train.findings import TrainError


def hold_out(data: Data, share: float) -> tuple[Data, Data]:
    """Keep the rows of a share of the prompts apart: those to train on, and those held out.

    A prompt is chosen by its own hash: other rows, order and seed do not move it, and no prompt is on both sides.
    Raise TrainError when a side is left without rows.
    """
    texts = [json.dumps(row.record["prompt"], ensure_ascii=False) for row in data.rows]
    drawn = pl.DataFrame({"prompt": texts}).select(hash01("prompt", seed=0, use="held_out")).to_series()
    apart = [row for row, number in zip(data.rows, drawn, strict=True) if number < share]
    rest = [row for row, number in zip(data.rows, drawn, strict=True) if number >= share]
    if not apart or not rest:
        raise TrainError(
            f"held_out: {share} of {len(data.rows):,} rows of {data.file} leaves {len(rest):,} to train on and "
            f"{len(apart):,} held out: the hash of its prompt decides where a row stands, so take another share"
        )
    return replace(data, rows=rest), replace(data, rows=apart)
