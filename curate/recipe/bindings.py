"""Names in a recipe, objects in a function: generators, judges and texts that parameters ask for."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curate.errors import did_you_mean
from curate.models.generators.ask import Text
from curate.models.generators.generator import Generator
from curate.models.judges.judge import Judge
from curate.recipe import own
from curate.recipe.extends import PACKAGED


@dataclass
class Known:
    """What names in a recipe can stand for: its generators and judges, and files beside it or packaged.

    `texts` holds what the named files say; one that is in it already is not read again.
    """

    folder: Path
    texts: dict[str, str] = field(default_factory=dict)
    named: dict[str, Generator | Judge] = field(default_factory=dict)


def bind(
    function: Callable[..., Any], params: Mapping[str, Any], known: Known
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Find what the parameters of a function name.

    Returns the objects by parameter, and what is wrong as (parameter, sentence) pairs. Texts that are a parameter's
    default are the text already.
    """
    hints = own.hints(function)
    defaults = {name: p.default for name, p in inspect.signature(function).parameters.items()}
    found: dict[str, Any] = {}
    wrong: list[tuple[str, str]] = []
    for name, value in params.items():
        kind = _wanted(hints.get(name))
        if kind is None or value is None or (kind == Text and value == defaults.get(name)):
            continue
        try:
            found[name] = [_one(kind, v, known) for v in value] if isinstance(value, list) else _one(kind, value, known)
        except LookupError as error:
            wrong.append((name, str(error)))
    return found, wrong


def _wanted(hint: Any) -> Any:
    """Tell which of the three a parameter asks for, alone, in a list or optionally."""
    if hint == Text or hint in (Generator, Judge):
        return hint
    return next((kind for kind in map(_wanted, typing.get_args(hint)) if kind is not None), None)


def _one(kind: Any, value: str, known: Known) -> Any:
    if kind == Text:
        if value not in known.texts:
            known.texts[value] = read_text(value, known.folder)
        return known.texts[value]
    fit = {name: thing for name, thing in known.named.items() if isinstance(thing, kind)}
    if value not in fit:
        what = kind.__name__.lower()
        hint = did_you_mean(value, list(fit)) if fit else f"the recipe has no `{what}s:`"
        raise LookupError(f"there is no {what} '{value}' in this recipe; {hint}")
    return fit[value]


def read_text(name: str, folder: Path) -> str:
    """Read a text file that a recipe names: beside the recipe, in the working folder, or packaged.

    Lines at its top that begin with # are for people, and are left out. Raise LookupError when it is not there.
    """
    for place in (folder / name, Path(name), PACKAGED / name):
        if place.is_file():
            try:
                lines = place.read_text(encoding="utf-8").split("\n")
            except (OSError, UnicodeDecodeError):
                raise LookupError(f"{name} is no text file that can be read (UTF-8)") from None
            first = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
            return "\n".join(lines[first:]).strip()
    raise LookupError(f"there is no text file {name}, neither beside the recipe nor among the packaged ones")


def described(given: Mapping[str, Any]) -> dict[str, Any]:
    """Describe bound objects as data, for the keys of stages."""
    return {
        name: [_about(v) for v in value] if isinstance(value, list) else _about(value) for name, value in given.items()
    }


def _about(value: Any) -> Any:
    return value.describe() if isinstance(value, Generator | Judge) else value
