"""What an arm changes: of what all arms share, of the recipes of its sets, and of the configs of its stages."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from curate.ablate.keys import ALL, ArmKeys, SetKeys, Wrong
from curate.errors import did_you_mean
from curate.recipe.extends import PACKAGED, read_recipe
from curate.recipe.labels import AS, SAMPLE, labels
from curate.recipe.load import items, parse
from curate.recipe.places import (
    KeyPath,
    Places,
    Problem,
    RecipeError,
    parse_assignment,
    parse_path,
    put,
    refuse_secrets,
    set_value,
    spell,
)
from curate.recipe.plan import Recipe
from curate.train.config import TrainConfig, read, resolve


class ChangeError(RecipeError):
    """Tell what is wrong with the changes to a recipe or a config: `wrong`, by places in the block that has them.

    `rest` is what is wrong beside that, in the recipe itself.
    """

    def __init__(self, file: str, wrong: Wrong, rest: Iterable[Problem] = ()) -> None:
        self.wrong, self.rest = wrong, list(rest)
        super().__init__(file, [*(Problem(path, message) for path, message in wrong), *self.rest])


ABLATIONS = PACKAGED / "ablations"


def beside(file: str, name: str) -> Path:
    """Find a file that the ablation in `file` names; the name as it is where there is none, for whoever reads it."""
    here = Path(file).parent / name
    return here if here.exists() else Path(name)


def ablation_file(path: Path) -> Path:
    """Find an ablation: the file itself, or the packaged one of that name."""
    if path.is_file() or path.parent not in (Path(), Path("recipes/ablations")):
        return path
    packaged = (ABLATIONS / path.name, ABLATIONS / f"{path.name}.yaml")
    return next((file for file in packaged if file.is_file()), path)


_BLOCKS = ("sets", "train")  # what has a `set:` of dotted keys


def lay(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one mapping over another, deep: what is no mapping replaces, null takes a key out.

    A null where there is no such key stays: it is a value then, such as a setting that is left out on purpose.

    >>> lay({"sets": {"data": {"skip": ["length"], "set": {"size": 9}}}}, {"sets": {"data": {"skip": None}}})
    {'sets': {'data': {'set': {'size': 9}}}}
    """
    merged = dict(under)
    for key, value in over.items():
        below = under.get(key)
        if value is None and key in under:
            del merged[key]
        elif isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[key] = lay(below, value)
        else:
            merged[key] = value
    return merged


def assign(data: dict[str, Any], assignment: str) -> None:
    """Set one KEY=VALUE of an ablation; what follows `sets.NAME.set.` or `train.NAME.set.` is one key of that `set`.

    Raise ValueError in words when it cannot be.

    >>> data = {"sets": {"data": {}}}
    >>> assign(data, "sets.data.set.sources.wikihow.take=5")
    >>> data["sets"]["data"]["set"]
    {'sources.wikihow.take': 5}
    """
    path, value = parse_assignment(assignment)
    at = next((i for i, part in enumerate(path) if part == "set" and path[max(i - 2, 0)] in _BLOCKS and i > 1), None)
    if at is None or at + 1 == len(path):
        set_value(data, assignment)
        return
    inner = path[at + 1 :]
    key = str(inner[0]) if len(inner) == 1 else spell(inner)
    try:
        put(data, (*path[: at + 1], key), value)
    except ValueError as error:
        raise ValueError(f"--set {spell(path)}: {error}") from None


