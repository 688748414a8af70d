"""Prompts and dialogues to be answered: from an output folder or a file, whole, each with an id."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from curate.errors import UserError
from curate.rows import with_ids
from curate.turns import TURNS, Turn, turn


class PromptsError(UserError):
    """Say in words why there are no prompts, and what would be right."""


def prompts_file(path: Path) -> Path:
    """Find the prompts: the file itself, or in an output folder those of dev, else of test.

    Raises PromptsError where there are none.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        raise PromptsError(f"there are no prompts {path}: name an output folder, a .jsonl or a .parquet file")
    file = held_out(path)
    if file is None:
        raise PromptsError(
            f"the folder {path} holds no dev prompts: give its recipe `output: {{dev: …}}`, or name a file of prompts"
        )
    return file


def held_out(folder: Path) -> Path | None:
    """Find the prompts that an output folder holds out: those of dev, else of test."""
    # The table has a row's own columns; the lines of a hold-out are in the format of its set.
    files = (folder / f"{name}.{kind}" for name in ("dev", "test_prompts") for kind in ("parquet", "jsonl"))
    return next((file for file in files if file.is_file()), None)


def read_prompts(path: Path, limit: int | None = None) -> pl.DataFrame:
    """Read prompts: `id`, `prompt`, and `system` and `history` where there are any.

    A prompt may be a text or turns. Rows without an id of their own get the hash of what they hold; a row that is there
    twice is asked once. Raise PromptsError naming the line that is no prompt.
    """
    file = prompts_file(path)
    texts = dict.fromkeys(["own", "prompt", "prompt_name", "system", "tools"], pl.String())
    schema = {**texts, "history": TURNS}
    rows = pl.DataFrame([prompt_of(file, i, row) for i, row in enumerate(rows_of(file), 1)], schema=schema)
    if rows.is_empty():
        raise PromptsError(f"{file} holds no prompts")
    rows = identified(rows)
    return rows.select(c for c in rows.columns if rows[c].null_count() < rows.height).head(limit or rows.height)


def read_dialogues(file: Path, limit: int | None = None) -> pl.DataFrame:
    """Read dialogues: `id`, `turns` (the user's, at least one), `system`; one that is there twice is asked once.

    A row without an id of its own gets the hash of what it holds. Raise PromptsError naming the row that is none.
    """
    schema = {"own": pl.String(), "turns": pl.List(pl.String()), "system": pl.String()}
    rows = pl.DataFrame([_dialogue(file, i, row) for i, row in enumerate(rows_of(file), 1)], schema=schema)
    if rows.is_empty():
        raise PromptsError(f"{file} holds no dialogues")
    return identified(rows).head(limit or rows.height)


def identified(rows: pl.DataFrame) -> pl.DataFrame:
    """Give each row its `own` id, or the hash of what it holds where it has none, or an earlier row has the same.

    A row that is there twice, id and all, stays once.

    >>> rows = pl.DataFrame({"own": ["1", "1", "1", None], "prompt": ["Why?", "How?", "Why?", "Who?"]})
    >>> identified(rows).select("prompt", own=pl.col("id").str.len_chars() == 1).rows()
    [('Why?', True), ('How?', False), ('Who?', False)]
    """
    by_content = with_ids(rows.drop("own")).with_columns(own=rows["own"])
    once = by_content.unique(["own", "id"], keep="first", maintain_order=True)
    own = pl.when(pl.col("own").is_first_distinct()).then("own")
    return once.with_columns(id=pl.coalesce(own, "id")).drop("own").unique("id", keep="first", maintain_order=True)


def rows_of(file: Path) -> list[Any]:
    """Read what a .parquet file holds, a .jsonl file, or a JSON list; raise PromptsError naming the line that is none.

    Whether its rows are objects, and what they hold, is for the caller to see.
    """
    try:
        if file.suffix == ".parquet":
            return pl.read_parquet(file).to_dicts()
        text = file.read_text(encoding="utf-8")
        if text.lstrip().startswith("["):
            return list(json.loads(text))
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise PromptsError(f"{file} cannot be read: {str(error).splitlines()[0]}") from None
    # Not splitlines, which would cut at marks that may stand inside a text.
    return [_row(file, number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _row(file: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise PromptsError(f"{file}, line {number}, is no JSON: {error}") from None


def prompt_of(file: Path, number: int, row: Any) -> dict[str, Any]:
    """Take what a row asks; raise PromptsError where it asks nothing.

    That is `own` (its id, where it has one), `prompt`, `system`, `history`, `prompt_name`, `tools`.
    """
    row = row if isinstance(row, dict) else {}
    prompt, before, system = row.get("prompt"), row.get("history") or [], row.get("system")
    name = row.get("prompt_name")
    if isinstance(prompt, list) and prompt and all(isinstance(t, dict) and "role" in t for t in prompt):
        *before, last = prompt
        system = before.pop(0).get("content") if before and before[0]["role"] == "system" else system
        prompt, name = (last.get("content"), last.get("name")) if last["role"] == "user" else (None, None)
    if not isinstance(prompt, str) or not prompt.strip():
        raise PromptsError(
            f"{file}: row {number} has no prompt: it has to hold `prompt`, a text or turns that end with the user's"
        )
    before = [turn_of(t) for t in before]
    more = {"prompt_name": name, "tools": _tools(row.get("tools"))}
    return {"own": _own(row), "prompt": prompt, "system": system, "history": before or None} | more


def turn_of(message: Mapping[str, Any]) -> Turn:
    """Read a turn from a message, as files hold it and as rows do.

    >>> call = {"id": "1", "type": "function", "function": {"name": "add", "arguments": {"a": 2}}}
    >>> turn_of({"role": "assistant", "tool_calls": [call]})["tool_calls"]
    [{'id': '1', 'name': 'add', 'arguments': '{"a": 2}'}]
    """
    calls = [_call(call) for call in message.get("tool_calls") or []]
    content = message.get("content")
    thinking = message.get("thinking") or message.get("reasoning_content")
    names = {name: message.get(name) for name in ("tool_call_id", "name")}
    content = None if content is None else str(content)
    return turn(str(message["role"]), content, thinking=thinking, tool_calls=calls, **names)


def _call(call: Mapping[str, Any]) -> Turn:
    function = call.get("function") or call
    arguments = function.get("arguments")
    written = arguments if isinstance(arguments, str | None) else json.dumps(arguments, ensure_ascii=False)
    return {"id": call.get("id"), "name": function.get("name"), "arguments": written}


def _tools(tools: Any) -> str | None:
    return tools if isinstance(tools, str | None) else json.dumps(tools, ensure_ascii=False)


def _dialogue(file: Path, number: int, row: Any) -> dict[str, Any]:
    turns = row.get("turns") if isinstance(row, dict) else None
    if not isinstance(turns, list) or not turns or not all(isinstance(t, str) and t.strip() for t in turns):
        raise PromptsError(f"{file}: row {number} is no dialogue: it has to hold `turns`, a list of what the user says")
    return {"own": _own(row), "turns": turns, "system": row.get("system")}


def _own(row: dict[str, Any]) -> str | None:
    return None if row.get("id") is None else str(row["id"])
