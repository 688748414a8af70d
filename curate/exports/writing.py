"""What an export writes: rows as JSON lines, and a config with what it could not say in its comments."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from curate.exports.asked import Asked, ExportError, Stage
from curate.formats import records
from curate.ownership import put_text

BY = "export"
Say = Callable[[str], None]


def read(out: Path) -> tuple[pl.DataFrame, Stage]:
    """Read a finished set; say whether it holds answers or pairs."""
    file = out / "train.parquet"
    if not file.is_file():
        raise ExportError(f"{out} holds no train.parquet: name the folder of a finished run")
    rows = pl.read_parquet(file)
    return rows, "dpo" if "chosen" in rows.columns else "sft"


def rows_of(rows: pl.DataFrame, asked: Asked) -> list[dict[str, Any]]:
    """Give the records to write: those of `messages`, or of `preference`, as many as the config takes."""
    some = rows if asked.rows is None else rows.head(asked.rows)
    if asked.rows is not None:
        asked.said.append(f"rows: the data file holds the first {some.height:,} rows, as the config takes them.")
    try:
        return list(records(some, "messages" if asked.stage == "sft" else "preference"))
    except ValueError as error:
        raise ExportError(str(error)) from None


def write_rows(to: Path, name: str, rows: Iterable[dict[str, Any]]) -> Path:
    """Write records as JSON lines."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return put_text(to, BY, name, text)


def write_json(to: Path, name: str, value: Any) -> Path:
    """Write a JSON file."""
    return put_text(to, BY, name, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_config(
    to: Path, name: str, config: dict[str, Any], asked: Asked, tool: str, run: str, say: Say | None
) -> Path:
    """Write a config with comments above it that say how to run it and what has no counterpart; say the same."""
    lines = [f"For {tool}, written by its documentation: it was not run here.", f"In this folder: {run}", *asked.said]
    if asked.without:
        lines += [f"Without a counterpart in {tool}, so left out:", *(f"  {one}" for one in asked.without)]
    if say:
        for line in lines:
            say(line)
    comments = "".join(f"# {part}\n" for line in lines for part in _wrapped(line))
    return put_text(to, BY, name, comments + yaml.safe_dump(config, sort_keys=False, allow_unicode=True))


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, 116, subsequent_indent="    ", break_long_words=False) or [""]
