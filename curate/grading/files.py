"""Files of answers: what `curate answer` writes, and what other programs do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from curate.answer import SCHEMA
from curate.grading.schema import GradesError, read_rows
from curate.prompts import PromptsError, prompt_of
from curate.rows import with_ids

# Names that say what a file is, not whose: there the folder is the name.
_PLAIN = {"answers", "grades"}
_ANSWERS = {"arm": pl.String(), "seed": pl.Int64(), **SCHEMA}
_ASKED = ("prompt", "system", "history")


def read_answers(files: Sequence[str | Path]) -> pl.DataFrame:
    """Read files of answers: `curate.answer.SCHEMA`, with `arm` (who answered) and `seed` (of a training, or null).

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
        tables.append(_read(file, name))
    return pl.concat(tables)


def _named(given: str) -> tuple[str, Path]:
    name, equals, path = given.partition("=")
    if equals and not Path(given).is_file():
        return name, Path(path)
    file = Path(given)
    return (file.resolve().parent.name if file.stem in _PLAIN else file.stem), file


def _read(file: Path, name: str) -> pl.DataFrame:
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
