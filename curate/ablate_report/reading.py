"""An ablation folder as it was left: what was asked and done (ablation.json), and the grade of every answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from curate.errors import UserError

ABLATION, GRADES, RESULTS, PAGE = "ablation.json", "grades.jsonl", "results.json", "report.html"
# What the numbers need of a grade; grades.jsonl has the texts beside it.
COLUMNS = {
    "arm": pl.String(),
    "seed": pl.Int64(),
    "id": pl.String(),  # of the prompt
    "sample": pl.Int64(),
    "turn": pl.Int64(),  # null where there is only one
    "tokens": pl.Int64(),
    "finish_reason": pl.String(),
    "failed": pl.String(),  # why there is no answer
    "score": pl.Float64(),
    "why": pl.String(),  # why there is no score
    "judge": pl.String(),
}


class AblationError(UserError):
    """Say what is wrong with an ablation folder."""


def read(out: Path) -> tuple[dict[str, Any], pl.DataFrame]:
    """Read ablation.json and grades.jsonl of a folder.

    Raises AblationError where one is missing or cannot be read.
    """
    return _ablation(out), _grades(out / GRADES)


def _ablation(out: Path) -> dict[str, Any]:
    try:
        found = json.loads((out / ABLATION).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AblationError(f"{out} is not an ablation's folder: it has no {ABLATION}") from None
    except ValueError as error:
        raise AblationError(f"{out / ABLATION} is not JSON: {error}") from None
    lacking = [key for key in ("name", "against", "arms") if key not in found]
    if lacking:
        raise AblationError(f"{out / ABLATION} lacks {' and '.join(lacking)}")
    return dict(found)


def _grades(file: Path) -> pl.DataFrame:
    try:
        return pl.read_ndjson(file, schema=COLUMNS)
    except FileNotFoundError:
        raise AblationError(f"{file} is missing: there are no grades to report") from None
    except pl.exceptions.NoDataError:
        return pl.DataFrame(schema=COLUMNS)
    except (pl.exceptions.PolarsError, UnicodeDecodeError):
        raise AblationError(f"{file}:{_broken(file)} is not a grade: a line is one JSON object") from None


def _broken(file: Path) -> int:
    """Find the first line that is no grade."""
    lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
    for i, line in enumerate(lines, start=1):
        try:
            pl.DataFrame([json.loads(line)] if line.strip() else [], schema=COLUMNS)
        except (ValueError, TypeError, pl.exceptions.PolarsError):
            return i
    return len(lines)
