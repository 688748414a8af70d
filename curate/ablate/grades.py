"""The process that grades, `python -m curate.ablate.grades OUT`: all answers at once, so a model is loaded once."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import polars as pl

from curate.ablate.job import ANSWERS, in_words
from curate.ablate.node import FOLDERS
from curate.ablate.reading import judge_of
from curate.ablate.record import ABLATION, BY
from curate.cache import Cache
from curate.evaluate.answers import SCHEMA
from curate.evaluate.grades import grade, write_lines
from curate.folders import put
from curate.models.generators.generator import close_all
from curate.train.launch import wait_asleep

GRADES = "grades.jsonl"


def main(out: Path) -> None:
    """Grade the answers of every arm and seed that is done into grades.jsonl."""
    wait_asleep()
    told = json.loads((out / ABLATION).read_text(encoding="utf-8"))
    judge = judge_of(told["recipe"], told["file"])
    try:
        found = grade(_answers(out, told), None, judge, Cache(out / "grades"))
    finally:
        close_all()
    put(out, BY, GRADES, lambda to: write_lines(found, to))


def _answers(out: Path, told: dict[str, Any]) -> pl.DataFrame:
    """Gather the answers of all that is done; those that arms share are graded once."""
    frames = []
    for arm in told["arms"]:
        for job in arm["jobs"]:
            if job["status"] == "done":
                file = out / FOLDERS["answers"] / job["nodes"]["answers"] / ANSWERS
                rows = pl.read_ndjson(file, schema=dict(SCHEMA))
                frames.append(rows.with_columns(arm=pl.lit(arm["arm"]), seed=pl.lit(job["seed"], pl.Int64)))
    return pl.concat(frames)


if __name__ == "__main__":
    in_words(main, Path(sys.argv[1]))
