"""Build a library of steps apart from the installed one: with steps of the tests' own, or with sanitizers."""

from __future__ import annotations

import os
import runpy
import shlex
import shutil
import subprocess
from pathlib import Path

from curate.filters.compiled import FOLDER, sources

COMPILER = shlex.split(os.environ.get("CC", "cc"))
FLAGS = ["-std=c99", "-fwrapv", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f'-DCURATE_SOURCES="{sources()}"']
NO_COMPILER = None if shutil.which(COMPILER[0]) else f"there is no C compiler {COMPILER[0]}"


def build(folder: Path, *arguments: str) -> Path:
    """Build `steps.so` in a folder from C files and options of the compiler."""
    library = folder / "steps.so"
    (folder / "names.h").write_text(runpy.run_path(str(FOLDER / "names.py"))["header"](), encoding="utf-8")
    command = [*COMPILER, *FLAGS, f"-I{folder}", f"-I{FOLDER}", *arguments, "-o", str(library)]
    subprocess.run(command, check=True)
    return library
