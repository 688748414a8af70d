"""The recipe of a set: the one that is named, with the arm's changes and the ablation's seed."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from curate.ablate.changed import ChangeError
from curate.ablate.finding import beside
from curate.ablate.keys import SetKeys, Wrong
from curate.ablate.overlay import assign_all
from curate.ablate.skipping import skip
from curate.extends import read
from curate.places import Places, did_you_mean
from curate.plan import Recipe
from curate.reading import items
from curate.recipe import parse

# Draws of one seed lie this far apart, further than any ablation has seeds.
_APART = 1_000_003


def recipe_of(keys: SetKeys, file: str, seed: int = 0) -> Recipe:
    """Read, change and check a set's recipe; raise RecipeError with all that is wrong.

    `file` is the ablation's. Keys are set first, then sources are chosen, then steps are left out: `set` counts steps
    as they stand in the recipe.
    """
    data, places = _written(keys, file)
    wrong: Wrong = []
    try:
        assign_all(data, keys.set)
    except ValueError as error:
        wrong.append((("set",), str(error)))
    if keys.sources is not None:
        data = _only(data, keys.sources, wrong)
    try:
        data = skip(data, places, keys.skip) if keys.skip else data
    except LookupError as error:
        wrong.append((("skip",), str(error)))
    if wrong:
        raise ChangeError(places.file, wrong)
    data["seed"] = drawn(keys, seed)
    return parse(data, places)


def drawn(keys: SetKeys, seed: int) -> int:
    """Give the recipe's seed for a seed of the ablation: each draw has its own."""
    return seed + _APART * keys.draw


def _written(keys: SetKeys, file: str) -> tuple[dict[str, Any], Places]:
    if isinstance(keys.recipe, dict):
        return {"name": "set", **copy.deepcopy(keys.recipe)}, Places(file)
    data, places = read(Path(beside(file, keys.recipe)))
    return copy.deepcopy(data), places


def _only(data: dict[str, Any], wanted: list[str], wrong: Wrong) -> dict[str, Any]:
    there = dict(items(data.get("sources")))
    for i, name in enumerate(wanted):
        if name not in there:
            wrong.append((("sources", i), f"the recipe has no source '{name}'; {did_you_mean(name, list(there))}"))
    return {**data, "sources": {name: source for name, source in there.items() if name in wanted}}
