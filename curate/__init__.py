"""Build small, high-quality training sets for language models, and say for every row why it is in or out.

Filters are in `curate.filters`; the verbs that apply them to any table, and the functions behind the command, are here.
Names are imported on first use, so that `import curate` and `curate --help` stay light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from curate.filter import apply, batched, drop, edit, keep
    from curate.recipe.load import load as load_recipe
    from curate.run.run import run_recipe

# Where each name is at home. A name may not be a module's of this package: importing the module would hide it.
_HOME = {
    "apply": ("curate.filter", "apply"),
    "batched": ("curate.filter", "batched"),
    "drop": ("curate.filter", "drop"),
    "edit": ("curate.filter", "edit"),
    "keep": ("curate.filter", "keep"),
    "load_recipe": ("curate.recipe.load", "load"),
    "run_recipe": ("curate.run.run", "run_recipe"),
}

__all__ = ["__version__", "apply", "batched", "drop", "edit", "keep", "load_recipe", "run_recipe"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'curate' has no attribute '{name}'")
    module, attribute = _HOME[name]
    return getattr(import_module(module), attribute)
