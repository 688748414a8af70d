"""An ablation from its file: arms settled, judges made, everything checked before anything runs."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from curate.ablate.arms import ChangeError, ablation_file, assign, config_of, lay, recipe_of
from curate.ablate.keys import AblationKeys, ArmKeys, CurveKeys, Wrong, arm_keys, block
from curate.errors import did_you_mean
from curate.models.judges.judge import Judge
from curate.recipe.load import Reading
from curate.recipe.places import KeyPath, Places, Problem, RecipeError, read_yaml, refuse_secrets
from curate.recipe.plan import Recipe

_SHARED = ("sets", "train", "model", "answer", "choose")


@dataclass(frozen=True)
class Arm:
    """One arm, checked: its keys, the recipes of its sets, and where it is part of a curve, the curve's name."""

    name: str
    keys: ArmKeys
    recipes: dict[str, Recipe] = field(repr=False)  # with seed 0, but for `draw`
    curve: str | None = None

    @property
    def main(self) -> str | None:
        """Name the set that the arm is about: the one its first stage reads."""
        first = next(iter(self.keys.train.values()), None)
        return (first.data or next(iter(self.keys.sets))) if first else None

    @property
    def x(self) -> int | None:
        """Say where on its curve it stands, in rows."""
        return self.recipes[self.main].size if self.curve and self.main else None


@dataclass(frozen=True)
class Ablation:
    """A checked ablation; `data` is what was written, profile and `--set` applied."""

    keys: AblationKeys
    arms: tuple[Arm, ...]
    judge: Judge
    data: dict[str, Any] = field(repr=False)
    file: str

    @property
    def against(self) -> str:
        """Name the arm that the others are compared with: as written, else the random arm, else the first."""
        return self.keys.against or self.keys.random or self.arms[0].name


def load(file: Path, sets: Iterable[str] = (), *, small: bool = False) -> Ablation:
    """Read and check an ablation with all recipes and configs of its arms; raise RecipeError with all that is wrong.

    `sets` are KEY=VALUE changes to it; with `small`, what stands under `small` is laid over all of it first.
    """
    data, places = read_yaml(ablation_file(file))
    if small:
        data, places = _small(data, places)
    for assignment in sets:
        try:
            assign(data, assignment)
        except ValueError as error:
            raise RecipeError(places.file, [Problem((), str(error))]) from None
    return check(data, places)


def _small(data: dict[str, Any], places: Places) -> tuple[dict[str, Any], Places]:
    if not isinstance(data.get("small"), dict):
        raise RecipeError(places.file, [Problem((), "it has no `small:`, which --small would lay over it")])
    moved = {path[1:]: line for path, line in places.lines.items() if path[:1] == ("small",)}
    below = {k: v for k, v in data.items() if k != "small"}
    return lay(below, data["small"]), Places(places.file, {**places.lines, **moved})


def check(data: dict[str, Any], places: Places) -> Ablation:
    """Check an ablation given as data; raise RecipeError with all that is wrong, each thing once."""
    refuse_secrets(data, places)
    checking = _Checking(places)
    wrong: Wrong = []
    keys = block(AblationKeys, data, (), wrong)
    checking.add(wrong)
    arms: tuple[Arm, ...] = ()
    if isinstance(data.get("arms"), dict):
        shared = {name: data[name] for name in _SHARED if data.get(name) is not None}
        arms = checking.arms(shared, data["arms"], _curve(data, checking))
        checking.names(data, [arm.name for arm in arms] or list(data["arms"]))
    judge = checking.judge(data)
    if checking.problems or keys is None or judge is None:
        raise RecipeError(places.file, list(dict.fromkeys(checking.problems)))
    return Ablation(keys, arms, judge, data, places.file)


def judge_of(data: Mapping[str, Any], file: str) -> Judge:
    """Make the judge of an ablation that was checked before."""
    checking = _Checking(Places(file))
    judge = checking.judge(dict(data))
    if judge is None:
        raise RecipeError(file, checking.problems)
    return judge


def _curve(data: dict[str, Any], checking: _Checking) -> CurveKeys | None:
    if data.get("curve") is None:
        return None
    wrong: Wrong = []
    curve = block(CurveKeys, data["curve"], ("curve",), wrong)
    for name in curve.arms if curve else []:
        if name not in data["arms"]:
            wrong.append((("curve", "arm"), f"there is no arm '{name}'; {did_you_mean(name, list(data['arms']))}"))
    checking.add(wrong)
    return None if wrong else curve


