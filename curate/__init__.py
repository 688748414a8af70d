"""Build small, high-quality training sets for language models, and say for every row why it is in or out.

Filters are in `curate.filters`; the verbs that apply them to any table, and the functions behind the command, are here.
Names are imported on first use, so that `import curate` and `curate --help` stay light.
"""

import sys
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
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


# Packages whose functions are imported when they are first used, so that what nobody names costs nothing.


class _LazyPackage(ModuleType):
    """A package with `MODULES`: for each of its functions the module that holds it."""

    def __getattr__(self, name: str) -> Any:
        modules = vars(self).get("MODULES", {})
        if name not in modules:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{self.__name__}.{modules[name]}"), name)
        setattr(self, name, value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        # Python sets a module that was imported as an attribute of its package: `jsonl` shall stay the function.
        if not (isinstance(value, ModuleType) and name in vars(self).get("MODULES", {})):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *vars(self).get("MODULES", {})})


def lazy(package: str, modules: Mapping[str, str]) -> list[str]:
    """Let the functions of a package be imported on first use; return their names.

    `modules` says in which of its modules each is.
    """
    module = sys.modules[package]
    module.__dict__["MODULES"] = dict(modules)
    module.__class__ = _LazyPackage
    return list(modules)
