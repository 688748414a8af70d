"""Find a filter or a source by its name, and read its signature as its schema."""

from __future__ import annotations

import importlib
import inspect
import logging
import re
import typing
from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import polars as pl
import pydantic

from curate import own
from curate.address import Address, is_address
from curate.errors import did_you_mean, meant
from curate.models.generators.generator import Generator
from curate.models.judges.judge import Judge
from curate.recipe.places import KeyPath, existing, short
from curate.recipe.verbs import GROUPS, KINDS, VERBS, Kind

log = logging.getLogger("curate.recipe")
Function: TypeAlias = Callable[..., Any]
ANY = "any"  # the kind of a function whose annotation names none


def names(group: str) -> list[str]:
    """List what the library itself has of a group by name; none of it is imported for that."""
    return list(importlib.import_module(GROUPS[group]).MODULES)


def functions(group: str) -> dict[str, Function]:
    """Import all of a group that the library itself has."""
    package = importlib.import_module(GROUPS[group])
    members = {name: getattr(package, name) for name in names(group)}
    return {name: f for name, f in members.items() if kind_of(f) != ANY}


@cache
def plugins(group: str) -> dict[str, EntryPoint]:
    """List by name what installed packages add (entry points of `curate.filters`); none of them is loaded for that."""
    return {point.name: point for point in entry_points(group="curate.filters")} if group == "filters" else {}


def find(group: str, name: str, folder: Path | None = None) -> Function:
    """Find a filter or source by name: the library's, one that an installed package adds, or `module:function`.

    Only what is named is loaded. `folder` is the recipe's, where the file of a `module:function` may stand. Raise
    LookupError in words.
    """
    if ":" in name:
        return own.load(name, folder)
    if name in names(group):
        return typing.cast(Function, getattr(importlib.import_module(GROUPS[group]), name))
    if name in plugins(group):
        return _plugin(plugins(group)[name])
    raise LookupError(f"there is no {group[:-1]} '{name}'; {did_you_mean(name, [*names(group), *plugins(group)])}")


def _plugin(point: EntryPoint) -> Function:
    package = point.dist.name if point.dist else point.value
    log.info("the plug-in '%s' of %s is imported", point.name, package)
    try:
        function = point.load()
    except (Exception, SystemExit) as error:  # another package may raise anything
        raise LookupError(f"the plug-in '{point.name}' of {package} cannot be loaded: {_first(error)}") from None
    if not callable(function):
        raise LookupError(f"the plug-in '{point.name}' of {package} is no function")
    return typing.cast(Function, function)


def _first(error: BaseException) -> str:
    return ": ".join(filter(None, [type(error).__name__, str(error).strip().partition("\n")[0]]))


def kind_of(function: Function) -> str:
    """Tell what a function is from its return annotation; a plain expression can be any filter.

    >>> from curate.filters import length
    >>> kind_of(length)
    'property'
    """
    returned = _returned(function)
    marks = getattr(returned, "__metadata__", ())
    return next((k.name for k in KINDS.values() if k.name in marks or returned == (k.returns or k)), ANY)


def kind_of_step(verb: str, function: Function) -> Kind:
    """Tell what kind of step a verb makes with a function: of the kinds that the verb takes the function's own.

    >>> from curate.filters import votes
    >>> kind_of_step("score", votes).noun, kind_of_step("score", lambda column: None).noun
    ('a score of the pool', 'a score')
    """
    kind = KINDS.get(kind_of(function))
    return kind if kind and verb in kind.verbs else VERBS[verb]


def is_a(function: Function, kind: str) -> bool:
    """Tell whether a function can be of a kind, as its return annotation says, before it is called.

    One without an annotation can be anything; a plain `pl.Expr` any filter; what gives a number or a word a judge.

    >>> def shout(column: str) -> str: ...
    >>> is_a(shout, "property"), is_a(shout, "judge"), is_a(lambda column: None, "property")
    (False, True, True)
    """
    annotated = kind_of(function)
    if annotated != ANY:
        return annotated == kind
    returned = _returned(function)
    if returned in (inspect.Signature.empty, Any, object):
        return True
    if kind == "judge":
        return returned not in (pl.Expr, type(None))
    return returned is pl.Expr and KINDS[kind].group == "filters" and not KINDS[kind].alone


def _returned(function: Function) -> Any:
    return own.hints(function).get("return", inspect.Signature.empty)


