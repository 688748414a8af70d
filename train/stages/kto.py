"""KTO: learn from answers that are marked as good or not, without pairs (Ethayarajh et al. 2024, arXiv 2402.01306)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import polars as pl

from curate.rows import hash01
from curate.train.config import TrainConfig
from curate.train.data import Data, Row
from curate.train.stages import Job, Stage
from curate.train.stages.dpo import keep_lora_dropout, reference

_FAIR = (1.0, 4 / 3)  # 2402.01306, equation 8: where the weighed numbers of good and bad should stand


def _prepare(data: Data, config: TrainConfig) -> Data:
    """Split pairs into rows with labels, and shuffle, by the seed.

    trl trains KTO in the order of the rows, since its KL term compares neighbours; and where it splits pairs itself, it
    puts a thousand chosen answers before their rejected ones: a small set would be all good, then all bad.
    """
    rows = [one for row in data.rows for one in _split(row)]
    ids = pl.DataFrame({"id": [row.id for row in rows]})
    hashes = ids.select(hash01("id", seed=config.seed, use="kto")).to_series()
    order = sorted(range(len(rows)), key=lambda i: (hashes[i], rows[i].id, i))
    return replace(data, rows=[rows[i] for i in order])


def _split(row: Row) -> Iterator[Row]:
    if "chosen" not in row.record:
        yield row
        return
    for name in ("chosen", "rejected"):
        others = {key: value for key, value in row.record.items() if key not in ("chosen", "rejected")}
        record = {**others, "completion": row.record[name], "label": name == "chosen"}
        yield Row(f"{row.id}/{name}", row.where, record)


def _figures(trainer: Any, job: Job) -> dict[str, Any]:
    """Count the labels, and weigh them as equation 8 does."""
    good = sum(row.record["label"] for row in job.rows.rows)
    bad = len(job.rows.rows) - good
    args = trainer.args
    weighed = args.desirable_weight * good / (args.undesirable_weight * bad) if bad else None
    if weighed is None or not _FAIR[0] <= weighed <= _FAIR[1]:
        job.notes.append(
            f"{good:,} good and {bad:,} bad answers, with desirable_weight {args.desirable_weight:g} and "
            f"undesirable_weight {args.undesirable_weight:g}: set one of them so that weight times number is equal, or "
            "up to a third more for the good (arXiv 2402.01306, equation 8)"
        )
    return {"labels": {"good": good, "bad": bad, "weighed": weighed}}


STAGE = Stage(
    "kto",
    "KTO",
    "unpaired",
    prepare=_prepare,
    settings=keep_lora_dropout,
    extras=reference,
    figures=_figures,
    rows_at_start=2,  # trl compares neighbours
)
