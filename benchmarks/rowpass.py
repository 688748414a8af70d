"""The ways of `ways.py` in turn, round by round: CPU seconds, wall seconds and peak memory of whole processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import polars as pl

from benchmarks import texts

ROOT = Path(__file__).parents[1]
# datatrove asks for other versions than the library's extras, so it has an environment of its own.
DATATROVE = ["datatrove==0.10.1", "orjson", "pyarrow", "regex"]
SUFFIXES = {"Parquet": ".parquet", "JSONL": ".jsonl", "7z": ".7z"}
# A small process in between: what a process has in memory counts for its children too, up to their first own page.
METER = """
import resource, subprocess, sys, time
begun = time.perf_counter()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
if done.returncode:
    sys.exit(done.stderr.strip()[-300:] or f"exit {done.returncode}")
print(used.ru_utime + used.ru_stime, time.perf_counter() - begun, used.ru_maxrss / 1024, done.stdout.split()[-1])
"""


def make(rows: int, kind: str, build: Path) -> tuple[Path, float]:
    """Write that many answers as a file, unless it is there; return it, and the megabytes of HTML in it.

    A comment at its end makes each answer another: Parquet would store what repeats once.
    """
    posts = pl.Series("response", texts.posts())
    file = build / f"answers-{rows}-of-{len(posts)}{SUFFIXES[kind]}"
    number = pl.int_range(rows, eager=True)
    answers = pl.DataFrame([number.alias("i"), posts.gather(number % len(posts))]).select(
        prompt=pl.format("Question {}?", "i"), response=pl.format("{}<!-- {} -->", "response", "i")
    )
    if not file.is_file():
        part = file.with_name(f"part-{file.name}")
        if kind == "Parquet":
            answers.write_parquet(part, row_group_size=20_000, compression="lz4")
        elif kind == "JSONL":
            answers.write_ndjson(part)
        else:
            _dump(answers, part)
        part.rename(file)
    return file, answers["response"].str.len_bytes().sum() / 1e6


def _dump(answers: pl.DataFrame, file: Path) -> None:
    """Pack a table of posts as a site's dump: a question and its answer for each row."""
    import py7zr

    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "Posts.xml"
        with table.open("w", encoding="utf-8") as out:
            out.write("<posts>\n")
            for i, (prompt, answer) in enumerate(answers.iter_rows()):
                title, body = quoteattr(prompt), quoteattr(answer)
                out.write(f'<row Id="{2 * i}" PostTypeId="1" Score="1" Title={title} Body="" Tags="|a|" />\n')
                out.write(f'<row Id="{2 * i + 1}" PostTypeId="2" ParentId="{2 * i}" Score="1" Body={body} />\n')
            out.write("</posts>\n")
        with py7zr.SevenZipFile(file, "w", filters=[{"id": py7zr.FILTER_LZMA2, "preset": 1}]) as dump:
            dump.write(table, "Posts.xml")


def passes(
    build: Path, rows: Iterable[int], runs: int, inputs: Iterable[str], names: list[str]
) -> Iterator[dict[str, Any]]:
    """Measure each way with each input, in turn; yield a record for each: figures of every run, or what was wrong."""
    pythons = {name: str(_datatrove(build) if name == "datatrove" else sys.executable) for name in names}
    for kind in inputs:
        for count in rows:
            file, size = make(count, kind, build)
            records = {name: {"rows": count, "input": kind, "MB": size, "way": name, "runs": []} for name in names}
            for _ in range(runs):
                for name, record in records.items():
                    if "error" not in record:
                        record |= _run(pythons[name], name, file, record["runs"])
            yield from records.values()


def _run(
    python: str, name: str, file: Path, runs: list[list[float]], env: dict[str, str] | None = None
) -> dict[str, Any]:
    """Run a way once in a folder of its own; say what to add to its record."""
    if name not in ("floor", "curate") and file.suffix == ".7z":
        return {"error": "reads no dumps"}
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        command = [python, "-P", str(ROOT / "benchmarks" / "ways.py"), name, str(file), f"{folder}/kept.jsonl"]
        meter = [sys.executable, "-c", METER, *command]
        done = subprocess.run(meter, capture_output=True, text=True, check=False, cwd=folder, env=env)
    if done.returncode:
        return {"error": done.stderr.strip().splitlines()[-1][:100]}
    cpu, wall, peak, kept = map(float, done.stdout.split())
    return {"runs": [*runs, [cpu, wall, peak]], "kept": int(kept)}


def _datatrove(build: Path) -> Path:
    folder = build / "datatrove"
    if not (folder / "ok").is_file():
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
        constraints = str(ROOT / "constraints" / "cpu.txt")
        if not subprocess.run([*pip, "-c", constraints, *DATATROVE], check=False).returncode:
            (folder / "ok").touch()
    return folder / "bin" / "python"


def cold(build: Path, rows: int, runs: int) -> list[dict[str, Any]]:
    """Install the library anew, with no caches anywhere, and run it twice; as often as asked."""
    file, size = make(rows, "Parquet", build)
    records: list[dict[str, Any]] = [
        {"rows": rows, "MB": size, "way": way, "runs": []} for way in ("first run", "second run")
    ]
    for _ in range(runs):
        with tempfile.TemporaryDirectory(dir=build) as name:
            source, target, home = (Path(name) / part for part in ("source", "installed", "home"))
            ignored = shutil.ignore_patterns("build", "out", ".*", "*.egg-info", "__pycache__", "*.so")
            shutil.copytree(ROOT, source, ignore=ignored, symlinks=True)
            pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-deps"]
            subprocess.run([*pip, "--target", str(target), str(source)], check=True)
            env = os.environ | {"PYTHONPATH": str(target), "HOME": str(home), "XDG_CACHE_HOME": str(home)}
            for record in records:
                record |= _run(sys.executable, "curate", file, record["runs"], env)
    return records
