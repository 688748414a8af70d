"""More rows than memory holds: `python -m benchmarks.large --rows 50000000`, one line of figures for each choice.

Rows are made on the fly, a tenth of their prompts twice. Each run is a process of its own: exact duplicates go (for
`near` near ones, among prompts of 8 words or so), a sample of 100,000 rows stays, and the ledger has all rows. Printed
are CPU seconds, wall seconds and peak memory.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.rowpass import METER, ROOT

EXACT = "exact_duplicates: {column: prompt}"
# What a choice's source says of its sample, and the step for all rows.
CHOICES = {
    "random": ("", EXACT),
    "domains": ("    sample: {by: domain, domain_temperature: 3, prefer: score}\n", EXACT),
    "near": ("", "near_duplicates: {column: words}"),
}
# A source of the user's own: `rows` rows in parts of a million, each part read in batches.
SOURCE = '''
import polars as pl
from curate.rows import Batch, Part

def made(*, rows: int) -> list[Part]:
    """Make rows with short prompts, of which each tenth stands in another row too."""
    parts = range(-(-rows // 10**6))
    return [Part(f"{i:05}", (), lambda size, i=i: _part(i, min(rows - i * 10**6, 10**6), size)) for i in parts]

def _part(part: int, rows: int, size: int):
    for start in range(part * 10**6, part * 10**6 + rows, size):
        i = pl.int_range(start, min(start + size, part * 10**6 + rows), eager=True).alias("i")
        # Row 10k asks what row 5k asks.
        of = pl.when(i % 10 == 0).then(i // 2).otherwise(i)
        # A row that asks the same says its last word otherwise.
        words = [(of * prime // 997 % 9973).cast(pl.String) for prime in (7, 7919, 104729, 1299709, 15485863, 32452843)]
        words = pl.concat_str([pl.lit("Which of"), *words, (i % 5).cast(pl.String)], separator=" w")
        yield Batch(pl.select(
            prompt=pl.format("How many are {}?", of), words=words, response=pl.format("{} of them", i),
            domain=pl.format("d{}", i * 7919 % 997 % 97), score=(i * 104729 % 1009).cast(pl.Float64)))
'''
RECIPE = """
name: large
size: {size}
sources:
  numbers:
    read: {{rows_made:made: {{rows: {rows}}}}}
{sample}steps:
  - select: {{{step}}}
"""
RUN = """
from curate.cli import main
main(["run", "large.yaml", "--out", "out/large", "--batch-rows", "100000"], standalone_mode=False)
print(0)
"""


def write(rows: int, choice: str, size: int, folder: Path) -> None:
    """Write the recipe, and the source beside it, into a folder."""
    folder.mkdir(exist_ok=True)
    (folder / "rows_made.py").write_text(SOURCE)
    sample, step = CHOICES[choice]
    (folder / "large.yaml").write_text(RECIPE.format(rows=rows, size=size, sample=sample, step=step))


def measure(rows: int, choice: str, size: int, folder: Path) -> dict[str, float]:
    """Run the recipe in a folder and in a process of its own; give what it took."""
    write(rows, choice, size, folder)
    env = os.environ | {"PYTHONPATH": str(ROOT), "CURATE_DATA": str(folder)}
    command = [sys.executable, "-c", METER, sys.executable, "-c", RUN]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.strip())
    cpu, wall, peak, _ = map(float, done.stdout.split())
    manifest = json.loads((folder / "out/large/manifest.json").read_text())
    assert manifest["counts"]["numbers"]["read"] == rows and manifest["counts"]["numbers"]["kept"] == size
    return {"cpu": cpu, "wall": wall, "peak_mb": peak}


def main() -> None:
    """Measure each choice at each number of rows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=[5_000_000])
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--choices", nargs="+", choices=CHOICES, default=list(CHOICES))
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    for choice in asked.choices:
        for rows in asked.rows:
            with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
                figures = measure(rows, choice, asked.size, Path(folder))
            each = (
                f"{figures['peak_mb'] * 2**20 / rows:.0f} bytes a row, {figures['cpu'] / rows * 1e6:.1f} CPU µs a row"
            )
            print(f"{choice} {rows:,} rows:", *(f"{k} {v:,.1f}" for k, v in figures.items()), each, flush=True)


if __name__ == "__main__":
    main()
