"""Gold sets: pairs of answers of which people said which is better, to measure a judge on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from curate.evaluate.grades.files import COMPARISONS, GradesError, read_rows, shaped
from curate.evaluate.prompts import PromptsError, prompt_of
from curate.rows import TURNS, with_ids

NAMES = ("first", "second")
_GOLD = {
    "prompt": pl.String(),
    "system": pl.String(),
    "history": TURNS,
    "first": pl.String(),
    "second": pl.String(),
    "label": pl.String(),
}
# LLMBar's names for the same (arXiv 2310.07641).
_OTHER = {"input": "prompt", "output_1": "first", "output_2": "second"}
_LABELS: Mapping[Any, str] = {"first": "a", "second": "b", "tie": "tie", 1: "a", 2: "b", "1": "a", "2": "b"}


def read_gold(file: Path) -> pl.DataFrame:
    """Read a gold set: `id`, `prompt`, `system`, `history`, `first`, `second` and `label` (`a`, `b` or `tie`).

    A row holds `prompt` (a text, or turns), `first` and `second` (the answers), and `label`: first, second or tie.
    LLMBar's own form (`input`, `output_1`, `output_2`, `label` 1 or 2) is read too. Raise GradesError naming the row
    that is none.
    """
    rows = [_row(file, number, row) for number, row in enumerate(read_rows(file), 1)]
    own = [row.pop("own") for row in rows]
    named = with_ids(pl.DataFrame(rows, schema=_GOLD)).with_columns(own=pl.Series(own, dtype=pl.String))
    return named.with_columns(id=pl.coalesce("own", "id")).drop("own").unique("id", keep="first", maintain_order=True)


def sides(gold: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split a gold set into the answers of its two sides, for `pairwise`."""
    first, second = (
        gold.select("id", "prompt", "system", "history", pl.col(name).alias("response")).with_columns(sample=pl.lit(0))
        for name in NAMES
    )
    return first, second


def as_comparisons(gold: pl.DataFrame) -> pl.DataFrame:
    """Write a gold set as comparisons, whose judge is `gold`: for `agree`."""
    named = gold.rename({"first": "response_a", "second": "response_b", "label": "verdict"})
    constant = {"sample": 0, "a": NAMES[0], "b": NAMES[1], "judge": "gold"}
    return shaped(named.with_columns(pl.lit(value).alias(name) for name, value in constant.items()), COMPARISONS)


def _row(file: Path, number: int, row: dict[str, Any]) -> dict[str, Any]:
    row = {_OTHER.get(name, name): value for name, value in row.items()}
    try:
        asked = prompt_of(file, number, row)
    except PromptsError as error:
        raise GradesError(str(error)) from None
    for name in NAMES:
        if not isinstance(row.get(name), str):
            raise GradesError(f"{file}: row {number} has no `{name}`: a gold row holds prompt, first, second and label")
    label = row.get("label")
    if isinstance(label, bool) or not isinstance(label, str | int) or label not in _LABELS:
        raise GradesError(f"{file}: row {number}: label is first, second or tie, not {label!r}")
    return {**asked, **{name: row[name] for name in NAMES}, "label": _LABELS[label]}
