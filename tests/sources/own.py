"""What the tests of sources share: all rows and bad records of some parts."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from curate.rows import Bad, Part


def read_all(parts: Iterable[Part], batch_rows: int = 100) -> tuple[pl.DataFrame, list[Bad]]:
    """Read parts to their end; no batch may have more rows than asked for, or other columns than the others."""
    batches = [batch for part in parts for batch in part.read(batch_rows)]
    assert all(batch.rows.height <= batch_rows for batch in batches)
    frames = [batch.rows for batch in batches if batch.rows.width]
    assert len({tuple(rows.schema.items()) for rows in frames}) <= 1
    return pl.concat(frames or [pl.DataFrame()]), [bad for batch in batches for bad in batch.bad]
