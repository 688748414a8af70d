"""What to mind of an ablation before it costs anything: said with its plan, and kept with its results."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from curate.ablate.contrasts import contrasts
from curate.ablate.node import FOLDERS, content
from curate.evaluate.statistics.means import quantile
from curate.filters.words import benchmarks

if TYPE_CHECKING:
    from curate.ablate.plan import Plan

_SEEDS = 3  # our own least: with two, the spread between trainings is all but unknown


def warnings(plan: Plan) -> list[str]:
    """List what is seen in a plan: few seeds, no random arm, what cannot be compared, a judge that grades itself."""
    return [*_seeds(plan), *_random(plan), *_unlike(plan), *_itself(plan)]


def noise(seeds: int) -> float | None:
    """Say below how many standard deviations between seeds a difference of two arms is noise; None for one seed.

    The two-sample t test with equal spread: t(.975, 2n - 2) * sqrt(2 / n) for n seeds an arm.

    >>> round(noise(2), 1), round(noise(3), 1), round(noise(5), 1)
    (4.3, 2.3, 1.5)
    """
    if seeds < 2:
        return None
    return float(quantile(2 * seeds - 2)) * math.sqrt(2 / seeds)


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


def _unlike(plan: Plan) -> Iterator[str]:
    """Say which arms are not compared since more than one thing differs, and which differ in their steps."""
    made, uncompared = contrasts(plan.ablation)
    for one in uncompared:
        if one.arm is not None:
            yield f"{one.arm} is not compared with {one.against}: {one.why}"
    jobs = {job.arm.name: job for job in plan.jobs}
    for pair in made:
        arm, other = jobs[pair.arm], jobs[pair.against]
        if arm.rows != other.rows:
            continue  # the sizes are what is compared
        for stage in (stage for stage in arm.steps if arm.steps[stage] and other.steps.get(stage)):
            counts = f"{stage}: {arm.steps[stage]:,}, {other.steps[stage]:,}"
            if arm.steps[stage] != other.steps[stage]:
                yield f"{pair.arm} and {pair.against} are not trained for the same number of steps ({counts})"


def _itself(plan: Plan) -> Iterator[str]:
    both = sorted(judge_models(plan) & generator_models(plan))
    if both:
        yield f"judge and generator are one model ({', '.join(both)}): models like what they wrote themselves"


def judge_models(plan: Plan) -> set[str]:
    """Name the models that the judge asks."""
    return {generator.settings.model for generator in plan.ablation.judge.generators}


def generator_models(plan: Plan) -> set[str]:
    """Name the models that the arms' recipes ask to write rows."""
    recipes = [recipe for arm in plan.ablation.arms for recipe in arm.recipes.values()]
    return {generator.settings.model for recipe in recipes for generator in recipe.generators.values()}


# As in `contaminated`, which says where they come from.
_RUN, _SHARE = 13, 0.5


def overlap(rows: pl.DataFrame, prompts: pl.DataFrame) -> list[dict[str, str]]:
    """Find the prompts (`id`, `prompt`) that rows of a set share too many words with, as `contaminated` does.

    Returns for each such row the prompt's `id`, `how` (the `same` text or `near` it), and the row's own id, `of`.

    >>> tests = pl.DataFrame({"id": ["t"], "prompt": ["How do I keep basil alive on a dark window sill?"]})
    >>> overlap(pl.DataFrame({"id": ["r"], "prompt": ["How do I keep basil alive on a dark window?"]}), tests)
    [{'id': 't', 'how': 'near', 'of': 'r'}]
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "prompts.jsonl"
        prompts.select("prompt").write_ndjson(file)
        index = benchmarks.index(benchmarks.find([str(file)]), _RUN, _SHARE)
    hits = benchmarks.hits(rows["prompt"], index, _RUN, _SHARE).select("row", "prompt").rows()
    return [
        {
            "id": prompts["id"][test],
            "how": "same" if _plain(prompts["prompt"][test]) == _plain(rows["prompt"][row]) else "near",
            "of": rows["id"][row],
        }
        for row, test in hits
    ]


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def overlaps(plan: Plan, out: Path) -> dict[str, list[dict[str, Any]]]:
    """Find them for every arm, in all sets that are there; arms without any are left out."""
    by_arm: dict[str, list[dict[str, Any]]] = {}
    by_set: dict[tuple[str, str], list[dict[str, str]]] = {}
    for job in plan.jobs:
        for key in job.sets.values():
            if (key, job.answers) not in by_set and content(out, plan.nodes, key) is not None:
                rows = pl.read_parquet(out / FOLDERS["set"] / key / "train.parquet", columns=["id", "prompt"])
                by_set[key, job.answers] = overlap(rows, _prompts(plan.nodes[job.answers].params))
            pairs = by_arm.setdefault(job.arm.name, [])
            pairs += [pair for pair in by_set.get((key, job.answers), []) if pair not in pairs]
    return {arm: pairs for arm, pairs in by_arm.items() if pairs}


def _prompts(params: dict[str, Any]) -> pl.DataFrame:
    """List all that a user says to the models."""
    prompts = [(row["id"], row["prompt"]) for row in params["prompts"]]
    prompts += [(dialogue["id"], turn) for dialogue in params["dialogues"] for turn in dialogue["turns"]]
    return pl.DataFrame(prompts, schema=["id", "prompt"], orient="row")


def leaks(overlaps: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Say which arms have seen test prompts.

    >>> leaks({"plain": [{"id": "t", "how": "near", "of": "r"}]})
    ['test prompts leak: the set of plain has 1 of them, the same or nearly, such as t in its row r']
    """
    return [
        f"test prompts leak: the set of {arm} has {len({p['id'] for p in pairs})} of them, the same or nearly, such as "
        f"{pairs[0]['id'][:12]} in its row {pairs[0]['of'][:12]}"
        for arm, pairs in overlaps.items()
    ]
