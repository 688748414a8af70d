"""Run a compiled loop over ranges of rows, side by side: it lets go of the interpreter's lock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import polars as pl


def threads() -> int:
    """Say how many threads to use: as many as polars does, so POLARS_MAX_THREADS limits both."""
    return pl.thread_pool_size()


def in_ranges(kernel: Callable[..., Any], count: int, size: int, *arguments: Any) -> list[Any]:
    """Call kernel(first, last, *arguments) for ranges of `size` that cover `count`; give the results in their order."""
    firsts = range(0, count, size)
    if threads() == 1 or len(firsts) < 2:
        return [kernel(first, min(first + size, count), *arguments) for first in firsts]
    with ThreadPoolExecutor(threads()) as pool:
        return list(pool.map(lambda first: kernel(first, min(first + size, count), *arguments), firsts))
