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
    """Tell what is wrong with the changes to a recipe or a config: `wrong`, by places in the block that has them."""

    def __init__(self, file: str, wrong: Wrong) -> None:
        self.wrong = wrong
        super().__init__(file, [Problem(path, message) for path, message in wrong])


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


def skip(data: dict[str, Any], places: Places, skipped: Iterable[str]) -> dict[str, Any]:
    """Leave steps out, by label; return the recipe without them, `places` going with it.

    `all` leaves out every step that keeps, drops, selects or scores rows, and the `sample` blocks: what is left is a
    random draw. Edits and made answers stay, since without them there is no text, and so do the checks for
    contamination. Raise LookupError for a label that no step has.
    """
    by_path = labels(data)
    if skipped == ALL:
        return _remove(data, places, {at for at, label in by_path.items() if label == SAMPLE or _chooses(data, at)})
    for label in skipped:
        if label not in by_path.values():
            known = sorted(set(by_path.values()))
            raise LookupError(f"no step has the label '{label}'; {did_you_mean(label, known)}")
    return _remove(data, places, {at for at, label in by_path.items() if label in set(skipped)})


def _chooses(data: dict[str, Any], path: KeyPath) -> bool:
    step: Any = data
    for part in path:
        step = step[part]
    verb = next(key for key in step if key != AS)
    body = step[verb]
    return verb in _CHOOSE and (next(iter(body)) if isinstance(body, dict) else body) not in _STAYS


def _remove(data: dict[str, Any], places: Places, paths: set[KeyPath]) -> dict[str, Any]:
    """Build the recipe anew where something goes: lists may be shared by an anchor."""
    data = {**data, "sources": {n: dict(s) if isinstance(s, dict) else s for n, s in items(data.get("sources"))}}
    for path in paths:
        if path[-1] == SAMPLE:
            del data["sources"][path[1]][SAMPLE]
    for where in {path[:-1] for path in paths if path[-1] != SAMPLE}:
        holder = data["sources"][where[1]] if len(where) > 1 else data
        stays = [i for i in range(len(holder["steps"])) if (*where, i) not in paths]
        # A step keeps the line on which it stands, though its number is another one now.
        places.lines, places.files = _moved(places.lines, where, stays), _moved(places.files, where, stays)
        holder["steps"] = [holder["steps"][i] for i in stays]
    return data


def _moved(by_path: dict[KeyPath, _T], where: KeyPath, stays: list[int]) -> dict[KeyPath, _T]:
    new, depth = {old: i for i, old in enumerate(stays)}, len(where)
    moved = {}
    for path, place in by_path.items():
        if path[:depth] != where or len(path) == depth:
            moved[path] = place
        elif path[depth] in new:
            moved[(*where, new[int(path[depth])], *path[depth + 1 :])] = place
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
    data, places = read_recipe(Path(beside(file, keys.recipe)))
    return copy.deepcopy(data), places


def _only(data: dict[str, Any], names: list[str], wrong: Wrong) -> dict[str, Any]:
    sources = dict(items(data.get("sources")))
    for i, name in enumerate(names):
        if name not in sources:
            wrong.append((("sources", i), f"the recipe has no source '{name}'; {did_you_mean(name, list(sources))}"))
    return {**data, "sources": {name: source for name, source in sources.items() if name in names}}
