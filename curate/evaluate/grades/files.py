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
from curate.evaluate.prompts import PromptsError, prompt_of, rows_of, turn_of
from curate.rows import with_ids
from curate.turns import TURNS, are_turns, lean, whole_turns

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
    whole = [
        whole_turns(rows[name]) for name, kind in schema.items() if kind == TURNS and are_turns(rows.schema.get(name))
    ]
    columns = [
        pl.col(name).cast(kind) if name in rows.columns else pl.lit(None, kind).alias(name)
        for name, kind in schema.items()
    ]
    return rows.with_columns(whole).select(columns)


def write_lines(rows: pl.DataFrame, file: Path) -> Path:
    """Write grades or comparisons as JSON lines; the file appears whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for row in rows.iter_rows(named=True):
        if row.get("parts") is not None:
            row["parts"] = json.loads(row["parts"])
        lines.append(f"{json.dumps(with_lean_turns(row), ensure_ascii=False)}\n")
    return write_whole(file, "".join(lines))


def with_lean_turns(row: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out of the turns in a row what they do not hold."""
    names = [name for name, dtype in SCHEMA.items() if dtype == TURNS and row.get(name)]
    return {**row, **{name: list(map(lean, row[name])) for name in names}}


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


def row_prompt(file: Path, number: int, row: Any) -> dict[str, Any]:
    """Take what a row asks, as `prompt_of` does; raise GradesError where it asks nothing."""
    try:
        return prompt_of(file, number, row)
    except PromptsError as error:
        raise GradesError(str(error)) from None


def _read(file: Path, schema: Mapping[str, Any], needed: list[str], what: str) -> pl.DataFrame:
    rows = read_rows(file)
    for number, row in enumerate(rows, 1):
        if missing := [name for name in needed if name not in row]:
            raise GradesError(f"{file} holds no {what}: row {number} has no `{missing[0]}`")
        if isinstance(row.get("parts"), dict):
            row["parts"] = json.dumps(row["parts"])
    return _table(file, rows, schema, f"no {what}")


def _table(file: Path, rows: list[dict[str, Any]], schema: Mapping[str, Any], wrong: str) -> pl.DataFrame:
    try:
        return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=dict(schema))
    except (TypeError, pl.exceptions.PolarsError) as error:
        raise GradesError(f"{file} holds {wrong}: {str(error).splitlines()[0]}") from None


# Names that say what a file is, not whose: there the folder is the name.
_PLAIN = {"answers", "grades"}
_ANSWERS = {"arm": pl.String(), "seed": pl.Int64(), **SCHEMA}
PROMPT = ("prompt", "system", "history", "prompt_name", "tools")  # what an answer answers


def read_answers(files: Sequence[str | Path]) -> pl.DataFrame:
    """Read files of answers: `curate.evaluate.answers.SCHEMA`, with `arm` (who answered) and `seed` (of a training).

    A row holds `prompt` (a text, or turns) and `response`, or `failed`, the reason why there is none; `id`, `sample`,
    `turn`, `system`, `history`, `tools`, `response_turns` (an answer that is more than a text), `tokens` and
    `finish_reason` where they are known. Without an id it gets the hash of
    what was asked; without a sample it is counted. Who answered is called as the file is, or as its folder where the
    file is called `answers` or `grades`; `NAME=FILE` calls it otherwise; an `arm` or `checkpoint` of a row is added.

    Raises GradesError naming the row that is no answer, or the name that two files share.
    """
    by_name: dict[str, Path] = {}
    for name, file in (_named(str(text)) for text in files):
        if name in by_name:
            raise GradesError(f"{by_name[name]} and {file} would both be called {name}: name them, as NAME={file}")
        by_name[name] = file
    return pl.concat(_read_answers(file, name) for name, file in by_name.items())


def _named(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if equals and not Path(text).is_file():
        return name, Path(path)
    file = Path(text)
    return (file.resolve().parent.name if file.stem in _PLAIN else file.stem), file


def _read_answers(file: Path, name: str) -> pl.DataFrame:
    rows = [_answer(file, number, row, name) for number, row in enumerate(read_rows(file), 1)]
    prompts = pl.DataFrame([{key: row[key] for key in PROMPT} for row in rows], {k: SCHEMA[k] for k in PROMPT})
    samples: Counter[tuple[Any, ...]] = Counter()
    for row, own in zip(rows, with_ids(prompts)["id"], strict=True):
        row["id"] = own if row["id"] is None else str(row["id"])
        who = tuple(row[key] for key in ("arm", "seed", "id", "turn"))
        row["sample"] = samples[who] if row["sample"] is None else row["sample"]
        samples[who] += 1
    return _table(file, rows, _ANSWERS, "something else than answers")


def _answer(file: Path, number: int, row: Mapping[str, Any], name: str) -> dict[str, Any]:
    prompt = row_prompt(file, number, row)
    response, failed = row.get("response"), row.get("failed")
    if "response" not in row or not isinstance(response, str | None):
        raise GradesError(f"{file}: row {number} is no answer: it has to hold `prompt` and `response`, a text")
    if row.get("turn") and not prompt["history"]:
        raise GradesError(
            f"{file}: row {number} is turn {row['turn']} of a dialogue, without `history`, what was before it"
        )
    if response is None and failed is None:
        failed = "the file has none"
    arm = " ".join([name, *(str(row[key]) for key in ("arm", "checkpoint") if row.get(key))])
    columns = {key: row.get(key) for key in _ANSWERS} | {key: prompt[key] for key in PROMPT}
    columns["response_turns"] = [turn_of(one) for one in row.get("response_turns") or []] or None
    return columns | {"arm": arm, "seed": row.get("seed") or 0, "response": response, "failed": failed}
