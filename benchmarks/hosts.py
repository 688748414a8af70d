"""What the library costs on each host, over the host's own loop: `python -m benchmarks.hosts [--hosts NAME …]`.

Both sides do the same work with the same polars expression (`GOOD`): answers are kept that have 1,200 to 4,096
characters and none of three phrases. The host's own loop is what one writes by hand: it hands batches of the one column
to polars and the verdicts back; for dicts, which polars does not hold, it is a plain function of a row. The library's
line is `curate.keep`. They run by turns in one process, after a round that does not count; figures are medians of CPU
seconds. The table goes into docs/hosts.md between two marks; hosts left out keep their lines. Ray is left out: its work
is done in other processes, where a block is an Arrow table.
"""

from __future__ import annotations

import argparse
import gc
import re
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

import curate
from benchmarks import rowpass

PHRASES = "(?i)as mentioned|stack exchange|other answer"
TEXT = pl.col("response")
GOOD = TEXT.str.len_chars().is_between(1200, 4096) & ~TEXT.str.contains(PHRASES)
_PHRASES = re.compile(PHRASES)
MARKS = "<!-- hosts: python -m benchmarks.hosts -->", "<!-- end of hosts -->"


class Host(NamedTuple):
    name: str
    line: str  # of the library, as docs/hosts.md shows it
    put: Callable[[pl.DataFrame], Any]
    own: Callable[[Any], Any]
    done: Callable[[Any], int]  # does what is lazy, and counts the rows


def verdicts(frame: Any) -> pl.Series:
    return pl.DataFrame(frame).select(GOOD).to_series()


def pandas_own(frame: Any) -> Any:
    return frame[verdicts(pl.from_pandas(frame[["response"]])).to_numpy()]


def arrow_own(table: Any) -> Any:
    return table.filter(verdicts(pl.from_arrow(table.select(["response"]))).to_arrow())


def batches(data: Any) -> Any:
    import pyarrow as pa

    return data if isinstance(data, pa.RecordBatchReader) else pa.RecordBatchReader.from_stream(data)


def reader_own(data: Any) -> Iterator[Any]:
    return map(arrow_own, batches(data))


def of_batch(batch: Any) -> list[bool]:
    return list(verdicts({"response": batch["response"]}))


def is_good(text: str) -> bool:
    return 1200 <= len(text) <= 4096 and not _PHRASES.search(text)


def datasets_of(rows: pl.DataFrame) -> Any:
    from datasets import Dataset, disable_progress_bars

    disable_progress_bars()
    return Dataset(rows.to_arrow())


def duckdb_of(rows: pl.DataFrame) -> Any:
    import duckdb

    table = rows.to_arrow()
    return duckdb.from_arrow(table)


def dask_of(rows: pl.DataFrame) -> Any:
    from dask.dataframe import from_pandas

    return from_pandas(rows.to_pandas(), npartitions=8)


def lengths(pieces: Any) -> int:
    return sum(map(len, pieces))


KEEP = "curate.keep({}, good)"
HOSTS = [
    Host("polars", KEEP.format("frame"), lambda rows: rows, lambda rows: rows.filter(GOOD), len),
    Host(
        "polars, lazy",
        KEEP.format("lazy"),
        pl.DataFrame.lazy,
        lambda rows: rows.filter(GOOD),
        lambda rows: rows.collect(engine="streaming").height,
    ),
    Host("pandas", KEEP.format("frame"), pl.DataFrame.to_pandas, pandas_own, len),
    Host("Arrow table", KEEP.format("table"), pl.DataFrame.to_arrow, arrow_own, len),
    Host("Arrow stream", KEEP.format("reader"), lambda rows: rows.to_arrow(), reader_own, lengths),
    Host("DuckDB", KEEP.format("relation"), duckdb_of, reader_own, lengths),
    Host(
        "Hugging Face",
        KEEP.format("dataset"),
        datasets_of,
        lambda data: data.with_format("polars").filter(lambda b: verdicts(b).to_list(), batched=True),
        len,
    ),
    Host(
        "Hugging Face, streaming",
        KEEP.format("dataset"),
        lambda rows: datasets_of(rows).to_iterable_dataset(),
        lambda data: data.filter(of_batch, batched=True),
        lambda data: sum(1 for _ in data),
    ),
    Host(
        "Dask",
        KEEP.format("frame"),
        dask_of,
        lambda frame: frame.map_partitions(pandas_own, meta=frame._meta),
        lambda frame: len(frame.compute(scheduler="synchronous")),
    ),
    Host(
        "list of dicts",
        KEEP.format("rows"),
        pl.DataFrame.to_dicts,
        lambda rows: [row for row in rows if is_good(row["response"])],
        len,
    ),
    Host(
        "generator of dicts",
        KEEP.format("rows"),
        pl.DataFrame.to_dicts,
        lambda rows: (row for row in rows if is_good(row["response"])),
        lambda rows: sum(1 for _ in rows),
    ),
]


def ours(host: Host, data: Any) -> Any:
    if host.name == "Arrow stream":
        data = batches(data)
    return curate.keep(iter(data) if host.name == "generator of dicts" else data, GOOD)


def measure(host: Host, rows: pl.DataFrame, rounds: int) -> list[tuple[float, float]]:
    """Give CPU seconds of the host's own loop and of the library's line, a pair a round."""
    data, counts = host.put(rows), set()
    ways: list[Callable[[Any], Any]] = [host.own, lambda data: ours(host, data)]
    seconds: list[list[float]] = [[], []]
    for i in range(rounds + 1):
        for which in (0, 1) if i % 2 else (1, 0):  # whoever comes second finds memory and caches as the first left them
            gc.collect()
            start = time.process_time()
            counts.add(host.done(ways[which](data)))
            seconds[which].append(time.process_time() - start)
    assert len(counts) == 1, f"{host.name}: both keep the same rows"
    return list(zip(*seconds, strict=True))[1:]


def table(figures: dict[str, list[tuple[float, float]]], old: str) -> str:
    rows = {line.split("|")[1].strip(): line for line in old.splitlines() if line.startswith("| ")}
    for host in HOSTS:
        if pairs := figures.get(host.name):
            own, line = (statistics.median(seconds) for seconds in zip(*pairs, strict=True))
            rows[host.name] = f"| {host.name} | `{host.line}` | {own:.2f} | {round(100 * (line / own - 1)):+} % |"
    head = ["| host | line of code | own loop, CPU s | cost over it |", "|---|---|--:|--:|"]
    return "\n".join([*head, *(rows[host.name] for host in HOSTS if host.name in rows)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hosts", nargs="+", default=[host.name for host in HOSTS], metavar="NAME")
    parser.add_argument("--page", type=Path, default=rowpass.ROOT / "docs" / "hosts.md")
    parser.add_argument("--build", type=Path, default=rowpass.ROOT / "build" / "benchmarks")
    options = parser.parse_args()
    options.build.mkdir(parents=True, exist_ok=True)
    rows = pl.read_parquet(rowpass.make(options.rows, "Parquet", options.build)[0])
    figures = {}
    for host in HOSTS:
        if host.name in options.hosts:
            figures[host.name] = measure(host, rows, options.rounds)
            print(host.name, *(f"{own:.2f}/{ours:.2f}" for own, ours in figures[host.name]), flush=True)
    text = options.page.read_text(encoding="utf-8")
    before, _, rest = text.partition(MARKS[0])
    old, _, after = rest.partition(MARKS[1])
    options.page.write_text(f"{before}{MARKS[0]}\n{table(figures, old)}\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
