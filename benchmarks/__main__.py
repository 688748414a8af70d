"""Measure, and write docs/benchmarks.md: `python -m benchmarks [--parts NAME ...] [--rows N ...]`.

What is left out keeps the figures of the last time, which stand in build/benchmarks/figures.json. Other
benchmarks are run by their names: `python -m benchmarks.selection` (also generation, training, statistics).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from benchmarks import filters, rowpass
from benchmarks.ways import WAYS

PACKAGES = ["polars", "datasets", "pyarrow", "py7zr"]
PARTS = ["passes", "cold", "speed", "hostile", "pool"]
LEAST_SPEED, MOST_SECONDS = 100, 1.0  # what the library promises: MB a CPU second, CPU seconds for 1 MB


def machine() -> dict[str, Any]:
    """Describe the machine in general words, and the versions."""
    cpu = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return {
        "cores": os.cpu_count(),
        "cpu": cpu or platform.machine(),
        "memory": round(memory / 2**20),
        "system": f"{platform.system()}, Python {platform.python_version()}",
        "versions": {name: _version(name) for name in PACKAGES} | {"datatrove": rowpass.DATATROVE[0].split("==")[1]},
    }


def _lines(file: str) -> list[str]:
    return Path(file).read_text(encoding="utf-8").splitlines() if Path(file).is_file() else []


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def summary(record: dict[str, Any], base: list[list[float]]) -> dict[str, Any]:
    """Add medians to a record, and the median of its ratios to another way in the same round."""
    if not record["runs"]:
        return record
    cpu, wall, peak = (statistics.median(values) for values in zip(*record["runs"], strict=True))
    ratios = [own[0] / other[0] for own, other in zip(record["runs"], base, strict=False)]
    return record | {"cpu": cpu, "wall": wall, "peak": peak, "ratio": statistics.median(ratios) if ratios else None}


def page(figures: dict[str, Any]) -> str:
    """Fill the template."""
    floors = {(r["input"], r["rows"]): r["runs"] for r in figures.get("passes", []) if r["way"] == "floor"}
    cold, speed, hostile = figures.get("cold", []), figures.get("speed", {}), figures.get("hostile", {})
    speeds = [(value, name, kind) for name, kinds in speed.items() for kind, value in kinds.items()]
    template = Environment(trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined, autoescape=False)
    return template.from_string((Path(__file__).parent / "page.md.jinja").read_text(encoding="utf-8")).render(
        {"pool": {}, "hostile": {}} | figures,
        passes=[summary(r, floors.get((r["input"], r["rows"]), [])) for r in figures.get("passes", [])],
        cold=[summary(r, cold[1]["runs"]) for r in cold],
        speed=speed,
        kinds=filters.KINDS,
        slowest=sorted(speeds)[:5],
        below=sum(value < LEAST_SPEED for value, _, _ in speeds),
        worst=[(name, *max((value, _escape(text)) for text, value in of.items())) for name, of in hostile.items()],
        above=sum(value > MOST_SECONDS for values in hostile.values() for value in values.values()),
    )


def _escape(text: str) -> str:
    """Write signs as references, so that neither Markdown nor a browser takes them for its own."""
    return "".join(f"&#{ord(sign)};" if sign in "<>&[]()|`*_~$\\" else sign for sign in text)


def _merge(old: Any, new: Any) -> Any:
    """Let what was not measured this time keep its figures of the last time."""
    if isinstance(new, dict):
        return {**(old or {}), **new}
    kinds = ("input", "rows", "way")
    records = {tuple(r.get(k, "") for k in kinds): r for r in [*(old or []), *new]}
    return [records[key] for key in sorted(records, key=lambda key: (key[:2], list(records).index(key)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    parser.add_argument("--rows", type=int, nargs="+", default=[40_000, 200_000, 1_000_000])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--inputs", nargs="+", default=list(rowpass.SUFFIXES), choices=rowpass.SUFFIXES)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    parser.add_argument("--filters", nargs="+", default=list(filters.ways()), metavar="NAME")
    parser.add_argument("--prompts", type=int, default=100_000, help="prompts that selectors choose from")
    parser.add_argument("--size", type=int, default=20_000_000, help="bytes of each kind of text")
    parser.add_argument("--hostile-size", type=int, default=1_000_000, help="bytes of a hostile text")
    parser.add_argument("--limit", type=int, default=20, help="CPU seconds until a hostile text is given up")
    parser.add_argument("--out", type=Path, default=rowpass.ROOT / "docs" / "benchmarks.md")
    parser.add_argument("--build", type=Path, default=rowpass.ROOT / "build" / "benchmarks", help="inputs and figures")
    options = parser.parse_args()
    names, build, file = options.filters, options.build.absolute(), options.build / "figures.json"
    build.mkdir(parents=True, exist_ok=True)
    figures = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    measured = {
        "passes": lambda: list(rowpass.passes(build, options.rows, options.runs, options.inputs, options.ways)),
        "cold": lambda: rowpass.cold(build, sorted(options.rows)[len(options.rows) // 2], options.runs),
        "speed": lambda: {n: filters.measure("speed", n, options.size, options.runs) for n in names},
        "hostile": lambda: {n: filters.measure("hostile", n, options.hostile_size, options.limit) for n in names},
        "pool": lambda: {n: filters.measure("pool", n, options.prompts, 1) for n in filters.SELECTORS if n in names},
    }
    for part in options.parts:
        figures |= {part: _merge(figures.get(part), measured[part]()), "machine": machine()}
        figures |= {"hostile": {"limit": options.limit}, "pool": {"prompts": options.prompts}}.get(part, {})
        file.write_text(json.dumps(figures), encoding="utf-8")
        options.out.write_text(page(figures), encoding="utf-8")
    print(options.out.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
