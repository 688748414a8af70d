"""Find a filter or a source by its name, and read its signature as its schema."""

from __future__ import annotations

import importlib
import inspect
import sys
import typing
from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import pydantic

from curate.filter import Choice
from curate.generators.generator import Generator
from curate.judges.contract import Judge
from curate.paths import KeyPath, existing
from curate.places import did_you_mean

Function: TypeAlias = Callable[..., Any]
Kind: TypeAlias = Literal[
    "property", "edit", "score", "select", "source", "generator", "judge", "pair", "answer", "any"
]
Group: TypeAlias = Literal["filters", "sources", "generators", "judges", "pairs"]

# Given by the runner, so not a recipe's to set: the pool a selector chooses from (or, in a program, an array with ids)
# and what is chosen already; the rows that answers and pairs are made for; the size of the set.
GIVEN: dict[Kind, set[str]] = {
    "select": {"pool", "ids", "chosen", "size"},
    "pair": {"rows"},
    "answer": {"rows"},
    "source": {"size"},
}
_RETURNED: dict[Any, Kind] = {Choice: "select", Generator: "generator", Judge: "judge"}


def names(group: Group) -> dict[str, Function]:
    """List what the library has of a kind by name, entry points of other packages included."""
    module = importlib.import_module(f"curate.{group}")
    found: dict[str, Function] = {name: getattr(module, name) for name in module.__all__}
    if group == "filters":
        found |= {e.name: e.load() for e in _others() if e.name not in found}
    return {name: f for name, f in found.items() if kind_of(f) != "any"}


@cache
def _others() -> EntryPoints:
    """List other packages' filters; looking takes 20 ms, and each step of a recipe asks."""
    return entry_points(group="curate.filters")


def find(group: Group, name: str, folder: Path | None = None) -> Function:
    """Find a filter or source by name, or a user's own as `module:function`.

    A user's module is looked for where Python looks, then beside the recipe (`folder`). Raise LookupError in words.
    """
    if ":" in name:
        return _own(name, folder)
    known = names(group)
    if name not in known:
        raise LookupError(f"there is no {group[:-1]} '{name}'; {did_you_mean(name, list(known))}")
    return known[name]


def _own(name: str, folder: Path | None) -> Function:
    module_name, _, function_name = name.partition(":")
    for place in (str(Path.cwd()), *([str(folder.resolve())] if folder else [])):
        if place not in sys.path:
            sys.path.append(place)
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # whatever a user's module does on import is said in one sentence
        raise LookupError(f"'{module_name}' cannot be imported: {type(error).__name__}: {error}") from None
    function = getattr(module, function_name, None)
    if not callable(function):
        own = [n for n, f in inspect.getmembers(module, inspect.isfunction) if f.__module__ == module_name]
        raise LookupError(f"'{module_name}' has no function '{function_name}'; {did_you_mean(function_name, own)}")
    return typing.cast(Function, function)


def kind_of(function: Function) -> Kind:
    """Tell what a function is from its return annotation; a plain expression can be any filter.

    >>> from curate.filters import length
    >>> kind_of(length)
    'property'
    """
    try:
        returned: Any = typing.get_type_hints(function, include_extras=True).get("return")
    except (NameError, TypeError):
        return "any"
    if returned in _RETURNED:
        return _RETURNED[returned]
    if typing.get_origin(returned) is Annotated:
        return typing.cast(Kind, returned.__metadata__[0])
    if typing.get_origin(returned) is list and "Part" in str(returned):
        return "source"
    return "any"


def parameters(function: Function, given: Iterable[str] = ()) -> type[pydantic.BaseModel]:
    """Make the schema of a function's parameters from its signature: types, defaults, no others allowed.

    `given` are parameters that the caller fills, beside those that its kind always has from the runner.
    """
    hints = typing.get_type_hints(function, include_extras=True)
    filled = {*given, *GIVEN.get(kind_of(function), ())}
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name in filled or parameter.kind is parameter.VAR_KEYWORD:
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[name] = (_in_yaml(name, hints.get(name, Any)), default)
    config = pydantic.ConfigDict(extra="forbid", strict=True, protected_namespaces=())
    return pydantic.create_model(getattr(function, "__name__", "parameters"), __config__=config, **fields)


def _in_yaml(name: str, hint: Any) -> Any:
    """Adapt a type to YAML: paths are text, generators and judges go by name, and a step may name several columns."""
    for named in (Generator, Judge):
        if hint in (named, named | None):
            return str if hint is named else str | None
        if hint in (list[named], list[named] | None):  # type: ignore[valid-type]
            return Annotated[list[str], pydantic.Field(min_length=1)]
    if hint is Path:
        return Annotated[Path, pydantic.Field(strict=False)]
    if name == "column" and hint is str:
        return str | list[str]
    return hint


def check(model: type[pydantic.BaseModel], given: Any) -> tuple[dict[str, Any], list[tuple[KeyPath, str]]]:
    """Validate parameters; return them with defaults filled in, and what is wrong as (path, sentence) pairs."""
    if not isinstance(given, dict):
        return {}, [((), f"takes parameters ({', '.join(model.model_fields)}), not {_show(given)}")]
    try:
        checked = model.model_validate(given)
    except pydantic.ValidationError as error:
        told: dict[KeyPath, list[str]] = {}
        for item in error.errors(include_url=False):
            path, message = _sentence(dict(item), list(model.model_fields), given)
            told.setdefault(path, []).append(message)
        return {}, [(path, "; or ".join(dict.fromkeys(messages))) for path, messages in told.items()]
    return {name: getattr(checked, name) for name in model.model_fields}, []


def _sentence(item: dict[str, Any], known: list[str], given: dict[str, Any]) -> tuple[KeyPath, str]:
    path = existing(item["loc"], given)
    match item["type"]:
        case "missing":
            return path[:-1], f"'{path[-1]}' is missing"
        case "extra_forbidden":
            return path, f"there is no '{path[-1]}' here; {did_you_mean(str(path[-1]), known)}"
    message = item["msg"].removeprefix("Value error, ").replace("Input should", "should")
    return path, f"{message[:1].lower()}{message[1:]}, not {_show(item.get('input'))}"


def _show(value: Any) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
