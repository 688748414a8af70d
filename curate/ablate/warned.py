"""What to mind of an ablation before it costs anything: said with its plan, and kept with its results."""

from __future__ import annotations

import math
from collections.abc import Iterator

from curate.ablate.plan import Plan

_SEEDS = 3  # our own least: with two, the spread between trainings is all but unknown


def warnings(plan: Plan) -> list[str]:
    """List what is seen in a plan: few seeds, no random arm, unequal sizes or steps, a judge that grades itself."""
    return [*_seeds(plan), *_random(plan), *_unequal(plan), *_itself(plan)]


def noise(seeds: int) -> float | None:
    """Say below how many standard deviations between seeds a difference of two arms is noise; None for one seed.

    The two-sample t test with equal spread: t(.975, 2n - 2) * sqrt(2 / n) for n seeds an arm.

    >>> round(noise(2), 1), round(noise(3), 1), round(noise(5), 1)
    (4.3, 2.3, 1.5)
    """
    if seeds < 2:
        return None
    from scipy.stats import t

    return float(t.ppf(0.975, 2 * seeds - 2)) * math.sqrt(2 / seeds)


def _seeds(plan: Plan) -> Iterator[str]:
    n = len(plan.ablation.keys.seeds)
    if n >= _SEEDS:
        return
    least = noise(n)
    if least is None:
        yield "one seed: how much another training would change is not known, so no difference is shown to be real"
    else:
        yield (
            f"{n} seeds: a difference of two arms below {least:.1f} times the spread of grades between trainings is "
            f"noise; with three seeds it would be {noise(3):.1f} times, with five {noise(5):.1f}"
        )


def _random(plan: Plan) -> Iterator[str]:
    if plan.ablation.keys.random is None:
        yield "no arm is a random draw of the same size (`random:` names it): what choosing is worth cannot be told"


def _unequal(plan: Plan) -> Iterator[str]:
    """Compare arms' rows and steps; those of a curve differ by intent, but for its own arm."""
    jobs = [job for job in plan.jobs if job.train and job.arm.curve in (None, job.arm.name)]
    rows = {job.arm.name: job.rows for job in jobs if job.rows is not None}
    if len(set(rows.values())) > 1:
        said = ", ".join(f"{name} {n:,}" for name, n in rows.items())
        yield f"the sets are not of one size ({said}): size and choice are one in what comes out"
    by_stage: dict[str, dict[str, int]] = {}
    for job in jobs:
        for stage, steps in job.steps.items():
            if steps is not None:
                by_stage.setdefault(stage, {})[job.arm.name] = steps
    for stage, steps_of in by_stage.items():
        if len(set(steps_of.values())) > 1:
            said = ", ".join(f"{name} {n:,}" for name, n in steps_of.items())
            yield f"the arms are not trained for the same number of steps ({stage}: {said})"


def _itself(plan: Plan) -> Iterator[str]:
    both = sorted(judge_models(plan) & generator_models(plan))
    if both:
        yield f"judge and generator are one model ({', '.join(both)}): models like what they wrote themselves"


def judge_models(plan: Plan) -> set[str]:
    """Name the models that the judge asks."""
    return {asked.settings.model for asked in plan.ablation.judge.generators}


def generator_models(plan: Plan) -> set[str]:
    """Name the models that the arms' recipes ask to write rows."""
    recipes = [recipe for arm in plan.ablation.arms for recipe in arm.recipes.values()]
    return {made.settings.model for recipe in recipes for made in recipe.generators.values()}
