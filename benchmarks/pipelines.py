"""What a step of this library costs inside other pipelines, beside their own loop over the same texts.

`make hosts`, then `python -m benchmarks.pipelines [--hosts FOLDER]`: a table of CPU seconds, medians of runs by turns.
Each host has an environment of its own, and works in one process on texts that lie in memory: what it does beside a
step (reading, writing, sending) is the same for both.
"""

import argparse
import json
import os
import random
import re
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ROWS, RUNS, BATCH = 50_000, 3, 1000
LENGTH = {"length": {"column": "text", "min": 900, "max": 1100}}
PHRASES = {"mentions": {"column": "text", "phrases": ["as mentioned", "stack exchange", "other answer"]}}
_PHRASES = re.compile(r"(?i)\b(?:as mentioned|stack exchange|other answer)\b")

Pair = tuple[Callable[[], object], Callable[[], object]]  # the host's own loop, and this library's step


def is_long_enough(text: str) -> bool:
    return 900 <= len(text) <= 1100


def mentions_nothing(text: str) -> bool:
    return not _PHRASES.search(text)


def texts() -> list[str]:
    """Make different texts of about 1,000 characters each."""
    draw = random.Random(7)
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(2, 9))) for _ in range(5000)]
    some = [" ".join(draw.choices([*words, "as mentioned"], k=154)) for _ in range(1000)]
    return [f"{i} {some[i % len(some)]}" for i in range(ROWS)]


def datatrove(rows: list[str]) -> dict[str, Pair]:
    from datatrove.data import Document
    from datatrove.pipeline.filters import LambdaFilter

    from curate.hosts.datatrove import Drop, Keep

    documents = [Document(text, str(i)) for i, text in enumerate(rows)]

    def pair(function: Callable[[str], bool], step: Any) -> Pair:
        own = LambdaFilter(lambda document: function(document.text))
        return lambda: sum(1 for _ in own(documents)), lambda: sum(1 for _ in step(documents))

    return {"length": pair(is_long_enough, Keep(LENGTH)), "mentions": pair(mentions_nothing, Drop(PHRASES))}


def data_juicer(rows: list[str]) -> dict[str, Pair]:
    from data_juicer.ops.base_op import Filter

    from curate.hosts.data_juicer import Drop, Keep

    class Own(Filter):  # type: ignore[misc]  # Data-Juicer is in an environment of its own
        _batched_op = True
        function: Callable[[str], bool]

        def compute_stats_batched(self, samples: dict[str, Any]) -> dict[str, Any]:
            for text, stats in zip(samples["text"], samples["__dj__stats__"], strict=True):
                stats["own"] = self.function(text)
            return samples

        def process_batched(self, samples: dict[str, Any]) -> list[bool]:
            return [stats["own"] for stats in samples["__dj__stats__"]]

    def run(op: Any) -> int:
        kept = 0
        for i in range(0, len(rows), BATCH):
            some = rows[i : i + BATCH]
            kept += sum(op.process(op.compute_stats({"text": some, "__dj__stats__": [{} for _ in some]})))
        return kept

    def pair(function: Callable[[str], bool], op: Any) -> Pair:
        own = Own()
        own.function = function
        return lambda: run(own), lambda: run(op)

    return {"length": pair(is_long_enough, Keep(LENGTH)), "mentions": pair(mentions_nothing, Drop(PHRASES))}


