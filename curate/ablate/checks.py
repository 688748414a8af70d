"""What to mind of an ablation before it costs anything: said with its plan, and kept with its results."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from curate.ablate.node import FOLDERS, content
from curate.ablate.plan import Plan
from curate.filters.words import benchmarks

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


# As in `contaminated`, which says where they come from.
_RUN, _SHARE = 13, 0.5


def overlap(rows: pl.DataFrame, prompts: pl.DataFrame) -> list[dict[str, str]]:
    """Find the prompts (`id`, `prompt`) that rows of a set share too many words with, as `contaminated` does.

    Returns for each such row the prompt's `id`, `how` (the `same` text or `near` it), and the row's own id, `of`.

    >>> asked = pl.DataFrame({"id": ["t"], "prompt": ["How do I keep basil alive on a dark window sill?"]})
    >>> overlap(pl.DataFrame({"id": ["r"], "prompt": ["How do I keep basil alive on a dark window?"]}), asked)
    [{'id': 't', 'how': 'near', 'of': 'r'}]
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "prompts.jsonl"
        prompts.select("prompt").write_ndjson(file)
        known = benchmarks.index(benchmarks.find([str(file)]), _RUN, _SHARE)
    found = benchmarks.hits(rows["prompt"], known, _RUN, _SHARE).select("row", "prompt").rows()
    pairs = [
        (prompts["id"][test], prompts["prompt"][test], rows["id"][row], rows["prompt"][row]) for row, test in found
    ]
    return [
        {"id": test, "how": "same" if _plain(asked) == _plain(said) else "near", "of": row}
        for test, asked, row, said in pairs
    ]


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def overlaps(plan: Plan, out: Path) -> dict[str, list[dict[str, Any]]]:
    """Find them for every arm, in all sets that are there; arms without any are left out."""
    found: dict[str, list[dict[str, Any]]] = {}
    known: dict[tuple[str, str], list[dict[str, str]]] = {}
    for job in plan.jobs:
        prompts = _asked(plan.nodes[job.answers].given)
        for key in job.sets.values():
            if (key, job.answers) not in known and content(out, plan.nodes, key) is not None:
                rows = pl.read_parquet(out / FOLDERS["set"] / key / "train.parquet", columns=["id", "prompt"])
                known[key, job.answers] = overlap(rows, prompts)
            pairs = known.get((key, job.answers), [])
            found.setdefault(job.arm.name, []).extend(p for p in pairs if p not in found.get(job.arm.name, []))
    return {arm: pairs for arm, pairs in found.items() if pairs}


def _asked(given: dict[str, Any]) -> pl.DataFrame:
    """List all that a user says to the models."""
    said = [(row["id"], row["prompt"]) for row in given["prompts"]]
    said += [(talk["id"], turn) for talk in given["dialogues"] for turn in talk["turns"]]
    return pl.DataFrame(said, schema=["id", "prompt"], orient="row")


def leaks(found: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Say which arms have seen test prompts.

    >>> leaks({"plain": [{"id": "t", "how": "near", "of": "r"}]})
    ['test prompts leak: the set of plain has 1 of them, the same or nearly, such as t in its row r']
    """
    return [
        f"test prompts leak: the set of {arm} has {len({p['id'] for p in pairs})} of them, the same or nearly, such as "
        f"{pairs[0]['id'][:12]} in its row {pairs[0]['of'][:12]}"
        for arm, pairs in found.items()
    ]
