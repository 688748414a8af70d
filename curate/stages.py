"""Stages: work that is done once. A stage is a folder named by the hash of all it depends on, and appears by rename."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import curate
from curate.rows import hash_file

_DONE = "meta.json"
_STALE_SECONDS = 24 * 3600  # a stage left half-built by a killed run; another run may still be building a younger one


@dataclass(frozen=True)
class Stage:
    """A finished stage: its folder, what its builder said of it, and whether it was there already."""

    folder: Path
    meta: dict[str, Any]
    reused: bool

    @property
    def key(self) -> str:
        """Name the stage by its content hash, for the stages that build on it."""
        return self.folder.name

    def files(self, pattern: str) -> list[Path]:
        """List the stage's files of one kind in their order."""
        return sorted(self.folder.glob(pattern))


class Stages:
    """A folder of stages, shared by all runs beside it."""

    def __init__(self, folder: Path, *, fresh: bool = False) -> None:
        self.folder = folder
        self.fresh = fresh
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob("*.building"):
            with suppress(FileNotFoundError):  # a run beside this one may have finished it just now
                if time.time() - left.stat().st_mtime > _STALE_SECONDS:
                    shutil.rmtree(left, ignore_errors=True)

    def get(self, name: str, depends: dict[str, Any], build: Callable[[Path], dict[str, Any]]) -> Stage:
        """Return the stage for these dependencies, building it if it is not there.

        `build` fills an empty folder and returns what is to be remembered of it; whatever it raises leaves no stage.
        """
        text = json.dumps([name, depends, _code()], sort_keys=True, default=str)
        folder = self.folder / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:24]}"
        if not self.fresh and (folder / _DONE).is_file():
            return Stage(folder, json.loads((folder / _DONE).read_text(encoding="utf-8")), reused=True)
        building = folder.with_name(f"{folder.name}.{os.getpid()}.building")
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir()
        try:
            meta = build(building)
            (building / _DONE).write_text(json.dumps(meta, default=str), encoding="utf-8")
            self._appear(building, folder)
        finally:
            shutil.rmtree(building, ignore_errors=True)
        return Stage(folder, json.loads(json.dumps(meta, default=str)), reused=False)

    def forget(self, stage: Stage) -> None:
        """Let a stage be built again by the next run; its files stay for this one."""
        (stage.folder / _DONE).unlink(missing_ok=True)

    def _appear(self, building: Path, folder: Path) -> None:
        """Give a built stage its name, unless a run beside this one was faster: that one's files may be in use."""
        if not self.fresh and (folder / _DONE).is_file():
            return
        # The mark goes first: half a stage, left by a kill here, must not pass for a whole one.
        (folder / _DONE).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        building.rename(folder)


def fingerprint(files: tuple[Path, ...], memo: Path) -> list[str]:
    """Hash files by content; `memo` remembers each by path, size and time of change: large dumps are hashed once."""
    try:
        known = json.loads(memo.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    hashes = []
    for file in files:
        stat = file.stat()
        mark = f"{file.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
        if mark not in known:
            known[mark] = hash_file(file)
        hashes.append(known[mark])
    beside = memo.with_suffix(f".{os.getpid()}")
    beside.write_text(json.dumps(known), encoding="utf-8")
    beside.replace(memo)
    return hashes


def versions() -> dict[str, str]:
    """List the versions that can change what a run yields."""
    found = {"curate": curate.__version__}
    for name in ("polars", "polars-hash", "alt-profanity-check", "scikit-learn"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def _code() -> str:
    """Hash the library's own code and the versions below it: when either changes, stages are made anew."""
    digest = hashlib.sha256(json.dumps(versions()).encode())
    for file in own_files():
        digest.update(file.read_bytes())
    return digest.hexdigest()


def own_files() -> list[Path]:
    """List the library's code and the data that its filters read, in one order."""
    home = Path(curate.__file__).parent
    # In a checkout, filters and train are links, which rglob does not follow.
    folders = [home, *(folder for folder in (home / "filters", home / "train") if folder.is_symlink())]
    found = [file for folder in folders for file in folder.rglob("*.py")]
    data = [home / "recipes/stackexchange_sites.yaml", *(home / "recipes/authored").glob("*.jsonl")]
    return sorted({file.resolve() for file in [*found, *data]})
