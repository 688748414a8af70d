"""`curate -v`: what is read, reused and built, on standard error; nothing of it without."""

from __future__ import annotations

import json
import logging

import pytest
from click.testing import CliRunner

from curate.cli import main

pytestmark = pytest.mark.slow


def test_verbose_says_what_is_read_reused_and_built(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CURATE_DATA", str(tmp_path))
    (tmp_path / "a.jsonl").write_text(json.dumps({"prompt": "Why?", "response": "Because."}) + "\n")
    (tmp_path / "own.py").write_text(
        "def any_text(column='response'):\n    import polars as pl\n    return pl.lit(True)\n"
    )
    (tmp_path / "r.yaml").write_text(
        "name: r\nsources: {a: {read: {jsonl: {path: a.jsonl}}, steps: [keep: {'own:any_text': {}}]}}\n"
    )
    first, again, silent = (CliRunner().invoke(main, args) for args in (["-v", "run", "r.yaml"], ["--verbose", "run", "r.yaml"], ["run", "r.yaml"]))  # fmt: skip
    assert [done.exit_code for done in (first, again, silent)] == [0, 0, 0]
    for line in ("r.yaml: 1 sources", "own.py is imported for 'own:any_text'", "is built"):
        assert line in first.stderr
    assert "is reused" in again.stderr and "is built" not in again.stderr
    assert silent.stderr == ""
    assert first.stdout.splitlines()[:-1] == silent.stdout.splitlines()[:-1]
    assert not logging.getLogger("curate").handlers
