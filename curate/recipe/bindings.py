"""Names in a recipe, objects in a function: generators, judges and texts that parameters ask for."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import dropwhile
from pathlib import Path
from typing import Any, TypeVar

from curate import own
from curate.errors import did_you_mean
from curate.models.generators.ask import Text
from curate.models.generators.generator import Generator
from curate.models.judges.judge import Judge
from curate.recipe.extends import PACKAGED
from curate.rows import places, tried

_Model = TypeVar("_Model", Generator, Judge)


@dataclass
class Scope:
    """What names in a recipe can stand for: its generators and judges, and files beside it or packaged.

    `texts` holds what the named files say; one that is in it already is not read again.
    """

    folder: Path
    texts: dict[str, str] = field(default_factory=dict)
    models: dict[str, Generator | Judge] = field(default_factory=dict)

    def of(self, kind: type[_Model]) -> dict[str, _Model]:
        """Give the generators, or the judges, by name."""
        return {name: model for name, model in self.models.items() if isinstance(model, kind)}

    def text(self, name: str) -> str:
        """Read a text file of the user's, or a packaged one; raise LookupError in words.

        Lines at its top that begin with # are for people, and are left out.
        """
        if name not in self.texts:
            file = next(filter(Path.is_file, [*places(name), PACKAGED / name]), None)
            if file is None:
                raise LookupError(f"there is no text file {name}, nor a packaged one{tried(name)}")
            try:
                lines = file.read_text(encoding="utf-8").split("\n")
            except (OSError, UnicodeDecodeError):
                raise LookupError(f"{name} is no text file that can be read (UTF-8)") from None
            self.texts[name] = "\n".join(dropwhile(lambda line: line.startswith("#"), lines)).strip()
        return self.texts[name]


def bind(
    function: Callable[..., Any], params: Mapping[str, Any], scope: Scope
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Find what the parameters of a function name.

    Returns the objects by parameter, and what is wrong as (parameter, sentence) pairs. Texts that are a parameter's
    default are the text already.
    """
    hints = own.hints(function)
    defaults = {name: p.default for name, p in inspect.signature(function).parameters.items()}
    objects: dict[str, Any] = {}
    wrong: list[tuple[str, str]] = []
    for name, value in params.items():
        kind = _kind(hints.get(name))
        if kind is None or value is None or (kind == Text and value == defaults.get(name)):
            continue
        try:
            one = partial(_one, kind, scope)
            objects[name] = list(map(one, value)) if isinstance(value, list) else one(value)
        except LookupError as error:
            wrong.append((name, str(error)))
    return objects, wrong


def _kind(hint: Any) -> Any:
    """Tell which of the three a parameter asks for, alone, in a list or optionally."""
    if hint == Text or hint in (Generator, Judge):
        return hint
    return next((kind for kind in map(_kind, typing.get_args(hint)) if kind is not None), None)


def _one(kind: Any, scope: Scope, name: str) -> Any:
    if kind == Text:
        return scope.text(name)
    models = scope.of(kind)
    if name not in models:
        what = kind.__name__.lower()
        hint = did_you_mean(name, models) if models else f"the recipe has no `{what}s:`"
        raise LookupError(f"there is no {what} '{name}' in this recipe; {hint}")
    return models[name]


def described(value: Any) -> Any:
    """Describe bound objects as data, for the keys of stages."""
    if isinstance(value, Mapping):
        return {name: described(one) for name, one in value.items()}
    if isinstance(value, list):
        return [described(one) for one in value]
    return value.describe() if isinstance(value, Generator | Judge) else value
