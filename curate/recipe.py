"""A recipe: YAML in, a checked plan out; everything that is wrong is told at once, with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from curate.extends import read
from curate.generators.generator import Generator
from curate.judges.contract import Judge
from curate.keys import OutputKeys, RecipeKeys
from curate.places import Places, Problem, RecipeError, refuse_secrets, set_value
from curate.plan import Recipe
from curate.reading import Reading, items


def load(file: Path, sets: tuple[str, ...] = (), *, seed: int | None = None, trusted: bool = True) -> Recipe:
    """Read and check a recipe file.

    Functions of the user's own (`module:function`) are imported, which runs their file, unless `trusted` is false: then
    the recipe is checked without them, and cannot be run. Raise `RecipeError` with every problem found.
    """
    data, places = read(file)
    for assignment in sets:
        try:
            path = set_value(data, assignment)
        except ValueError as error:
            raise RecipeError(places.file, [Problem((), str(error))]) from None
        places.lines[path] = 0
    if seed is not None:
        data["seed"] = seed
    return parse(data, places, trusted=trusted)


def parse(data: dict[str, Any], places: Places, texts: dict[str, str] | None = None, *, trusted: bool = True) -> Recipe:
    """Check a recipe given as data; raise `RecipeError` with every problem found.

    `texts` are text files that the recipe names and that need not be there any more; `trusted` is as in `load`.
    """
    refuse_secrets(data, places)
    reading = Reading(places, data, texts or {}, trusted=trusted)
    top = reading.keys(RecipeKeys, data, ())
    reading.name_all(data, "generators")
    reading.name_all(data, "judges")
    sources = [reading.source(name, given) for name, given in items(data.get("sources"))]
    steps = reading.steps(data.get("steps"), ("steps",))
    reading.check_labels()
    output = reading.keys(OutputKeys, data.get("output") or {}, ("output",))
    extra = {name: reading.read(output[name], ("output", name)) for name in ("dev", "test_prompts") if output.get(name)}
    if reading.problems:
        raise RecipeError(places.file, reading.problems)
    keys = {k: top[k] for k in ("name", "seed", "size", "shortfall", "max_bad")}
    return Recipe(
        **keys,
        sources=tuple(s for s in sources if s),
        steps=steps,
        formats=tuple(output["formats"]),
        extra={name: read for name, read in extra.items() if read},
        raw=data,
        file=places.file,
        generators={n: thing for n, thing in reading.known.named.items() if isinstance(thing, Generator)},
        judges={n: thing for n, thing in reading.known.named.items() if isinstance(thing, Judge)},
        texts=reading.known.texts,
        unrun=tuple(dict.fromkeys(reading.unrun)),
    )
