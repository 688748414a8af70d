"""Grades and comparisons as tables, and as JSON lines: what is in them, wherever they come from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from curate.cache import write_whole
from curate.errors import UserError
from curate.evaluate.answers import SCHEMA
from curate.evaluate.prompts import PromptsError, prompt_of, rows_of
from curate.rows import with_ids

# A line is a graded answer. `parts` is JSON text in a table and an object in a file.
GRADES: Mapping[str, Any] = {
    "arm": pl.String(),  # whose answer it is: an arm of an ablation, or a file
    "seed": pl.Int64(),  # of the training
    "id": pl.String(),  # of the prompt, or of the dialogue
    "prompt": pl.String(),
    "sample": pl.Int64(),
    "turn": pl.Int64(),  # of a dialogue, from 0; null for a prompt by itself
    "response": pl.String(),
    "tokens": pl.Int64(),
    "finish_reason": pl.String(),
    "failed": pl.String(),  # why there is no answer
    "checkpoint": pl.String(),
    "epoch": pl.Float64(),
    "score": pl.Float64(),
    "parts": pl.String(),
    "why": pl.String(),  # why there is no score
    "judge": pl.String(),
}
# A line is a pair of answers to one prompt, seen in both orders. Verdicts are `a`, `b` or `tie`.
COMPARISONS: Mapping[str, Any] = {
    "id": pl.String(),
    "prompt": pl.String(),
    "sample": pl.Int64(),
    "turn": pl.Int64(),
    "a": pl.String(),  # the names of those that answered
    "b": pl.String(),
    "response_a": pl.String(),
    "response_b": pl.String(),
    "tokens_a": pl.Int64(),
    "tokens_b": pl.Int64(),
    "first": pl.String(),  # the verdict where a stood first
    "second": pl.String(),  # the verdict where b stood first
    "verdict": pl.String(),  # theirs; a tie where they disagree
    "flipped": pl.Boolean(),  # whether they disagree
    "why": pl.String(),  # why there is no verdict
    "judge": pl.String(),
}


class GradesError(UserError):
    """Say in words why a file holds no grades, or no answers to grade, and what would be right."""


def shaped(rows: pl.DataFrame, schema: Mapping[str, Any]) -> pl.DataFrame:
    """Give a table the columns of a schema, in its order; those that are not there are null.

    >>> shaped(pl.DataFrame({"id": ["1"], "more": [0]}), {"id": pl.String(), "turn": pl.Int64()}).to_dicts()
    [{'id': '1', 'turn': None}]
    """
    columns = [
        pl.col(name).cast(kind) if name in rows.columns else pl.lit(None, kind).alias(name)
        for name, kind in schema.items()
    ]
    return rows.select(columns)


def write_lines(rows: pl.DataFrame, file: Path) -> Path:
    """Write grades or comparisons as JSON lines; the file appears whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for row in rows.iter_rows(named=True):
        if row.get("parts") is not None:
            row["parts"] = json.loads(row["parts"])
        lines.append(f"{json.dumps(row, ensure_ascii=False)}\n")
    return write_whole(file, "".join(lines))


def read_grades(file: Path) -> pl.DataFrame:
    """Read grades.jsonl; raise GradesError where it holds something else."""
    return _read(file, GRADES, ["id", "score"], "grades")


def read_comparisons(file: Path) -> pl.DataFrame:
    """Read comparisons.jsonl; raise GradesError where it holds something else."""
    return _read(file, COMPARISONS, ["id", "verdict"], "comparisons")


def read_rows(file: Path) -> list[dict[str, Any]]:
    """Read the objects of a .jsonl or .parquet file, or of a JSON list; raise GradesError where there are none."""
    try:
        rows = rows_of(file)
    except PromptsError as error:
        raise GradesError(str(error)) from None
    if not rows:
        raise GradesError(f"{file} is empty")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise GradesError(f"{file}: row {number} is no object")
    return rows


