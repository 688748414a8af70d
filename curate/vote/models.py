"""Whose answers are compared: files of answers, the models in them, and what of them cannot be voted on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from curate.errors import UserError

# Names that say what a file is, not whose: there the folder is the name.
_PLAIN = {"answers", "grades"}
_SCHEMA = {
    "model": pl.String(),
    "id": pl.String(),
    "prompt": pl.String(),
    "sample": pl.Int64(),
    "response": pl.String(),
}


class VoteError(UserError):
    """Say in one sentence why there is no vote or no result, and what would be right."""


def read_answers(files: Sequence[str | Path]) -> tuple[pl.DataFrame, dict[str, int]]:
    """Read answers: a row each with `model`, `id`, `prompt`, `sample`, `response`; and what was left out, counted.

    A file is `answers.jsonl` as `curate answer` writes it, or `grades.jsonl` of an ablation. It holds one model, or one
    for every `arm` and `checkpoint` in it. Its model is called as the file is, or as its folder where the file's name
    says nothing; `NAME=FILE` calls it otherwise.

    Raises VoteError naming the line that is no answer, or the name that two files share.
    """
    rows: dict[tuple[str, str, int], dict[str, Any]] = {}
    left_out: Counter[str] = Counter()
    taken: dict[str, Path] = {}
    for given in files:
        name, file = _named(str(given))
        if name in taken:
            raise VoteError(f"{taken[name]} and {file} would both be called {name}: name them, as NAME={file}")
        taken[name] = file
        for number, line in enumerate(_lines(file), 1):
            row, why = _answer(line, name, f"{file}, line {number}")
            if row and rows.setdefault((row["model"], row["id"], row["sample"]), row) is not row:
                why = "another answer of this model, prompt and sample"  # of another training seed
            left_out[why] += bool(why)
    return pl.DataFrame(list(rows.values()), schema=_SCHEMA), dict(+left_out)


def _named(given: str) -> tuple[str, Path]:
    name, equals, path = given.partition("=")
    if equals and not Path(given).is_file():
        return name, Path(path)
    file = Path(given)
    return (file.resolve().parent.name if file.stem in _PLAIN else file.stem), file


def _lines(file: Path) -> list[str]:
    try:
        return [line for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]
    except (OSError, ValueError) as error:
        raise VoteError(f"the answers {file} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _answer(line: str, name: str, where: str) -> tuple[dict[str, Any] | None, str]:
    """Read a line: the answer, or why it cannot be voted on."""
    try:
        row = json.loads(line)
        prompt, response = row["prompt"], row["response"]
        if not isinstance(prompt, str) or not isinstance(response, str | None):
            raise TypeError
    except (ValueError, KeyError, TypeError):
        raise VoteError(f"{where} is no answer: a JSON object with `id`, `prompt`, `response` was expected") from None
    if response is None:
        return None, "no answer"
    if row.get("turn") is not None:
        return None, "a turn of a dialogue"
    model = " ".join([name, *(str(row[key]) for key in ("arm", "checkpoint") if row.get(key))])
    who = {"model": model, "id": str(row.get("id", prompt)), "sample": int(row.get("sample") or 0)}
    return who | {"prompt": prompt, "response": response}, ""