def assign_all(data: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Set dotted keys, each to a value whole, as `curate run --set` would; raise ValueError in words."""
    for key, value in changes.items():
        try:
            put(data, parse_path(key), value)
        except ValueError as error:
            raise ValueError(f"{spell((key,))}: {error}") from None


_T = TypeVar("_T")
_CHOOSE = {"keep", "drop", "select", "score"}
# A test prompt in the training set makes the measurement void: no arm is meant to try that.
_STAYS = {"contaminated", "semantically_contaminated"}


def change_steps(
    data: dict[str, Any], places: Places, keys: SetKeys, wrong: Wrong
) -> tuple[dict[str, Any], dict[KeyPath, KeyPath]]:
    """Leave steps out, replace and add them, by the labels that they have in the recipe as it stands.

    `skip: all` leaves out every step that keeps, drops, selects or scores rows, and the `sample` blocks: what is left
    is a random draw. Edits and made answers stay, since without them there is no text, and so do the checks for
    contamination.

    Returns the recipe, `places` going with it, and of each new step where it stands there and among the `keys`.
    """
    by_path = labels(data)
    skipped = _skipped(data, by_path, keys.skip, wrong)
    new: dict[tuple[KeyPath, str], list[tuple[KeyPath, Any]]] = {}
    for label, step in keys.replace.items():
        for path in _at(by_path, label, ("replace", label), wrong):
            if path in skipped:
                wrong.append((("replace", label), f"'{label}' is left out by `skip`: it cannot be replaced as well"))
            new[path, "replace"] = [(("replace", label), copy.deepcopy(step))]
    for name, step in keys.add.items():
        for where in _where(by_path, name, step, wrong):
            body = {AS: name, **{key: value for key, value in step.items() if key not in _PLACES}}
            new.setdefault(where, []).append((("add", name), copy.deepcopy(body)))
    if wrong or not (skipped or new):
        return data, {}
    return _rebuilt(data, places, skipped, new)


_PLACES = ("before", "after")  # where a step is added
_END: KeyPath = ("steps",)


def _skipped(data: dict[str, Any], by_path: Mapping[KeyPath, str], skip: Iterable[str], wrong: Wrong) -> set[KeyPath]:
    if skip == ALL:
        return {at for at, label in by_path.items() if label == SAMPLE or _chooses(data, at)}
    return {path for label in skip for path in _at(by_path, label, ("skip",), wrong)}


def _at(by_path: Mapping[KeyPath, str], label: str, key: KeyPath, wrong: Wrong) -> list[KeyPath]:
    """Find the steps that have a label: one in each source that has such a step."""
    paths = [path for path, own in by_path.items() if own == label]
    if not paths:
        wrong.append((key, f"no step has the label '{label}'; {did_you_mean(label, sorted(set(by_path.values())))}"))
    return paths


def _where(
    by_path: Mapping[KeyPath, str], name: str, step: Mapping[str, Any], wrong: Wrong
) -> list[tuple[KeyPath, str]]:
    """Say where a step is added: before or after each step of that label, else after all steps of the recipe."""
    named = [key for key in _PLACES if key in step]
    if len(named) > 1:
        wrong.append((("add", name), "say where it is added by `before` or by `after`, not by both"))
    if AS in step:
        wrong.append((("add", name, AS), f"its label is '{name}' already: leave out `as`"))
    if len(named) != 1:
        return [(_END, "after")]
    steps = {path: label for path, label in by_path.items() if path[-1] != SAMPLE}
    return [(path, named[0]) for path in _at(steps, str(step[named[0]]), ("add", name, named[0]), wrong)]


def _chooses(data: dict[str, Any], path: KeyPath) -> bool:
    step: Any = data
    for part in path:
        step = step[part]
    verb = next(key for key in step if key != AS)
    body = step[verb]
    return verb in _CHOOSE and (next(iter(body)) if isinstance(body, dict) else body) not in _STAYS


def _rebuilt(
    data: dict[str, Any],
    places: Places,
    skipped: set[KeyPath],
    new: Mapping[tuple[KeyPath, str], list[tuple[KeyPath, Any]]],
) -> tuple[dict[str, Any], dict[KeyPath, KeyPath]]:
    """Build the recipe anew where something changes: lists may be shared by an anchor."""
    data = {**data, "sources": {n: dict(s) if isinstance(s, dict) else s for n, s in items(data.get("sources"))}}
    changed = skipped | {path for path, _ in new}
    origins: dict[KeyPath, KeyPath] = {}
    for path in (path for path in changed if path[-1] == SAMPLE):
        source = data["sources"][path[1]]
        for origin, block in new.get((path, "replace"), []):
            source[SAMPLE], origins[path] = block, origin
        if path in skipped:
            del source[SAMPLE]
    for where in {_END if path == _END else path[:-1] for path in changed if path[-1] != SAMPLE}:
        holder = data["sources"][where[1]] if len(where) > 1 else data
        steps: list[tuple[KeyPath, Any]] = []
        for i, step in enumerate(holder.get("steps") or []):
            path = (*where, i)
            steps += new.get((path, "before"), [])
            steps += [] if path in skipped else new.get((path, "replace"), [(path, step)])
            steps += new.get((path, "after"), [])
        steps += new.get((where, "after"), [])
        holder["steps"] = [step for _, step in steps]
        at = {origin: (*where, i) for i, (origin, _) in enumerate(steps)}
        origins |= {path: origin for origin, path in at.items() if origin[0] in ("replace", "add")}
        # A step keeps the line on which it stands, though its number is another one now.
        places.lines, places.files = _moved(places.lines, where, at), _moved(places.files, where, at)
    return data, origins


def _moved(by_path: dict[KeyPath, _T], where: KeyPath, at: Mapping[KeyPath, KeyPath]) -> dict[KeyPath, _T]:
    depth = len(where) + 1
    moved = {}
    for path, place in by_path.items():
        if path[: depth - 1] != where or len(path) < depth:
            moved[path] = place
        elif path[:depth] in at:
            moved[(*at[path[:depth]], *path[depth:])] = place
    return moved


LATER = "what is made before it"  # stands for the set and the model that do not exist yet


def config_of(arm: ArmKeys, stage: str, file: str, seed: int = 0) -> TrainConfig:
    """Read, change and check the config of one of an arm's stages; raise RecipeError with what is wrong.

    The first stage starts from the model of its config, or from the arm's `model`, the others each from the model
    before them. In a config of several stages the block of this one is meant. `file` is the ablation's.
    """
    keys, first = arm.train[stage], stage == next(iter(arm.train))
    data, places = read(keys.config if isinstance(keys.config, dict) else beside(file, keys.config))
    inner = isinstance(data.get(stage), dict)
    changed = copy.deepcopy(data[stage] if inner else data)
    try:
        assign_all(changed, keys.set)
    except ValueError as error:
        raise ChangeError(places.file, [(("set",), str(error))]) from None
    model = arm.model if first else LATER
    changed |= {"seed": seed, "data": LATER, **({"model": model} if model else {})}
    refuse_secrets(changed, places, (stage,) if inner else ())
    # A config that stands in the ablation itself has no file of its own.
    return resolve(stage, changed, places if places.lines else Places(file), (stage,) if inner else ())


# Draws of one seed lie this far apart, further than any ablation has seeds.
_APART = 1_000_003


def recipe_of(keys: SetKeys, file: str, seed: int = 0) -> Recipe:
    """Read, change and check a set's recipe; raise RecipeError with all that is wrong.

    `file` is the ablation's. Keys are set first, then sources are chosen, then steps are left out, replaced and added:
    `set` counts steps as they stand in the recipe.
    """
    data, places = _written(keys, file)
    wrong: Wrong = []
    try:
        assign_all(data, keys.set)
    except ValueError as error:
        wrong.append((("set",), str(error)))
    if keys.sources is not None:
        data = _only(data, keys.sources, wrong)
    data, origins = change_steps(data, places, keys, wrong)
    if wrong:
        raise ChangeError(places.file, wrong)
    try:
        return parse({**data, "seed": drawn(keys, seed)}, places)
    except RecipeError as error:
        raise _in_changes(error, origins) from None


def _in_changes(error: RecipeError, origins: Mapping[KeyPath, KeyPath]) -> ChangeError:
    """Say what is wrong in a new step where the ablation has it, not where it came to stand in the recipe."""
    wrong: Wrong = []
    rest = []
    for problem in error.problems:
        at = next((n for n in range(len(problem.path) + 1) if problem.path[:n] in origins), None)
        if at is None:
            rest.append(problem)
        else:
            wrong.append(((*origins[problem.path[:at]], *problem.path[at:]), problem.message))
    return ChangeError(error.file, wrong, rest)


def drawn(keys: SetKeys, seed: int) -> int:
    """Give the recipe's seed for a seed of the ablation: each draw has its own."""
    return seed + _APART * keys.draw


def _written(keys: SetKeys, file: str) -> tuple[dict[str, Any], Places]:
    if isinstance(keys.recipe, dict):
        return {"name": "set", **copy.deepcopy(keys.recipe)}, Places(file)
    data, places = read_recipe(Path(beside(file, keys.recipe)))
    return copy.deepcopy(data), places


def _only(data: dict[str, Any], names: list[str], wrong: Wrong) -> dict[str, Any]:
    sources = dict(items(data.get("sources")))
    for i, name in enumerate(names):
        if name not in sources:
            wrong.append((("sources", i), f"the recipe has no source '{name}'; {did_you_mean(name, list(sources))}"))
    return {**data, "sources": {name: source for name, source in sources.items() if name in names}}
