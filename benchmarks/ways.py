"""The same work done five ways, each a process of its own: `python -m benchmarks.ways NAME INPUT OUTPUT`.

Strip markup but keep code and lists, strip links, keep 1,200 to 4,096 characters, drop the first person and three
phrases, write the rows that are left. Each is written as its library's documentation does it, and prints the rows kept.
The library alone also writes a ledger of every verdict. Nothing here imports another way's library.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# What somebody would write by hand. Python's `re` and Rust's `regex` read all of these patterns alike.
CHAIN = [
    (r"(?s)<!--.*?-->|<script.*?</script>|<style.*?</style>", ""),
    (r"<pre[^>]*><code[^>]*>", "\n\n```\n"),
    (r"\n?</code></pre>", "\n```\n\n"),
    (r"</?code>", "`"),
    (r"<li[^>]*>\s*(?:<p>)?", "\n- "),
    (r"<blockquote[^>]*>\s*(?:<p>)?", "\n\n> "),
    (r"<br\s*/?>", "\n"),
    (r"</?(?:p|h[1-6]|ul|ol|blockquote|hr|div|table|tr)\b[^>]*>", "\n\n"),
    (r"</?[A-Za-z][^>]*>", ""),
    (r"[ \t]+\n", "\n"),
    (r"\n{3,}", "\n\n"),
]
ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&nbsp;": " ", "&amp;": "&"}
IMAGE, LINK, ADDRESS = r"!\[[^\]]*\]\([^)]*\)", r"\[([^\]]*)\]\([^)]*\)", r"<?https?://[^\s)>]+>?"
UNWANTED = r"\b(?:I|[Mm]y)\b|(?i:as mentioned|stack exchange|other answer)"
RECIPE = """
name: bench
sources:
  answers:
    read: {READER}
    steps:
      - edit: {html_to_markdown: {column: response}}
      - edit: {strip_links: {column: response}}
      - keep: {length: {column: response, min: 1200, max: 4096}}
      - drop: {first_person: {column: response}}
      - drop: {mentions: {column: response, phrases: [as mentioned, stack exchange, other answer]}}
"""
PROMPT = "      - edit: {prompt_from_title_or_body: {column: prompt}}\n"  # a dump has titles

_COMPILED = [(re.compile(pattern), by) for pattern, by in CHAIN]
_IMAGE, _LINK, _ADDRESS, _UNWANTED = map(re.compile, (IMAGE, LINK, ADDRESS, UNWANTED))


def clean(text: str) -> str:
    """Strip markup and links from one text."""
    for pattern, by in _COMPILED:
        text = pattern.sub(by, text)
    text = html.unescape(text).strip()
    return _ADDRESS.sub("", _LINK.sub(r"\1", _IMAGE.sub("", text)))


def is_good(text: str) -> bool:
    return 1200 <= len(text) <= 4096 and not _UNWANTED.search(text)


def floor(source: Path, output: Path) -> int:
    """Do what nobody can leave out: read, touch every byte, write what was read."""
    import polars as pl

    if source.suffix == ".7z":
        import py7zr

        with py7zr.SevenZipFile(source) as dump:
            dump.extract(output.parent / "unpacked", targets=["Posts.xml"])
        return (output.parent / "unpacked" / "Posts.xml").read_bytes().count(b"<row")
    rows = pl.read_parquet(source) if source.suffix == ".parquet" else pl.read_ndjson(source)
    assert rows["response"].str.count_matches("a", literal=True).sum()
    if source.suffix == ".parquet":
        rows.write_parquet(output.with_suffix(".parquet"))
    else:
        rows.write_ndjson(output)
    return rows.height


def polars(source: Path, output: Path) -> int:
    """Chain polars' own expressions, streaming from file to file."""
    import polars as pl

    rows = pl.scan_parquet(source) if source.suffix == ".parquet" else pl.scan_ndjson(source)
    text = pl.col("response")
    for pattern, by in CHAIN:
        text = text.str.replace_all(pattern, by)
    for entity, by in ENTITIES.items():
        text = text.str.replace_all(entity, by, literal=True)
    text = text.str.strip_chars().str.replace_all(IMAGE, "").str.replace_all(LINK, "$1").str.replace_all(ADDRESS, "")
    long = pl.col("response").str.len_chars().is_between(1200, 4096)
    rows.with_columns(text).filter(long & ~pl.col("response").str.contains(UNWANTED)).sink_ndjson(output)
    return _lines(output)


def datasets(source: Path, output: Path) -> int:
    """Map and filter in batches, in a cache of this run's own."""
    from datasets import disable_progress_bars, load_dataset

    disable_progress_bars()
    kind = "parquet" if source.suffix == ".parquet" else "json"
    rows = load_dataset(kind, data_files=str(source), split="train", cache_dir=str(output.parent / "cache"))
    rows = rows.map(lambda batch: {"response": [clean(text) for text in batch["response"]]}, batched=True)
    rows = rows.filter(lambda batch: [is_good(text) for text in batch["response"]], batched=True)
    rows.to_json(output)
    return len(rows)


def datatrove(source: Path, output: Path) -> int:
    """Read, format, filter and write documents, in one task."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.filters import LambdaFilter, RegexFilter
    from datatrove.pipeline.formatters.base import BaseFormatter
    from datatrove.pipeline.readers import JsonlReader, ParquetReader
    from datatrove.pipeline.writers import JsonlWriter

    class Clean(BaseFormatter):  # type: ignore[misc]  # datatrove is in an environment of its own
        name = "strip markup and links"

        def format(self, text: str) -> str:
            return clean(text)

    reader = ParquetReader if source.suffix == ".parquet" else JsonlReader
    steps = [
        reader(str(source.parent), glob_pattern=source.name, text_key="response"),
        Clean(),
        LambdaFilter(lambda document: 1200 <= len(document.text) <= 4096),
        RegexFilter(UNWANTED),
        JsonlWriter(str(output.parent), output_filename=output.name, compression=None),
    ]
    LocalPipelineExecutor(steps, tasks=1, workers=1, logging_dir=str(output.parent / "logs")).run()
    return _lines(output)


def curate(source: Path, output: Path) -> int:
    """Run a recipe: the set, a ledger with every verdict, the report, the card."""
    from curate.cli import main

    reader = {".parquet": "parquet", ".jsonl": "jsonl", ".7z": "stackexchange"}[source.suffix]
    recipe = output.parent / "bench.yaml"
    steps = RECIPE.replace("READER", f"{reader}: {{path: {source}}}") + PROMPT * (source.suffix == ".7z")
    recipe.write_text(steps, encoding="utf-8")
    main(["run", str(recipe), "--out", str(output.parent / "out"), "--fresh"], standalone_mode=False)
    return _lines(*(output.parent / "out").glob("*.jsonl"))


def _lines(*files: Path) -> int:
    return sum(file.read_bytes().count(b"\n") for file in files)


WAYS: dict[str, Callable[[Path, Path], Any]] = {
    "floor": floor,
    "polars": polars,
    "datasets": datasets,
    "datatrove": datatrove,
    "curate": curate,
}

if __name__ == "__main__":
    print(WAYS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3])))