class _Checking:
    """One look at an ablation: collects problems instead of stopping at the first."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.problems: list[Problem] = []

    def add(self, wrong: Wrong, arm: str | None = None) -> None:
        """Note what is wrong; in an arm, where the arm says it, else where all arms do."""
        for path, message in wrong:
            at = path
            own = self._depth(("arms", arm, *path)) - 2 if arm is not None else 0
            if own > 0 and own >= self._depth(path):
                at = ("arms", str(arm), *path)
            self.problems.append(Problem(at, message, self.places.line(at), self.places.other_file(at)))

    def _depth(self, path: KeyPath) -> int:
        return max(n for n in range(len(path) + 1) if n == 0 or path[:n] in self.places.lines)

    def arms(self, shared: dict[str, Any], arms: dict[str, Any], curve: CurveKeys | None) -> tuple[Arm, ...]:
        """Settle and check the arms, and those that a curve adds."""
        settled_arms: list[Arm] = []
        for name, changes in arms.items():
            if changes is not None and not isinstance(changes, dict):
                self.add([(("arms", name), "an arm is what it changes, a mapping; {} for nothing")])
                continue
            settled = lay(shared, copy.deepcopy(changes or {}))
            own = self.arm(name, settled)
            if own is None:
                continue
            if curve is None or name not in curve.arms:
                settled_arms.append(own)
            elif own.main is None:
                self.add([(("curve", "arm"), f"'{name}' trains on no set, so it has no sizes")])
            else:
                settled_arms += self._curve(replace(own, curve=name), settled, curve.sizes)
        return tuple(settled_arms)

    def _curve(self, own: Arm, settled: dict[str, Any], sizes: list[int]) -> list[Arm]:
        """Make the arms of a curve; the arm itself is one of its points."""
        points = [own]
        for size in sorted(set(sizes) - {own.x}):
            sized = self.arm(own.name, lay(settled, {"sets": {own.main: {"set": {"size": size}}}}))
            if sized is not None:
                points.append(replace(sized, name=f"{own.name}@{size}", curve=own.name))
        return points

    def arm(self, name: str, settled: dict[str, Any]) -> Arm | None:
        """Check one arm, its recipes and its configs; None where something is wrong."""
        before = len(self.problems)
        wrong: Wrong = []
        keys = arm_keys(settled, wrong)
        self.add(wrong, name)
        recipes = {}
        for label, one in keys.sets.items():
            with self._other_file(name, ("sets", label)):
                recipes[label] = recipe_of(one, self.places.file)
        for stage in keys.train if not any(path[:1] == ("train",) for path, _ in wrong) else ():
            with self._other_file(name, ("train", stage)):
                config_of(keys, stage, self.places.file)
        return Arm(name, keys, recipes) if len(self.problems) == before else None

    @contextmanager
    def _other_file(self, arm: str, path: KeyPath) -> Iterator[None]:
        """Take over what is wrong in a file that the arm names, or with its changes to it."""
        try:
            yield
        except ChangeError as error:
            self.add([((*path, *inner), message) for inner, message in error.wrong], arm)
        except RecipeError as error:
            other = "" if error.file == self.places.file else error.file
            self.problems += [Problem(p.path, p.message, p.line, p.file or other) for p in error.problems]

    def names(self, data: dict[str, Any], arms: list[str]) -> None:
        """Check the keys that name an arm."""
        for key in ("against", "random"):
            if isinstance(data.get(key), str) and data[key] not in arms:
                self.add([((key,), f"there is no arm '{data[key]}'; {did_you_mean(data[key], arms)}")])

    def judge(self, data: dict[str, Any]) -> Judge | None:
        """Make the generators and judges, and find the judge: the one named, or the only one."""
        reading = Reading(self.places, data, {})
        reading.models()
        self.problems += reading.problems
        judges = reading.scope.of(Judge)
        name = data.get("judge")
        if name is None and len(judges) == 1:
            return next(iter(judges.values()))
        if not reading.problems and judges and name not in judges:
            hint = did_you_mean(str(name), list(judges)) if name else f"known: {', '.join(judges)}"
            self.add([(("judge",), f"there is no judge '{name}'; {hint}" if name else f"say which judge; {hint}")])
        return judges.get(str(name))