def _read(file: Path, schema: Mapping[str, Any], needed: list[str], what: str) -> pl.DataFrame:
    rows = read_rows(file)
    for number, row in enumerate(rows, 1):
        if missing := [name for name in needed if name not in row]:
            raise GradesError(f"{file} holds no {what}: row {number} has no `{missing[0]}`")
        if isinstance(row.get("parts"), dict):
            row["parts"] = json.dumps(row["parts"])
    try:
        return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=dict(schema))
    except (TypeError, pl.exceptions.PolarsError) as error:
        raise GradesError(f"{file} holds no {what}: {str(error).splitlines()[0]}") from None


# Names that say what a file is, not whose: there the folder is the name.
_PLAIN = {"answers", "grades"}
_ANSWERS = {"arm": pl.String(), "seed": pl.Int64(), **SCHEMA}
_ASKED = ("prompt", "system", "history")


def read_answers(files: Sequence[str | Path]) -> pl.DataFrame:
    """Read files of answers: `curate.evaluate.answers.SCHEMA`, with `arm` (who answered) and `seed` (of a training).

    A row holds `prompt` (a text, or turns) and `response`, or `failed`, the reason why there is none; `id`, `sample`,
    `turn`, `system`, `history`, `tokens` and `finish_reason` where they are known. Without an id it gets the hash of
    what was asked; without a sample it is counted. Who answered is called as the file is, or as its folder where the
    file is called `answers` or `grades`; `NAME=FILE` calls it otherwise; an `arm` or `checkpoint` of a row is added.

    Raises GradesError naming the row that is no answer, or the name that two files share.
    """
    found: dict[str, Path] = {}
    tables = []
    for given in files:
        name, file = _named(str(given))
        if name in found:
            raise GradesError(f"{found[name]} and {file} would both be called {name}: name them, as NAME={file}")
        found[name] = file
        tables.append(_read_answer(file, name))
    return pl.concat(tables)


def _named(given: str) -> tuple[str, Path]:
    name, equals, path = given.partition("=")
    if equals and not Path(given).is_file():
        return name, Path(path)
    file = Path(given)
    return (file.resolve().parent.name if file.stem in _PLAIN else file.stem), file


def _read_answer(file: Path, name: str) -> pl.DataFrame:
    rows = [_answer(file, number, row, name) for number, row in enumerate(read_rows(file), 1)]
    asked = with_ids(pl.DataFrame([{key: row[key] for key in _ASKED} for row in rows], {k: SCHEMA[k] for k in _ASKED}))
    times: Counter[tuple[Any, ...]] = Counter()
    for row, hashed in zip(rows, asked["id"], strict=True):
        row["id"] = hashed if row["id"] is None else str(row["id"])
        who = tuple(row[key] for key in ("arm", "seed", "id", "turn"))
        row["sample"] = times[who] if row["sample"] is None else row["sample"]
        times[who] += 1
    try:
        return pl.DataFrame([{key: row.get(key) for key in _ANSWERS} for row in rows], schema=_ANSWERS)
    except (TypeError, pl.exceptions.PolarsError) as error:
        raise GradesError(f"{file} holds something else than answers: {str(error).splitlines()[0]}") from None


def _answer(file: Path, number: int, row: Mapping[str, Any], name: str) -> dict[str, Any]:
    try:
        asked = prompt_of(file, number, row)
    except PromptsError as error:
        raise GradesError(str(error)) from None
    response, failed = row.get("response"), row.get("failed")
    if "response" not in row or not isinstance(response, str | None):
        raise GradesError(f"{file}: row {number} is no answer: it has to hold `prompt` and `response`, a text")
    if row.get("turn") and not asked["history"]:
        raise GradesError(
            f"{file}: row {number} is turn {row['turn']} of a dialogue, without `history`, what was before it"
        )
    if response is None and failed is None:
        failed = "the file has none"
    arm = " ".join([name, *(str(row[key]) for key in ("arm", "checkpoint") if row.get(key))])
    known = {key: row.get(key) for key in _ANSWERS} | {key: asked[key] for key in _ASKED}
    return known | {"arm": arm, "seed": row.get("seed") or 0, "response": response, "failed": failed}
