"""Each filter alone: MB a second of CPU on texts of each kind, and CPU seconds on hostile texts.

A filter runs in a process of its own, which a limit of CPU seconds ends: the next text is then tried in a new one.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks import texts
from curate import filters

ROOT = Path(__file__).parents[1]
KINDS = ["ASCII prose", "German", "Chinese", "code", "HTML", "one row"]
LENGTHS = {"min": 1200, "max": 4096}
# Filters of a text, with parameters; what asks a model is left out.
PARAMETERS: dict[str, dict[str, Any]] = {
    "html_to_markdown": {},
    "strip_links": {},
    "length": LENGTHS,
    "length, words": LENGTHS | {"unit": "words"},
    "first_person": {},
    "mentions": {},
    "mentions, phrases": {"phrases": ["as mentioned", "stack exchange", "other answer*"]},
    "claims_human": {},
    "says_ai": {},
    "refuses": {},
    "personal_data": {},
    "matches": {"pattern": r"(?m)^Step \d"},
    "self_contained": {},
    "replace_opening": {"old": "This article", "new": "The following answer"},
    "contaminated": {"by": ["dev", "test"]},
    "alike": {"other": "other"},
    "length_ratio": {"other": "other"},
}
# Selectors see the whole pool, so they are also timed on many prompts of a few forms, which share most of their words.
SELECTORS: dict[str, dict[str, Any]] = {
    "exact_duplicates": {"column": "text"},
    "near_duplicates": {"column": "text"},
    "domains": {"n": 100},
}


def ways() -> dict[str, Callable[[pl.Series], object]]:
    """Give all that is timed: filters, each one's evidence as `NAME: why`, selectors."""
    functions: dict[str, Callable[[pl.Series], object]] = {}
    for name, parameters in PARAMETERS.items():
        function = getattr(filters, name.partition(",")[0])
        functions[name] = _expression(function("text", **parameters))
        if why := getattr(function, "span", None):
            functions[f"{name}: why"] = _expression(why("text", **parameters))
    return functions | {name: _selection(getattr(filters, name), chosen) for name, chosen in SELECTORS.items()}


def _expression(expression: pl.Expr) -> Callable[[pl.Series], object]:
    pair = "other" in expression.meta.root_names()
    return lambda text: pl.DataFrame([text, text.reverse().alias("other")] if pair else [text]).select(expression)


def _selection(select: Callable[..., object], parameters: dict[str, Any]) -> Callable[[pl.Series], object]:
    def run(text: pl.Series) -> object:
        ids = pl.int_range(len(text), eager=True).alias("id")
        pool = pl.DataFrame([ids.cast(pl.String), (ids % 97).alias("domain"), text.alias("text")])
        return select(pool, **parameters)

    return run


def child(job: str, name: str, first: int, size: int, runs: int) -> None:
    """Print a result for each text from the first on, a line each; for hostile texts, `runs` is the limit."""
    run = ways()[name]
    run(pl.Series("text", ["a word, <b>and</b> [another](http://a.org) of I and my."] * 100))
    for label in labels(job)[first:]:
        print(json.dumps([label, JOBS[job](run, name, label, size, runs)]), flush=True)


def labels(job: str) -> list[str]:
    return {"speed": KINDS, "hostile": list(texts.hostile(8)), "pool": ["CPU s", "peak MB"]}[job]


def _speed(run: Callable[[pl.Series], object], name: str, kind: str, size: int, runs: int) -> float:
    """Measure MB a second, on so much of the text as takes some seconds."""
    text = texts.rows(kind, size * (2.5 if kind == "one row" else 1))
    probe = _seconds(run, text.head(max(1, len(text) // 20))) if len(text) > 1 else 0.0
    part = text.head(max(1, int(len(text) * min(1, 0.15 / max(probe, 1e-9)))))
    return part.str.len_bytes().sum() / 1e6 / max(statistics.median(_seconds(run, part) for _ in range(runs)), 1e-6)


def _hostile(run: Callable[[pl.Series], object], name: str, label: str, size: int, limit: int) -> float:
    """Measure seconds, unless the system ends the process before. To a selector, it is two texts of half the size."""
    text = texts.hostile(size)[label]
    rows = [text[: size // 2], text[1 : size // 2 + 1]] if name in SELECTORS else [text]
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + limit, resource.RLIM_INFINITY))
    return _seconds(run, pl.Series("text", rows))


def _pool(run: Callable[[pl.Series], object], name: str, label: str, size: int, runs: int) -> float:
    if label == "peak MB":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return _seconds(run, texts.prompts(size))


JOBS = {"speed": _speed, "hostile": _hostile, "pool": _pool}


def _seconds(run: Callable[[pl.Series], object], text: pl.Series) -> float:
    begun = time.process_time()
    run(text)
    return time.process_time() - begun


def measure(job: str, name: str, size: int, runs: int) -> dict[str, float]:
    """Measure a filter; a text that took longer than allowed, or failed, has a speed of 0, or seconds without end."""
    results: dict[str, float] = {}
    while len(results) < len(labels(job)):
        command = [sys.executable, "-m", "benchmarks.filters", job, name, str(len(results)), str(size), str(runs)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, cwd=ROOT)
        results |= dict(map(json.loads, done.stdout.splitlines()))
        failed = labels(job)[len(results) :] if done.returncode else []
        # The rest of a hostile list is tried in a new process; a peak without its run would mean nothing.
        results |= dict.fromkeys(failed if job == "pool" else failed[:1], 0.0 if job == "speed" else float("inf"))
    return results


if __name__ == "__main__":
    child(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
