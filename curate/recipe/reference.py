"""The reference: what filters, sources and recipes there are, out of signatures and docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import Any

import yaml

from curate.errors import UserError, did_you_mean
from curate.recipe import registry
from curate.recipe.extends import PACKAGED, packaged
from curate.recipe.labels import AS, LABEL, OutputKeys, RecipeKeys, SourceKeys
from curate.recipe.verbs import KINDS, VERBS


def catalog(kind: str) -> list[dict[str, Any]]:
    """List what there is of a kind (`filters`, `sources`, …, `recipes`): name, what it is, and one sentence.

    >>> next(row for row in catalog("filters") if row["name"] == "length")["is"]
    'property'
    """
    if kind == "recipes":
        return [{"name": name, "is": "recipe", "does": _about(text)} for name, text in _recipes().items()]
    functions = registry.functions(kind)
    rows = [
        {"name": name, "is": registry.kind_of(f), "does": (inspect.getdoc(f) or "").partition("\n")[0]}
        for name, f in functions.items()
    ]
    # A plug-in is imported when it is named, not to be listed.
    return rows + [
        {"name": name, "is": "plug-in", "does": f"of the package {point.dist.name if point.dist else point.value}"}
        for name, point in registry.plugins(kind).items()
        if name not in functions
    ]


def kind_with(name: str, kinds: Sequence[str]) -> str:
    """Find the kind that has a name, for whoever says the name alone.

    >>> kind_with("length", ["filters", "sources"])
    'filters'
    """
    names = {kind: list(_recipes() if kind == "recipes" else registry.names(kind)) for kind in kinds}
    for kind, listed in names.items():
        if name in (*listed, *registry.plugins(kind)):
            return kind
    every = [*kinds, *(one for listed in names.values() for one in listed)]
    raise UserError(f"there is nothing called '{name}'; {did_you_mean(name, every)}")


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
        function = registry.find(kind, name)
    except LookupError as error:
        raise UserError(str(error)) from None
    hidden = registry.filled(function)
    signature = inspect.signature(function)
    own = signature.replace(parameters=[p for n, p in signature.parameters.items() if n not in hidden])
    marks = ", runs a model" if getattr(function, "costly", False) else ""
    # Annotations are kept as text, and would be shown in quotes.
    text = re.sub(r""": (['"])(.+?)\1(?=[,)]| =)""", r": \2", str(own).partition(" -> ")[0])
    return f"{name}{text}   [{registry.kind_of(function)}{marks}]\n\n{inspect.getdoc(function)}"


def _recipes() -> dict[str, str]:
    texts = {file.removesuffix(".yaml"): (PACKAGED / file).read_text(encoding="utf-8") for file in packaged()}
    return {name: text for name, text in texts.items() if {"sources", "extends"} & set(yaml.safe_load(text) or {})}


def _about(text: str) -> str:
    """Take the first comment line of a recipe as its sentence."""
    return next((line.lstrip("# ") for line in text.splitlines() if line.startswith("#")), "")


_OF_RUN = {"n", "seed"}  # what a run gives the selector of a `sample` block
_OWN = {
    "type": "object",
    "patternProperties": {"^[\\w.]+:\\w+$": {}},
    "additionalProperties": False,
    "minProperties": 1,
}  # a user's own function


def schema() -> dict[str, Any]:
    """Make the JSON Schema (draft 2020-12) of recipes from the signatures of all filters and sources there are.

    >>> sorted(schema()["$defs"])
    ['read', 'sample', 'source', 'step']
    """
    filters, sources = registry.functions("filters"), registry.functions("sources")
    top = RecipeKeys.model_json_schema()
    source = SourceKeys.model_json_schema()
    output = OutputKeys.model_json_schema()
    steps = {"type": "array", "items": {"$ref": "#/$defs/step"}}
    read = {"$ref": "#/$defs/read"}
    named = {"type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#/$defs/source"}}
    _describe(top, sources=named, steps=steps, output=output)
    held_out = [{"type": "integer", "minimum": 1}, {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}]
    _describe(output, dev={"anyOf": [*held_out, read]}, test_prompts=read)
    # A recipe that extends another says only what differs.
    extends = "Another recipe, packaged or beside this one, that this one changes."
    top["properties"]["extends"] = {"type": "string", "description": extends}
    top["anyOf"] = [{"required": top.pop("required")}, {"required": ["extends"]}]
    source.pop("required")
    _describe(source, read=read, steps=steps, sample={"$ref": "#/$defs/sample"})
    added = [name for name in registry.plugins("filters") if name not in filters]
    for group in ("generators", "judges"):
        _describe(top, **{group: {"type": "object", "additionalProperties": _named(registry.functions(group))}})
    top["$defs"] = {
        "source": source,
        "read": _named(sources),
        "sample": {"anyOf": [_without(filters["domains"], _OF_RUN), *_samplers(filters)]},
        "step": {
            "oneOf": [
                _step(verb, _named(_of_verb(verb), added if kind.group == "filters" else []))
                for verb, kind in VERBS.items()
            ]
        },
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **top, "title": "A curate recipe"}


def _describe(schema: dict[str, Any], **keys: dict[str, Any]) -> None:
    """Say what keys hold that have a schema of their own; what they are for stays."""
    for key, value in keys.items():
        schema["properties"][key] = value | {"description": schema["properties"][key]["description"]}


def _of_verb(verb: str) -> dict[str, registry.Function]:
    kinds = {kind.name for kind in KINDS.values() if verb in kind.verbs}
    return {n: f for n, f in registry.functions(VERBS[verb].group).items() if registry.kind_of(f) in kinds}


def _samplers(filters: dict[str, registry.Function]) -> list[dict[str, Any]]:
    """Describe `{selector: {parameters}}` for the selectors that pick a number of rows, and a user's own."""
    fit = (n for n, f in _of_verb("select").items() if "n" in inspect.signature(f).parameters)
    return [*(_one(name, _without(filters[name], _OF_RUN)) for name in fit), _OWN]


def _named(functions: dict[str, registry.Function], added: Sequence[str] = ()) -> dict[str, Any]:
    """Describe `{name: {parameters}}` for one of several functions; `module:function` takes any parameters.

    So do those that installed packages have `added`: they are not imported to be described.
    """
    plugins = (_one(name, {"type": ["object", "null"]}) for name in added)
    return {"oneOf": [*(_one(name, _parameters(f)) for name, f in functions.items()), *plugins, _OWN]}


def _one(key: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {key: value}, "required": [key], "additionalProperties": False}


def _step(verb: str, value: dict[str, Any]) -> dict[str, Any]:
    """Describe a step: its verb, and the label that it may have."""
    step = _one(verb, value)
    step["properties"][AS] = {"type": "string", "pattern": f"^{LABEL}$", "description": "The step's label."}
    return step


def _parameters(function: registry.Function) -> dict[str, Any]:
    schema = registry.parameters(function).model_json_schema()
    schema.pop("title", None)
    schema["description"] = (function.__doc__ or "").strip().partition("\n")[0]
    return schema if schema.get("required") else {"anyOf": [schema, {"type": "null"}]}


def _without(function: registry.Function, names: set[str]) -> dict[str, Any]:
    schema = registry.parameters(function, names).model_json_schema()
    schema.pop("required", None)
    schema.pop("title", None)
    return schema
