"""Print what the head is worth: `python -m curate.filters.toxicity.measure` reads the labelled data in $CURATE_DATA.

Surge's comments and HateCheck's cases are only measured here; nothing was trained or tuned on them.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import polars as pl

from curate.filters.toxicity.train import data_folder

THRESHOLDS = (0.5, 0.7, 0.8, 0.9)


def surge(folder: Path) -> pl.DataFrame:
    """Read Surge AI's comments: text, toxic or not."""
    return pl.read_csv(folder / "surge_toxicity_en.csv").select("text", toxic=pl.col("is_toxic") == "Toxic")


def hatecheck(folder: Path) -> pl.DataFrame:
    """Read HateCheck's cases (Röttger et al. 2021): text, toxic or not, kind."""
    frame = pl.read_csv(folder / "hatecheck.csv")
    return frame.select(text="test_case", toxic=pl.col("label_gold") == "hateful", kind="functionality")


def judged(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the probability of each text."""
    from curate.filters.toxicity.head import packaged, worst

    return frame.with_columns(p=pl.Series(worst(frame["text"].to_list(), packaged), dtype=pl.Float64))


def auc(frame: pl.DataFrame) -> float:
    """Give the share of pairs, a toxic text and another, of which the toxic one has the higher probability."""
    rank = frame.select(pl.col("p").rank().filter(pl.col("toxic")).sum()).item()
    toxic = int(frame["toxic"].sum())
    return float((rank - toxic * (toxic + 1) / 2) / (toxic * (frame.height - toxic)))


def at(frame: pl.DataFrame, threshold: float) -> dict[str, Any]:
    """Give precision, recall and the share of harmless texts that are flagged at a threshold."""
    hit, toxic = frame["p"] >= threshold, frame["toxic"]
    found, flagged, true = (int(which.sum()) for which in (hit & toxic, hit, toxic))
    return {
        "threshold": threshold,
        "precision": found / max(flagged, 1),
        "recall": found / true,
        "false positives": (flagged - found) / (len(toxic) - true),
    }


def main() -> None:
    """Print a table for each set that is there."""
    folder = data_folder()
    for read in (surge, hatecheck):
        start = time.process_time()
        try:
            frame = judged(read(folder))
        except FileNotFoundError as missing:
            sys.stdout.write(f"{read.__name__}: not measured, there is no file {missing.filename or missing}\n")
            continue
        seconds = time.process_time() - start
        sys.stdout.write(f"\n{read.__name__}: {frame.height:,} texts, AUC {auc(frame):.3f}, {seconds:.1f} s of CPU\n")
        for figures in (at(frame, threshold) for threshold in THRESHOLDS):
            sys.stdout.write("  " + "  ".join(f"{name} {value:.3f}" for name, value in figures.items()) + "\n")
        if "kind" in frame.columns:
            columns = [pl.len().alias("n"), (pl.col("p") >= 0.8).mean().alias("flagged"), pl.col("p").mean()]
            for row in frame.group_by("toxic", "kind").agg(*columns).sort("toxic", "kind").iter_rows():
                sys.stdout.write("  {!s:5} {:20} {:4} texts, {:.2f} flagged at 0.8, mean {:.2f}\n".format(*row))


if __name__ == "__main__":
    main()
