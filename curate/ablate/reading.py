"""An ablation from its file: arms settled, judges made, everything checked before anything runs."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curate.ablate.arms import ChangeError, ablation_file, assign, config_of, lay, recipe_of
from curate.ablate.factors import Cell, Factor, cells, compared, factors_of
from curate.ablate.keys import AblationKeys, ArmKeys, Wrong, arm_keys, block
from curate.errors import did_you_mean
from curate.models.judges.judge import Judge
from curate.recipe.load import Reading
from curate.recipe.places import KeyPath, Places, Problem, RecipeError, read_yaml, refuse_secrets
from curate.recipe.plan import Recipe

_CURVE = "sizes are a factor now: write `factors: {choice: {the arms}, size: [500, 1000]}` for `arms` and `curve`"
_SHARED = ("sets", "train", "model", "answer", "choose")


@dataclass(frozen=True)
class Arm:
    """One arm, checked: its level of each factor, its keys, and the recipes of its sets."""

    name: str
    levels: dict[str, str]
    keys: ArmKeys
    recipes: dict[str, Recipe] = field(repr=False)  # with seed 0, but for `draw`

    @property
    def rows(self) -> int | None:
        """Say how many rows are asked for of the set that it is about."""
        return self.recipes[self.keys.main].size if self.keys.main else None


@dataclass(frozen=True)
class Ablation:
    """A checked ablation; `compare` names the factors of its question, `data` is what was written, all applied."""

    keys: AblationKeys
    factors: tuple[Factor, ...]
    compare: tuple[str, ...]
    arms: tuple[Arm, ...]
    judge: Judge
    data: dict[str, Any] = field(repr=False)
    file: str


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
    if "curve" in data:
        raise RecipeError(places.file, [places.problem(("curve",), _CURVE)])
    checking = _Checking(places)
    wrong: Wrong = []
    keys = block(AblationKeys, data, (), wrong)
    checking.add(wrong)
    arms: tuple[Arm, ...] = ()
    factors: list[Factor] = []
    compare: tuple[str, ...] = ()
    if keys is not None:
        wrong = []
        factors = factors_of(keys, wrong)
        compare = compared(factors, keys, wrong) if factors else ()
        checking.add(wrong)
        shared = {name: data[name] for name in _SHARED if data.get(name) is not None}
        arms = checking.arms(shared, factors)
    judge = checking.judge(data)
    if checking.problems or keys is None or judge is None:
        raise RecipeError(places.file, list(dict.fromkeys(checking.problems)))
    return Ablation(keys, tuple(factors), compare, arms, judge, data, places.file)


def judge_of(data: Mapping[str, Any], file: str) -> Judge:
    """Make the judge of an ablation that was checked before."""
    checking = _Checking(Places(file))
    judge = checking.judge(dict(data))
    if judge is None:
        raise RecipeError(file, checking.problems)
    return judge


class _Checking:
    """One look at an ablation: collects problems instead of stopping at the first."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.problems: list[Problem] = []

    def add(self, wrong: Wrong, owners: Sequence[KeyPath] = ()) -> None:
        """Note what is wrong: where one of its `owners`, the levels of an arm, says it, else where all arms do."""
        for path, message in wrong:
            depths = [self._depth((*owner, *path)) - len(owner) for owner in owners]
            deepest = max(depths, default=0)
            own = deepest > 0 and deepest >= self._depth(path)
            at = (*owners[depths.index(deepest)], *path) if own else path
            self.problems.append(Problem(at, message, self.places.line(at), self.places.other_file(at)))

    def _depth(self, path: KeyPath) -> int:
        return max(n for n in range(len(path) + 1) if n == 0 or path[:n] in self.places.lines)

    def arms(self, shared: dict[str, Any], factors: Sequence[Factor]) -> tuple[Arm, ...]:
        """Settle and check the arms: each is what its levels change, laid over what all share."""
        arms = []
        for cell in cells(factors) if factors else ():
            settled = shared
            for changes in cell.changes:
                settled = lay(settled, copy.deepcopy(changes) if isinstance(changes, dict) else {})
            arms.append(self.arm(cell, settled))
        return tuple(arm for arm in arms if arm is not None)

    def arm(self, cell: Cell, settled: dict[str, Any]) -> Arm | None:
        """Check one arm, its recipes and its configs; None where something is wrong."""
        before = len(self.problems)
        wrong: Wrong = []
        keys = arm_keys(settled, wrong)
        self.add(wrong, cell.paths)
        if cell.size is not None and not wrong:
            if keys.main is None:
                self.add([(cell.paths[0], f"'{cell.name}' trains on no set, so it has no sizes")])
                return None
            keys = keys.of_size(cell.size)
        recipes = {}
        for label, one in keys.sets.items():
            with self._other_file(cell, ("sets", label)):
                recipes[label] = recipe_of(one, self.places.file)
        for stage in keys.train if not any(path[:1] == ("train",) for path, _ in wrong) else ():
            with self._other_file(cell, ("train", stage)):
                config_of(keys, stage, self.places.file)
        return Arm(cell.name, cell.levels, keys, recipes) if len(self.problems) == before else None

    @contextmanager
    def _other_file(self, cell: Cell, path: KeyPath) -> Iterator[None]:
        """Take over what is wrong in a file that the arm names, or with its changes to it."""
        try:
            yield
        except RecipeError as error:
            rest = error.problems
            if isinstance(error, ChangeError):
                self.add([((*path, *inner), message) for inner, message in error.wrong], cell.paths)
                rest = error.rest
            other = "" if error.file == self.places.file else error.file
            self.problems += [Problem(p.path, p.message, p.line, p.file or other) for p in rest]

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
