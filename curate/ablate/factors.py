"""What an ablation varies: its factors, the levels of each, and the arms that are their products."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from curate.ablate.keys import AblationKeys, Wrong
from curate.errors import did_you_mean
from curate.recipe.places import KeyPath

ARM = "arm"  # the one factor of an ablation that lists its arms


@dataclass(frozen=True)
class Factor:
    """One thing that is varied: what each of its levels changes, or the numbers of rows that it stands for."""

    name: str
    levels: dict[str, Any]
    path: KeyPath  # where they stand in the file
    sizes: bool = False
    against: str = ""  # the level that the others are compared with


@dataclass(frozen=True)
class Cell:
    """One level of each factor: what makes an arm."""

    levels: dict[str, str]  # by factor
    changes: tuple[Any, ...]
    size: int | None
    paths: tuple[KeyPath, ...]  # where its changes stand in the file

    @property
    def name(self) -> str:
        """Name the arm by its levels."""
        return name_of(self.levels)


def name_of(levels: Mapping[str, str], without: str | None = None) -> str:
    """Name an arm by its levels, or its line by all of them but the size.

    >>> name_of({"choice": "random", "size": "500"}), name_of({"choice": "random", "size": "500"}, without="size")
    ('random@500', 'random')
    """
    return "@".join(level for factor, level in levels.items() if factor != without) or str(without)


def factors_of(keys: AblationKeys, wrong: Wrong) -> list[Factor]:
    """Read the factors of an ablation: those that it names, or the one of its arms; add to `wrong` what is wrong."""
    if bool(keys.arms) == bool(keys.factors):
        text = "say what is compared: `arms`, each with what it changes, or `factors`, whose levels make the arms"
        wrong.append(((), text + (", not both" if keys.arms else "")))
        return []
    if keys.arms:
        factors = [_factor(ARM, keys.arms, ("arms",), wrong)]
    else:
        factors = [_factor(name, levels, ("factors", name), wrong) for name, levels in keys.factors.items()]
    several = [factor for factor in factors if factor.sizes][1:]
    wrong += [(factor.path, "only one factor can be sizes") for factor in several]
    _names(factors, keys, wrong)
    return [_with_control(factor, keys, wrong) for factor in factors]


def _factor(name: str, levels: Any, path: KeyPath, wrong: Wrong) -> Factor:
    if isinstance(levels, list) and levels and all(type(size) is int and size > 0 for size in levels):
        wrong += [(path, f"{size} stands twice") for size, times in Counter(levels).items() if times > 1]
        return Factor(name, {str(size): size for size in sorted(set(levels))}, path, sizes=True)
    if not isinstance(levels, dict) or not levels:
        wrong.append((path, "a factor has levels, each with what it changes, or is a list of sizes: [500, 1000]"))
        return Factor(name, {}, path)
    kind = "an arm" if name == ARM else "a level"
    for level, changes in levels.items():
        if changes is not None and not isinstance(changes, dict):
            wrong.append(((*path, level), f"{kind} is what it changes, a mapping; {{}} for nothing"))
    return Factor(name, levels, path)


def _names(factors: Sequence[Factor], keys: AblationKeys, wrong: Wrong) -> None:
    """Check that each level has a name of its own, and that the names of levels lead to one."""
    owner: dict[str, str] = {}
    for factor, level in [(each, level) for each in factors for level in each.levels]:
        if level in owner:
            text = f"'{level}' is a level of '{owner[level]}', too: call one of them something else"
            wrong.append(((*factor.path, level), text))
        owner[level] = factor.name
    kind = "arm" if keys.arms else "level"
    for key, names in (("against", _against(keys)), ("random", [] if keys.random is None else [str(keys.random)])):
        for name in (name for name in names if name not in owner):
            wrong.append(((key,), f"there is no {kind} '{name}'; {did_you_mean(name, owner)}"))


def _against(keys: AblationKeys) -> list[str]:
    return [str(name) for name in (keys.against if isinstance(keys.against, list) else [keys.against])]


def _with_control(factor: Factor, keys: AblationKeys, wrong: Wrong) -> Factor:
    """Find the level that the others are compared with: as written, else the random draw, else the first."""
    own = [level for level in _against(keys) if level in factor.levels]
    if len(own) > 1:
        wrong.append((("against",), f"'{own[0]}' and '{own[1]}' are both levels of '{factor.name}': name one of them"))
    random = [level for level in factor.levels if level == str(keys.random)]
    return replace(factor, against=[*own, *random, *factor.levels, ""][0])


def compared(factors: Sequence[Factor], keys: AblationKeys, wrong: Wrong) -> tuple[str, ...]:
    """Name the factors that the question is about: those of `compare`, else all."""
    known = [factor.name for factor in factors]
    names = [keys.compare] if isinstance(keys.compare, str) else keys.compare
    for name in names:
        if name not in known:
            wrong.append((("compare",), f"there is no factor '{name}'; {did_you_mean(name, known)}"))
    return tuple(dict.fromkeys(name for name in names or known if name in known))


def cells(factors: Sequence[Factor]) -> Iterator[Cell]:
    """Make the product of all levels."""
    for levels in product(*(factor.levels for factor in factors)):
        chosen = list(zip(factors, levels, strict=True))
        yield Cell(
            {factor.name: level for factor, level in chosen},
            tuple(factor.levels[level] for factor, level in chosen if not factor.sizes),
            next((factor.levels[level] for factor, level in chosen if factor.sizes), None),
            tuple(factor.path if factor.sizes else (*factor.path, level) for factor, level in chosen),
        )
