"""A judge by its name: out of a YAML file with `judges:` (and `generators:`), as recipes have them, or by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from curate.judges.contract import Judge
from curate.keys import RecipeKeys
from curate.places import Places, Problem, RecipeError, did_you_mean, read_yaml, refuse_secrets
from curate.reading import Reading


def named_judge(file: Path | None = None, name: str | None = None) -> Judge:
    """Find a judge: of the file's `judges:` the one named, or the only one; without a file a judge that needs none.

    Without a file the name is a packaged judge's (`rules`) or a function of your own (`my_module:my_score`), with its
    defaults. A recipe will do as a file: what is not about judges is not looked at. Raise RecipeError with all that is
    wrong, by line.

    >>> named_judge(name="rules").name
    'rules'
    >>> named_judge(name="rulez")
    Traceback (most recent call last):
    curate.places.RecipeError: judge: at judges.rulez.rulez
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
