"""Rows and rules that every host is given, and what this library alone makes of them."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest

from curate import drop, edit, keep
from curate.filters import first_person, html_to_markdown, length

TEXTS = [
    "short",
    "long enough <code>x</code>",
    None,
    "I say so, and at some length",
    "",
    "It is <b>so</b>: ünïcode",
] * 3
KEEP = {"length": {"column": "text", "min": 6}}
DROP = {"first_person": {"column": "text"}}
EDIT = {"html_to_markdown": {"column": "text"}}
SELECTOR = {"farthest": {"n": 3, "column": "text"}}
REFUSED = "'farthest' is a selector, which sees the whole pool"

REASONS = {"length": 6, "length: no value to judge": 3}  # of KEEP alone, on all rows


def rows() -> list[dict[str, Any]]:
    return [{"n": n, "text": text} for n, text in enumerate(TEXTS)]


def expected() -> dict[int, str]:
    """Keep rows with this library alone; a function, as a script that forks must not ask polars before."""
    edited = edit(pl.DataFrame(rows()), html_to_markdown("text"))
    kept = drop(keep(edited, length("text", min=6)), first_person("text"))
    return dict(zip(kept["n"].to_list(), kept["text"].to_list(), strict=True))


def failed_doctests(module: ModuleType) -> int:
    result = doctest.testmod(module)
    assert result.attempted
    return result.failed


def run_script(folder: Path, script: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Run a script as a user does, in a process of its own that finds this checkout."""
    file = folder / "script.py"
    file.write_text(script, encoding="utf-8")
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, str(file), *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=folder, env=env)


def page(title: str) -> str:
    """Take the block of a section out of docs/pipelines.md."""
    text = (Path(__file__).parents[2] / "docs" / "pipelines.md").read_text(encoding="utf-8")
    [section] = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    [block] = re.findall(r"```\w+\n(.*?)```", section, re.DOTALL)
    return block


def run_page(title: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the block of a section, which is Python, in a folder."""
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    exec(compile(page(title), "pipelines.md", "exec"), names)
    return names
