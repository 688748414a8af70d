"""YAML with places: the data, and for every key and item the line it stands on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from curate.errors import UserError
from curate.settings import find_code, find_secrets

_TOLD = 10  # errors told at once: what a screen holds
_LISTED = 40  # names listed at once
KeyPath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a recipe: where it is, and what would be right."""

    path: KeyPath
    message: str
    line: int = 0
    file: str = ""  # where it is not the recipe's own: the one that it extends


class RecipeError(UserError):
    """Tell what is wrong with a recipe, ten errors at once, in the order of its lines; `problems` are all of them."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = sorted(problems, key=lambda p: (p.file != "", p.file, p.line))
        super().__init__("\n".join(self._lines()))

    def _lines(self) -> Iterator[str]:
        # An anchor used twice is wrong twice, but stands on one line and is told once.
        told: dict[tuple[str, int, str], list[Problem]] = {}
        for problem in self.problems:
            told.setdefault((problem.file or self.file, problem.line, problem.message), []).append(problem)
        for (file, line, message), same in list(told.items())[:_TOLD]:
            place = f"{file}:{line}" if line else file
            more = f" (and in {len(same) - 1} more places that use this anchor)" if len(same) > 1 else ""
            yield f"{place}: at {spell(same[0].path)}{more}" if same[0].path else place
            yield f"    {message}"
        if len(told) > _TOLD:
            yield f"and {len(told) - _TOLD:,} more errors, told when these are mended"


def refuse_secrets(data: Any, places: Places, under: KeyPath = (), *, code: bool = True) -> None:
    """Raise RecipeError where settings hold a secret, or, with `code`, name code that another library would run.

    Nothing else is said then, since a sentence about another problem may quote the value. `under` is where the data
    stand in their file.
    """
    wrong = [*find_secrets(data, under), *(find_code(data, under) if code else ())]
    if wrong:
        raise RecipeError(places.file, [Problem(p, m, places.line(p), places.other_file(p)) for p, m in wrong])


@dataclass
class Places:
    """The line of every path in a recipe, and its file where that is one the recipe extends; `--set` has no line."""

    file: str
    lines: dict[KeyPath, int] = field(default_factory=dict)
    files: dict[KeyPath, str] = field(default_factory=dict)

    def line(self, path: KeyPath) -> int:
        """Find the line of a path, or of the nearest thing around it that has one."""
        return self.lines.get(self._near(path), 0)

    def other_file(self, path: KeyPath) -> str:
        """Find the file that a path stands in, where it is not the recipe's own."""
        return self.files.get(self._near(path), "")

    def __call__(self, path: KeyPath) -> str:
        """Spell a place as file:line."""
        file, line = self.other_file(path) or self.file, self.line(path)
        return f"{file}:{line}" if line else file

    def _near(self, path: KeyPath) -> KeyPath:
        while path and path not in self.lines:
            path = path[:-1]
        return path


def spell(path: KeyPath) -> str:
    """Write a path as a person reads it.

    >>> spell(("sources", "wikihow", "steps", 3, "keep"))
    'sources.wikihow.steps[3].keep'
    """
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")


def did_you_mean(word: str, known: list[str]) -> str:
    """Suggest the nearest known word, or list them all when none is near.

    >>> did_you_mean("lenght", ["length", "toxic"])
    "did you mean 'length'?"
    >>> did_you_mean("zzz", ["length", "toxic"])
    'known: length, toxic'
    """
    near = get_close_matches(word, known, n=1)
    more = f" and {len(known) - _LISTED:,} more" if len(known) > _LISTED else ""
    return f"did you mean '{near[0]}'?" if near else f"known: {', '.join(sorted(known)[:_LISTED])}{more}"


def read_yaml(file: Path) -> tuple[dict[str, Any], Places]:
    """Read a YAML mapping with the line of each of its keys and items; raise `RecipeError` if it is not one."""
    places = Places(str(file))
    try:
        text = file.read_text(encoding="utf-8-sig")
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
    except FileNotFoundError:
        raise RecipeError(str(file), [Problem((), "there is no such file")]) from None
    except OSError as error:
        raise RecipeError(str(file), [Problem((), f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        raise RecipeError(str(file), [Problem((), f"is not UTF-8 text: see byte {error.start + 1}")]) from None
    except yaml.YAMLError as error:
        raise RecipeError(str(file), [_syntax(error)]) from None
    problems: list[Problem] = []
    if isinstance(node, yaml.MappingNode):
        _walk(node, (), places.lines, problems, ())
    else:
        problems.append(Problem((), "a recipe is a mapping of keys (name, sources, steps, …)", 1))
    if problems:
        raise RecipeError(str(file), problems)
    try:
        return loader.construct_document(node), places
    except yaml.YAMLError as error:
        raise RecipeError(str(file), [_syntax(error)]) from None


def _syntax(error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    told = [getattr(error, "context", None), getattr(error, "problem", None)]
    message = ", ".join(filter(None, told)) or str(error).splitlines()[0]
    return Problem((), f"not valid YAML: {message}", mark.line + 1 if mark else 0)


def _walk(
    node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int], problems: list[Problem], above: tuple[int, ...]
) -> None:
    if id(node) in above:
        problems.append(Problem(path, "an anchor contains itself", node.start_mark.line + 1))
        return
    lines.setdefault(path, node.start_mark.line + 1)
    above = (*above, id(node))
    if isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            _walk(item, (*path, i), lines, problems, above)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                problems.append(Problem((*path, name), "this key stands twice here", key.start_mark.line + 1))
            seen.add(name)
            lines[(*path, name)] = key.start_mark.line + 1
            _walk(value, path if name == "<<" else (*path, name), lines, problems, above)


def set_value(data: dict[str, Any], assignment: str) -> KeyPath:
    """Set one `KEY=VALUE`, the key dotted, the value YAML; raise ValueError in words when it cannot be.

    >>> data = {"sources": {"a": {"take": 1}}, "steps": [{"keep": {}}]}
    >>> set_value(data, "sources.a.take=5"), data["sources"]
    (('sources', 'a', 'take'), {'a': {'take': 5}})
    """
    key, sign, value = assignment.partition("=")
    if not sign or not key:
        raise ValueError(f"--set takes KEY=VALUE, not {assignment!r}")
    path: KeyPath = tuple(int(p) if p.isdigit() else p for p in key.split("."))
    here: Any = data
    for part in path[:-1]:
        if isinstance(here, dict):
            here = here.setdefault(str(part), {})
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        else:
            raise ValueError(f"--set {key}: there is nothing at '{part}'")
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError:
        raise ValueError(f"--set {key}: {value!r} is not a YAML value") from None
    last = path[-1]
    if isinstance(here, dict):
        here[str(last)] = parsed
    elif isinstance(here, list) and isinstance(last, int) and last < len(here):
        here[last] = parsed
    else:
        raise ValueError(f"--set {key}: there is nothing at '{last}'")
    return path