def nemo_curator(rows: list[str]) -> dict[str, Pair]:
    import pyarrow as pa
    from nemo_curator.stages.text.filters.doc_filter import DocumentFilter
    from nemo_curator.stages.text.filters.score_filter import ScoreFilter
    from nemo_curator.tasks import DocumentBatch

    from curate.hosts.nemo_curator import Drop, Keep

    class Own(DocumentFilter):  # type: ignore[misc]  # NeMo Curator is in an environment of its own
        def __init__(self, function: Callable[[str], bool]) -> None:
            super().__init__()
            self.function = function

        def score_document(self, text: str) -> bool:
            return self.function(text)

        def keep_document(self, score: bool) -> bool:
            return score

    tables = [pa.table({"text": rows[i : i + 10 * BATCH]}) for i in range(0, len(rows), 10 * BATCH)]

    def run(stage: Any) -> int:
        return sum(stage.process(DocumentBatch(dataset_name="texts", data=table)).num_items for table in tables)

    def pair(function: Callable[[str], bool], stage: Any) -> Pair:
        own = ScoreFilter(Own(function))
        return lambda: run(own), lambda: run(stage)

    return {"length": pair(is_long_enough, Keep(LENGTH)), "mentions": pair(mentions_nothing, Drop(PHRASES))}


def distilabel(rows: list[str]) -> dict[str, Pair]:
    from distilabel.steps import StepInput, step

    from curate.hosts.distilabel import CurateDrop, CurateKeep

    data = [{"text": text} for text in rows]

    def run(one: Any) -> int:
        one.load()
        batches = (data[i : i + BATCH] for i in range(0, len(data), BATCH))
        return sum(len(kept) for batch in batches for kept in one.process_applying_mappings(batch))

    def pair(function: Callable[[str], bool], one: Any) -> Pair:
        @step(inputs=["text"])
        def own(inputs: StepInput) -> Any:
            yield [row for row in inputs if function(row["text"])]

        made = own()
        return lambda: run(made), lambda: run(one)

    keep, drop = CurateKeep(properties=LENGTH), CurateDrop(properties=PHRASES)
    return {"length": pair(is_long_enough, keep), "mentions": pair(mentions_nothing, drop)}


def spark(rows: list[str]) -> dict[str, Pair]:
    import pyarrow as pa

    from curate.hosts.spark import drop, keep

    batches = pa.table({"text": rows}).to_batches(max_chunksize=10 * BATCH)

    def run(step: Any) -> int:
        return sum(batch.num_rows for batch in step(batches))

    def pair(function: Callable[[str], bool], step: Any) -> Pair:
        def own(batches: Any) -> Any:
            for batch in batches:
                yield batch.filter(pa.array([function(text) for text in batch.column("text").to_pylist()]))

        return lambda: run(own), lambda: run(step)

    return {"length": pair(is_long_enough, keep(LENGTH)), "mentions": pair(mentions_nothing, drop(PHRASES))}


HOSTS = {f.__name__: f for f in (datatrove, data_juicer, nemo_curator, distilabel, spark)}


def measure(host: str) -> dict[str, list[float]]:
    """Measure in this environment: CPU seconds of the host's own loop, and of this library's step."""
    result = {}
    for work, (own, step) in HOSTS[host](texts()).items():
        assert own() == step(), f"{host} {work}: both keep the same rows"
        times: list[list[float]] = [[], []]
        for _ in range(RUNS):
            for run, seconds in zip((own, step), times, strict=True):
                start = time.process_time()
                run()
                seconds.append(time.process_time() - start)
        result[work] = [statistics.median(seconds) for seconds in times]
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=Path, default=ROOT / ".venv" / "hosts", help="an environment for each host")
    parser.add_argument("--here", choices=HOSTS, help="measure one host in this environment, and print JSON")
    options = parser.parse_args()
    if options.here:
        print(json.dumps(measure(options.here)))
        return
    print("| pipeline | work | its own loop, CPU s | this library's step | |\n|---|---|---|---|---|")
    for host in HOSTS:
        python = options.hosts / host / "bin" / "python"
        command = [str(python), "-W", "ignore", "-m", "benchmarks.pipelines", "--here", host]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=os.environ, check=False)
        if done.returncode:
            print(f"| {host} | {(done.stderr.strip() or 'failed').splitlines()[-1]} | | | |", flush=True)
            continue
        for work, (own, step) in json.loads(done.stdout.splitlines()[-1]).items():
            print(f"| {host} | {work} | {own:.2f} | {step:.2f} | {step / own - 1:+.0%} |", flush=True)


if __name__ == "__main__":
    main()
