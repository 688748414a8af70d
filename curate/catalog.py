"""The reference: what filters, sources and recipes there are, out of signatures and docstrings."""

from __future__ import annotations

import inspect
import re
from importlib.resources import files
from typing import Any, cast

import yaml

from curate import registry
from curate.errors import UserError
from curate.places import did_you_mean


def catalog(kind: str) -> list[dict[str, Any]]:
    """List what there is of a kind (`filters`, `sources`, …, `recipes`): name, what it is, and one sentence.

    >>> next(row for row in catalog("filters") if row["name"] == "length")["is"]
    'property'
    """
    if kind == "recipes":
        return [{"name": name, "is": "recipe", "does": _about(text)} for name, text in _recipes().items()]
    group = cast(registry.Group, kind)
    functions = registry.names(group)
    rows = [
        {"name": name, "is": registry.kind_of(f), "does": (inspect.getdoc(f) or "").partition("\n")[0]}
        for name, f in functions.items()
    ]
    # A plug-in is loaded when it is named, not to be listed.
    added = {name: point for name, point in registry.plugins(group).items() if name not in functions}
    return rows + [
        {"name": name, "is": "plug-in", "does": f"of the package {point.dist.name if point.dist else point.value}"}
        for name, point in added.items()
    ]


def reference(kind: str, name: str) -> str:
    """Write the reference of one filter or source (signature and docstring), or the text of a recipe."""
    if kind == "recipes":
        recipes = _recipes()
        if name.removesuffix(".yaml") not in recipes:
            raise UserError(f"there is no recipe '{name}'; {did_you_mean(name, list(recipes))}")
        return recipes[name.removesuffix(".yaml")]
    if ":" in name:
        raise UserError(
            f"'{name}' is a function of your own: its reference is its file, which `curate list` does not run"
        )
    try:
        function = registry.find(cast(registry.Group, kind), name)
    except LookupError as error:
        raise UserError(str(error)) from None
    hidden = registry.GIVEN.get(registry.kind_of(function), set())
    signature = inspect.signature(function)
    shown = signature.replace(parameters=[p for n, p in signature.parameters.items() if n not in hidden])
    is_ = registry.kind_of(function)
    marks = ", runs a model" if getattr(function, "costly", False) else ""
    # Annotations are kept as text, and would be shown in quotes.
    written = re.sub(r""": (['"])(.+?)\1(?=[,)]| =)""", r": \2", str(shown).partition(" -> ")[0])
    return f"{name}{written}   [{is_}{marks}]\n\n{inspect.getdoc(function)}"


def _recipes() -> dict[str, str]:
    found = [f for f in files("curate.recipes").iterdir() if f.name.endswith(".yaml")]
    texts = {f.name.removesuffix(".yaml"): f.read_text(encoding="utf-8") for f in sorted(found, key=lambda f: f.name)}
    return {name: text for name, text in texts.items() if {"sources", "extends"} & set(yaml.safe_load(text) or {})}


def _about(text: str) -> str:
    """Take the first comment line of a recipe as its sentence."""
    return next((line.lstrip("# ") for line in text.splitlines() if line.startswith("#")), "")
