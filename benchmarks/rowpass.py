"""The row-wise pass against the floor: 200,000 real HTML answers through LIMA's filters, whole processes.

    python -m benchmarks.rowpass [--rows 200000]

The work: strip markup keeping code and lists, strip links, length 1,200 to 4,096, first person, phrases; a ledger with
every verdict, and the rows kept, written. The floor imports polars, reads the file, touches every byte and writes what
is kept.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl

RECIPE = """
name: bench
sources:
  answers:
    read: {parquet: {path: answers.parquet, columns: {prompt: prompt, response: response}}}
    steps:
      - edit: {html_to_markdown: {column: response}}
      - edit: {strip_links: {column: response}}
      - keep: {length: {column: response, min: 1200, max: 4096}}
      - drop: {first_person: {column: response}}
      - drop: {mentions: {column: response, phrases: [as mentioned, stack exchange, other answer]}}
"""
FLOOR = """
import sys, polars as pl
rows = pl.read_parquet(sys.argv[1])
print(rows["response"].str.count_matches("a", literal=True).sum())
rows.head(20_000).write_parquet(sys.argv[2])
"""


def answers(rows: int, to: Path) -> float:
    """Write the dumps' answers, repeated, as a file of that many different rows; return the megabytes of HTML."""
    from curate.sources import stackexchange

    folder = Path(os.environ.get("CURATE_DATA", Path(__file__).parents[2] / "shared" / "data")) / "stackexchange"
    texts = [b.rows["response"].drop_nulls() for part in stackexchange(folder) for b in part.read(10_000)]
    real = pl.concat(texts)
    many = pl.concat([real] * (rows // real.len() + 1)).head(rows)
    frame = pl.DataFrame({"prompt": [f"Question {i}?" for i in range(rows)], "response": many})
    frame.write_parquet(to, row_group_size=20_000, compression="lz4")
    return many.str.len_bytes().sum() / 1e6


def measure(command: list[str], env: dict[str, str]) -> tuple[float, float, float]:
    """Run a process; return its CPU seconds, wall seconds and peak megabytes."""
    code = (
        "import resource, subprocess, sys, time\n"
        "start = time.perf_counter()\n"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(used.ru_utime + used.ru_stime, time.perf_counter() - start, used.ru_maxrss / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], env=env, capture_output=True, text=True, check=True)
    cpu, wall, peak = map(float, done.stdout.split())
    return cpu, wall, peak


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=200_000)
    arguments.add_argument("--runs", type=int, default=3)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = answers(given.rows, folder / "answers.parquet")
        (folder / "bench.yaml").write_text(RECIPE, encoding="utf-8")
        env = os.environ | {"CURATE_DATA": name}
        commands = {
            "floor": [sys.executable, "-c", FLOOR, str(folder / "answers.parquet"), str(folder / "kept.parquet")],
            "curate run": [
                *(sys.executable, "-m", "curate", "run", str(folder / "bench.yaml")),
                *("--out", str(folder / "out"), "--fresh"),
            ],
        }
        for command in commands.values():
            measure(command, env)  # caches warm, compiled code there
        print(f"{given.rows:,} rows, {size:.0f} MB of HTML, median of {given.runs} runs in turn\n")
        print(f"{'way':12} {'CPU s':>7} {'wall s':>7} {'peak MB':>8}")
        found: dict[str, list[tuple[float, float, float]]] = {way: [] for way in commands}
        for _ in range(given.runs):
            for way, command in commands.items():
                found[way].append(measure(command, env))
        for way, runs in found.items():
            cpu, wall, peak = (statistics.median(values) for values in zip(*runs, strict=True))
            print(f"{way:12} {cpu:7.1f} {wall:7.1f} {peak:8.0f}")


if __name__ == "__main__":
    main()
