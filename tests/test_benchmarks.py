"""One small round of `python -m benchmarks`: the page has every table, and the ways keep nearly the same rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from benchmarks import texts
from tests.test_layout import ROOT


@pytest.mark.slow
def test_one_command_makes_the_page(tmp_path):
    page = tmp_path / "page.md"
    arguments = ["--parts", "passes", "speed", "hostile", "pool", "--rows", "300", "--runs", "1", "--limit", "20"]
    arguments += ["--ways", "floor", "polars", "curate", "--filters", "length", "first_person: why", "domains"]
    arguments += ["--size", "2000", "--hostile-size", "2000", "--prompts", "500"]
    command = [sys.executable, "-m", "benchmarks", *arguments, "--out", str(page), "--build", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"CURATE_DATA": "none"})
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == page.read_text(encoding="utf-8").strip()
    for heading in ("The whole way", "Each filter", "Hostile texts", "Selectors"):
        assert f"## {heading}" in done.stdout
    records = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))["passes"]
    kept = {(r["input"], r["way"]): r.get("kept", r.get("error")) for r in records}
    assert kept["7z", "polars"] == "reads no dumps"
    assert kept["Parquet", "curate"] == kept["JSONL", "curate"] == kept["7z", "curate"] > 0
    assert kept["Parquet", "polars"] == kept["JSONL", "polars"] > 0
    assert "failed" not in done.stdout


def test_hostile_texts_are_different_and_about_as_long_as_asked():
    hostile = texts.hostile(10_000)
    assert len(set(hostile.values())) == len(hostile) > 150
    assert all(3_000 < len(text.encode()) < 15_000 for text in hostile.values())
