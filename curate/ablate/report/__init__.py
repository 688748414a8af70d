"""The report of an ablation: its answer in plain words, the numbers behind it, and one page with both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from curate.ablate.report.cautions import cautions
from curate.ablate.report.numbers import ABLATION, GRADES, PAGE, RESULTS, AblationError, read, results
from curate.ablate.report.page import ablation_page
from curate.ablate.report.screen import show
from curate.ablate.report.sentences import sentences
from curate.folders import claim, hold, put_text, written

__all__ = ["ABLATION", "GRADES", "PAGE", "RESULTS", "AblationError", "recompute", "show", "write"]


def write(out: Path) -> dict[str, Any]:
    """Write results.json and report.html of an ablation's folder, each whole, and return the results.

    Raises AblationError where ablation.json or grades.jsonl is missing or cannot be read.
    """
    ablation, grades = read(out)
    derived = _derive(ablation, grades)
    claim(out, "ablate", (PAGE,))
    hold(out, "ablate", {RESULTS} & written(out, "ablate"))  # `recompute` lists what differs there
    put_text(out, "ablate", RESULTS, json.dumps(derived, indent=1, ensure_ascii=False) + "\n")
    put_text(out, "ablate", PAGE, ablation_page(ablation, derived, out))
    return derived


def recompute(out: Path) -> list[str]:
    """Derive all numbers anew from grades.jsonl and list what results.json says otherwise; nothing where all is equal.

    Raises AblationError where a file is missing or cannot be read.
    """
    try:
        stored = json.loads((out / RESULTS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AblationError(f"{out} has no {RESULTS} to compare with: write the report first") from None
    except ValueError as error:
        raise AblationError(f"{out / RESULTS} is not JSON: {error}") from None
    # As the file has it: what JSON does not tell apart is no difference.
    return differing(stored, json.loads(json.dumps(_derive(*read(out)))))


def differing(stored: Any, derived: Any, at: str = "") -> list[str]:
    """List the places where two nested values differ; numbers that agree to nine digits are equal.

    >>> differing({"arms": [{"mean": 1.0}]}, {"arms": [{"mean": 1.5}]})
    ['arms[0].mean is 1.0, and 1.5 by the grades']
    """
    if isinstance(stored, dict) and isinstance(derived, dict):
        keys = [*stored, *(key for key in derived if key not in stored)]
        pairs = [(f"{at}.{key}".lstrip("."), stored.get(key), derived.get(key)) for key in keys]
    elif isinstance(stored, list) and isinstance(derived, list) and len(stored) == len(derived):
        pairs = [(f"{at}[{i}]", a, b) for i, (a, b) in enumerate(zip(stored, derived, strict=True))]
    else:
        return [] if _same(stored, derived) else [f"{at} is {stored!r}, and {derived!r} by the grades"]
    return [line for place, a, b in pairs for line in differing(a, b, place)]


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, int | float):
        return abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1.0)
    return bool(a == b)


def _derive(ablation: dict[str, Any], grades: pl.DataFrame) -> dict[str, Any]:
    derived = results(ablation, grades)
    return {**derived, "sentences": sentences(ablation, derived), "warnings": cautions(ablation, grades, derived)}
