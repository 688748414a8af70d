"""Compile the scanner with numba, from the same source that runs interpreted.

The functions are rebuilt over one namespace in which their names mean compiled functions, the tables are arrays,
and the steps of `find` are loops. numba keeps the machine code on disk, beside the modules
or, where that is read-only, in the user's cache.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

from curate.filters.html import entities, find, pre, scan, tables, tags, write

log = logging.getLogger("curate.filters")
# In the order in which they use one another.
_MODULES = (tables, find, write, tags, entities, pre, scan)
# _nrt: there is nothing to count references of. Without the counting, half as fast again.
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
INNER: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "no_rewrites": True}


def scanner(make: bool = True) -> Any:
    """Give the compiled `scan_rows`; where it is not in numba's cache, make it, or give None."""
    rows = _entry()
    if rows.signatures:
        return rows
    if not is_kept(rows):
        if not make:
            return None
        later = "later runs load it" if rows.stats.cache_path else "there is no folder to keep it in"
        log.warning("curate: compiling the markup scanner (about 15 seconds); %s", later)
        _compile_used(scan.scan_rows, rows.py_func.__globals__, _functions())
    rows.compile(_types(rows.py_func))
    return rows


@functools.cache
def _entry() -> Any:
    entry = _over(scan.scan_rows, _names())
    # numba looks for changes in one file only: the name under which it keeps the code stands for all that matters.
    entry.__qualname__ = f"scan_rows_{_digest()}"
    return _keeping(entry)


def _keeping(entry: FunctionType) -> Any:
    from numba import njit

    try:
        return njit(cache=True, **OPTIONS)(entry)
    except RuntimeError:  # no place to keep it: made anew by each process
        return njit(**OPTIONS)(entry)


def is_kept(rows: Any) -> bool:
    """Say whether the machine code of `rows` is in numba's cache."""
    folder = rows.stats.cache_path
    return folder is not None and any(Path(folder).glob(f"*{rows.py_func.__qualname__}*.nbi"))


def _compile_used(user: Callable[..., Any], names: dict[str, Any], functions: dict[str, FunctionType]) -> None:
    """Compile what a function uses, the innermost first."""
    from numba import njit

    for name in user.__code__.co_names:
        if name in functions and name not in names:
            _compile_used(functions[name], names, functions)
            names[name] = njit(_types(functions[name]), **OPTIONS, **INNER)(_over(functions[name], names))


def _names() -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": __name__, "__builtins__": __builtins__}
    for module in _MODULES:
        names |= {name: _as_array(value) for name, value in vars(module).items() if name.isupper()}
    return names


def _functions() -> dict[str, FunctionType]:
    """Name the functions; one with a `_loop` behind its name stands for the one without, which comes before it."""
    return {
        name.removesuffix("_loop"): value
        for module in _MODULES
        for name, value in vars(module).items()
        if isinstance(value, FunctionType) and value.__module__ == module.__name__
    }


def _over(function: Callable[..., Any], names: dict[str, Any]) -> FunctionType:
    """Give the same function over other globals."""
    twin = FunctionType(function.__code__, names, function.__name__, function.__defaults__)
    twin.__annotations__ = function.__annotations__
    return twin


def _types(function: FunctionType) -> tuple[Any, ...]:
    """Give numba's types of the parameters, so that a function is compiled once and not anew for each caller."""
    from numba import types

    of = {
        "Source": types.Array(types.uint8, 1, "C", readonly=True),
        "Output": types.uint8[::1],
        "Numbers": types.int64[::1],
        "int": types.int64,
        "bool": types.boolean,
    }
    return tuple(of[note] for name, note in function.__annotations__.items() if name != "return")


def _as_array(value: Any) -> Any:
    import numpy as np

    if isinstance(value, bytes):
        return np.frombuffer(value, dtype=np.uint8)
    if not isinstance(value, list):
        return value
    return np.array(value, dtype=np.uint8 if max(value) < 256 else np.int64)


def _digest() -> str:
    import numba

    binding = importlib.import_module("llvmlite.binding")
    digest = hashlib.sha256(f"{numba.__version__} {sys.version} {binding.get_host_cpu_name()}".encode())
    for module in (*_MODULES, sys.modules[__name__]):
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()[:12]
