"""Which arms are compared: the levels of one factor with each other, all else equal; and which are not, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from curate.ablate.factors import ARM, name_of

if TYPE_CHECKING:
    from curate.ablate.reading import Ablation, Arm


class Contrast(NamedTuple):
    """Two arms that differ in one factor alone: one at a level of it, the other at the level it is compared with."""

    factor: str
    arm: str
    against: str


class Uncompared(NamedTuple):
    """What is not compared, and why: two arms, or, without these, the levels of a factor."""

    factor: str
    arm: str | None
    against: str | None
    why: str


def contrasts(ablation: Ablation) -> tuple[list[Contrast], list[Uncompared]]:
    """List the comparisons that answer the question, factor by factor: the family that Holm's correction runs over.

    Two arms whose sets differ in their size are compared only where nothing else of these sets differs: else the size
    and the choice would be one.
    """
    by_name = {arm.name: arm for arm in ablation.arms}
    made: list[Contrast] = []
    uncompared: list[Uncompared] = []
    factors = {factor.name: factor for factor in ablation.factors}
    for factor in (factors[name] for name in ablation.compare):
        for arm in ablation.arms:
            other = by_name[name_of({**arm.levels, factor.name: factor.against})]
            if other is arm:
                continue
            why = _unlike(arm, other, factor.name)
            if why is None:
                made.append(Contrast(factor.name, arm.name, other.name))
            else:
                uncompared.append(Uncompared(factor.name, arm.name, other.name, why))
    why = f"the question is about {' and '.join(ablation.compare)}"
    others = [name for name in factors if name not in ablation.compare and len(factors[name].levels) > 1]
    uncompared += [Uncompared(name, None, None, why) for name in others]
    return made, uncompared


def _unlike(arm: Arm, other: Arm, factor: str) -> str | None:
    """Say why two arms are not alike enough to be compared; None where they are."""
    if arm.rows is None or other.rows is None or arm.rows == other.rows or _data(arm) == _data(other):
        return None
    how = "; with the sizes as a factor each has its control" if factor == ARM else ""
    return f"it has {arm.rows:,} rows and {other.name} {other.rows:,}, and more than their size differs{how}"


def _data(arm: Arm) -> Any:
    """Give all that an arm's sets are made of, but for the size of the one that the arm is about."""
    return {
        name: {key: value for key, value in recipe.raw.items() if (name, key) != (arm.keys.main, "size")}
        for name, recipe in arm.recipes.items()
    }


def curves(ablation: Ablation) -> dict[str, str]:
    """Name the curve that an arm is a point of, where it is: arms that differ in nothing but their size."""
    sized = next((factor.name for factor in ablation.factors if factor.sizes), None)
    lines: list[list[Arm]] = []
    for arm in (arm for arm in _controls_first(ablation) if arm.rows is not None):
        line = next((line for line in lines if _point(line[0]) == _point(arm)), None)
        if line is None:
            lines.append([arm])
        elif arm.rows not in {point.rows for point in line}:
            line.append(arm)
    return {arm.name: name_of(line[0].levels, sized) for line in lines if len(line) > 1 for arm in line}


def _controls_first(ablation: Ablation) -> list[Arm]:
    """Sort the arms so that a curve of hand-written arms has the name of its control."""
    against = {factor.against for factor in ablation.factors}
    return sorted(ablation.arms, key=lambda arm: not against & set(arm.levels.values()))


def _point(arm: Arm) -> Any:
    return _data(arm), arm.keys.train, arm.keys.model, arm.keys.answer, arm.keys.choose


def random_curve(ablation: Ablation, arm: Arm, by_arm: dict[str, str]) -> str | None:
    """Name the curve of random draws that an arm's worth in rows is read off: it differs in the draw alone."""
    random = str(ablation.keys.random)
    factor = next((factor.name for factor in ablation.factors if random in factor.levels), None)
    if factor is None or arm.levels[factor] == random:
        return None
    sized = next((factor.name for factor in ablation.factors if factor.sizes), None)
    name = name_of({**arm.levels, factor: random}, sized)
    return name if name in by_arm.values() else None


def design(ablation: Ablation) -> dict[str, Any]:
    """Say what is varied and what is compared; `x` is the size that is asked for of an arm's set."""
    made, uncompared = contrasts(ablation)
    points = curves(ablation)
    return {
        "factors": {factor.name: list(factor.levels) for factor in ablation.factors},
        "against": {factor.name: factor.against for factor in ablation.factors},
        "random": None if ablation.keys.random is None else str(ablation.keys.random),
        "compare": list(ablation.compare),
        "contrasts": [one._asdict() for one in made],
        "uncompared": [one._asdict() for one in uncompared],
        "arms": [
            {
                "arm": arm.name,
                "levels": arm.levels,
                "x": arm.rows,
                "curve": points.get(arm.name),
                "random_curve": random_curve(ablation, arm, points),
            }
            for arm in ablation.arms
        ],
    }
