"""Choosing k of n vectors: seconds, memory, and how diverse what comes out is.

    python -m benchmarks.selection [--n 20000 1000000] [--k 1000] [--vectors FILE.npy] [--only NAME …]

Each way runs in a process of its own, on the same int16 file, after a small call that compiles and warms up. `wall` and
`cpu` leave out reading Python and that call, `peak` is the whole process (pages of the mapped file included). Without
`--vectors` the vectors are made: sqrt(n) directions of 384 dimensions, the i-th with a share of 1/i of the rows,
each row its direction plus 0.8 times noise. faiss, semhash and apricot are measured where they are installed.

`Vendi` is the effective number of different rows (cosine; Friedman and Dieng 2023), `nearest` the mean distance from a
pick to the nearest other, `stands for` the mean of the largest cosines of 5,000 rows of the pool to the picks.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
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
Picks = tuple[Any, float]  # the positions, and by what to multiply the time, where only a part was run


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
        table[first : first + size] = quantise(
            centres[cluster] + np.float32(0.8) * rng.standard_normal((size, D), dtype=np.float32)
        )
    table.flush()


def ours(name: str, **parameters: Any) -> Callable[[Any, int], Picks]:
    def run(vectors: Any, k: int) -> Picks:
        from curate.filters import diversity

        return getattr(diversity, name)(vectors, n=k, **parameters), 1.0

    return run


def numpy_scan(vectors: Any, k: int) -> Picks:
    """Compare every row with every pick, in float32 made beforehand; 20 picks are timed for a large pool."""
    done = k if len(vectors) <= 50_000 else min(k, 20)
    table = np.concatenate([vectors[a : a + 50_000].astype(np.float32) for a in range(0, len(vectors), 50_000)])
    begin()
    most = np.full(len(table), -np.inf, dtype=np.float32)
    picks = [0]
    for _ in range(done - 1):
        np.maximum(most, table @ table[picks[-1]], out=most)
        picks.append(int(most.argmin()))
    return (np.array(picks) if done == k else None), k / done


def uniform(vectors: Any, k: int) -> Picks:
    return np.random.default_rng(0).choice(len(vectors), k, replace=False), 1.0


def faiss_kmeans(vectors: Any, k: int) -> Picks:
    """Take the row nearest to each of k centres."""
    import faiss

    table = np.ascontiguousarray(vectors, dtype=np.float32) / LENGTH
    begin()
    means = faiss.Kmeans(table.shape[1], k, niter=10, spherical=True, seed=1)
    means.train(table)
    index = faiss.IndexFlatIP(table.shape[1])
    index.add(table)
    return np.unique(index.search(means.centroids, 1)[1]), 1.0


def semhash(vectors: Any, k: int) -> Picks:
    """Take `self_find_representative` as it comes, but with every row a candidate."""
    package = importlib.import_module("semhash")
    names = [str(i) for i in range(len(vectors))]
    table = np.asarray(vectors, dtype=np.float32) / LENGTH
    begin()
    hashed = package.SemHash.from_embeddings(table, names, model=None)
    found = hashed.self_find_representative(selection_size=k, candidate_limit=len(vectors))
    return np.array([int(name) for name in found.selected]), 1.0


def apricot(vectors: Any, k: int) -> Picks:
    """Facility location on all similarities at once: n x n of them."""
    package = importlib.import_module("apricot")
    table = np.asarray(vectors, dtype=np.float32) / LENGTH
    begin()
    return package.FacilityLocationSelection(k, metric="cosine").fit(table).ranking, 1.0


def deita(vectors: Any, k: int) -> Picks:
    """DEITA's loop: a row is compared with all kept ones before the next row is looked at."""
    table = np.asarray(vectors, dtype=np.float32) / LENGTH
    begin()
    kept: list[int] = [0]
    for i in range(1, len(table)):
        if (table[kept] @ table[i]).max() < 0.9:
            kept.append(i)
            if len(kept) == k:
                break
    return np.array(kept), 1.0


