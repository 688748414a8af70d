"""Choosing k of n vectors: seconds, memory, and how diverse what comes out is.

    python -m benchmarks.selection [--n 20000 1000000] [--k 1000] [--vectors FILE.npy] [--only NAME …]

Each way runs in a process of its own, on the same int16 file, after a small call that compiles and warms up. `wall` and
`cpu` leave out reading Python and that call, `peak` is the whole process (pages of the mapped file included). Without
`--vectors` the vectors are made: sqrt(n) directions of 384 dimensions, the i-th with a share of 1/i of the rows,
each row its direction plus 0.8 times noise.

`Vendi` is the effective number of different rows (cosine; Friedman and Dieng 2023), `nearest` the mean distance from a
pick to the nearest other, `stands for` the mean of the largest cosines of 5,000 rows of the pool to the picks.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from curate.models.embeddings.quantised import LENGTH, SQUARE, quantise

D = 384


def make(n: int, file: Path, seed: int = 0) -> None:
    """Stream clustered vectors to a file."""
    rng = np.random.default_rng(seed)
    count = max(10, int(n**0.5))
    centres = rng.standard_normal((count, D), dtype=np.float32)
    share = 1 / np.arange(1, count + 1)
    table = np.lib.format.open_memmap(file, mode="w+", dtype=np.int16, shape=(n, D))
    for first in range(0, n, 20_000):
        size = min(20_000, n - first)
        cluster = rng.choice(count, size, p=share / share.sum())
        noise = rng.standard_normal((size, D), dtype=np.float32)
        table[first : first + size] = quantise(centres[cluster] + np.float32(0.8) * noise)
    table.flush()


def ours(name: str, **parameters: Any) -> Callable[[Any, int], Any]:
    from curate.filters import diversity

    return lambda vectors, k: getattr(diversity, name)(vectors, n=k, **parameters)


def numpy_scan(vectors: Any, k: int) -> Any:
    """Compare every row with every pick, in float32."""
    table = np.asarray(vectors, dtype=np.float32)
    most = np.full(len(table), -np.inf, dtype=np.float32)
    picks = [0]
    for _ in range(k - 1):
        np.maximum(most, table @ table[picks[-1]], out=most)
        picks.append(int(most.argmin()))
    return np.array(picks)


def faiss_kmeans(vectors: Any, k: int) -> Any:
    """Take the row nearest to each of k centres."""
    import faiss

    table = np.ascontiguousarray(vectors, dtype=np.float32) / LENGTH
    means = faiss.Kmeans(table.shape[1], k, niter=10, spherical=True, seed=1)
    means.train(table)
    index = faiss.IndexFlatIP(table.shape[1])
    index.add(table)
    return np.unique(index.search(means.centroids, 1)[1])


# Name, function, and the largest pool it is run on.
WAYS: dict[str, tuple[Callable[[Any, int], Any], int]] = {
    "curate farthest, t=0.2": (ours("farthest"), 10**9),
    "curate farthest, t=0": (ours("farthest", temperature=0), 10**9),
    "curate farthest, t=1": (ours("farthest", temperature=1), 10**9),
    "curate coverage, t=0.2": (ours("coverage"), 200_000),
    "curate cluster, t=0.2": (ours("cluster"), 2_000_000),
    "curate threshold 0.9": (ours("threshold"), 2_000_000),
    "numpy, every row every pick": (numpy_scan, 50_000),
    "faiss k-means": (faiss_kmeans, 2_000_000),
    "random": (lambda vectors, k: np.random.default_rng(0).choice(len(vectors), k, replace=False), 10**9),
}


def child(name: str, file: Path, k: int, out: Path) -> None:
    """Run one way, and print its figures as JSON."""
    function, vectors = WAYS[name][0], np.load(file, mmap_mode="r")
    function(np.array(vectors[:2000]), 50)
    wall, cpu = time.perf_counter(), time.process_time()
    picks = function(vectors, k)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e9 if sys.platform == "darwin" else 1e6)
    np.save(out, picks)
    print(json.dumps([wall, cpu, peak]))


def metrics(vectors: Any, picks: Any) -> tuple[float, float, float]:
    """Give Vendi, nearest and stands for."""
    chosen = vectors[np.sort(picks)].astype(np.float64)
    products = chosen @ chosen.T / SQUARE
    np.fill_diagonal(products, -1)
    unit = chosen / np.maximum(np.linalg.norm(chosen, axis=1, keepdims=True), 1)
    values = np.linalg.eigvalsh(unit.T @ unit / len(unit))
    values = values[values > 1e-12]
    rows = vectors[np.random.default_rng(7).choice(len(vectors), min(5000, len(vectors)), replace=False)]
    covered = (rows.astype(np.float64) @ chosen.T).max(axis=1).mean() / SQUARE
    return float(np.exp(-(values * np.log(values)).sum())), float(1 - products.max(axis=1).mean()), float(covered)


def table(file: Path, k: int, only: list[str]) -> None:
    """Print one table."""
    vectors = np.load(file, mmap_mode="r")
    print(f"\n{len(vectors):,} x {vectors.shape[1]}, k = {k:,}, {os.cpu_count()} cores\n")
    heads = ("wall s", "cpu s", "peak GB", "Vendi", "nearest", "stands for")
    print(f"{'':30}" + "".join(f"{head:>11}" for head in heads))
    for name, (_, largest) in WAYS.items():
        if len(vectors) <= largest and (not only or any(word in name for word in only)):
            print(line(name, file, k, vectors), flush=True)


def line(name: str, file: Path, k: int, vectors: Any) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "picks.npy"
        command = [sys.executable, "-m", "benchmarks.selection", "--child", name, str(file), str(k), str(out)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1])
        if done.returncode:
            return f"{name:30} failed: {done.stderr.strip().splitlines()[-1][:80]}"
        picks = np.load(out)
    figures = [*json.loads(done.stdout.splitlines()[-1]), *metrics(vectors, picks)]
    widths = (2, 2, 2, 1, 3, 3)
    text = f"{name:30}" + "".join(f"{figure:11.{width}f}" for figure, width in zip(figures, widths, strict=True))
    return text + (f"   ({len(picks)} picks)" if len(picks) != k else "")


def main() -> None:
    """Print a table for each size."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--n", type=int, nargs="+", default=[20_000, 1_000_000])
    options.add_argument("--k", type=int, default=1000)
    options.add_argument("--vectors", type=Path, help="an .npy file of vectors, quantised int16 or floats")
    options.add_argument("--only", nargs="+", default=[], metavar="WORD", help="only ways whose name holds a WORD")
    options.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.child:
        name, file, k, out = chosen.child
        return child(name, Path(file), int(k), Path(out))
    with tempfile.TemporaryDirectory() as scratch:
        for n in [0] if chosen.vectors else chosen.n:
            pool = Path(scratch) / f"vectors-{n}.npy"
            if chosen.vectors:
                np.save(pool, quantise(np.load(chosen.vectors, mmap_mode="r")))
            else:
                make(n, pool)
            table(pool, chosen.k, chosen.only)
    return None


if __name__ == "__main__":
    main()
