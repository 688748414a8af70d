"""Markup to text: MB of HTML a second of CPU, on real posts.

    python -m benchmarks.markup [--data FOLDER] [--size MB]

reads the Stack Exchange dumps in FOLDER/stackexchange (default: $CURATE_DATA, else ../shared/data), repeats their
bodies up to `--size` (default 200 MB), and prints one table. The slow ones are given a part of it. numba and
html-to-markdown are measured where they are installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import py7zr

from curate.filters.html import engine
from curate.filters.html.engine import convert

BESIDE = Path(__file__).parents[2] / "shared" / "data"


def bodies(folder: Path) -> pl.Series:
    """Read the bodies of all posts of all dumps."""
    found: list[str] = []
    for archive in sorted((folder / "stackexchange").glob("*.7z")):
        with tempfile.TemporaryDirectory() as scratch, py7zr.SevenZipFile(archive) as dump:
            dump.extract(scratch, targets=["Posts.xml"])
            rows = (row for _, row in ET.iterparse(Path(scratch) / "Posts.xml") if row.tag == "row")
            found += [row.get("Body") or "" for row in rows]
    return pl.Series("body", found, dtype=pl.String)


def megabytes(text: pl.Series) -> float:
    return text.str.len_bytes().sum() / 1e6


def interpreted(text: pl.Series) -> pl.Series:
    engine.LOAD_FROM, before = 2**62, engine.LOAD_FROM
    try:
        return convert(text)
    finally:
        engine.LOAD_FROM = before


def compiled(text: pl.Series) -> pl.Series:
    engine._seen = engine.MAKE_FROM
    return convert(text)


def regex_chain(text: pl.Series) -> pl.Series:
    """Do roughly the same by polars' own expressions; lists are flat, code in them is not indented."""
    steps = [
        (r"(?s)<!--.*?-->|<script.*?</script>|<style.*?</style>", ""),
        (r"(?s)<pre[^>]*><code[^>]*>", "\n\n```\n"),
        (r"(?s)\n?</code></pre>", "\n```\n\n"),
        (r"</?code>", "`"),
        (r"<li[^>]*>\s*(?:<p>)?", "\n- "),
        (r"<blockquote[^>]*>\s*(?:<p>)?", "\n\n> "),
        (r"<br\s*/?>", "\n"),
        (r"</?(?:p|h[1-6]|ul|ol|blockquote|hr|div|table|tr)\b[^>]*>", "\n\n"),
        (r"</?[A-Za-z][^>]*>", ""),
        (r"[ \t]+\n", "\n"),
        (r"\n{3,}", "\n\n"),
    ]
    entities = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&nbsp;": " ", "&amp;": "&"}
    column = pl.col("body").str
    for pattern, value in steps:
        column = column.replace_all(pattern, value).str
    for name, value in entities.items():
        column = column.replace_all(name, value, literal=True).str
    return text.to_frame().select(column.strip_chars()).to_series()


class Text(HTMLParser):
    """The least one can do with the standard library: the text alone."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def standard_library(text: pl.Series) -> pl.Series:
    def one(html: str) -> str:
        parser = Text()
        parser.feed(html)
        parser.close()
        return re.sub(r"\s+", " ", "".join(parser.parts))

    return pl.Series([one(html) for html in text], dtype=pl.String)


def package(text: pl.Series) -> pl.Series:
    from html_to_markdown import convert as to_markdown

    return pl.Series([str(to_markdown(html)) for html in text], dtype=pl.String)


def scan_only(text: pl.Series) -> tuple[Callable[[], object], float]:
    """Prepare the compiled scan alone, without moving text between polars and arrays."""
    import numpy as np

    from curate.filters.html.compile import scanner
    from curate.filters.html.write import STATE_SIZE

    src = text.filter(text != "").cast(pl.Binary).cast(pl.List(pl.UInt8)).explode().to_numpy()
    src.flags.writeable = False
    starts = np.concatenate([[0], np.cumsum(text.str.len_bytes().to_numpy(), dtype=np.int64)])
    out, ends = np.zeros(2 * len(src), dtype=np.uint8), np.zeros(len(text), dtype=np.int64)
    state = np.zeros(STATE_SIZE, dtype=np.int64)
    rows = scanner()
    return lambda: rows(src, starts, 0, out, ends, state), len(src) / 1e6


def cpu(job: Callable[[], object], times: int) -> float:
    best = float("inf")
    for _ in range(times):
        begun = time.process_time()
        job()
        best = min(best, time.process_time() - begun)
    return best


def measured(text: pl.Series) -> Iterator[tuple[str, float, float]]:
    """Yield name, MB and seconds of CPU of each way."""
    part, little = text.head(len(text) // 10), text.head(len(text) // 50)
    if importlib.util.find_spec("numba"):
        compiled(little)
        scan, size = scan_only(text)
        yield "curate, compiled: the scan alone", size, cpu(scan, 3)
        yield "curate, compiled", megabytes(text), cpu(lambda: compiled(text), 3)
    yield "curate, interpreted", megabytes(part), cpu(lambda: interpreted(part), 2)
    yield "polars, a chain of 17 replacements", megabytes(text), cpu(lambda: regex_chain(text), 2)
    yield "html.parser, text alone", megabytes(little), cpu(lambda: standard_library(little), 1)
    if importlib.util.find_spec("html_to_markdown"):
        yield "html-to-markdown (PyPI)", megabytes(part), cpu(lambda: package(part), 1)


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, default=Path(os.environ.get("CURATE_DATA", BESIDE)))
    options.add_argument("--size", type=float, default=200, metavar="MB")
    given = options.parse_args()
    once = bodies(given.data)
    text = pl.concat([once] * max(1, round(given.size / megabytes(once)))).rechunk()
    print(f"{len(once)} posts, repeated to {megabytes(text):.0f} MB\n")
    print(f"{'':36} {'MB':>6} {'CPU s':>7} {'MB/s':>6}")
    for name, size, seconds in measured(text):
        print(f"{name:36} {size:6.0f} {seconds:7.2f} {size / seconds:6.0f}", flush=True)


if __name__ == "__main__":
    main()
