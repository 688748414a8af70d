"""A recipe: YAML in, a checked plan out; everything that is wrong is told at once, with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from curate.errors import did_you_mean
from curate.models.generators.generator import Generator
from curate.models.judges.judge import Judge
from curate.recipe.extends import read_recipe
from curate.recipe.labels import OutputKeys, RecipeKeys
from curate.recipe.places import Places, Problem, RecipeError, read_yaml, refuse_secrets, set_value
from curate.recipe.plan import Recipe
from curate.recipe.reading import Reading, items


def load(file: Path, sets: tuple[str, ...] = (), *, seed: int | None = None, trusted: bool = True) -> Recipe:
    """Read and check a recipe file.

    Functions of the user's own (`module:function`) are imported, which runs their file, unless `trusted` is false: then
    the recipe is checked without them, and cannot be run. Raise `RecipeError` with every problem found.
    """
    data, places = read_recipe(file)
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
        extra={name: read_recipe for name, read_recipe in extra.items() if read_recipe},
        raw=data,
        file=places.file,
        generators={n: thing for n, thing in reading.known.named.items() if isinstance(thing, Generator)},
        judges={n: thing for n, thing in reading.known.named.items() if isinstance(thing, Judge)},
        texts=reading.known.texts,
        unrun=tuple(dict.fromkeys(reading.unrun)),
    )


def named_judge(file: Path | None = None, name: str | None = None) -> Judge:
    """Find a judge: of the file's `judges:` the one named, or the only one; without a file a judge that needs none.

    Without a file the name is a packaged judge's (`rules`) or a function of your own (`my_module:my_score`), with its
    defaults. A recipe will do as a file: what is not about judges is not looked at. Raise RecipeError with all that is
    wrong, by line.

    >>> named_judge(name="rules").name
    'rules'
    >>> named_judge(name="rulez")
    Traceback (most recent call last):
    curate.recipe.places.RecipeError: judge: at judges.rulez.rulez
        there is no judge 'rulez'; did you mean 'rules'?
    """
    data, places = read_yaml(file) if file else ({"judges": {name: {name: {}}} if name else {}}, Places("judge"))
    refuse_secrets(data, places)
    problems = _unknown(data, places)
    reading = Reading(places, data, {})
    reading.name_all(data, "generators")
    reading.name_all(data, "judges")
    problems += reading.problems
    judges = {n: thing for n, thing in reading.known.named.items() if isinstance(thing, Judge)}
    if not problems and (name or len(judges) != 1) and name not in judges:
        hint = did_you_mean(name, list(judges)) if name and judges else f"known: {', '.join(judges) or 'none'}"
        said = f"there is no judge '{name}' here; {hint}" if name else f"say which judge (`--judge NAME`); {hint}"
        problems.append(Problem(("judges",), said, places.line(("judges",))))
    if problems:
        raise RecipeError(places.file, problems)
    return judges[name] if name else next(iter(judges.values()))


def _unknown(data: dict[str, Any], places: Places) -> list[Problem]:
    known = list(RecipeKeys.model_fields)
    return [
        Problem((key,), f"there is no '{key}' here; {did_you_mean(str(key), known)}", places.line((key,)))
        for key in data
        if key not in (*known, "extends")
    ]