# Name, function, the largest pool it is run on, the package it needs.
WAYS: dict[str, tuple[Callable[[Any, int], Picks], int, str]] = {
    "curate farthest, t=0.2": (ours("farthest"), 10**9, "numba"),
    "curate farthest, t=0": (ours("farthest", temperature=0), 10**9, "numba"),
    "curate farthest, t=1": (ours("farthest", temperature=1), 10**9, "numba"),
    "curate coverage, t=0.2": (ours("coverage"), 200_000, "numba"),
    "curate cluster, t=0.2": (ours("cluster"), 2_000_000, "numba"),
    "curate threshold 0.9": (ours("threshold"), 2_000_000, "numba"),
    "numpy, every row every pick": (numpy_scan, 2_000_000, "numpy"),
    "faiss k-means": (faiss_kmeans, 2_000_000, "faiss"),
    "semhash, representatives": (semhash, 20_000, "semhash"),
    "apricot, facility location": (apricot, 20_000, "apricot"),
    "DEITA's loop": (deita, 20_000, "numpy"),
    "random": (uniform, 10**9, "numpy"),
}
_begun = [0.0, 0.0]


def begin() -> None:
    """Start the clocks: what comes before is preparation that a user would have done already."""
    _begun[:] = [time.perf_counter(), time.process_time()]


def child(name: str, file: Path, k: int, out: Path) -> None:
    """Run one way, and print its figures as JSON."""
    function = WAYS[name][0]
    vectors = np.load(file, mmap_mode="r")
    function(np.array(vectors[:2000]), 50)
    begin()
    picks, times = function(vectors, k)
    wall, cpu = time.perf_counter() - _begun[0], time.process_time() - _begun[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e9 if sys.platform == "darwin" else 1e6)
    np.save(out, np.empty(0, dtype=np.int64) if picks is None else picks)
    print(json.dumps({"wall": wall * times, "cpu": cpu * times, "peak": peak, "times": times}))


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
    for name, (_, largest, package) in WAYS.items():
        if (only and not any(word in name for word in only)) or len(vectors) > largest:
            continue
        if not importlib.util.find_spec(package):
            print(f"{name:30} ({package} is not installed)")
            continue
        print(line(name, file, k, vectors), flush=True)


def line(name: str, file: Path, k: int, vectors: Any) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "picks.npy"
        command = [sys.executable, "-m", "benchmarks.selection", "--child", name, str(file), str(k), str(out)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1])
        if done.returncode:
            return f"{name:30} failed: {done.stderr.strip().splitlines()[-1][:80]}"
        figures = json.loads(done.stdout.splitlines()[-1])
        picks = np.load(out)
    said = f"{name:30}{figures['wall']:11.2f}{figures['cpu']:11.2f}{figures['peak']:11.2f}"
    if len(picks):
        vendi, nearest, covered = metrics(vectors, picks)
        said += f"{vendi:11.1f}{nearest:11.3f}{covered:11.3f}"
    else:
        said += f"   (time of {k / figures['times']:.0f} picks, times {figures['times']:.0f})"
    return said + (f"   ({len(picks)} picks)" if len(picks) not in (0, k) else "")


def main() -> None:
    """Print a table for each size."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--n", type=int, nargs="+", default=[20_000, 1_000_000])
    options.add_argument("--k", type=int, default=1000)
    options.add_argument("--vectors", type=Path, help="an .npy file of vectors, quantised int16 or floats")
    options.add_argument("--folder", type=Path, help="where to keep the vectors made; else they are removed")
    options.add_argument("--only", nargs="+", default=[], metavar="WORD", help="only ways whose name holds a WORD")
    options.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.child:
        name, file, k, out = given.child
        return child(name, Path(file), int(k), Path(out))
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        if given.vectors:
            np.save(Path(scratch) / "given.npy", quantise(np.load(given.vectors, mmap_mode="r")))
            return table(Path(scratch) / "given.npy", given.k, given.only)
        for n in given.n:
            file = folder / f"vectors-{n}.npy"
            if not file.is_file():
                make(n, file)
            table(file, given.k, given.only)
    return None


if __name__ == "__main__":
    main()
