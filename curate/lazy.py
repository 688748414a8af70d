"""Packages whose functions are imported when they are first used, so that what nobody names costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


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