def filled(function: Function) -> frozenset[str]:
    """Name the parameters that the runner fills, so that a recipe cannot set them."""
    kind = KINDS.get(kind_of(function))
    return kind.filled if kind else frozenset()


def parameters(function: Function, without: Iterable[str] = ()) -> type[pydantic.BaseModel]:
    """Make the schema of a function's parameters from its signature: types, defaults, no others allowed.

    `without` are parameters that the caller fills, beside those that the runner always does.
    """
    hints = own.hints(function)
    hidden = {*without, *filled(function)}
    several = kind_of(function) in ("property", "edit", ANY)  # each column by itself; a score has one number
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name in hidden or parameter.kind is parameter.VAR_KEYWORD:
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[name] = (_in_yaml(name, hints.get(name, Any), several), default)
    config = pydantic.ConfigDict(extra="forbid", strict=True, protected_namespaces=())
    return pydantic.create_model(getattr(function, "__name__", "parameters"), __config__=config, **fields)


def _in_yaml(name: str, hint: Any, several: bool) -> Any:
    """Adapt a type to YAML: paths and addresses are text, models go by name, and a step may name several columns."""
    for named in (Generator, Judge):
        if hint in (named, named | None):
            return str if hint is named else str | None
        if hint in (list[named], list[named] | None):  # type: ignore[valid-type]
            return Annotated[list[str], pydantic.Field(min_length=1)]
    if hint is Path:
        return Annotated[Path, pydantic.Field(strict=False), pydantic.WrapValidator(_place)]
    if several and name == "column" and hint is str:
        return str | list[str]
    return hint


def _place(value: Any, path: Callable[[Any], Path]) -> Path | Address:
    """Take an address as it stands: in a path, `//` would become `/`."""
    return Address(value) if is_address(value) else path(value)


def check(model: type[pydantic.BaseModel], block: Any) -> tuple[dict[str, Any], list[tuple[KeyPath, str]]]:
    """Validate parameters; return them with defaults filled in, and what is wrong as (path, sentence) pairs."""
    if not isinstance(block, dict):
        return {}, [((), f"takes parameters ({', '.join(model.model_fields)}), not {_show(block)}")]
    try:
        checked = model.model_validate(block)
    except pydantic.ValidationError as error:
        problems: dict[KeyPath, list[str]] = {}
        for item in error.errors(include_url=False):
            path, message = _sentence(dict(item), list(model.model_fields), block)
            problems.setdefault(path, []).append(message)
        return {}, [(path, "; or ".join(dict.fromkeys(messages))) for path, messages in problems.items()]
    return {name: getattr(checked, name) for name in model.model_fields}, []


# What pydantic says of types, in the words of YAML.
_WORDS = {
    "int_type": "should be a whole number",
    "float_type": "should be a number",
    "string_type": "should be a text",
    "bool_type": "should be true or false",
    "list_type": "should be a list",
    "dict_type": "should be keys with values",
    "path_type": "should be a path",
    "greater_than": "should be above {gt}",
    "greater_than_equal": "should be {ge} or more",
    "less_than": "should be below {lt}",
    "less_than_equal": "should be {le} or less",
    "string_pattern_mismatch": "should have the form {pattern}",
    "too_short": "should hold {min_length} or more",
}


def _sentence(item: dict[str, Any], names: list[str], block: dict[str, Any]) -> tuple[KeyPath, str]:
    path = existing(item["loc"], block)
    match item["type"]:
        case "missing":
            return path[:-1], f"'{path[-1]}' is missing"
        case "extra_forbidden":
            return path, f"there is no '{path[-1]}' here; {did_you_mean(str(path[-1]), names)}"
        case "literal_error" if near := meant(str(item.get("input")), re.findall("'([^']*)'", item["ctx"]["expected"])):
            return path, f"there is no {_show(item.get('input'))} here; did you mean '{near}'?"
    bounds = {
        k: f"{v:,}" if isinstance(v, int) else f"{v:g}" if isinstance(v, float) else v
        for k, v in item.get("ctx", {}).items()
    }
    words = _WORDS.get(item["type"], "").format(**bounds)
    message = words or item["msg"].removeprefix("Value error, ").replace("Input should", "should")
    return path, f"{message[:1].lower()}{message[1:]}, not {_show(item.get('input'))}"


def _show(value: Any) -> str:
    return "nothing" if value is None else short(value)
