"""Recipes that extend others: `extends: lima1k.yaml`, and then only what differs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any

from curate.recipe.places import Places, Problem, RecipeError, read_yaml
from curate.rows import beside, places

_LONGEST = 20  # recipes that extend one another
PACKAGED = Path(str(resources.files("curate.recipes")))
_FOLDERS = (Path(), Path("baselines"))  # that hold recipes of sets


def read_recipe(recipe: Path | Mapping[str, Any], above: tuple[Path, ...] = ()) -> tuple[dict[str, Any], Places]:
    """Read a recipe, a file or what one holds, as data, what it extends put below it.

    A key of the recipe, of a source or of `output`, a generator or a judge replaces the same one of the extended
    recipe, whole; others stay. A file that is in none of the places of paths is looked for among the packaged recipes,
    so `lima1k.yaml` works anywhere. Raise `RecipeError` for a file that cannot be read, or that extends itself.
    """
    if isinstance(recipe, Mapping):
        file, places = Path("recipe"), Places("recipe")
        data = _plain(recipe)
    else:
        file = _locate(recipe, above[-1].parent if above else None)
        try:
            data, places = read_yaml(file)
        except RecipeError as error:
            raise _with_hint(error, file) from None
    base = data.pop("extends", None)
    if base is None:
        return data, places
    wrong = None
    if not isinstance(base, str):
        wrong = "names the recipe it extends by its file"
    elif file.resolve() in [other.resolve() for other in above]:
        wrong = "extends itself"
    elif len(above) >= _LONGEST:
        wrong = f"is one of more than {_LONGEST} recipes that extend one another"
    if wrong:
        raise RecipeError(str(file), [Problem(("extends",), wrong, places.line(("extends",)))])
    under, below = read_recipe(Path(str(base)), (*above, file))
    for path, line in below.lines.items():
        if path not in places.lines:
            places.lines[path] = line
            places.files[path] = below.files.get(path, below.file)
    return overlay(under, data), places


def overlay(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Put one recipe over another: its keys, those of each source, of `output`, `generators` and `judges` replace.

    >>> under = {"size": 9, "sources": {"a": {"take": 1, "steps": [1, 2]}}}
    >>> overlay(under, {"sources": {"a": {"steps": [3]}, "b": {"take": 2}}})
    {'size': 9, 'sources': {'a': {'take': 1, 'steps': [3]}, 'b': {'take': 2}}}
    """
    merged = {**under, **over}
    for key in ("output", "generators", "judges"):
        if isinstance(under.get(key), dict) and isinstance(over.get(key), dict):
            merged[key] = {**under[key], **over[key]}
    mine, theirs = over.get("sources"), under.get("sources")
    if isinstance(mine, dict) and isinstance(theirs, dict):
        merged["sources"] = {**theirs, **mine}
        for name in set(mine) & set(theirs):
            if isinstance(mine[name], dict) and isinstance(theirs[name], dict):
                merged["sources"][name] = {**theirs[name], **mine[name]}
    return merged


def _plain(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Give a recipe as a file would: its paths as texts, its tuples as lists."""
    try:
        data: dict[str, Any] = json.loads(json.dumps(recipe, default=os.fspath))
    except (TypeError, ValueError) as error:
        raise RecipeError("recipe", [Problem((), f"holds what no file can: {error}")]) from None
    return data


def _locate(file: Path, folder: Path | None) -> Path:
    """Find a recipe that is typed, or one that a recipe in a folder extends."""
    with beside(folder):
        tries = places(file) if folder else [file]
    own = file.relative_to("recipes") if file.is_relative_to("recipes") else file
    packaged = (PACKAGED / own, PACKAGED / f"{own}.yaml") if own.parent in _FOLDERS else ()
    return next(filter(_is_file, (*tries, *packaged)), file)


# Files that hold rows, not a recipe; JSON is YAML, so a recipe may be in a .json file all the same.
_DATA = {".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".zst", ".gz", ".bz2", ".xz"}


def _with_hint(error: RecipeError, file: Path) -> RecipeError:
    """Say what may be meant by a file that is no recipe: one of another name, or data."""
    if file.is_dir() or (_is_file(file) and file.suffix.lower() in _DATA):
        hint = f"if this is data, `curate init {file}` looks at it and writes a recipe"
    elif not _is_file(file) and (near := _near(file)):
        hint = f"did you mean {near}?"
    else:
        return error
    first = error.problems[0]
    return RecipeError(error.file, [replace(first, message=f"{first.message}; {hint}"), *error.problems[1:]])


def _near(file: Path) -> str | None:
    """Find the recipe, in the same folder or packaged, whose name is nearest to one that is not there."""
    with suppress(OSError, ValueError):
        names = {path.name: path for path in sorted(file.parent.glob("*.y*ml"))}
        names |= {name: Path(name) for name in packaged() if name not in names}
        return next((str(names[near]) for near in get_close_matches(file.name, names, n=1)), None)
    return None


def packaged() -> list[str]:
    """List the packaged recipes, and other YAML files beside them, by their paths."""
    files = (file for folder in _FOLDERS for file in (PACKAGED / folder).glob("*.yaml"))
    return sorted(file.relative_to(PACKAGED).as_posix() for file in files)


def _is_file(file: Path) -> bool:
    try:
        return file.is_file()
    except (OSError, ValueError):  # a name that no file can have: too long, or with a NUL
        return False
