"""What a set is like, in the numbers that tell arms apart: rows, lengths, diversity, near-duplicates."""

from __future__ import annotations

import hashlib
from typing import Any

import polars as pl

from curate.errors import UserError

PROPERTIES = "set.json"


def properties(rows: pl.DataFrame, manifest: dict[str, Any]) -> dict[str, Any]:
    """Take down the properties of a set; what cannot be measured here is null, and `why` says why.

    `diversity` is the Vendi score of the prompts' embeddings (Friedman and Dieng 2022, arXiv 2210.02410),
    `near_duplicates` the share of rows whose prompt is nearly that of another row. Lengths are means in characters; an
    answer is the chosen one where there are two.
    """
    answer = "response" if "response" in rows.columns else "chosen"
    why: dict[str, str] = {}
    return {
        "rows": rows.height,
        "prompt_chars": _chars(rows, "prompt"),
        "response_chars": _chars(rows, answer),
        "response_tokens": None,  # the training counts them, with the model's own tokenizer
        "diversity": _measured("diversity", _vendi, rows, why),
        "near_duplicates": _measured("near_duplicates", _near, rows, why),
        "sources": {row["source"]: row["taken"] for row in manifest["table"] if row["taken"]},
        "ids_sha256": hashlib.sha256("\n".join(rows["id"].sort()).encode()).hexdigest(),
        "generator_models": sorted({told["model"] for told in manifest["generators"].values()}),
        "why": why,
    }


def _chars(rows: pl.DataFrame, column: str) -> float | None:
    if column not in rows.columns or not rows.height:
        return None
    return round(float(rows.select(pl.col(column).str.len_chars().mean()).item() or 0), 1)


def _measured(name: str, measure: Any, rows: pl.DataFrame, why: dict[str, str]) -> float | None:
    try:
        return round(float(measure(rows)), 4)
    except (UserError, ValueError) as error:
        why[name] = str(error)
        return None


def _vendi(rows: pl.DataFrame) -> float:
    from curate.models.embeddings import embedded
    from curate.report.diversity import vendi

    return vendi(embedded(rows["prompt"]).vectors)


def _near(rows: pl.DataFrame) -> float:
    from curate.filters import near_duplicates

    found = near_duplicates(rows, column="prompt", prefer=None)
    return 1 - float(found.kept.sum()) / rows.height
