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
    from curate.apply import apply as apply
    from curate.apply import batched as batched
    from curate.apply import drop as drop
    from curate.apply import edit as edit
    from curate.apply import keep as keep
    from curate.apply import select as select
    from curate.recipe.load import load
    from curate.run.explain import explain as explain
    from curate.run.look import read as read
    from curate.run.out import Out as Out
    from curate.run.out import run as run
    from curate.run.run import run_recipe as run_recipe

    load_recipe = load


class _LazyPackage(ModuleType):
    """A package with `MODULES`: for each of its functions the module that holds it."""

    def __getattr__(self, name: str) -> Any:
        modules = vars(self).get("MODULES", {})
        if name not in modules:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        module, _, attribute = modules[name].partition(":")
        value = getattr(import_module(f"{self.__name__}.{module}"), attribute or name)
        setattr(self, name, value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        # Python sets a module that was imported as an attribute of its package: `jsonl` shall stay the function.
        if not (isinstance(value, ModuleType) and name in vars(self).get("MODULES", {})):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        # What is public, and not what the module imports for itself.
        return sorted({*vars(self)["__all__"], *(name for name in super().__dir__() if name.startswith("__"))})


def lazy(package: str, modules: Mapping[str, str]) -> list[str]:
    """Let the functions of a package be imported on first use; return their names.

    `modules` says in which of its modules each is, as `module:name` where it has another name there.
    """
    module = sys.modules[package]
    module.__dict__["MODULES"] = dict(modules)
    module.__class__ = _LazyPackage
    return list(modules)


__all__ = [
    "__version__",
    *lazy(
        __name__,
        {
            **dict.fromkeys(("apply", "batched", "drop", "edit", "keep", "select"), "apply"),
            "Out": "run.out",
            "explain": "run.explain",
            "load_recipe": "recipe.load:load",
            "read": "run.look",
            "run": "run.out",
            "run_recipe": "run.run",
        },
    ),
]
