"""Steps in C, each beside its Python reference, which runs with the same result where the C does not.

`pip install` builds one library of all steps where a C compiler is (`setup.py`). A step is a function in a C file, a
line at the end of `plugin.c`, and a reference. Nothing is imported here but the standard library: the build reads this.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

FOLDER = Path(__file__).parent
LIBRARY = FOLDER / "steps.so"


def step(
    name: str, text: pl.Expr, reference: Callable[[str], Any], dtype: Any = None, options: str | None = None
) -> pl.Expr:
    """Make the expression of a step: compiled where that can be, else of its reference.

    Args:
        name: the step, as in the table of `plugin.c`.
        text: a column of texts. Nulls stay null.
        reference: gives for one text what the compiled step gives (with these options).
        dtype: the type of that, by default text; UInt64 of a count, List(UInt64) of a list.
        options: what the compiled step is told beside each text, for steps that take options.
    """
    import polars as pl

    if unavailable(name, options) is None:
        return _compiled(name, text, options)
    dtype = dtype or pl.String
    by_reference: pl.Expr = text.map_batches(
        partial(_refer, name, reference, dtype), return_dtype=dtype, is_elementwise=True
    )
    return by_reference


def unavailable(name: str = "html_to_markdown", options: str | None = None) -> str | None:
    """Say why a step runs as its reference; None where it runs compiled.

    The environment variable CURATE_REFERENCE, set to anything, has all steps run as their references.
    """
    return "CURATE_REFERENCE is set" if os.environ.get("CURATE_REFERENCE") else _failure(name, options)


@cache
def _failure(name: str, options: str | None) -> str | None:
    """Load the library, and let polars ask it for the type that a step gives, which starts none of polars' threads."""
    import polars as pl

    if not LIBRARY.is_file():
        return "the library is not built: install a C compiler, then curate-lm again"
    try:
        library = ctypes.CDLL(str(LIBRARY))
        library.curate_sources.restype = ctypes.c_char_p
        if library.curate_sources().decode() != sources() or not hasattr(library, f"_polars_plugin_{name}"):
            return "the library is built from other sources: install curate-lm again"
        pl.LazyFrame(schema={"text": pl.String}).select(_compiled(name, pl.col("text"), options)).collect_schema()
    except (Exception, pl.exceptions.PanicException) as error:
        return f"polars {pl.__version__} cannot load the library: {error}"
    return None


def _compiled(name: str, text: pl.Expr, options: str | None) -> pl.Expr:
    import polars as pl
    from polars.plugins import register_plugin_function

    args = [text] if options is None else [text, pl.lit(options)]
    return register_plugin_function(plugin_path=LIBRARY, function_name=name, args=args, is_elementwise=True)


def _refer(name: str, reference: Callable[[str], Any], dtype: Any, texts: pl.Series) -> pl.Series:
    import polars as pl

    if texts.dtype not in (pl.String, pl.Null):
        raise pl.exceptions.ComputeError(f"{name} takes text, but the column '{texts.name}' holds {texts.dtype}")
    return pl.Series(texts.name, [None if text is None else reference(text) for text in texts], dtype=dtype)


def sources() -> str:
    """Hash the C sources, and what writes some of them: the library tells by it what it is built from."""
    digest = hashlib.sha256()
    for file in sorted([*FOLDER.glob("*.[ch]"), FOLDER / "names.py"]):
        digest.update(f"{file.name} ".encode() + file.read_bytes())
    return digest.hexdigest()[:16]
