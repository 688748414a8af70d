"""Build small, high-quality training sets for language models, and say for every row why it is in or out.

Filters are in `curate.filters`; the verbs that apply them to any table, and the functions behind the command, are here.
Names are imported on first use, so that `import curate` and `curate --help` stay light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from curate.apply import apply, batched, drop, edit, keep
    from curate.recipe import load
    from curate.run import run

_HOME = {
    "apply": "curate.apply",
    "batched": "curate.apply",
    "drop": "curate.apply",
    "edit": "curate.apply",
    "keep": "curate.apply",
    "load": "curate.recipe",
    "run": "curate.run",
}

__all__ = ["__version__", "apply", "batched", "drop", "edit", "keep", "load", "run"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'curate' has no attribute '{name}'")
    return getattr(import_module(_HOME[name]), name)
