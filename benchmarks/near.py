"""Near-duplicates and contamination: seconds, and how many planted ones are found.

    python -m benchmarks.near [--rows N] [--dimensions D]

makes N rows (default 100,000) from a fixed seed, a twentieth of them copies with a tenth changed, and prints one table:
the time of the choice, the peak of the process so far, the copies found, the other rows lost, the recall against an
exact search of a sample where the search is not exact itself. Of questions from a few templates many are near each
other. Contamination is by the copies, so their originals are lost. datasketch, a MinHash in Python, is measured on a
tenth of the rows where it is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import resource
import tempfile
import time
from collections.abc import Callable
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import polars as pl

from curate.filter import Choice
from curate.filters.contamination import contaminated
from curate.filters.duplicates import near_duplicates, semantic_duplicates
from curate.models.embeddings.quantised import quantise

COPIES = 20  # one row in so many
KINDS = {"verb": 50, "quality": 25, "thing": 75, "place": 25}
PREPOSITIONS = ("in", "with", "without", "for", "on", "from", "under", "before", "after", "between")


def texts(rows: int) -> list[str]:
    """Make texts of 10 to 40 words of a skewed vocabulary, the last of them copies with a tenth changed."""
    rng = random.Random(0)
    vocabulary = [f"w{i}" for i in range(50_000)]
    sums = list(accumulate(1 / (i + 10) for i in range(50_000)))
    return with_copies(lambda: " ".join(rng.choices(vocabulary, cum_weights=sums, k=rng.randint(10, 40))), rows, rng)


def questions(rows: int) -> list[str]:
    """Make questions that all begin alike, of 8 to 17 words, from small vocabularies."""
    rng = random.Random(0)
    verbs, qualities, things, places = ([f"{kind}{i}" for i in range(n)] for kind, n in KINDS.items())

    def question() -> str:
        text = f"How do I {rng.choice(verbs)} a {rng.choice(qualities)} {rng.choice(things)}"
        for _ in range(rng.randint(0, 3)):
            text += f" {rng.choice(PREPOSITIONS)} my {rng.choice(things + places)}"
        return f"{text}?"

    return with_copies(question, rows, rng)


def with_copies(make: Callable[[], str], rows: int, rng: random.Random) -> list[str]:
    clean = [make() for _ in range(rows - rows // COPIES)]
    return clean + [edited(rng.choice(clean), rng) for _ in range(rows // COPIES)]


def edited(text: str, rng: random.Random) -> str:
    words = text.split()
    for at in rng.sample(range(len(words)), max(1, len(words) // 10)):
        words[at] = "changed"
    return " ".join(words)


def vectors(rows: int, dimensions: int) -> np.ndarray:
    """Make vectors around centres, the last of them copies at cosines of 0.91 to 1."""
    rng = np.random.default_rng(0)
    clean, copies = rows - rows // COPIES, rows // COPIES
    centres = rng.standard_normal((max(2, rows // 50), dimensions), dtype=np.float32)
    out = np.empty((rows, dimensions), dtype=np.int16)
    for first in range(0, clean, 50_000):
        last = min(first + 50_000, clean)
        noise = rng.standard_normal((last - first, dimensions), dtype=np.float32)
        out[first:last] = quantise(centres[rng.integers(0, len(centres), last - first)] + 0.9 * noise)
    noise = rng.standard_normal((copies, dimensions)) * 4080 / np.sqrt(dimensions)
    out[clean:] = quantise(out[rng.integers(0, clean, copies)] + noise * rng.uniform(0.05, 0.45, (copies, 1)))
    return out


def told(name: str, rows: int, work: Callable[[], Choice]) -> None:
    """Run a selector and print its line of the table."""
    wall, cpu = time.perf_counter(), time.process_time()
    choice = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    clean = rows - rows // COPIES
    found, lost = 1 - choice.kept[clean:].mean(), clean - choice.kept[:clean].sum()
    recall = choice.notes.get("recall", float("nan"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{name:44} {rows:9,} {wall:8.1f} {cpu:8.1f} {peak:8,} {found:8.1%} {lost:8,} {recall:8.4f}")


def datasketch(prompts: list[str]) -> Choice:
    """Do the same with datasketch: the first row that a bucket holds stays."""
    from datasketch import MinHash, MinHashLSH

    index, kept = MinHashLSH(threshold=0.55, num_perm=96), []
    for row, prompt in enumerate(prompts):
        words = prompt.split()
        signed = MinHash(num_perm=96)
        signed.update_batch([" ".join(pair).encode() for pair in pairwise(words)])
        kept.append(not index.query(signed))
        if kept[-1]:
            index.insert(row, signed)
    return Choice(pl.Series(kept), pl.Series([None] * len(kept), dtype=pl.String))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dimensions", type=int, default=256)
    given = parser.parse_args()
    print(f"{'':44} {'rows':>9} {'wall s':>8} {'CPU s':>8} {'peak MB':>8} {'found':>8} {'lost':>8} {'recall':>8}")
    ids = [f"{i:08}" for i in range(given.rows)]
    asked = pl.DataFrame({"id": ids, "prompt": questions(given.rows)})
    told('near_duplicates, "How do I ..."', given.rows, lambda: near_duplicates(asked))
    pool = pl.DataFrame({"id": ids, "prompt": texts(given.rows)})
    told("near_duplicates, runs of 2 words, 0.55", given.rows, lambda: near_duplicates(pool))
    if importlib.util.find_spec("datasketch"):
        few = texts(given.rows // 10)
        told("datasketch, the same, a tenth of the rows", len(few), lambda: datasketch(few))
    table = pl.DataFrame({"id": ids, "v": vectors(given.rows, given.dimensions)})
    told("semantic_duplicates, 0.9", given.rows, lambda: semantic_duplicates(table, vectors="v", threshold=0.9))
    told("contaminated, by the last twentieth", given.rows, lambda: against(pool))


def against(pool: pl.DataFrame) -> Choice:
    """Judge rows against a file of those that are planted, so that the originals are contaminated, too."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "benchmark.txt"
        file.write_text("\n".join(pool["prompt"].tail(pool.height // COPIES)), encoding="utf-8")
        clean = ~pool.select(contaminated(by=[str(file)])).to_series()
    return Choice(clean, pl.Series([None] * pool.height, dtype=pl.String))


if __name__ == "__main__":
    main()
